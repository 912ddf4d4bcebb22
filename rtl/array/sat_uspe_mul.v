// SPDX-License-Identifier: Apache-2.0
// sat_uspe_mul: exact product of two wide FP16 values, in accumulator format. Latency 4, one
// product per cycle. Nothing is rounded: 11 x 11 bits fit the 24-bit significand. A product with
// valid_i low is zero, whatever the operands hold. Product:
// {sign, exp[6:0], significand[21:0]} (docs/design/architecture.md). Golden function:
// sat_golden.reference.pe_product.
`default_nettype none
`include "sat_buses.vh"

module sat_uspe_mul (
  input  wire                      clk,
  input  wire                      valid_i,
  input  wire [`SAT_WIDE_BITS-1:0] a_i,
  input  wire [`SAT_WIDE_BITS-1:0] w_i,
  output reg                       sign_o,
  output reg  [6:0]                exp_o,      // 0 when the product is zero
  output reg  [21:0]               mant_o,     // 1.21 bits, 0 when the product is zero
  output reg                       special_o,  // infinity or NaN
  output reg                       nan_o
);

  // Stage 0: operands as they come, so that the registers of stage 1 can lie beside the multiplier.
  reg                      s0_valid_q;
  reg [`SAT_WIDE_BITS-1:0] s0_a_q, s0_w_q;
  always @(posedge clk) begin
    s0_valid_q <= valid_i;
    s0_a_q     <= a_i;
    s0_w_q     <= w_i;
  end

  // Stage 1: significands with the hidden bit, for the multiplier alone, so that they can lie
  // beside it; what else must be known about the operands is decoded here too.
  wire [9:0] a_frac = s0_a_q[`SAT_WIDE_FRAC];
  wire [9:0] w_frac = s0_w_q[`SAT_WIDE_FRAC];
  wire       a_zero = !(|s0_a_q[`SAT_WIDE_EXP]);
  wire       w_zero = !(|s0_w_q[`SAT_WIDE_EXP]);
  wire       a_spec = s0_valid_q && (&s0_a_q[`SAT_WIDE_EXP]);
  wire       w_spec = s0_valid_q && (&s0_w_q[`SAT_WIDE_EXP]);
  reg [10:0] s1_a_mant_q, s1_w_mant_q;
  reg [5:0]  s1_a_exp_q, s1_w_exp_q;
  reg        s1_sign_q, s1_zero_q, s1_special_q, s1_nan_q;
  always @(posedge clk) begin
    s1_a_mant_q  <= {!a_zero, a_frac};
    s1_w_mant_q  <= {!w_zero, w_frac};
    s1_a_exp_q   <= s0_a_q[`SAT_WIDE_EXP];
    s1_w_exp_q   <= s0_w_q[`SAT_WIDE_EXP];
    s1_sign_q    <= s0_a_q[`SAT_WIDE_SIGN] ^ s0_w_q[`SAT_WIDE_SIGN];
    s1_zero_q    <= !s0_valid_q || a_zero || w_zero;
    s1_special_q <= a_spec || w_spec;
    s1_nan_q     <= (a_spec && (a_frac[9] || w_zero)) || (w_spec && (w_frac[9] || a_zero));
  end

  // Stage 2: multiply, add exponents.
  reg        s2_sign_q, s2_zero_q, s2_special_q, s2_nan_q;
  reg [6:0]  s2_exp_q;
  reg [21:0] s2_mant_q;
  always @(posedge clk) begin
    s2_sign_q    <= s1_sign_q;
    s2_zero_q    <= s1_zero_q;
    s2_special_q <= s1_special_q;
    s2_nan_q     <= s1_nan_q;
    s2_exp_q     <= {1'b0, s1_a_exp_q} + {1'b0, s1_w_exp_q};
    s2_mant_q    <= s1_a_mant_q * s1_w_mant_q;
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
