// SPDX-License-Identifier: Apache-2.0
// Latency of sat_pixel_addr in cycles.
`ifndef SAT_WINDOW_VH
`define SAT_WINDOW_VH

`define SAT_PIXEL_ADDR_LATENCY 6

`endif
