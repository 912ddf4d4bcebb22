// SPDX-License-Identifier: Apache-2.0
// The cycle model: the control of sat_top, cycle for cycle, without any data. What FP units and
// pipelines take is defined by the compiler's command line, from rtl/include.

#include <deque>

#include "matmul.h"
#include "repeat.h"
#include "vector.h"

namespace sat {
namespace {

// sat_sequencer and sat_desc_fetch, of a program without errors.
class Machine {
 public:
  Machine(const Config& config, const Command* commands, Int count, Int program)
      : config_(config), command_(commands), count_(count), program_(program),
        fetch_beats_(DESC_BYTES / config_.beat_bytes()), rd_(config_),
        wr_(config_), matmul_(config_), vector_(config_) {}

  // How many cycles were run and not skipped, 0 if the program did not end within `limit`. `spans`
  // has a place for each command. Without `skips` each cycle is run.
  Int run(Int limit, bool skips, Counters* counters, Span* spans) {
    spans_ = spans;
    counters_ = counters;
    Int ran = 0;
    for (Int now = 0; now < limit; ++now) {
      if (rd_.awake(now)) rd_.settle_responses(now);
      if (wr_.awake(now)) wr_.settle(now);
      matmul_.settle(now, rd_, wr_);
      vector_.settle(now, rd_, wr_);
      rd_.settle_requests();

      count_cycles(1, counters);
      counters->bytes_read += rd_.beat_in * config_.beat_bytes();
      count_bytes();
      const bool idle = !matmul_.busy && !vector_.busy;
      if (state_ == END && idle) {
        const Feeder& feeder = matmul_.feeder();
        counters->array_slots = feeder.slots;
        counters->stall_a = feeder.stalls_a;
        counters->stall_s = feeder.stalls_s;
        counters->stall_drain = feeder.stalls_drain;
        counters->bytes_written = wr_.written;
        return ran;
      }
      ++ran;
      if (matmul_.finishes()) end(array_, now);
      if (vector_.finishes()) end(vectors_, now);
      const State state = state_;
      sequence(now);
      const bool fetch_ready = rd_.ready(RD_FETCH), beat = rd_.rsp_valid(RD_FETCH);
      const bool moved = state_ != state || fetch_ || fetched_ || fetch_ready || beat;
      fetched_ = beat && ++fetch_beat_ == fetch_beats_;
      if (fetched_) fetch_beat_ = 0;
      matmul_.tick(now, rd_, wr_);
      vector_.tick(now, rd_);
      rd_.tick(now);
      wr_.tick(now);
      if (fetch_ || fetch_ready) {
        rd_.drive(RD_FETCH, fetch_, {fetch_addr_, fetch_beats_}, true);
      }
      if (!skips) continue;
      if (!moved && state_ >= ISSUE) {
        if (matmul_.repeats() && !vector_.moved) now += skip(matmul_repeats_, now, limit);
        if (vector_.repeats() && matmul_.rests()) now += skip(vector_repeats_, now, limit);
      }
      if (moved || rd_.moved || wr_.moved || matmul_.moved || vector_.moved) continue;
      const Int next = std::min({rd_.due, wr_.due, matmul_.due, limit,
                                 state_ == CHECK ? checked_ : NEVER});
      if (next <= now) continue;
      count_cycles(next - now - 1, counters);
      now = next - 1;
    }
    return 0;
  }

 private:
  enum State { BEGIN, FETCH, CHECK, ISSUE, END, AHEAD };
  static constexpr Int DESC_BYTES = 128, PAGE = 4096;

  // Cycles of periods that need not be run, of the engine that is alone at work.
  Int skip(Repeats& repeats, Int now, Int limit) {
    if (index_ != repeats_of_) matmul_repeats_.forget(), vector_repeats_.forget();
    repeats_of_ = index_;
    const auto visit = [this](Walk& walk) { visit_all(walk); };
    Int periods = repeats.find(visit, now, PAGE);
    if (!periods) return 0;
    periods = std::min(periods, (limit - now) / repeats.time - 1);
    if (periods <= 0) return 0;
    Walk walk(repeats.steps, repeats.time, periods);
    visit(walk);
    repeats.forget();
    return periods * repeats.time;
  }

  // All that changes while an engine is alone at work.
  void visit_all(Walk& walk) {
    Counters& total = *counters_;
    walk.same(state_, index_, array_.size(), vectors_.size());
    rd_.visit(walk);
    wr_.visit(walk);
    if (matmul_.busy) matmul_.visit(walk);
    else vector_.visit(walk);
    for (Int* count : {&total.cycles, &total.array_busy, &total.vector_busy, &total.rdma_busy,
                       &total.wdma_busy, &total.bytes_read}) {
      walk.moving(*count);
    }
    for (const std::deque<Int>* running : {&array_, &vectors_}) {
      for (Int command : *running) {
        walk.moving(spans_[command].bytes_read);
        walk.moving(spans_[command].bytes_written);
      }
    }
  }

