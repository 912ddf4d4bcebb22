// SPDX-License-Identifier: Apache-2.0
// sat_row_walk: visits the rows of C's tiles in the order in which the array delivers them: column
// tiles, row tiles, PE rows r, row blocks t2; the row is t2*ROWS + r of the tile. For each it gives
// the address of the row's first element of the tile in one row major tensor. C's rows may be cut
// into segments of rows_i each, with tiles of their own. Rows past the end of a segment are visited
// too, marked skip_o. One row per cycle, valid/ready.
`default_nettype none
`include "sat_assert.vh"

module sat_row_walk #(
  parameter integer ROWS   = 8,
  parameter integer COLS   = 8,
  parameter integer ADDR_W = 40
) (
  input  wire              clk,
  input  wire              rst_n,
  // command, stable from start_i on
  input  wire              start_i,
  input  wire [ADDR_W-1:0] base_i,
  input  wire [23:0]       stride_i,
  input  wire [1:0]        elem_log2_i,   // bytes of an element, log2
  input  wire [23:0]       rows_i,        // of a segment
  input  wire [15:0]       cols_i,
  input  wire [23:0]       row_tiles_i,   // of all segments
  input  wire [15:0]       col_tiles_i,
  input  wire [2:0]        t1_log2_i,
  input  wire [2:0]        t2_log2_i,
  // rows
  output reg               valid_o,
  input  wire              ready_i,
  output wire [ADDR_W-1:0] addr_o,
  output wire [16:0]       cols_o,        // columns of this tile, 1..
  output wire              skip_o,
  output wire              pe_row_last_o, // last row block of this PE row
  output wire              tile_last_o,   // last row of the tile
  output wire              column_last_o  // last row of the column tile
);

  localparam integer ROWS_L = $clog2(ROWS);
  localparam integer COLS_L = $clog2(COLS);

  reg  [23:0]       row_tiles_q;                   // left, this one included
  reg  [15:0]       col_tiles_q;
  reg  [24:0]       rows_left_q;                   // of the segment, from this tile on
  reg  [16:0]       cols_left_q;                   // likewise of the matrix
  reg  [ROWS_L-1:0] r_q;
  reg  [3:0]        t2_q;
  reg  [ADDR_W-1:0] column_addr_q, r_addr_q, addr_q;
  reg  [ADDR_W-1:0] segment_end_q;                 // behind the segment's last row

  wire [4:0]        row_span_log2 = ROWS_L[4:0] + {2'd0, t2_log2_i};
  wire [4:0]        col_span_log2 = COLS_L[4:0] + {2'd0, t1_log2_i};
  wire [24:0]       row_span      = 25'd1 << row_span_log2;
  wire [16:0]       col_span      = 17'd1 << col_span_log2;
  wire [ADDR_W-1:0] stride        = {{ADDR_W-24{1'b0}}, stride_i};
  wire [24:0]       row           = {{21-ROWS_L{1'b0}}, t2_q, r_q};
  wire [ADDR_W-1:0] behind        = addr_q + stride;
  wire [ADDR_W-1:0] next_r        = r_addr_q + stride;
  // The last row of a whole tile is visited last; that of a partial one was noted.
  wire [ADDR_W-1:0] next_tile     = skip_o ? segment_end_q : behind;
  wire [ADDR_W-1:0] next_column   = column_addr_q + ({{ADDR_W-17{1'b0}}, col_span} << elem_log2_i);

  wire t2_last  = {1'b0, t2_q} + 5'd1 == 5'd1 << t2_log2_i;
  wire segment_last = rows_left_q <= row_span;
  wire row_last = row_tiles_q == 24'd1;
  wire col_last = col_tiles_q == 16'd1;
  wire fire     = valid_o && ready_i;

  assign addr_o        = addr_q;
  assign cols_o        = (cols_left_q < col_span) ? cols_left_q : col_span;
  assign skip_o        = row >= rows_left_q;
  assign pe_row_last_o = t2_last;
  assign tile_last_o   = t2_last && (&r_q);
  assign column_last_o = tile_last_o && row_last;

  always @(posedge clk) begin
    if (!rst_n) valid_o <= 1'b0;
    else if (start_i) valid_o <= 1'b1;
    else if (fire && column_last_o && col_last) valid_o <= 1'b0;
  end

  always @(posedge clk) begin
    if (start_i) begin
      row_tiles_q   <= row_tiles_i;
      col_tiles_q   <= col_tiles_i;
      rows_left_q   <= {1'b0, rows_i};
      cols_left_q   <= {1'b0, cols_i};
      r_q           <= {ROWS_L{1'b0}};
      t2_q          <= 4'd0;
      column_addr_q <= base_i;
      r_addr_q      <= base_i;
      addr_q        <= base_i;
    end else if (fire) begin
      t2_q   <= t2_q + 4'd1;
      addr_q <= addr_q + (stride << ROWS_L);
      if (t2_last) begin
        t2_q     <= 4'd0;
        r_q      <= r_q + 1'b1;
        r_addr_q <= next_r;
        addr_q   <= next_r;
      end
      if (row + 25'd1 == rows_left_q) segment_end_q <= behind;
      if (tile_last_o) begin
        row_tiles_q <= row_tiles_q - 24'd1;
        rows_left_q <= segment_last ? {1'b0, rows_i} : rows_left_q - row_span;
        r_addr_q    <= next_tile;
        addr_q      <= next_tile;
      end
      if (column_last_o) begin
        row_tiles_q   <= row_tiles_i;
        rows_left_q   <= {1'b0, rows_i};
        col_tiles_q   <= col_tiles_q - 16'd1;
        cols_left_q   <= cols_left_q - col_span;
        column_addr_q <= next_column;
        r_addr_q      <= next_column;
        addr_q        <= next_column;
      end
    end
  end

  `SAT_STREAM(check_row, rst_n && !start_i, ADDR_W + 21, valid_o, ready_i,
              {addr_o, cols_o, skip_o, pe_row_last_o, tile_last_o, column_last_o})

endmodule

`default_nettype wire
