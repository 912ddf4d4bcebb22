// SPDX-License-Identifier: Apache-2.0
// Verilator's toggle functions as a model calls them; prints the counters that are not zero.

#include <cstdio>

#include "verilated_cov.h"

namespace {

void print(const char* name, const uint32_t* counters, int width) {
  for (int i = 0; i < 2 * width; ++i) {
    if (counters[i]) printf("%s[%d] %s %u\n", name, i / 2, i & 1 ? "rises" : "falls", counters[i]);
  }
}

}  // namespace

int main() {
  uint32_t narrow[2 * 20] = {}, twice[2 * 40] = {}, wide[2 * 100] = {};
  VL_COV_TOGGLE_CHG_ST_I(20, narrow, 0x80001, 0x00003);
  VL_COV_TOGGLE_CHG_ST_Q(40, twice, 0x8000000000, 0x0000000001);
  VlWide<4> before{{1, 0, 0, 8}}, now{{0, 0x80000000u, 1, 8}};
  VL_COV_TOGGLE_CHG_ST_W(100, wide, now, before);
  print("narrow", narrow, 20);
  print("twice", twice, 40);
  print("wide", wide, 100);
  return 0;
}
