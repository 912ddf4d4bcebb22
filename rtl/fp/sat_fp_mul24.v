// SPDX-License-Identifier: Apache-2.0
// 24 x 24 bit unsigned product in two pipeline stages, no reset: partial products, then their sum.
// The split at bit 17 gives one product that fills an 18-bit signed DSP input and three small ones.
`default_nettype none

module sat_fp_mul24 (
  input  wire        clk,
  input  wire [23:0] a_i,
  input  wire [23:0] b_i,
  output wire [47:0] prod_o
);

  reg [33:0] low_q;
  reg [13:0] high_q;
  reg [23:0] cross_ab_q, cross_ba_q;
  reg [47:0] prod_q;

  always @(posedge clk) begin
    low_q      <= a_i[16:0] * b_i[16:0];
    high_q     <= a_i[23:17] * b_i[23:17];
    cross_ab_q <= a_i[23:17] * b_i[16:0];
    cross_ba_q <= b_i[23:17] * a_i[16:0];
    prod_q     <= {high_q, low_q} + {7'd0, cross_ab_q, 17'd0} + {7'd0, cross_ba_q, 17'd0};
  end

  assign prod_o = prod_q;

endmodule

`default_nettype wire
