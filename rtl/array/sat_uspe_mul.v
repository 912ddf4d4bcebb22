// SPDX-License-Identifier: Apache-2.0
// sat_uspe_mul: exact product of two wide FP16 values, in accumulator format. Latency 4, one
// product per cycle. Nothing is rounded: 11 x 11 bits fit the 24-bit significand. A product with
// valid_i low is zero, whatever the operands hold. wide: {sign, exp[5:0], frac[9:0]}, product:
// {sign, exp[6:0], significand[21:0]} (docs/architecture.md). Golden function:
// sat_golden.reference.pe_product.
`default_nettype none

module sat_uspe_mul (
  input  wire        clk,
  input  wire        valid_i,
  input  wire [16:0] a_i,
  input  wire [16:0] w_i,
  output reg         sign_o,
  output reg  [6:0]  exp_o,      // 0 when the product is zero
  output reg  [21:0] mant_o,     // 1.21 bits, 0 when the product is zero
  output reg         special_o,  // infinity or NaN
  output reg         nan_o
);

  // Stage 0: operands as they come, so that the registers of stage 1 can lie beside the multiplier.
  reg        s0_valid_q;
  reg [16:0] s0_a_q, s0_w_q;
  always @(posedge clk) begin
    s0_valid_q <= valid_i;
    s0_a_q     <= a_i;
    s0_w_q     <= w_i;
  end

  // Stage 1: operand registers, with the hidden bit made explicit.
  reg        s1_valid_q;
  reg        s1_a_sign_q, s1_w_sign_q;
  reg [5:0]  s1_a_exp_q, s1_w_exp_q;
  reg [10:0] s1_a_mant_q, s1_w_mant_q;
  always @(posedge clk) begin
    s1_valid_q  <= s0_valid_q;
    s1_a_sign_q <= s0_a_q[16];
    s1_a_exp_q  <= s0_a_q[15:10];
    s1_a_mant_q <= {|s0_a_q[15:10], s0_a_q[9:0]};
    s1_w_sign_q <= s0_w_q[16];
    s1_w_exp_q  <= s0_w_q[15:10];
    s1_w_mant_q <= {|s0_w_q[15:10], s0_w_q[9:0]};
  end

  // Stage 2: multiply, add exponents, sort out the special cases.
  wire s1_a_zero = !s1_a_mant_q[10];
  wire s1_w_zero = !s1_w_mant_q[10];
  wire s1_a_spec = &s1_a_exp_q;
  wire s1_w_spec = &s1_w_exp_q;
  wire s1_zero   = !s1_valid_q || s1_a_zero || s1_w_zero;
  reg        s2_sign_q, s2_zero_q, s2_special_q, s2_nan_q;
  reg [6:0]  s2_exp_q;
  reg [21:0] s2_mant_q;
  always @(posedge clk) begin
    s2_sign_q    <= s1_a_sign_q ^ s1_w_sign_q;
    s2_zero_q    <= s1_zero;
    s2_exp_q     <= {1'b0, s1_a_exp_q} + {1'b0, s1_w_exp_q};
    s2_mant_q    <= s1_a_mant_q * s1_w_mant_q;
    s2_special_q <= s1_valid_q && (s1_a_spec || s1_w_spec);
    s2_nan_q     <= (s1_a_spec && (s1_a_mant_q[9] || s1_w_zero)) ||
                    (s1_w_spec && (s1_w_mant_q[9] || s1_a_zero));
  end

  // Stage 3: normalise. The exponent of 2^(a+w-50) * [1,2) is a+w-1, of * [2,4) it is a+w.
  always @(posedge clk) begin
    sign_o    <= s2_sign_q;
    special_o <= s2_special_q;
    nan_o     <= s2_nan_q;
    exp_o     <= s2_zero_q ? 7'd0 : s2_exp_q - {6'd0, !s2_mant_q[21]};
    mant_o    <= s2_zero_q ? 22'd0 :
                 s2_mant_q[21] ? s2_mant_q : {s2_mant_q[20:0], 1'b0};
  end

endmodule

`default_nettype wire
