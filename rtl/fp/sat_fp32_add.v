// SPDX-License-Identifier: Apache-2.0
// sat_fp32_add: FP32 adder: sum_o = a_i + b_i, IEEE 754 round to nearest even, subnormals,
// canonical NaN. One operation per cycle, latency SAT_FP32_ADD_LATENCY = 6, no reset, no enable.
// Stages: order the operands, align, add, count leading zeros, normalise, round.
// Golden function: fp32_add.
`default_nettype none

module sat_fp32_add (
  input  wire        clk,
  input  wire [31:0] a_i,
  input  wire [31:0] b_i,
  output wire [31:0] sum_o
);

  // 1: larger magnitude first. A subnormal has the exponent of the smallest normal, hidden bit 0.
  wire       swap = a_i[30:0] < b_i[30:0];
  wire [7:0] a_exp = {a_i[30:24], a_i[23] | ~|a_i[30:24]};
  wire [7:0] b_exp = {b_i[30:24], b_i[23] | ~|b_i[30:24]};
  wire       a_top = &a_i[30:23];
  wire       b_top = &b_i[30:23];
  wire       signs_differ = a_i[31] ^ b_i[31];
  wire       any_nan = (a_top && (|a_i[22:0])) || (b_top && (|b_i[22:0]));

  reg        s1_sign_q, s1_subtract_q, s1_nan_q, s1_inf_q;
  reg  [7:0] s1_exp_q, s1_distance_q;
  reg [23:0] s1_big_q, s1_small_q;

  always @(posedge clk) begin
    s1_sign_q     <= swap ? b_i[31] : a_i[31];
    s1_subtract_q <= signs_differ;
    s1_nan_q      <= any_nan || (a_top && b_top && signs_differ);
    s1_inf_q      <= a_top || b_top;
    s1_exp_q      <= swap ? b_exp : a_exp;
    s1_distance_q <= swap ? b_exp - a_exp : a_exp - b_exp;
    s1_big_q      <= swap ? {|b_i[30:23], b_i[22:0]} : {|a_i[30:23], a_i[22:0]};
    s1_small_q    <= swap ? {|a_i[30:23], a_i[22:0]} : {|b_i[30:23], b_i[22:0]};
  end

  // 2: shift the smaller one right; guard, round and sticky bits below the significand.
  wire [25:0] by_eights = {s1_small_q, 2'b00} >> {s1_distance_q[4:3], 3'b000};
  wire [25:0] by_twos   = by_eights >> {s1_distance_q[2:1], 1'b0};
  wire [25:0] by_ones   = by_twos >> s1_distance_q[0];
  wire        far       = |s1_distance_q[7:5];
  wire        lost_eights = (s1_distance_q[3] && (|s1_small_q[5:0]))
                         || (s1_distance_q[4] && (|s1_small_q[13:0]))
                         || ((&s1_distance_q[4:3]) && (|s1_small_q[21:14]));
  wire        lost_twos   = (s1_distance_q[1] && (|by_eights[1:0]))
                         || (s1_distance_q[2] && (|by_eights[3:0]))
                         || ((&s1_distance_q[2:1]) && (|by_eights[5:4]));
  wire        lost_ones   = s1_distance_q[0] && by_twos[0];

  reg        s2_sign_q, s2_subtract_q, s2_nan_q, s2_inf_q;
  reg  [7:0] s2_exp_q;
  reg [23:0] s2_big_q;
  reg [26:0] s2_small_q;

  always @(posedge clk) begin
    s2_sign_q     <= s1_sign_q;
    s2_subtract_q <= s1_subtract_q;
    s2_nan_q      <= s1_nan_q;
    s2_inf_q      <= s1_inf_q;
    s2_exp_q      <= s1_exp_q;
    s2_big_q      <= s1_big_q;
    s2_small_q    <= far ? {26'd0, |s1_small_q}
                         : {by_ones, lost_eights || lost_twos || lost_ones};
  end

  // 3: add. The stop bit ends the later normalisation where the exponent would fall below 1:
  // shifting left by at most exp places keeps a subnormal result in place.
  reg        s3_sign_q, s3_subtract_q, s3_nan_q, s3_inf_q;
  reg  [7:0] s3_exp_q;
  reg [27:0] s3_sum_q, s3_stop_q;

  always @(posedge clk) begin
    s3_sign_q     <= s2_sign_q;
    s3_subtract_q <= s2_subtract_q;
    s3_nan_q      <= s2_nan_q;
    s3_inf_q      <= s2_inf_q;
    s3_exp_q      <= s2_exp_q;
    s3_sum_q      <= s2_subtract_q ? {1'b0, s2_big_q, 3'b000} - {1'b0, s2_small_q}
                                   : {1'b0, s2_big_q, 3'b000} + {1'b0, s2_small_q};
    s3_stop_q     <= 28'h8000000 >> s2_exp_q;
  end

  // 4: leading zeros of the sum. Equal magnitudes of opposite sign give +0.
  wire        cancelled = ~|s3_sum_q;
  wire [27:0] marked = s3_sum_q | s3_stop_q;
  wire  [4:0] zeros;

  sat_fp_lzc #(
    .NIBBLES(7)
  ) u_lzc (
    .bits_i (marked),
    .zeros_o(zeros)
  );

  reg        s4_sign_q, s4_zero_q, s4_nan_q, s4_inf_q;
  reg  [4:0] s4_zeros_q;
  reg  [7:0] s4_exp_q;
  reg [27:0] s4_sum_q;

  always @(posedge clk) begin
    s4_sign_q  <= s3_sign_q && !(s3_subtract_q && cancelled);
    s4_zero_q  <= cancelled;
    s4_nan_q   <= s3_nan_q;
    s4_inf_q   <= s3_inf_q;
    s4_zeros_q <= zeros;
    s4_exp_q   <= s3_exp_q;
    s4_sum_q   <= s3_sum_q;
  end

  // 5: normalise. The exponent field is one more when the hidden bit, bit 27, is set.
  wire [7:0] exp_below = s4_exp_q - {3'b000, s4_zeros_q};

  reg        s5_sign_q, s5_nan_q, s5_inf_q;
  reg  [7:0] s5_exp_q;
  reg [27:0] s5_sum_q;

  always @(posedge clk) begin
    s5_sign_q <= s4_sign_q;
    s5_nan_q  <= s4_nan_q;
    s5_inf_q  <= s4_inf_q || (!s4_zero_q && (exp_below >= 8'd254));
    s5_exp_q  <= s4_zero_q ? 8'd0 : exp_below;
    s5_sum_q  <= s4_sum_q << s4_zeros_q;
  end

  // 6: round. A carry runs from the fraction into the exponent, also to infinity.
  wire        round_up = s5_sum_q[3] && (s5_sum_q[4] || (|s5_sum_q[2:0]));
  wire [30:0] rounded  = {s5_exp_q, s5_sum_q[26:4]} + {7'd0, s5_sum_q[27], 23'd0}
                       + {30'd0, round_up};

  reg [31:0] s6_sum_q;

  always @(posedge clk) begin
    s6_sum_q <= {s5_sign_q, rounded};
    if (s5_inf_q) s6_sum_q[30:0] <= 31'h7F800000;
    if (s5_nan_q) s6_sum_q <= 32'h7FC00000;
  end

  assign sum_o = s6_sum_q;

endmodule

`default_nettype wire