  void count_cycles(Int cycles, Counters* counters) const {
    counters->cycles += state_ == BEGIN ? 0 : cycles;
    counters->array_busy += matmul_.busy ? cycles : 0;
    counters->vector_busy += vector_.busy ? cycles : 0;
    counters->rdma_busy += rd_.busy() ? cycles : 0;
    counters->wdma_busy += wr_.busy() ? cycles : 0;
  }

  // Operands are read for the youngest command of the array, all else moves for the oldest.
  void count_bytes() {
    const int port = rd_.rsp_port;
    if (rd_.rsp_fire()) {
      const Int reader = port == RD_FETCH    ? index_
                         : port == RD_VECTOR ? vectors_.front()
                         : port < PORT_BIAS  ? array_.back()
                                             : array_.front();
      spans_[reader].bytes_read += config_.beat_bytes();
    }
    for (int p = 0; p < WR_PORTS; ++p) {
      if (wr_.data_valid[p] && wr_.data_ready[p]) {
        spans_[(p ? vectors_ : array_).front()].bytes_written += wr_.bytes[p];
      }
    }
  }

  void sequence(Int now) {
    fetch_ = false;
    switch (state_) {
      case BEGIN:
        fetch(FETCH);
        break;
      case FETCH:
        if (!fetched_) break;
        state_ = CHECK;
        checked_ = now + command_->check;
        break;
      case CHECK:
        if (now == checked_) state_ = ISSUE;
        break;
      case ISSUE: {
        const Command& command = *command_;
        const bool to_matmul = command.opcode == MATMUL;
        const bool may = to_matmul ? matmul_.ready && (command.overlap || !vector_.busy)
                                   : !vector_.busy && (command.overlap || !matmul_.busy);
        if (!may) break;
        const bool ahead = to_matmul && matmul_.busy;
        spans_[index_].start = spans_[index_].end = now;
        if (to_matmul) {
          issue(command);
          array_.push_back(index_);
        } else if (command.opcode != FENCE) {
          vector_.start(command);
          vectors_.push_back(index_);
        }
        command_ += 1 + command_->more;
        if (++index_ == count_) state_ = END;
        else if (ahead) state_ = AHEAD;
        else fetch(FETCH);
        break;
      }
      case AHEAD:
        if (!matmul_.pair) fetch(FETCH);
        break;
      case END:
        break;
    }
  }

  void end(std::deque<Int>& running, Int now) {
    spans_[running.front()].end = now + 1;
    running.pop_front();
  }

  void fetch(State next) {
    fetch_ = true;
    fetch_addr_ = program_ + index_ * DESC_BYTES;
    state_ = next;
  }

  // What the check of the MATMUL before knows of its outputs.
  void issue(const Command& command) {
    matmul_.start(command, meets(command.slots[0]),
                  meets(command.slots[1]) || meets(command.slots[2]));
    result_ = command.slots[3];
    sums_ = command.slots[7];
  }
  bool meets(const Slot& slot) const {
    const auto overlap = [&](const Slot& other) {
      return slot.addr < other.end && other.addr < slot.end;
    };
    return slot.end && (overlap(result_) || overlap(sums_));
  }

  Config config_;
  const Command* command_;  // in hand
  Int count_, program_, fetch_beats_;
  ReadDma rd_;
  WriteDma wr_;
  MatmulEngine matmul_;
  VectorEngine vector_;
  std::deque<Int> array_, vectors_;  // commands inside
  Span* spans_ = nullptr;
  Counters* counters_ = nullptr;
  Repeats matmul_repeats_, vector_repeats_;
  Int repeats_of_ = -1;
  State state_ = BEGIN;
  Int index_ = 0, fetch_addr_ = 0, fetch_beat_ = 0, checked_ = 0;
  bool fetch_ = false, fetched_ = false;
  Slot result_{}, sums_{};
};

}  // namespace
}  // namespace sat

#define PUBLIC extern "C" __attribute__((visibility("default")))

PUBLIC int64_t sat_machine_run(const sat::Config* config, const sat::Command* commands,
                               int64_t count, int64_t program, int64_t limit, int64_t skips,
                               sat::Counters* counters, sat::Span* spans) {
  sat::Machine machine(*config, commands, count, program);
  return machine.run(limit, skips, counters, spans);
}
