// SPDX-License-Identifier: Apache-2.0
// sat_fp32_mul: FP32 multiplier: prod_o = a_i * b_i, IEEE 754 round to nearest even, subnormals,
// canonical NaN. One operation per cycle, latency SAT_FP32_MUL_LATENCY = 5, no reset, no enable.
// Stages: partial products, product, find the leading one, shift, round. A subnormal operand is
// not normalised first: its leading zeros show up in the product, and one shift serves both
// normalisation to the left and subnormal results to the right.
// Golden function: fp32_mul.
`default_nettype none

module sat_fp32_mul (
  input  wire        clk,
  input  wire [31:0] a_i,
  input  wire [31:0] b_i,
  output wire [31:0] prod_o
);

  // 1, 2: product of the significands. exp is the exponent field that goes with a leading one in
  // bit 46; it may be negative.
  wire [7:0] a_exp = {a_i[30:24], a_i[23] | ~|a_i[30:24]};
  wire [7:0] b_exp = {b_i[30:24], b_i[23] | ~|b_i[30:24]};
  wire       a_inf = (&a_i[30:23]) && ~|a_i[22:0];
  wire       b_inf = (&b_i[30:23]) && ~|b_i[22:0];
  wire       a_nan = (&a_i[30:23]) && (|a_i[22:0]);
  wire       b_nan = (&b_i[30:23]) && (|b_i[22:0]);
  wire       a_zero = ~|a_i[30:0];
  wire       b_zero = ~|b_i[30:0];

  reg signed [9:0] s1_exp_q;
  reg              s1_sign_q, s1_nan_q, s1_inf_q, s1_zero_q;

  always @(posedge clk) begin
    s1_exp_q  <= $signed({2'b00, a_exp}) + $signed({2'b00, b_exp}) - 10'sd127;
    s1_sign_q <= a_i[31] ^ b_i[31];
    s1_nan_q  <= a_nan || b_nan || (a_inf && b_zero) || (a_zero && b_inf);
    s1_inf_q  <= a_inf || b_inf;
    s1_zero_q <= a_zero || b_zero;
  end

  wire [47:0] s2_prod;

  sat_fp_mul24 u_mul (
    .clk   (clk),
    .a_i   ({|a_i[30:23], a_i[22:0]}),
    .b_i   ({|b_i[30:23], b_i[22:0]}),
    .prod_o(s2_prod)
  );

  // The shift is counted to the right from the product moved left by 31 places, so that normalising
  // by z places to the left is 31 - z, the complement of z. A result with a negative exponent is
  // shifted 31 - exp places, and vanishes into the sticky bit from 63 on.
  wire signed [9:0] deep = 10'sd31 - s1_exp_q;
  wire        [5:0] deep_shift = (deep > 10'sd63) ? 6'd63 : deep[5:0];

  reg signed [9:0] s2_exp_q;
  reg              s2_sign_q, s2_nan_q, s2_inf_q, s2_zero_q;
  reg        [5:0] s2_deep_shift_q;
  reg       [27:0] s2_stop_q;

  always @(posedge clk) begin
    s2_exp_q        <= s1_exp_q;
    s2_sign_q       <= s1_sign_q;
    s2_nan_q        <= s1_nan_q;
    s2_inf_q        <= s1_inf_q;
    s2_zero_q       <= s1_zero_q;
    s2_deep_shift_q <= deep_shift;
    s2_stop_q       <= 28'h8000000 >> s1_exp_q[8:0];
  end

  // 3: leading zeros, at most 24 (normal times subnormal); the stop bit ends normalisation where
  // the exponent would fall below 1.
  wire [27:0] marked = s2_prod[47:20] | s2_stop_q;
  wire  [4:0] zeros;

  sat_fp_lzc #(
    .NIBBLES(7)
  ) u_lzc (
    .bits_i (marked),
    .zeros_o(zeros)
  );

  reg signed [9:0] s3_exp_q;
  reg              s3_sign_q, s3_nan_q, s3_inf_q, s3_zero_q;
  reg        [4:0] s3_zeros_q;
  reg        [5:0] s3_shift_q;
  reg       [47:0] s3_prod_q;

  always @(posedge clk) begin
    s3_exp_q   <= s2_exp_q;
    s3_sign_q  <= s2_sign_q;
    s3_nan_q   <= s2_nan_q;
    s3_inf_q   <= s2_inf_q;
    s3_zero_q  <= s2_zero_q || s2_exp_q[9];
    s3_zeros_q <= zeros;
    s3_shift_q <= s2_exp_q[9] ? s2_deep_shift_q : {1'b0, ~zeros};
    s3_prod_q  <= s2_prod;
  end

  // 4: shift, coarse to fine; each step keeps what the next ones can still reach.
  wire [78:0] placed      = {s3_prod_q, 31'd0} >> {s3_shift_q[5:4], 4'd0};
  wire [39:0] by_sixteens = placed[62:23];
  wire [39:0] moved       = by_sixteens >> {s3_shift_q[3:2], 2'd0};
  wire [27:0] by_fours    = moved[27:0];
  wire [27:0] by_ones     = by_fours >> s3_shift_q[1:0];
  wire lost_sixteens = (s3_shift_q[4] && (|s3_prod_q[7:0]))
                    || (s3_shift_q[5] && (|s3_prod_q[23:0]))
                    || ((&s3_shift_q[5:4]) && (|s3_prod_q[39:24]));
  wire lost_fours    = (s3_shift_q[2] && (|by_sixteens[3:0]))
                    || (s3_shift_q[3] && (|by_sixteens[7:0]))
                    || ((&s3_shift_q[3:2]) && (|by_sixteens[11:8]));
  wire lost_ones     = (s3_shift_q[0] && by_fours[0])
                    || (s3_shift_q[1] && (|by_fours[1:0]))
                    || ((&s3_shift_q[1:0]) && by_fours[2]);
  wire unused_ok     = &{1'b0, placed[78:63], placed[22:0], moved[39:28], by_ones[27:25]};
  wire signed [9:0] exp_below = s3_exp_q - $signed({5'd0, s3_zeros_q});

  reg        s4_sign_q, s4_nan_q, s4_inf_q, s4_sticky_q;
  reg  [7:0] s4_exp_q;
  reg [24:0] s4_sig_q;

  always @(posedge clk) begin
    s4_sign_q   <= s3_sign_q;
    s4_nan_q    <= s3_nan_q;
    s4_inf_q    <= s3_inf_q || (!s3_zero_q && (exp_below >= 10'sd254));
    s4_exp_q    <= s3_zero_q ? 8'd0 : exp_below[7:0];
    s4_sig_q    <= by_ones[24:0];
    s4_sticky_q <= lost_sixteens || lost_fours || lost_ones;
  end

  // 5: round. The hidden bit, bit 24, adds one to the exponent field.
  wire        round_up = s4_sig_q[0] && (s4_sig_q[1] || s4_sticky_q);
  wire [30:0] rounded  = {s4_exp_q, s4_sig_q[23:1]} + {7'd0, s4_sig_q[24], 23'd0}
                       + {30'd0, round_up};

  reg [31:0] s5_prod_q;

  always @(posedge clk) begin
    s5_prod_q <= {s4_sign_q, rounded};
    if (s4_inf_q) s5_prod_q[30:0] <= 31'h7F800000;
    if (s4_nan_q) s5_prod_q <= 32'h7FC00000;
  end

  assign prod_o = s5_prod_q;

endmodule

`default_nettype wire
