// SPDX-License-Identifier: Apache-2.0
// sat_exact_to_fp32: an exact sum, in units of 2^-48, to the nearest FP32, ties to even. Zero is
// +0; every other sum is a normal number. Latency `SAT_EXACT_TO_FP32_LATENCY, one a cycle.
// Golden function: stats_sum.
`default_nettype none

module sat_exact_to_fp32 (
  input  wire         clk,
  input  wire [104:0] total_i,    // signed, its magnitude below 2^104
  input  wire   [1:0] special_i,  // {-infinity, +infinity}; both: NaN
  output wire  [31:0] value_o
);

  localparam integer LOW = 53;

  // ---- Stages 1 and 2: magnitude, the lower half first
  reg         s1_carry_q, s1_sign_q;
  reg  [52:0] s1_low_q, s2_low_q;
  reg  [51:0] s1_high_q, s2_high_q;
  wire [53:0] low = {1'b0, total_i[LOW-1:0] ^ {LOW{total_i[104]}}} + {53'd0, total_i[104]};

  always @(posedge clk) begin
    s1_sign_q             <= total_i[104];
    {s1_carry_q, s1_low_q} <= low;
    s1_high_q             <= total_i[104:LOW] ^ {52{total_i[104]}};
    s2_low_q              <= s1_low_q;
    s2_high_q             <= s1_high_q + {51'd0, s1_carry_q};
  end

  // ---- Stage 3: its bytes that are not zero
  wire [111:0] s2_magnitude = {7'd0, s2_high_q, s2_low_q};
  reg  [111:0] s3_magnitude_q;
  reg   [13:0] s3_some_q;
  integer      b;

  always @(posedge clk) begin
    s3_magnitude_q <= s2_magnitude;
    for (b = 0; b < 14; b = b + 1) s3_some_q[b] <= |s2_magnitude[8*b +: 8];
  end

  // ---- Stage 4: the first of seven pieces of 16 bits that is not zero, 24 bits behind it, and
  // whether anything is left
  wire [135:0] magnitude = {s3_magnitude_q, 24'd0};
  wire  [16:0] some      = {s3_some_q, 3'd0};
  reg   [39:0] window, s4_window_q;
  reg          rest, s4_rest_q;
  reg    [2:0] zeros, s4_zeros_q;
  integer      k;

  always @(*) begin
    window = magnitude[0 +: 40];
    rest   = 1'b0;
    zeros  = 3'd6;
    for (k = 1; k < 7; k = k + 1)
      if (|some[2*k + 3 +: 2]) begin
        window = magnitude[16*k +: 40];
        rest   = |(some & ~({17{1'b1}} << 2*k));
        zeros  = 3'd6 - k[2:0];
      end
  end

  always @(posedge clk) begin
    s4_window_q <= window;
    s4_rest_q   <= rest;
    s4_zeros_q  <= zeros;
  end

  // ---- Stages 5 and 6: a leading one
  wire  [4:0] fine;
  reg   [3:0] s5_fine_q;
  reg  [39:0] s5_window_q;
  reg         s5_rest_q;
  reg   [2:0] s5_zeros_q;
  wire [39:0] shifted = s5_window_q << s5_fine_q;
  reg  [24:0] s6_sig_q;   // with the place below the last
  reg         s6_rest_q;
  reg   [7:0] s6_exp_q;

  sat_fp_lzc #(
    .NIBBLES(4)
  ) u_lzc (
    .bits_i (s4_window_q[39:24]),
    .zeros_o(fine)
  );

  always @(posedge clk) begin
    s5_fine_q   <= fine[3:0];
    s5_window_q <= s4_window_q;
    s5_rest_q   <= s4_rest_q;
    s5_zeros_q  <= s4_zeros_q;
    s6_sig_q    <= shifted[39:15];
    s6_rest_q   <= s5_rest_q || (|shifted[14:0]);
    s6_exp_q    <= 8'd189 - {1'b0, s5_zeros_q, s5_fine_q};  // the leading one adds 1
  end

  // ---- Stage 7: round
  wire        s6_sign;
  wire  [1:0] s6_special;
  wire        zero     = !s6_sig_q[24];
  wire        round_up = s6_sig_q[0] && (s6_sig_q[1] || s6_rest_q);
  wire [30:0] rounded  = {s6_exp_q, 23'd0} + {7'd0, s6_sig_q[24:1]} + {30'd0, round_up};
  reg  [31:0] s7_value_q;

  sat_delay #(
    .WIDTH (1),
    .CYCLES(5)
  ) u_sign (
    .clk  (clk),
    .in_i (s1_sign_q),
    .out_o(s6_sign)
  );
  sat_delay #(
    .WIDTH (2),
    .CYCLES(6)
  ) u_special (
    .clk  (clk),
    .in_i (special_i),
    .out_o(s6_special)
  );

  always @(posedge clk)
    s7_value_q <= (&s6_special) ? 32'h7FC00000
                : (|s6_special) ? {s6_special[1], 31'h7F800000}
                : zero          ? 32'd0 : {s6_sign, rounded};

  assign value_o = s7_value_q;

  wire unused_ok = &{1'b0, fine[4]};

endmodule

`default_nettype wire
