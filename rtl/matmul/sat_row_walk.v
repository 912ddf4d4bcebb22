// SPDX-License-Identifier: Apache-2.0
// sat_row_walk: visits the rows of C's tiles in the order in which the array delivers them: column
// tiles, row tiles, PE rows r, row blocks t2; the row is r*2^t2_log2 + t2 of the tile, with trans_i
// t2*ROWS + r (as the A loader fills the banks). For each it gives the address of the row's first
// element of the tile in one row major tensor, and what its part takes. Without trans_i the rows
// may be those of a phase (c_rows_i), scattered over the tensor. Rows past the end are visited too,
// marked skip_o; their addresses mean nothing. One row per cycle, valid/ready.
`default_nettype none
`include "sat_assert.vh"
`include "sat_buses.vh"

module sat_row_walk #(
  parameter integer ROWS   = 8,
  parameter integer COLS   = 8,
  parameter integer FEW    = 4,     // columns of which few_o tells
  parameter integer ADDR_W = 40,
  parameter integer DATA_W = 128
) (
  input  wire                        clk,
  input  wire                        rst_n,
  // command, stable from start_i on
  input  wire                        start_i,
  input  wire                        trans_i,
  input  wire [ADDR_W-1:0]           base_i,
  input  wire [23:0]                 stride_i,      // a multiple of 64
  input  wire                        as_single_i,   // FP32, not FP16
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
  output wire [16:0]                 beats_o,       // that hold them
  output wire                        few_o,         // at most FEW columns
  output wire                        skip_o,
  output wire                        pe_row_last_o, // last row block of this PE row
  output wire                        tile_last_o,   // last row of the tile
  output wire                        column_last_o  // last row of the column tile
);

  localparam integer ROWS_L  = $clog2(ROWS);
  localparam integer COLS_L  = $clog2(COLS);
  localparam integer LANES   = DATA_W / 16;
  localparam integer LANES_L = $clog2(LANES);

  // ---- Place in the tiles
  reg               walking_q;
  reg  [23:0]       row_tiles_q;                   // left, this one included
  reg  [15:0]       col_tiles_q;
  reg               last_tile_q;                   // of the column tile
  reg  [16:0]       cols_left_q;
  reg  [ROWS_L-1:0] r_q;
  reg  [3:0]        t2_q;
  reg               t2_last_q;
  reg  [ADDR_W-1:0] column_addr_q;

  wire [4:0]        col_span_log2 = COLS_L[4:0] + {2'd0, t1_log2_i};
  wire [16:0]       col_span      = 17'd1 << col_span_log2;
  wire [4:0]        blocks        = 5'd1 << t2_log2_i;

  wire tile_last    = t2_last_q && (&r_q);
  wire column_last  = tile_last && last_tile_q;
  wire col_last     = col_tiles_q == 16'd1;
  wire move;                                       // the pipeline moves
  wire fire         = walking_q && move;
  wire column_first = start_i || (fire && column_last);

  always @(posedge clk) begin
    if (!rst_n) walking_q <= 1'b0;
    else if (start_i) walking_q <= 1'b1;
    else if (fire && column_last && col_last) walking_q <= 1'b0;
  end

  always @(posedge clk) begin
    if (column_first) begin
      row_tiles_q <= row_tiles_i;
      last_tile_q <= row_tiles_i == 24'd1;
    end else if (fire && tile_last) begin
      row_tiles_q <= row_tiles_q - 24'd1;
      last_tile_q <= row_tiles_q == 24'd2;
    end
    if (start_i) begin
      col_tiles_q   <= col_tiles_i;
      cols_left_q   <= {1'b0, cols_i};
      r_q           <= {ROWS_L{1'b0}};
      t2_q          <= 4'd0;
      t2_last_q     <= blocks == 5'd1;
      column_addr_q <= base_i;
    end else if (fire) begin
      t2_q      <= t2_last_q ? 4'd0 : t2_q + 4'd1;
      t2_last_q <= t2_last_q ? blocks == 5'd1 : {1'b0, t2_q} + 5'd2 == blocks;
      if (t2_last_q) r_q <= r_q + 1'b1;
      if (column_last) begin
        col_tiles_q   <= col_tiles_q - 16'd1;
        cols_left_q   <= cols_left_q - col_span;
        column_addr_q <= column_addr_q + {{ADDR_W-19{1'b0}}, as_single_i ? {col_span, 2'd0}
                                                                         : {1'b0, col_span, 1'b0}};
      end
    end
  end

  // ---- Row of C: lines of rows a step apart, with a hop from a line's first row to the next
  // line's, and another one to the next image's. With trans_i a line is the row blocks of a PE row,
  // an image a tile; in a phase they are those of the map; otherwise one line holds all rows. What
  // ends with a row is known when it becomes the one at hand.
  wire [1:0]  spread    = c_rows_i[`SAT_C_ROWS_SPREAD];
  wire [15:0] out_w     = c_rows_i[`SAT_C_ROWS_OUT_W];
  wire [24:0] origin    = trans_i ? 25'd0 : {5'd0, c_rows_i[`SAT_C_ROWS_ORIGIN]};
  wire [24:0] step      = trans_i ? ROWS[24:0] : 25'd1 << spread;
  wire [15:0] line_w    = trans_i ? {11'd0, blocks} : c_rows_i[`SAT_C_ROWS_LINE_W];  // 0: no end
  wire [15:0] lines     = trans_i ? ROWS[15:0] : c_rows_i[`SAT_C_ROWS_LINES];
  wire [24:0] line_hop  = trans_i ? 25'd1 : {9'd0, out_w} << spread;
  wire [24:0] tile_hop  = ({20'd0, blocks - 5'd1} << ROWS_L) | 25'd1;
  wire [24:0] image_hop = trans_i ? tile_hop : {5'd0, c_rows_i[`SAT_C_ROWS_IMAGE_HOP]};

  reg  [24:0] number_q;                            // of the row, without trans_i
  reg  [24:0] row_q, line_row_q;                   // this one, and its line's first
  reg  [24:0] hop_q;                               // to the next line's first
  reg  [15:0] line_left_q, lines_left_q;           // this one included
  reg         line_end_q, image_end_q;             // is the last one
  wire [24:0] next_line  = line_row_q + hop_q;
  wire        lines_anew = column_first || image_end_q;
  wire        image_ends = lines_anew ? lines == 16'd1 : lines_left_q == 16'd2;

  always @(posedge clk) begin
    if (column_first) begin
      number_q   <= 25'd0;
      row_q      <= origin;
      line_row_q <= origin;
    end else if (fire) begin
      number_q   <= number_q + 25'd1;
      row_q      <= line_end_q ? next_line : row_q + step;
      if (line_end_q) line_row_q <= next_line;
    end
    if (column_first || (fire && line_end_q)) begin
      line_left_q  <= line_w;
      line_end_q   <= line_w == 16'd1;
      lines_left_q <= lines_anew ? lines : lines_left_q - 16'd1;
      image_end_q  <= image_ends;
      hop_q        <= image_ends ? image_hop : line_hop;
    end else if (fire) begin
      line_left_q  <= line_left_q - 16'd1;
      line_end_q   <= line_left_q == 16'd2 && line_w != 16'd0;
    end
  end

  // ---- Its address, in two stages: two halves of a product, and their sum
  wire [24:0]        number    = trans_i ? row_q : number_q;
  wire               skip      = number >= {1'b0, rows_i};
  wire [16:0]        tile_cols = (cols_left_q < col_span) ? cols_left_q : col_span;
  reg                s1_valid_q, s2_valid_q;
  reg  [29:0]        s1_low_q, s1_high_q;          // 64 bytes before the row
  reg  [ADDR_W-1:0]  s1_column_q, s2_addr_q;
  reg  [16:0]        s1_cols_q, s2_cols_q, s2_beats_q;
  reg  [3:0]         s1_note_q, s2_note_q;
  reg                s2_few_q;
  wire [ADDR_W-1:0]  s1_addr   = s1_column_q + {{ADDR_W-36{1'b0}}, s1_low_q, 6'd0}
                                 + {s1_high_q[ADDR_W-19:0], 18'd0};
  wire [17:0]        s1_halves = as_single_i ? {s1_cols_q, 1'b0} : {1'b0, s1_cols_q};
  wire [17:0]        s1_beats  = (s1_halves + LANES[17:0] - 18'd1) >> LANES_L;
  always @(posedge clk) begin
    if (!rst_n) {s1_valid_q, s2_valid_q} <= 2'd0;
    else if (move) {s1_valid_q, s2_valid_q} <= {walking_q, s1_valid_q};
    if (move) begin
      s1_low_q    <= {18'd0, row_q[11:0]} * {12'd0, stride_i[23:6]};
      s1_high_q   <= {18'd0, row_q[23:12]} * {12'd0, stride_i[23:6]};
      s1_column_q <= column_addr_q;
      s1_cols_q   <= tile_cols;
      s1_note_q   <= {skip, t2_last_q, tile_last, column_last};
      s2_addr_q   <= s1_addr;
      s2_cols_q   <= s1_cols_q;
      s2_beats_q  <= s1_beats[16:0];
      s2_few_q    <= s1_cols_q <= FEW[16:0];
      s2_note_q   <= s1_note_q;
    end
  end

  assign move    = !s2_valid_q || ready_i;
  assign idle_o  = !walking_q && !s1_valid_q && !s2_valid_q;
  assign valid_o = s2_valid_q;
  assign addr_o  = s2_addr_q;
  assign cols_o  = s2_cols_q;
  assign beats_o = s2_beats_q;
  assign few_o   = s2_few_q;
  assign {skip_o, pe_row_last_o, tile_last_o, column_last_o} = s2_note_q;

  wire unused_ok = &{1'b0, stride_i[5:0], row_q[24], s1_high_q, s1_beats[17]};

  `SAT_STREAM(check_row, rst_n && !start_i, ADDR_W + 38, valid_o, ready_i,
              {addr_o, cols_o, beats_o, skip_o, pe_row_last_o, tile_last_o, column_last_o})

endmodule

`default_nettype wire
