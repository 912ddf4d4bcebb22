// SPDX-License-Identifier: Apache-2.0
// sat_cmd_windows: the sizes of a command with windows over a feature map, and whether they are
// legal. One product per cycle with the multiplier of the module around it, which answers two
// cycles later. Within 8 cycles of start_i comes bad_o, or done_o with no bad_o in the cycle after
// it; from that cycle on the sizes are valid, pixels_o from done_o on. The rows of S need no check
// of their own: compressed they are more than P*C only where P*C is small: 15/16 of what padding
// makes of 2^24 - 1 is less.
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
  output reg         bad_o,
  output reg  [23:0] pixels_o,
  output wire [23:0] result_rows_o,
  output wire [24:0] s_rows_o        // before compression, each position padded to whole groups
);

  // Steps, by what they ask for; images * map_h is asked for before them.
  localparam [2:0] ST_OUT_LINES = 3'd0;  // images * out_h
  localparam [2:0] ST_PIXELS    = 3'd1;
  localparam [2:0] ST_WINDOWS   = 3'd2;
  localparam [2:0] ST_COLUMNS   = 3'd3;  // positions * channels
  localparam [2:0] ST_PADDED    = 3'd4;  // positions * channels padded to whole groups
  localparam [2:0] ST_WAIT      = 3'd5;
  localparam [2:0] ST_LAST      = 3'd6;
  localparam [2:0] ST_IDLE      = 3'd7;

  localparam [7:0] POSITIONS_MAX = `SAT_POOL_POSITIONS_MAX;

  reg  [2:0]  step_q;
  reg  [23:0] windows_q, columns_q;
  reg  [24:0] padded_q;
  reg  [7:0]  positions_q;
  reg  [4:0]  mask_q;               // of an element in its group
  reg  [24:0] padded_channels_q;

  // A step finds what was asked for two steps before in prod_i.
  wire counted   = step_q != ST_IDLE && step_q != ST_OUT_LINES && step_q != ST_LAST;
  wire too_large = counted && prod_i[42:24] != 19'd0;
  wire too_many  = step_q == ST_PADDED && pool_i && positions_q > POSITIONS_MAX;

  assign done_o        = step_q == (pool_i ? ST_PADDED : ST_LAST);
  assign result_rows_o = a_trans_i ? columns_q : windows_q;
  assign s_rows_o      = a_trans_i ? {1'b0, windows_q} : padded_q;

  always @(*) begin
    mul_a_o = prod_i[24:0];
    mul_b_o = {10'd0, positions_q};
    case (start_i ? ST_IDLE : step_q)
      ST_OUT_LINES: begin
        mul_a_o = {1'b0, images_i};
        mul_b_o = {2'd0, out_h_i};
      end
      ST_PIXELS:  mul_b_o = {2'd0, map_w_i};
      ST_WINDOWS: mul_b_o = {2'd0, out_w_i};
      ST_COLUMNS: mul_a_o = {1'b0, channels_i};
      ST_PADDED:  mul_a_o = padded_channels_q;
      default: begin
        mul_a_o = {1'b0, images_i};
        mul_b_o = {2'd0, map_h_i};
      end
    endcase
  end

  always @(posedge clk) begin
    mask_q            <= dense_i ? 5'd0 : m_i - 5'd1;
    padded_channels_q <= ({1'b0, channels_i} + {20'd0, mask_q}) & ~{20'd0, mask_q};
    positions_q       <= {4'd0, kernel_h_i} * {4'd0, kernel_w_i};
    bad_o             <= !start_i && (too_large || too_many);
    if (start_i) step_q <= ST_OUT_LINES;
    else if (step_q != ST_IDLE) step_q <= step_q + 3'd1;
    case (step_q)
      ST_COLUMNS: pixels_o  <= prod_i[23:0];
      ST_PADDED:  windows_q <= prod_i[23:0];
      ST_WAIT:    columns_q <= prod_i[23:0];
      ST_LAST:    padded_q  <= prod_i[24:0];
      default: ;
    endcase
  end

endmodule

`default_nettype wire
