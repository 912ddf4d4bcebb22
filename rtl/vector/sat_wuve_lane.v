// SPDX-License-Identifier: Apache-2.0
// sat_wuve_lane: one FP32 lane: result_o = addend_i + scalar_i * factor_i, both operations rounded.
// One operation per cycle, latency SAT_FP32_MUL_LATENCY + SAT_FP32_ADD_LATENCY, no reset.
`default_nettype none
`include "sat_fp.vh"

module sat_wuve_lane (
  input  wire        clk,
  input  wire [31:0] factor_i,
  input  wire [31:0] scalar_i,
  input  wire [31:0] addend_i,
  output wire [31:0] result_o
);

  wire [31:0] product, addend;

  sat_fp32_mul u_mul (
    .clk   (clk),
    .a_i   (scalar_i),
    .b_i   (factor_i),
    .prod_o(product)
  );

  sat_delay #(
    .WIDTH (32),
    .CYCLES(`SAT_FP32_MUL_LATENCY)
  ) u_addend (
    .clk  (clk),
    .in_i (addend_i),
    .out_o(addend)
  );

  sat_fp32_add u_add (
    .clk  (clk),
    .a_i  (addend),
    .b_i  (product),
    .sum_o(result_o)
  );

endmodule

`default_nettype wire
