// SPDX-License-Identifier: Apache-2.0
// Stands in for Verilator's header, for tb/top/test_fast_board.py.
#pragma once

struct VerilatedContext {
  void randReset(int) {}
  void fatalOnError(bool) {}
};

struct Verilated {
  static void threadContextp(VerilatedContext*) {}
};
