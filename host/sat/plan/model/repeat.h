// SPDX-License-Identifier: Apache-2.0
// Tiles, chunks, and rows of the vector engine that take as long as those before are not run again.
// What follows from a state is the same from one that differs in nothing but the time, addresses (by
// whole pages) and how much is left of a loop (if it is far from its end). So if an engine, alone at
// work, comes to such a state again, it will come to the next one as much later, and further, as
// from the last one.

#pragma once

#include "parts.h"

namespace sat {

// A walk over all registers, by kind: each unit's `visit` names them. It reads them, or moves them
// on by some periods.
class Walk {
 public:
  // What tells whether it is the same state, and what moves on with each period.
  struct State {
    uint64_t hash = 14695981039346656037u;
    std::vector<Int> same, moving;
    void clear() {
      hash = 14695981039346656037u;
      same.clear();
      moving.clear();
    }
  };

  // Reads into `state`. `window`: bytes, a power of two; whether bursts are split depends on an
  // address's place in it.
  Walk(State& state, Int now, Int window) : state_(&state), now_(now), window_(window) {
    state.clear();
  }

  // Moves on: a period is `time` cycles, and `steps` of what moves.
  Walk(const std::vector<Int>& steps, Int time, Int periods)
      : steps_(&steps), time_(time), periods_(periods) {}

  template <class... Values>
  void same(Values... values) {
    (add(Int(values)), ...);
  }
  void time(Int& due) {
    if (!steps_) add(due == NEVER ? NEVER : due - now_);
    else if (due != NEVER) due += periods_ * time_;
  }
  void moving(Int& value) { move(value); }
  void address(Int& value) { add(rest(value, window_)), move(value); }
  void line_address(Int& line, Int bytes) { add(rest(line, window_ / bytes)), move(line); }

  // What is left of an inner loop, or of the loop around it: a period is one of the inner loop's, or
  // ends where it began. Below `end` the loop's end shows.
  void inner(Int& left, Int end) { loop(left, end, inner_); }
  void outer(Int& left, Int end) { loop(left, end, outer_); }

  template <class Item, class Visit>
  void each(Fifo<Item>& fifo, Visit visit) {
    same(fifo.size());
    for (Int k = 0; k < fifo.size(); ++k) visit(fifo.at(k));
  }

  struct Loop {
    size_t place;  // among what moves
    Int end;
  };
  const std::vector<Loop>& inner_loops() const { return inner_; }
  const std::vector<Loop>& outer_loops() const { return outer_; }

 private:
  void add(Int value) {
    if (steps_) return;
    state_->same.push_back(value);
    state_->hash = (state_->hash ^ static_cast<uint64_t>(value)) * 0x9E3779B97F4A7C15u;
    state_->hash ^= state_->hash >> 29;
  }
  void move(Int& value) {
    if (steps_) value += periods_ * (*steps_)[place_];
    else state_->moving.push_back(value);
    ++place_;
  }
  void loop(Int& left, Int end, std::vector<Loop>& loops) {
    if (!steps_) loops.push_back({place_, end});
    move(left);
  }

  State* state_ = nullptr;
  const std::vector<Int>* steps_ = nullptr;
  Int now_ = 0, window_ = 1, time_ = 0, periods_ = 0;
  size_t place_ = 0;
  std::vector<Loop> inner_, outer_;
};

// The states in which an engine was when a tile, a chunk, or some rows began.
class Repeats {
 public:
  // Periods to skip, 0 if the state is new; `steps` and `time` are those of one.
  template <class Visit>
  Int find(Visit visit, Int now, Int window) {
    Seen& seen = seen_[number_ % HISTORY];
    Walk walk(seen.state, now, window);
    visit(walk);
    seen.now = now;
    Int periods = 0;
    for (Int back = 1; back < HISTORY && back <= number_ && !periods; ++back) {
      const Seen& before = seen_[(number_ - back) % HISTORY];
      if (before.state.hash == seen.state.hash && before.state.same == seen.state.same
          && before.state.moving.size() == seen.state.moving.size()) {
        periods = compare(walk, before, seen);
      }
    }
    ++number_;
    return periods;
  }
  void forget() { number_ = 0; }

  std::vector<Int> steps;
  Int time = 0;

 private:
  static constexpr Int HISTORY = 256;
  struct Seen {
    Walk::State state;
    Int now = 0;
  };

  Int compare(const Walk& walk, const Seen& before, const Seen& seen) {
    time = seen.now - before.now;
    steps.resize(seen.state.moving.size());
    for (size_t k = 0; k < steps.size(); ++k) {
      steps[k] = seen.state.moving[k] - before.state.moving[k];
    }
    Int periods = NEVER;
    const bool outer = bound(walk.outer_loops(), seen, periods);
    const bool inner = bound(walk.inner_loops(), seen, periods);
    return outer != inner && periods != NEVER ? periods : 0;
  }

  // Whether some loop moves on; none may come to its end.
  bool bound(const std::vector<Walk::Loop>& loops, const Seen& seen, Int& periods) const {
    bool moves = false;
    for (const Walk::Loop& loop : loops) {
      const Int step = steps[loop.place];
      if (step == 0) continue;
      moves = true;
      const Int left = seen.state.moving[loop.place];
      const Int may = step > 0 ? 0 : (left - loop.end) / -step - 1;
      periods = std::min(periods, std::max<Int>(may, 0));
    }
    return moves;
  }

  std::vector<Seen> seen_ = std::vector<Seen>(HISTORY);
  Int number_ = 0;
};

}  // namespace sat
