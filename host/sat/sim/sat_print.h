// SPDX-License-Identifier: Apache-2.0
// Included before all else where the core is built with assertions: what its Verilog prints is a
// fault of the board (sat_sim.cpp).
#pragma once

#ifdef __cplusplus
#define VL_PRINTF sat_sim_print
extern "C" int sat_sim_print(const char* format, ...);
#endif
