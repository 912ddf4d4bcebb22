// SPDX-License-Identifier: Apache-2.0
// sat_fp_mul24: product of two 24-bit significands in two pipeline stages, no reset: partial
// products, their sum. Bit 23 of an operand, the hidden bit, is decoded from an exponent and comes
// late: the partial products take it as 1, and the sum takes back what that added where it is 0.
// With both bits 23 zero (two subnormals, whose product vanishes) the result is not the product.
// The split at bit 17 fills an 18-bit signed DSP input once and leaves three small products.
`default_nettype none

module sat_fp_mul24 (
  input  wire        clk,
  input  wire [23:0] a_i,
  input  wire [23:0] b_i,
  output wire [47:0] prod_o
);

  wire [6:0] a_high = {1'b1, a_i[22:17]};
  wire [6:0] b_high = {1'b1, b_i[22:17]};

  reg [33:0] low_q;
  reg [13:0] high_q;
  reg [23:0] cross_ab_q, cross_ba_q;
  reg [23:0] excess_q;
  reg [47:0] prod_q;

  always @(posedge clk) begin
    low_q      <= a_i[16:0] * b_i[16:0];
    high_q     <= a_high * b_high;
    cross_ab_q <= a_high * b_i[16:0];
    cross_ba_q <= b_high * a_i[16:0];
    excess_q   <= !a_i[23] ? {1'b1, b_i[22:0]} : !b_i[23] ? {1'b1, a_i[22:0]} : 24'd0;
    prod_q     <= {high_q, low_q} + {7'd0, cross_ab_q, 17'd0} + {7'd0, cross_ba_q, 17'd0}
                - {1'b0, excess_q, 23'd0};
  end

  assign prod_o = prod_q;

endmodule

`default_nettype wire
