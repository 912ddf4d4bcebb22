// SPDX-License-Identifier: Apache-2.0
// sat_column_sums, from `drain` on: when each group of sums begins, and when it leaves.

#pragma once

#include "parts.h"

namespace sat {

class ColumnSums {
 public:
  explicit ColumnSums(Int lanes) : slice_(lanes < 4 ? lanes : 4) {}

  struct Out {
    bool dot, last;
  };
  bool reserves = false, valid = false;
  Out out{};
  Int due() const { return outs_.due(); }
  bool busy() const { return busy_; }
  bool dot() const { return dot_; }

  void settle(Int now, bool sum_room, bool dot_room) {
    step_ = busy_ && !wait_ && (lane_ || (dot_ ? dot_room : sum_room));
    reserves = step_ && !lane_;
    valid = outs_.valid(now);
    if (valid) out = outs_.front();
  }

  void tick(Int now, bool drain, Int last_group) {
    if (valid) outs_.pop();
    if (drain) {
      busy_ = true;
      wait_ = WAIT;
    } else if (step_) {
      if (++lane_ < slice_) return;
      lane_ = 0;
      const bool last = group_ == last_group;
      outs_.push(now, {dot_, last});
      busy_ = !(last && dot_);
      group_ = last ? 0 : group_ + 1;
      dot_ ^= last;
    } else if (wait_) {
      --wait_;
    }
  }

  template <class Walk>
  void visit(Walk& walk) {
    walk.same(wait_, lane_, group_, busy_, dot_);
    outs_.visit(walk, [&](Out& out) { walk.same(out.dot, out.last); });
  }

 private:
  static constexpr Int WAIT = 5, LATENCY = 3 + SAT_EXACT_TO_FP32_LATENCY;
  Int slice_, wait_ = 0, lane_ = 0, group_ = 0;
  bool busy_ = false, dot_ = false, step_ = false;
  Delay<Out> outs_{LATENCY};
};

}  // namespace sat
