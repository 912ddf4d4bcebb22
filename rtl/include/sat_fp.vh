// SPDX-License-Identifier: Apache-2.0
// Latencies in cycles of the pipelined FP units; callers delay what travels beside them by as much.
`ifndef SAT_FP_VH
`define SAT_FP_VH
`define SAT_FP32_ADD_LATENCY 6
`define SAT_FP32_MUL_LATENCY 5
`endif
