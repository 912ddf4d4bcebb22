// SPDX-License-Identifier: Apache-2.0
// sat_exact_lane: exact sums of FP16 x and of x*y for GROUPS columns, an element of any of them per
// cycle. A finite x is an integer times 2^-24 below 2^40, a product one times 2^-48 below 2^80; so
// 65 and 105 bits hold the sums of 2^24 rows. Special terms are only remembered: a sum that has
// met +infinity, -infinity, or both (which NaN counts as) is that, whatever else it holds.
// Stages: 1 unpack, 2 multiply, 3 and 4 shift, 5 to 7 the limbs of the sums. Controls come with
// their stage: bit k of add_i and first_i, and group_i[k], belong to stage 5 + k.
`default_nettype none

module sat_exact_lane #(
  parameter integer GROUPS = 16  // columns, >= 2
) (
  input  wire                        clk,
  input  wire                 [15:0] x_i,
  input  wire                 [15:0] y_i,
  input  wire                  [2:0] add_i,
  input  wire                  [2:0] first_i,
  input  wire [3*$clog2(GROUPS)-1:0] group_i,
  // totals of group_i, combinational: units of 2^-24, of 2^-48; {-infinity, +infinity} of each
  output wire                 [64:0] sum_o,
  output wire                  [1:0] sum_special_o,
  output wire                [104:0] dot_o,
  output wire                  [1:0] dot_special_o
);

  localparam integer LIMB    = 35;
  localparam integer GROUP_W = $clog2(GROUPS);

  // ---- Stage 1: unpack
  // An exponent field e gives the shift max(e, 1) - 1. What comes may have been selected before, so
  // that special values are told a stage later.
  reg [10:0] s1_x_q, s1_y_q;
  reg  [4:0] s1_x_exp_q, s1_y_exp_q, s1_x_shift_q, s1_y_shift_q;
  reg        s1_x_sign_q, s1_sign_q;

  always @(posedge clk) begin
    s1_x_q       <= {|x_i[14:10], x_i[9:0]};
    s1_y_q       <= {|y_i[14:10], y_i[9:0]};
    s1_x_exp_q   <= x_i[14:10];
    s1_y_exp_q   <= y_i[14:10];
    s1_x_shift_q <= (|x_i[14:10]) ? x_i[14:10] - 5'd1 : 5'd0;
    s1_y_shift_q <= (|y_i[14:10]) ? y_i[14:10] - 5'd1 : 5'd0;
    s1_x_sign_q  <= x_i[15];
    s1_sign_q    <= x_i[15] ^ y_i[15];
  end

  // ---- Stage 2: multiply
  reg [10:0] s2_x_q;
  reg [21:0] s2_prod_q;
  reg  [4:0] s2_x_shift_q;
  reg  [5:0] s2_shift_q;
  reg        s2_x_sign_q, s2_sign_q;
  reg  [1:0] s2_x_special_q, s2_special_q;
  wire       x_top   = &s1_x_exp_q;
  wire       y_top   = &s1_y_exp_q;
  wire       x_nan   = x_top && (|s1_x_q[9:0]);
  wire       y_nan   = y_top && (|s1_y_q[9:0]);
  wire       dot_nan = x_nan || y_nan || (x_top && (~|s1_y_q)) || (y_top && (~|s1_x_q));

  always @(posedge clk) begin
    s2_x_q         <= s1_x_q;
    s2_prod_q      <= s1_x_q * s1_y_q;
    s2_x_shift_q   <= s1_x_shift_q;
    s2_shift_q     <= {1'b0, s1_x_shift_q} + {1'b0, s1_y_shift_q};
    s2_x_sign_q    <= s1_x_sign_q;
    s2_sign_q      <= s1_sign_q;
    s2_x_special_q <= {2{x_nan}} | ({2{x_top}} & {s1_x_sign_q, !s1_x_sign_q});
    s2_special_q   <= {2{dot_nan}} | ({2{x_top || y_top}} & {s1_sign_q, !s1_sign_q});
  end

  // ---- Stages 3 and 4: shift
  // By less than 8 or 16, then by multiples. What a special number shifts out means nothing.
  reg [17:0] s3_x_q;
  reg [36:0] s3_prod_q;
  reg  [1:0] s3_x_shift_q, s3_shift_q;
  reg [39:0] s4_x_q;
  reg [79:0] s4_prod_q;
  wire       s4_x_sign, s4_sign;
  wire [1:0] s4_x_special, s4_special;
  wire [41:0] s3_x_shifted    = {24'd0, s3_x_q} << {s3_x_shift_q, 3'd0};
  wire [84:0] s3_prod_shifted = {48'd0, s3_prod_q} << {s3_shift_q, 4'd0};

  always @(posedge clk) begin
    s3_x_q       <= {7'd0, s2_x_q} << s2_x_shift_q[2:0];
    s3_x_shift_q <= s2_x_shift_q[4:3];
    s3_prod_q    <= {15'd0, s2_prod_q} << s2_shift_q[3:0];
    s3_shift_q   <= s2_shift_q[5:4];
    s4_x_q       <= s3_x_shifted[39:0];
    s4_prod_q    <= s3_prod_shifted[79:0];
  end

  sat_delay #(
    .WIDTH (6),
    .CYCLES(2)
  ) u_signs (
    .clk  (clk),
    .in_i ({s2_x_sign_q, s2_sign_q, s2_x_special_q, s2_special_q}),
    .out_o({s4_x_sign, s4_sign, s4_x_special, s4_special})
  );

  // ---- Stages 5 to 7: add
  // A negative term by its complement and a carry into the lowest limb.
  wire  [64:0] x_addend    = {25'd0, s4_x_q} ^ {65{s4_x_sign}};
  wire [104:0] prod_addend = {25'd0, s4_prod_q} ^ {105{s4_sign}};
  wire   [1:0] sum_carry;
  wire   [2:0] dot_carry;

  genvar k;
  generate
    for (k = 0; k < 3; k = k + 1) begin : gen_limb
      wire [LIMB-1:0] prod;

      sat_delay #(
        .WIDTH (LIMB),
        .CYCLES(k)
      ) u_prod (
        .clk  (clk),
        .in_i (prod_addend[LIMB*k +: LIMB]),
        .out_o(prod)
      );

      if (k == 0) begin : gen_low
        sat_exact_limb #(.WIDTH(LIMB), .GROUPS(GROUPS)) u_dot (
          .clk     (clk),
          .add_i   (add_i[k]),
          .first_i (first_i[k]),
          .group_i (group_i[GROUP_W*k +: GROUP_W]),
          .addend_i(prod),
          .carry_i (s4_sign),
          .carry_o (dot_carry[k]),
          .total_o (dot_o[LIMB*k +: LIMB])
        );
        sat_exact_limb #(.WIDTH(LIMB), .GROUPS(GROUPS)) u_sum (
          .clk     (clk),
          .add_i   (add_i[k]),
          .first_i (first_i[k]),
          .group_i (group_i[GROUP_W*k +: GROUP_W]),
          .addend_i(x_addend[LIMB-1:0]),
          .carry_i (s4_x_sign),
          .carry_o (sum_carry[k]),
          .total_o (sum_o[LIMB-1:0])
        );
      end else begin : gen_high
        sat_exact_limb #(.WIDTH(LIMB), .GROUPS(GROUPS)) u_dot (
          .clk     (clk),
          .add_i   (add_i[k]),
          .first_i (first_i[k]),
          .group_i (group_i[GROUP_W*k +: GROUP_W]),
          .addend_i(prod),
          .carry_i (dot_carry[k-1]),
          .carry_o (dot_carry[k]),
          .total_o (dot_o[LIMB*k +: LIMB])
        );
      end
    end
  endgenerate

  reg [64-LIMB:0] s5_x_q;

  always @(posedge clk) s5_x_q <= x_addend[64:LIMB];

  sat_exact_limb #(.WIDTH(65 - LIMB), .GROUPS(GROUPS)) u_sum_high (
    .clk     (clk),
    .add_i   (add_i[1]),
    .first_i (first_i[1]),
    .group_i (group_i[GROUP_W +: GROUP_W]),
    .addend_i(s5_x_q),
    .carry_i (sum_carry[0]),
    .carry_o (sum_carry[1]),
    .total_o (sum_o[64:LIMB])
  );

  // What was special, in stage 5.
  wire [3:0] specials;

  assign {sum_special_o, dot_special_o} = specials;

  sat_lutram #(
    .WIDTH(4),
    .DEPTH(GROUPS)
  ) u_specials (
    .clk    (clk),
    .we_i   (add_i[0]),
    .waddr_i(group_i[0 +: GROUP_W]),
    .wdata_i((first_i[0] ? 4'd0 : specials) | {s4_x_special, s4_special}),
    .raddr_i(group_i[0 +: GROUP_W]),
    .rdata_o(specials)
  );

  wire unused_ok = &{1'b0, s3_x_shifted, s3_prod_shifted, sum_carry[1], dot_carry[2]};

endmodule

`default_nettype wire
