// SPDX-License-Identifier: Apache-2.0
// sat_row_walk: visits the rows of C's tiles in the order in which the array delivers them: column
// tiles, row tiles, PE rows r, row blocks t2; the row is r*2^t2_log2 + t2 of the tile, with trans_i
// t2*ROWS + r (as the A loader fills the banks). For each it gives the address of the row's first
// element of the tile in one row major tensor. Without trans_i the rows may be those of a phase
// (c_rows_i), scattered over the tensor. Rows past the end are visited too, marked skip_o. One row
// per cycle, valid/ready.
`default_nettype none
`include "sat_assert.vh"
`include "sat_buses.vh"

module sat_row_walk #(
  parameter integer ROWS   = 8,
  parameter integer COLS   = 8,
  parameter integer ADDR_W = 40
) (
  input  wire                        clk,
  input  wire                        rst_n,
  // command, stable from start_i on
  input  wire                        start_i,
  input  wire                        trans_i,
  input  wire [ADDR_W-1:0]           base_i,
  input  wire [23:0]                 stride_i,      // a multiple of 64
  input  wire [1:0]                  elem_log2_i,   // bytes of an element, log2
  input  wire [23:0]                 rows_i,
  input  wire [15:0]                 cols_i,
  input  wire [23:0]                 row_tiles_i,
  input  wire [15:0]                 col_tiles_i,
  input  wire [2:0]                  t1_log2_i,
  input  wire [2:0]                  t2_log2_i,
  input  wire [`SAT_C_ROWS_BITS-1:0] c_rows_i,
  output wire                        idle_o,
  // rows
  output wire                        valid_o,
  input  wire                        ready_i,
  output wire [ADDR_W-1:0]           addr_o,
  output wire [16:0]                 cols_o,        // columns of this tile, 1..
  output wire                        skip_o,
  output wire                        pe_row_last_o, // last row block of this PE row
  output wire                        tile_last_o,   // last row of the tile
  output wire                        column_last_o  // last row of the column tile
);

  localparam integer ROWS_L = $clog2(ROWS);
  localparam integer COLS_L = $clog2(COLS);

  wire [1:0]  spread    = c_rows_i[`SAT_C_ROWS_SPREAD];
  wire [19:0] origin    = c_rows_i[`SAT_C_ROWS_ORIGIN];
  wire [15:0] out_w     = c_rows_i[`SAT_C_ROWS_OUT_W];
  wire [15:0] line_w    = c_rows_i[`SAT_C_ROWS_LINE_W];
  wire [15:0] lines     = c_rows_i[`SAT_C_ROWS_LINES];
  wire [19:0] image_hop = c_rows_i[`SAT_C_ROWS_IMAGE_HOP];

  // ---- Place in the tiles
  reg               walking_q;
  reg  [23:0]       row_tiles_q;                   // left, this one included
  reg  [15:0]       col_tiles_q;
  reg  [24:0]       rows_left_q;                   // from this tile on
  reg  [16:0]       cols_left_q;
  reg  [ROWS_L-1:0] r_q;
  reg  [3:0]        t2_q;
  reg  [ADDR_W-1:0] column_addr_q;

  wire [4:0]        row_span_log2 = ROWS_L[4:0] + {2'd0, t2_log2_i};
  wire [4:0]        col_span_log2 = COLS_L[4:0] + {2'd0, t1_log2_i};
  wire [24:0]       row_span      = 25'd1 << row_span_log2;
  wire [16:0]       col_span      = 17'd1 << col_span_log2;
  wire [24:0]       r             = {{25-ROWS_L{1'b0}}, r_q};
  wire [24:0]       t2            = {21'd0, t2_q};
  wire [24:0]       place         = trans_i ? (t2 << ROWS_L) | r : (r << t2_log2_i) | t2;

  wire skip         = place >= rows_left_q;
  wire t2_last      = {1'b0, t2_q} + 5'd1 == 5'd1 << t2_log2_i;
  wire tile_last    = t2_last && (&r_q);
  wire column_last  = tile_last && (row_tiles_q == 24'd1);
  wire col_last     = col_tiles_q == 16'd1;
  wire move;                                       // the pipeline moves
  wire fire         = walking_q && move;

  always @(posedge clk) begin
    if (!rst_n) walking_q <= 1'b0;
    else if (start_i) walking_q <= 1'b1;
    else if (fire && column_last && col_last) walking_q <= 1'b0;
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
    end else if (fire) begin
      t2_q <= t2_last ? 4'd0 : t2_q + 4'd1;
      if (t2_last) r_q <= r_q + 1'b1;
      if (tile_last) begin
        row_tiles_q <= row_tiles_q - 24'd1;
        rows_left_q <= rows_left_q - row_span;
      end
      if (column_last) begin
        row_tiles_q   <= row_tiles_i;
        rows_left_q   <= {1'b0, rows_i};
        col_tiles_q   <= col_tiles_q - 16'd1;
        cols_left_q   <= cols_left_q - col_span;
        column_addr_q <= column_addr_q + ({{ADDR_W-17{1'b0}}, col_span} << elem_log2_i);
      end
    end
  end

  // ---- Row of C: tile by tile, or one behind the other, with a line's and an image's end
  reg  [23:0] tile_row_q;                          // the tile's first
  reg  [23:0] row_q, line_row_q;                   // this one, and its line's first
  reg  [15:0] line_left_q, lines_left_q;           // this one included
  wire        line_end  = (line_left_q == 16'd1) && (line_w != 16'd0);
  wire        image_end = lines_left_q == 16'd1;
  wire [23:0] next_line = line_row_q + (image_end ? {4'd0, image_hop} : {8'd0, out_w} << spread);

  always @(posedge clk) begin
    if (start_i || (fire && column_last)) begin
      tile_row_q   <= 24'd0;
      row_q        <= {4'd0, origin};
      line_row_q   <= {4'd0, origin};
      line_left_q  <= line_w;
      lines_left_q <= lines;
    end else if (fire) begin
      if (tile_last) tile_row_q <= tile_row_q + row_span[23:0];
      if (!skip) begin
        row_q       <= row_q + (24'd1 << spread);
        line_left_q <= line_left_q - 16'd1;
        if (line_end) begin
          row_q        <= next_line;
          line_row_q   <= next_line;
          line_left_q  <= line_w;
          lines_left_q <= image_end ? lines : lines_left_q - 16'd1;
        end
      end
    end
  end

  // ---- Its address, in two stages behind a multiplier
  wire [23:0] row       = trans_i ? tile_row_q + place[23:0] : row_q;
  wire [16:0] tile_cols = (cols_left_q < col_span) ? cols_left_q : col_span;
  reg              s1_valid_q, s2_valid_q;
  reg [33:0]       s1_lines_q;                     // of 64 bytes before the row
  reg [ADDR_W-1:0] s1_column_q, s2_addr_q;
  reg [20:0]       s1_note_q, s2_note_q;
  always @(posedge clk) begin
    if (!rst_n) {s1_valid_q, s2_valid_q} <= 2'd0;
    else if (move) {s1_valid_q, s2_valid_q} <= {walking_q, s1_valid_q};
    if (move) begin
      s1_lines_q  <= {10'd0, row} * {16'd0, stride_i[23:6]};
      s1_column_q <= column_addr_q;
      s1_note_q   <= {tile_cols, skip, t2_last, tile_last, column_last};
      s2_addr_q   <= s1_column_q + {s1_lines_q[ADDR_W-7:0], 6'd0};
      s2_note_q   <= s1_note_q;
    end
  end

  assign move    = !s2_valid_q || ready_i;
  assign idle_o  = !walking_q && !s1_valid_q && !s2_valid_q;
  assign valid_o = s2_valid_q;
  assign addr_o  = s2_addr_q;
  assign {cols_o, skip_o, pe_row_last_o, tile_last_o, column_last_o} = s2_note_q;

  wire unused_ok = &{1'b0, stride_i[5:0], row_span[24], place[24], s1_lines_q};

  `SAT_STREAM(check_row, rst_n && !start_i, ADDR_W + 21, valid_o, ready_i,
              {addr_o, cols_o, skip_o, pe_row_last_o, tile_last_o, column_last_o})

endmodule

`default_nettype wire
