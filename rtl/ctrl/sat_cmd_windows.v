// SPDX-License-Identifier: Apache-2.0
// sat_cmd_windows: the sizes of a command with windows over a feature map, and whether they are
// legal. One product per cycle with the multiplier of the module around it, which answers in the
// next cycle. Within 8 cycles of start_i comes bad_o or done_o; the sizes are valid from the cycle
// after done_o on. The rows of S need no check of their own: compressed they are more than P*C only
// where P*C is small: 15/16 of what padding makes of 2^24 - 1 is less.
`default_nettype none
`include "sat_defs.vh"

module sat_cmd_windows (
  input  wire        clk,
  // command, stable from start_i on
  input  wire        start_i,
  input  wire        pool_i,
  input  wire        a_trans_i,
  input  wire        dense_i,        // N = M
  input  wire [4:0]  m_i,
  input  wire [23:0] images_i,
  input  wire [23:0] channels_i,     // not used by POOL
  input  wire [15:0] map_h_i,
  input  wire [15:0] map_w_i,
  input  wire [15:0] out_h_i,
  input  wire [15:0] out_w_i,
  input  wire [3:0]  kernel_h_i,
  input  wire [3:0]  kernel_w_i,
  // multiplier
  output reg  [24:0] mul_a_o,
  output reg  [17:0] mul_b_o,
  input  wire [42:0] prod_i,
  // sizes
  output wire        done_o,
  output wire        bad_o,
  output reg  [23:0] pixels_o,
  output wire [23:0] result_rows_o,
  output wire [24:0] s_rows_o        // before compression, each position padded to whole groups
);

  localparam [3:0] ST_MAP_LINES = 4'd0;  // images * map_h
  localparam [3:0] ST_PIXELS    = 4'd1;
  localparam [3:0] ST_OUT_LINES = 4'd2;  // images * out_h
  localparam [3:0] ST_WINDOWS   = 4'd3;
  localparam [3:0] ST_POSITIONS = 4'd4;
  localparam [3:0] ST_COLUMNS   = 4'd5;  // positions * channels
  localparam [3:0] ST_PADDED    = 4'd6;  // positions * channels padded to whole groups
  localparam [3:0] ST_DONE      = 4'd7;
  localparam [3:0] ST_IDLE      = 4'd8;

  localparam [7:0] POSITIONS_MAX = `SAT_POOL_POSITIONS_MAX;

  reg  [3:0]  step_q;
  reg  [23:0] windows_q, columns_q;
  reg  [24:0] padded_q;
  reg  [7:0]  positions_q;
  wire [24:0] m_mask          = dense_i ? 25'd0 : {20'd0, m_i} - 25'd1;
  wire [24:0] padded_channels = ({1'b0, channels_i} + m_mask) & ~m_mask;


  // A step finds the product of the step before in prod_i.
  wire counted   = step_q == ST_PIXELS || step_q == ST_OUT_LINES || step_q == ST_WINDOWS
                   || step_q == ST_POSITIONS || step_q == ST_PADDED;
  wire too_large = counted && prod_i[42:24] != 19'd0;
  wire too_many  = step_q == ST_COLUMNS && pool_i && prod_i[7:0] > POSITIONS_MAX;
  assign bad_o         = too_large || too_many;
  assign done_o        = step_q == (pool_i ? ST_COLUMNS : ST_DONE);
  assign result_rows_o = a_trans_i ? columns_q : windows_q;
  assign s_rows_o      = a_trans_i ? {1'b0, windows_q} : padded_q;

  always @(*) begin
    mul_a_o = prod_i[24:0];
    mul_b_o = {10'd0, positions_q};
    case (step_q)
      ST_MAP_LINES: begin
        mul_a_o = {1'b0, images_i};
        mul_b_o = {2'd0, map_h_i};
      end
      ST_PIXELS: mul_b_o = {2'd0, map_w_i};
      ST_OUT_LINES: begin
        mul_a_o = {1'b0, images_i};
        mul_b_o = {2'd0, out_h_i};
      end
      ST_WINDOWS: mul_b_o = {2'd0, out_w_i};
      ST_POSITIONS: begin
        mul_a_o = {21'd0, kernel_h_i};
        mul_b_o = {14'd0, kernel_w_i};
      end
      ST_COLUMNS: begin
        mul_a_o = {1'b0, channels_i};
        mul_b_o = prod_i[17:0];
      end
      default: mul_a_o = padded_channels;
    endcase
  end

  always @(posedge clk) begin
    if (start_i) step_q <= ST_MAP_LINES;
    else if (step_q != ST_IDLE) step_q <= step_q + 4'd1;
    case (step_q)
      ST_OUT_LINES: pixels_o    <= prod_i[23:0];
      ST_POSITIONS: windows_q   <= prod_i[23:0];
      ST_COLUMNS:   positions_q <= prod_i[7:0];
      ST_PADDED:    columns_q   <= prod_i[23:0];
      ST_DONE:      padded_q    <= prod_i[24:0];
      default: ;
    endcase
  end

endmodule

`default_nettype wire
