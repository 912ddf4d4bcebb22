// SPDX-License-Identifier: Apache-2.0
// sat_uspe_acc: FP32 accumulator whose T partial sums circulate through the adder's own pipeline.
// Each cycle: result = fp32_add(acc, product), rounded to nearest even; the result comes back as
// acc exactly T cycles later. result_o is the sum of the product given T-1 cycles earlier,
// combinational from the last stage. first_next_i, high in the cycle before a product, starts its
// sum at +0. Sums of FP16 products are multiples of 2^-48 below 2^78, so no FP32 subnormal or
// overflow occurs and 7 exponent bits suffice (docs/reference/numerics.md). Golden function:
// sat_golden.reference.pe_accumulate.
`default_nettype none
`include "sat_buses.vh"

module sat_uspe_acc #(
  parameter integer T = 8  // loop length in cycles: 4, 8 or 16
) (
  input  wire                     clk,
  input  wire                     first_next_i,
  input  wire                     p_sign_i,
  input  wire [6:0]               p_exp_i,
  input  wire [21:0]              p_mant_i,
  input  wire                     p_special_i,
  input  wire                     p_nan_i,
  output wire [`SAT_ACC_BITS-1:0] result_o
);

  // Register stages: all eight for T >= 8 (longer loops wait before the last), every other one for
  // 4.
  localparam integer ODD = (T >= 8) ? 1 : 0;
  localparam integer END = (T >= 8) ? T - 7 : 0;

  generate
    if (T != 4 && T != 8 && T != 16) begin : gen_illegal
      sat_error_t_must_be_4_8_or_16 u_error ();
    end
  endgenerate

  // Zero, and infinity or NaN (frac[22]), are also flagged.
  reg  [`SAT_ACC_BITS-1:0] acc_q;
  reg         some_q, spec_q;
  wire        a_sign = acc_q[`SAT_ACC_SIGN];
  wire [6:0]  a_exp  = acc_q[`SAT_ACC_EXP];
  wire [22:0] a_frac = acc_q[`SAT_ACC_FRAC];

  // Stage 1: which is larger, and by how many binary places. With equal exponents both have a
  // leading one or both are zero, so the fractions decide.
  wire [7:0]  c1_diff  = {1'b0, p_exp_i} - {1'b0, a_exp};   // negative: acc has the larger exponent
  wire        c1_equal = p_exp_i == a_exp;
  wire        c1_p_big = !c1_diff[7] && (!c1_equal || ({p_mant_i[20:0], 2'b00} > a_frac));
  wire        c1_nan   = (spec_q && a_frac[22]) || (p_special_i && p_nan_i) ||
                         (spec_q && p_special_i && (a_sign != p_sign_i));
  wire        s1_p_big, s1_a_spec, s1_p_spec, s1_nan, s1_a_sign, s1_p_sign, s1_neg;
  wire [6:0]  s1_diff, s1_a_exp, s1_p_exp;
  wire [23:0] s1_a_mant;
  wire [21:0] s1_p_mant;
  sat_delay #(.WIDTH(74), .CYCLES(ODD)) u_s1 (
    .clk  (clk),
    .in_i ({c1_p_big, spec_q, p_special_i, c1_nan, a_sign, p_sign_i, c1_diff, a_exp, p_exp_i,
            some_q, a_frac, p_mant_i}),
    .out_o({s1_p_big, s1_a_spec, s1_p_spec, s1_nan, s1_a_sign, s1_p_sign, s1_neg, s1_diff,
            s1_a_exp, s1_p_exp, s1_a_mant, s1_p_mant})
  );
  wire        s1_spec = s1_a_spec || s1_p_spec;
  wire        s1_sub  = s1_a_sign ^ s1_p_sign;
  wire        s1_sign = (s1_a_spec || !(s1_p_spec || s1_p_big)) ? s1_a_sign : s1_p_sign;

  // Stage 2: pick the smaller, and shift it right by multiples of 8. With a negative difference the
  // distance is ~diff + 1: the product, which has two bits to spare, takes the 1 here. Two more
  // bits below the 24 are kept (guard and round); what is lost further down is sticky.
  wire [23:0] c2_small = s1_p_big ? s1_a_mant :
                         s1_neg ? {1'b0, s1_p_mant, 1'b0} : {s1_p_mant, 2'b00};
  wire [6:0]  c2_dist  = s1_diff ^ {7{s1_neg}};
  wire        c2_far   = |c2_dist[6:5];
  // Right by 0, 8, 16, 24 or (far) everything: two bits more than went in, and what is lost.
  wire [26:0] c2_shr0  = {c2_small, 2'b00, 1'b0};
  wire [26:0] c2_shr8  = {8'd0, c2_small[23:6], |c2_small[5:0]};
  wire [26:0] c2_shr16 = {16'd0, c2_small[23:14], |c2_small[13:0]};
  wire [26:0] c2_shr24 = {24'd0, c2_small[23:22], |c2_small[21:0]};
  wire [26:0] c2_near  = c2_dist[4] ? (c2_dist[3] ? c2_shr24 : c2_shr16)
                                    : (c2_dist[3] ? c2_shr8 : c2_shr0);
  wire [25:0] c2_coarse;
  wire        c2_lost;
  assign {c2_coarse, c2_lost} = c2_far ? {26'd0, |c2_small} : c2_near;
  wire        s2_spec, s2_nan, s2_sign, s2_sub, s2_lost, s2_p_big;
  wire [2:0]  s2_dist;
  wire [6:0]  s2_exp;
  wire [23:0] s2_a_mant;
  wire [21:0] s2_p_mant;
  wire [25:0] s2_coarse;
  sat_delay #(.WIDTH(88), .CYCLES(1)) u_s2 (
    .clk  (clk),
    .in_i ({s1_spec, s1_nan, s1_sign, s1_sub, c2_lost, s1_p_big, c2_dist[2:0],
            s1_p_big ? s1_p_exp : s1_a_exp, s1_a_mant, s1_p_mant, c2_coarse}),
    .out_o({s2_spec, s2_nan, s2_sign, s2_sub, s2_lost, s2_p_big, s2_dist,
            s2_exp, s2_a_mant, s2_p_mant, s2_coarse})
  );

  // Stage 3: fine shift by 0..7, and complement for a subtraction.
  wire [32:0] c3_fine   = {s2_coarse, 7'd0} >> s2_dist;
  wire        c3_sticky = s2_lost || (|c3_fine[6:0]);
  wire        s3_spec, s3_nan, s3_sign, s3_sub, s3_p_big;
  wire [6:0]  s3_exp;
  wire [23:0] s3_a_mant;
  wire [21:0] s3_p_mant;
  wire [26:0] s3_small;
  sat_delay #(.WIDTH(85), .CYCLES(ODD)) u_s3 (
    .clk  (clk),
    .in_i ({s2_spec, s2_nan, s2_sign, s2_sub, s2_p_big, s2_exp, s2_a_mant, s2_p_mant,
            {c3_fine[32:7], c3_sticky} ^ {27{s2_sub}}}),
    .out_o({s3_spec, s3_nan, s3_sign, s3_sub, s3_p_big, s3_exp, s3_a_mant, s3_p_mant, s3_small})
  );

  // Stage 4: add or subtract; never negative since the larger counts fully. The low bit of both
  // addends makes the carry in.
  wire [23:0] c4_big = s3_p_big ? {s3_p_mant, 2'b00} : s3_a_mant;
  wire [28:0] c4_sum = {s3_sub, s3_small, s3_sub} + {1'b0, c4_big, 3'b000, s3_sub};
  wire        s4_spec, s4_nan, s4_sign;
  wire [6:0]  s4_exp;
  wire [27:0] s4_sum;
  sat_delay #(.WIDTH(38), .CYCLES(1)) u_s4 (
    .clk  (clk),
    .in_i ({s3_spec, s3_nan, s3_sign, s3_exp, c4_sum[28:1]}),
    .out_o({s4_spec, s4_nan, s4_sign, s4_exp, s4_sum})
  );

  // Stage 5: count leading zeros: the first nibble that is not zero, and the place within it.
  wire [4:0] c5_lz;
  wire       c5_zero;
  sat_uspe_lzc u_lzc (
    .value_i(s4_sum),
    .count_o(c5_lz),
    .zero_o (c5_zero)
  );
  wire        s5_spec, s5_nan, s5_sign, s5_zero;
  wire [4:0]  s5_lz;
  wire [6:0]  s5_exp;
  wire [27:0] s5_sum;
  sat_delay #(.WIDTH(44), .CYCLES(ODD)) u_s5 (
    .clk  (clk),
    .in_i ({s4_spec, s4_nan, s4_sign, c5_zero, c5_lz, s4_exp, s4_sum}),
    .out_o({s5_spec, s5_nan, s5_sign, s5_zero, s5_lz, s5_exp, s5_sum})
  );

  // Stage 6: normalise all but the last place. The leading one goes towards bit 27, the carry
  // position of the sum.
  wire [27:0] c6_norm = s5_sum << {s5_lz[4:1], 1'b0};
  wire [6:0]  c6_exp  = s5_exp + 7'd1 - {2'b00, s5_lz};
  wire        s6_spec, s6_nan, s6_sign, s6_zero, s6_shift;
  wire [6:0]  s6_exp;
  wire [27:0] s6_norm;
  sat_delay #(.WIDTH(40), .CYCLES(1)) u_s6 (
    .clk  (clk),
    .in_i ({s5_spec, s5_nan, s5_sign, s5_zero, s5_lz[0], c6_exp, c6_norm}),
    .out_o({s6_spec, s6_nan, s6_sign, s6_zero, s6_shift, s6_exp, s6_norm})
  );

  // Stage 7: the last place, and whether to round up.
  wire [27:0] c7_norm = s6_shift ? {s6_norm[26:0], 1'b0} : s6_norm;
  wire        c7_up   = c7_norm[3] && (c7_norm[4] || (|c7_norm[2:0])) && !s6_spec;
  wire        s7_spec, s7_nan, s7_sign, s7_zero, s7_up;
  wire [6:0]  s7_exp;
  wire [22:0] s7_frac;
  sat_delay #(.WIDTH(35), .CYCLES(END)) u_s7 (
    .clk  (clk),
    .in_i ({s6_spec, s6_nan, s6_sign, s6_zero, c7_up, s6_exp, c7_norm[26:4]}),
    .out_o({s7_spec, s7_nan, s7_sign, s7_zero, s7_up, s7_exp, s7_frac})
  );

  // Stage 8: special results, an exact zero sum is +0, and the rounding; a carry out of the
  // fraction moves into the exponent by itself.
  wire [29:0] c8_mag = s7_spec ? {7'h7F, s7_nan, 22'd0} :
                       s7_zero ? 30'd0 : {s7_exp, s7_frac};
  assign result_o = {s7_sign && !(s7_spec ? s7_nan : s7_zero), c8_mag + {29'd0, s7_up}};
  always @(posedge clk) begin
    acc_q  <= first_next_i ? 31'd0 : result_o;
    some_q <= !first_next_i && (s7_spec || !s7_zero);
    spec_q <= !first_next_i && s7_spec;
  end

  wire unused_ok = &{1'b0, c4_sum[0], c7_norm[27]};

endmodule

`default_nettype wire
