// SPDX-License-Identifier: Apache-2.0
// All FP units side by side on shared operands, for the C++ bench of this folder.
`default_nettype none

module fp_bench (
  input  wire        clk,
  input  wire [31:0] a_i,
  input  wire [31:0] b_i,
  input  wire [30:0] acc_i,
  output wire [31:0] sum_o,
  output wire [31:0] prod_o,
  output wire [15:0] half_o,
  output wire [31:0] value_o,
  output wire [16:0] wide_o,
  output wire [31:0] acc_o
);

  sat_fp32_add u_add (.clk(clk), .a_i(a_i), .b_i(b_i), .sum_o(sum_o));
  sat_fp32_mul u_mul (.clk(clk), .a_i(a_i), .b_i(b_i), .prod_o(prod_o));
  sat_fp32_to_fp16 u_to_half (.clk(clk), .value_i(a_i), .half_o(half_o));
  sat_fp16_to_fp32 u_to_single (.half_i(a_i[15:0]), .value_o(value_o));
  sat_fp16_widen u_widen (.half_i(a_i[15:0]), .wide_o(wide_o));
  sat_acc_to_fp32 u_acc (.acc_i(acc_i), .value_o(acc_o));

endmodule

`default_nettype wire
