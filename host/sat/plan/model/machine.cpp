// SPDX-License-Identifier: Apache-2.0
// The cycle model: the control of sat_top, cycle for cycle, without any data. What FP units and
// pipelines take is defined by the compiler's command line, from rtl/include.

#include "matmul.h"
#include "vector.h"

namespace sat {
namespace {

// sat_sequencer and sat_desc_fetch, of a program without errors.
class Machine {
 public:
  Machine(const Config& config, const Command* commands, Int count, Int program)
      : config_(config), command_(commands), count_(count), program_(program), rd_(config_),
        wr_(config_), matmul_(config_), vector_(config_) {}

  // False if the program did not end within `limit` cycles. `spans` has a place for each
  // command.
  bool run(Int limit, Counters* counters, Span* spans) {
    spans_ = spans;
    for (Int now = 0; now < limit; ++now) {
      rd_.settle_responses(now);
      wr_.settle(now);
      matmul_.settle(now, rd_, wr_);
      vector_.settle(now, rd_, wr_);
      rd_.valid[RD_FETCH] = fetch_valid_;
      rd_.request[RD_FETCH] = {fetch_addr_, DESC_BYTES / config_.beat_bytes()};
      rd_.rsp_ready[RD_FETCH] = true;
      rd_.settle_requests();

      const bool running = state_ != BEGIN;
      counters->cycles += running;
      counters->array_busy += matmul_.busy;
      counters->vector_busy += vector_.busy;
      counters->rdma_busy += rd_.busy();
      counters->wdma_busy += wr_.busy();
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
        return true;
      }
      if (matmul_.finishes()) end(array_, now);
      if (vector_.finishes()) end(vectors_, now);
      sequence(now);
      const bool fetch_ready = rd_.ready[RD_FETCH], beat = rd_.rsp_valid(RD_FETCH);
      if (fetch_) fetch_valid_ = true;
      else if (fetch_ready) fetch_valid_ = false;
      fetched_ = beat && ++fetch_beat_ == DESC_BYTES / config_.beat_bytes();
      if (fetched_) fetch_beat_ = 0;
      matmul_.tick(now, rd_, wr_);
      vector_.tick(now, rd_);
      rd_.tick(now);
      wr_.tick(now);
    }
    return false;
  }

 private:
  enum State { BEGIN, FETCH, CHECK, ISSUE, END, AHEAD };
  static constexpr Int DESC_BYTES = 128;

  // Operands are read for the youngest command of the array, all else moves for the oldest.
  void count_bytes() {
    const int port = rd_.rsp_port;
    if (port >= 0 && rd_.rsp_ready[port]) {
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
  Int count_, program_;
  ReadDma rd_;
  WriteDma wr_;
  MatmulEngine matmul_;
  VectorEngine vector_;
  std::deque<Int> array_, vectors_;  // commands inside
  Span* spans_ = nullptr;
  State state_ = BEGIN;
  Int index_ = 0, fetch_addr_ = 0, fetch_beat_ = 0, checked_ = 0;
  bool fetch_ = false, fetch_valid_ = false, fetched_ = false;
  Slot result_{}, sums_{};
};

}  // namespace
}  // namespace sat

extern "C" int sat_machine_run(const sat::Config* config, const sat::Command* commands,
                               int64_t count, int64_t program, int64_t limit,
                               sat::Counters* counters, sat::Span* spans) {
  sat::Machine machine(*config, commands, count, program);
  return machine.run(limit, counters, spans);
}
