// SPDX-License-Identifier: Apache-2.0
// Latencies in cycles of the pipelined FP units; callers delay what travels beside them by as much.
`ifndef SAT_FP_VH
`define SAT_FP_VH
`define SAT_FP32_ADD_LATENCY 6
`define SAT_FP32_MUL_LATENCY 5
`define SAT_FP32_TO_FP16_LATENCY 1
`define SAT_EXACT_TO_FP32_LATENCY 7
// sat_lanes: operands, multiplication, addition.
`define SAT_LANES_LATENCY (1 + `SAT_FP32_MUL_LATENCY + `SAT_FP32_ADD_LATENCY)
// sat_epilogue: FP32, bias, residual, cut, rounding, output.
`define SAT_EPILOGUE_LATENCY (3 + 2 * `SAT_FP32_ADD_LATENCY + `SAT_FP32_TO_FP16_LATENCY)
`endif
