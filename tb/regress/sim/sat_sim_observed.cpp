// SPDX-License-Identifier: Apache-2.0
// The fast simulation (host/sat/sim/sat_sim.cpp) with what a regression adds: coverage counters
// written to a file, or a VCD trace of every eval. One board at a time in a process.

#include "Vsat_top.h"
#include "verilated.h"

#if VM_TRACE_VCD
#include "verilated_vcd_c.h"

namespace {

// Stands in for the model, below: it dumps after each eval while a trace is open.
class ObservedTop : public Vsat_top {
 public:
  explicit ObservedTop(VerilatedContext* context) : Vsat_top(prepared(context)) {
    current_ = this;
  }

  ~ObservedTop() {
    close();
    current_ = nullptr;
  }

  void eval() {
    Vsat_top::eval();
    if (open_) trace_.dump(time_);
    time_ += HALF_PERIOD;
  }

  void open(const char* path) {
    if (!traced_) trace(&trace_, LEVELS);
    traced_ = true;
    trace_.open(path);
    open_ = true;
  }

  void close() {
    if (open_) trace_.close();
    open_ = false;
  }

  static ObservedTop* current() { return current_; }

 private:
  static constexpr int LEVELS = 99;
  static constexpr uint64_t HALF_PERIOD = 5000;  // ps: the benches' 10 ns clock

  static VerilatedContext* prepared(VerilatedContext* context) {
    context->traceEverOn(true);
    return context;
  }

  inline static ObservedTop* current_ = nullptr;
  VerilatedVcdC trace_;
  uint64_t time_ = 0;
  bool traced_ = false, open_ = false;
};

}  // namespace

#define Vsat_top ObservedTop
#include "sat_sim.cpp"
#undef Vsat_top

#else
#include "sat_sim.cpp"
#endif

#pragma GCC visibility push(default)
extern "C" {

#if VM_COVERAGE
// Counters of the board that this thread made last.
void sat_sim_write_coverage(const char* path) {
  Verilated::threadContextp()->coveragep()->write(path);
}
#endif

#if VM_TRACE_VCD
void sat_sim_open_trace(const char* path) { ObservedTop::current()->open(path); }
void sat_sim_close_trace() { ObservedTop::current()->close(); }
#endif

}  // extern "C"
#pragma GCC visibility pop
