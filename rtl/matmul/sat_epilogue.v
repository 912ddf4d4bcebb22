// SPDX-License-Identifier: Apache-2.0
// sat_epilogue: what happens to LANES accumulators between the output buffer and memory: + bias, +
// residual (one FP32 addition each), ReLU, mask, rounding to FP16 or FP32 as it is. A residual that
// is FP16 lies in the lower half of its lane. Fixed latency `SAT_EPILOGUE_LATENCY (sat_fp.vh), one
// group per cycle, no back-pressure. All operands enter with the accumulators; bias_i one cycle
// later, as it comes from a RAM. Mode bits are stable while groups are inside. Golden function:
// sat_golden.multiply.epilogue.
`default_nettype none
`include "sat_buses.vh"
`include "sat_fp.vh"

module sat_epilogue #(
  parameter integer LANES = 4
) (
  input  wire                           clk,
  input  wire                           use_bias_i,
  input  wire                           use_residual_i,
  input  wire                           as_single_i,       // C and residual are FP32
  input  wire                           use_relu_i,
  input  wire                           use_mask_i,
  input  wire [LANES*`SAT_ACC_BITS-1:0] acc_i,
  input  wire [LANES*32-1:0]            bias_i,            // one cycle after acc_i
  input  wire [LANES*32-1:0]            residual_i,
  input  wire [LANES*16-1:0]            mask_i,
  output reg  [LANES*32-1:0]            single_o,
  output reg  [LANES*16-1:0]            half_o,
  output reg  [LANES-1:0]               single_special_o,  // infinity or NaN
  output reg  [LANES-1:0]               half_special_o
);

  localparam integer ADD = `SAT_FP32_ADD_LATENCY;

  genvar l;
  generate
    for (l = 0; l < LANES; l = l + 1) begin : gen_lane
      // Stage 1: FP32.
      wire [31:0] acc;
      reg  [31:0] s1_acc_q;
      sat_acc_to_fp32 u_acc (
        .acc_i  (acc_i[l*`SAT_ACC_BITS +: `SAT_ACC_BITS]),
        .value_o(acc)
      );
      always @(posedge clk) s1_acc_q <= acc;

      // Bias.
      wire [31:0] s2_sum, s2_acc;
      sat_fp32_add u_bias (
        .clk  (clk),
        .a_i  (s1_acc_q),
        .b_i  (bias_i[l*32 +: 32]),
        .sum_o(s2_sum)
      );
      sat_delay #(.WIDTH(32), .CYCLES(ADD)) u_skip_bias (
        .clk  (clk),
        .in_i (s1_acc_q),
        .out_o(s2_acc)
      );
      wire [31:0] s2_value = use_bias_i ? s2_sum : s2_acc;

      // Residual.
      wire [31:0] residual_widened, s2_residual, s3_sum, s3_acc;
      sat_fp16_to_fp32 u_widen (
        .half_i (residual_i[l*32 +: 16]),
        .value_o(residual_widened)
      );
      sat_delay #(.WIDTH(32), .CYCLES(1 + ADD)) u_residual (
        .clk  (clk),
        .in_i (as_single_i ? residual_i[l*32 +: 32] : residual_widened),
        .out_o(s2_residual)
      );
      sat_fp32_add u_add (
        .clk  (clk),
        .a_i  (s2_value),
        .b_i  (s2_residual),
        .sum_o(s3_sum)
      );
      sat_delay #(.WIDTH(32), .CYCLES(ADD)) u_skip_residual (
        .clk  (clk),
        .in_i (s2_value),
        .out_o(s3_acc)
      );
      wire [31:0] s3_value = use_residual_i ? s3_sum : s3_acc;

      // ReLU keeps NaN; the mask passes where the stored activation is positive.
      wire [15:0] s3_mask;
      sat_delay #(.WIDTH(16), .CYCLES(1 + 2*ADD)) u_mask (
        .clk  (clk),
        .in_i (mask_i[l*16 +: 16]),
        .out_o(s3_mask)
      );
      wire s3_nan     = (&s3_value[30:23]) && (|s3_value[22:0]);
      wire s3_cut     = use_relu_i && s3_value[31] && !s3_nan;
      wire s3_blocked = use_mask_i && (s3_mask[15] || !(|s3_mask[14:0]));
      reg  [31:0] s4_value_q;
      always @(posedge clk) s4_value_q <= (s3_cut || s3_blocked) ? 32'd0 : s3_value;

      // Rounding.
      wire [15:0] half;
      wire [31:0] s5_value;
      sat_fp32_to_fp16 u_round (
        .clk    (clk),
        .value_i(s4_value_q),
        .half_o (half)
      );
      sat_delay #(.WIDTH(32), .CYCLES(`SAT_FP32_TO_FP16_LATENCY)) u_single (
        .clk  (clk),
        .in_i (s4_value_q),
        .out_o(s5_value)
      );
      always @(posedge clk) begin
        single_o[l*32 +: 32] <= s5_value;
        half_o[l*16 +: 16]   <= half;
        single_special_o[l]  <= &s5_value[30:23];
        half_special_o[l]    <= &half[14:10];
      end
    end
  endgenerate

endmodule

`default_nettype wire
