// SPDX-License-Identifier: Apache-2.0
// sat_feeder and what it times: periods, slots, bubbles, and when rows leave the array.

#pragma once

#include "operand_a.h"

namespace sat {

class Feeder : public Unit {
 public:
  explicit Feeder(const Config& config)
      : config_(config), a_releases_(config.rows + 2), s_releases_(config.cols + 2),
        drain_latency_(config.rows + 2 * config.t + 10), since_max_(config.rows + 2),
        since_(since_max_) {}

  // Wires; words that scratchpads may forget, or whose chunk has begun to be used.
  bool idle = true, row_done = false;
  Int a_taken = 0, a_released = 0, s_released = 0;
  bool begins = false;  // a chunk, of a tile of many, or else a tile
  Int slots = 0, stalls_a = 0, stalls_s = 0, stalls_drain = 0;  // counters

  void settle(Int now) {
    idle = !running_;
    a_released = a_releases_.valid(now) ? a_releases_.front() : 0;
    s_released = s_releases_.valid(now) ? s_releases_.front() : 0;
    const Int row_due = drains_.empty() ? NEVER : drains_.front() + drain_row_ * config_.t;
    row_done = row_due == now;
    a_taken = 0;
    fire_ = decide_ = false;
    slot_end_ = slot_ends_ == now;
    due = std::min({a_releases_.due(), s_releases_.due(), row_due, slot_ends_});
    if (!running_) return;
    const Command& c = *command_;
    active_ = busy_ && period_.read && slot_ < c.group_n;
    last_slot_ = active_ && period_.last && slot_ + 1 == c.group_n;
    period_end_ = !busy_ || slot_ + 1 == c.period;
    decide_ = slot_end_ && period_end_ && !settle_;
    const Int since = last_slot_ ? 1 : since_ + 1;
    a_ok_ = !next_valid_ || a_available_;
    s_ok_ = !current_valid_ || (values_ >= c.group_n && (c.dense || indices_ >= c.group_n));
    drain_ok_ = !(current_valid_ && current_.last)
                || (tiles_free_ && since + c.group_n >= config_.rows + 2);
    more_ = current_valid_ || next_valid_;
    fire_ = decide_ && more_ && a_ok_ && s_ok_ && drain_ok_;
    if (fire_ && next_valid_ && k_ == 0 && (!c.a_resident || columns_ == c.col_tiles)) {
      a_taken = chunk_words(row_words(), c.t2_log2);
    }
  }

  // `starts`: with this clock edge, on a command.
  void tick(Int now, bool a_commit, bool value_commit, bool index_commit, bool tile_taken,
            bool starts) {
    moved = a_released || s_released || row_done || slot_end_ || settle_ || a_commit
            || value_commit || index_commit || tile_taken;
    begins = false;
    if (!moved) return;
    if (a_released) a_releases_.pop();
    if (s_released) s_releases_.pop();
    if (row_done && ++drain_row_ == config_.rows) {
      drain_row_ = 0;
      drains_.pop();
    }
    a_available_ += a_commit;
    values_ += value_commit;
    indices_ += index_commit;
    tiles_free_ += tile_taken;
    if (running_) {
      slots += active_ && slot_end_;
      stalls_a += decide_ && more_ && !a_ok_;
      stalls_s += decide_ && more_ && a_ok_ && !s_ok_;
      stalls_drain += decide_ && more_ && a_ok_ && s_ok_ && !drain_ok_;
      if (active_ && slot_end_) end_row_of_s(now);
      if (busy_ && slot_end_ && period_end_ && release_) a_releases_.push(now, release_words_);
      if (last_slot_ && slot_end_) {
        const Int skew = command_->folded ? config_.cols / 2 : config_.cols;
        drains_.push(now + skew + drain_latency_);
      }
      const bool period_ends = slot_end_ && period_end_;
      if (settle_) {
        --settle_;
        since_ = 0;
      } else if (slot_end_) {
        since_ = last_slot_ ? 1 : std::min(since_ + 1, since_max_);
      }
      if (fire_) begin_period();
      if (decide_) {
        busy_ = fire_;
        running_ = more_;
      }
      if (slot_end_) slot_ = period_ends ? 0 : slot_ + 1;
    } else if (slot_end_ && !starts) {
      since_ = std::min(since_ + 1, since_max_);
    }
    if (slot_end_) slot_ends_ = running_ || since_ < since_max_ ? now + config_.t : NEVER;
  }

  template <class Walk>
  void visit(Walk& walk) {
    walk.same(running_, busy_, current_valid_, next_valid_, folded_, release_, slot_, settle_, since_,
              k_, columns_, segments_, columns_left_, a_available_, values_, indices_, tiles_free_,
              release_words_, drain_row_, command_);
    for (const Group& group : {current_, period_}) {
      walk.same(group.read, group.last, group.last_row);
    }
    walk.time(slot_ends_);
    walk.outer(rows_, 2);
    walk.inner(depth_, 2 * config_.chunk_k);
    for (Int* count : {&a_pass_, &slots, &stalls_a, &stalls_s, &stalls_drain}) walk.moving(*count);
    a_releases_.visit(walk, [&](Int words) { walk.same(words); });
    s_releases_.visit(walk, [&](Int words) { walk.same(words); });
    walk.each(drains_, [&](Int& first) { walk.time(first); });
    moved = true;
  }

  void start(Int now, const Command& command) {
    command_ = &command;
    settle_ = command.folded && !folded_ ? config_.cols / 2 : 0;
    folded_ = command.folded;
    moved = running_ = next_valid_ = true;
    busy_ = current_valid_ = false;
    slot_ends_ = now + config_.t;
    slot_ = k_ = a_pass_ = 0;
    rows_ = command.row_tiles;
    columns_ = command.col_tiles;
    segments_ = command.k_segments;
    long_ = segments_ * ceil_div(command.depth, config_.chunk_k) > CHUNKS;
    depth_ = command.depth;
    columns_left_ = command.cols;
  }

 private:
  static constexpr Int CHUNKS = 32;  // of a tile, so that it may have repeats
  struct Group {
    bool read, last, last_row;
  };

  // ---- sat_feeder_position
  bool last_chunk() const { return depth_ <= config_.chunk_k; }
  Int chunk_len() const { return last_chunk() ? depth_ : config_.chunk_k; }
  Int row_words() const { return config_.beats_of(chunk_len()); }

  void begin_period() {
    const Command& c = *command_;
    if (current_valid_) {
      values_ -= c.group_n;
      if (!c.dense) indices_ -= c.group_n;
      if (current_.last) {
        --tiles_free_;
        if (c.s_resident && !current_.last_row) {
          values_ += c.kept;
          if (!c.dense) indices_ += c.kept;
        }
      }
    }
    period_ = {current_valid_, current_.last, current_.last_row};
    current_valid_ = next_valid_;
    release_ = false;
    if (!next_valid_) return;
    const bool ends_chunk = k_ + c.group_m >= chunk_len();
    const bool ends_segment = ends_chunk && last_chunk();
    const bool ends_tile = ends_segment && segments_ == 1;
    const bool last_row = rows_ == 1, last_column = columns_ == 1;
    const bool ends_pass = ends_tile && last_row;
    current_ = {true, ends_tile, last_row};
    release_ = ends_chunk && (!c.a_resident || last_column);
    release_words_ = chunk_words(row_words(), c.t2_log2);
    begins = ends_tile || (ends_chunk && long_);
    if (ends_chunk) {
      --a_available_;
      ++a_pass_;
    }
    if (ends_pass && c.a_resident && !last_column) {
      a_available_ += a_pass_;
      a_pass_ = 0;
    }
    k_ = ends_chunk ? 0 : k_ + c.group_m;
    if (ends_chunk) depth_ = ends_segment ? c.depth : depth_ - config_.chunk_k;
    if (ends_segment) segments_ = ends_tile ? c.k_segments : segments_ - 1;
    if (ends_tile) rows_ = last_row ? c.row_tiles : rows_ - 1;
    if (ends_pass) {
      --columns_;
      next_valid_ = !last_column;
    }
  }

  // ---- sat_feeder_s
  void end_row_of_s(Int now) {
    const Command& c = *command_;
    const Int span = config_.cols << c.t1_log2;
    const Int words = ceil_div(columns_left_ < span ? columns_left_ : span, config_.cols);
    if (!c.s_resident || period_.last_row) s_releases_.push(now, words);
    if (last_slot_ && period_.last_row) columns_left_ -= span;
  }

  const Config& config_;
  const Command* command_ = nullptr;
  Delay<Int> a_releases_, s_releases_;
  // A tile's sums leave the array, and enter the output buffer, a PE row every T cycles.
  Int drain_latency_, drain_row_ = 0;
  Fifo<Int> drains_{4};  // when the first row of each is complete
  bool running_ = false, busy_ = false, current_valid_ = false, next_valid_ = false;
  bool folded_ = false, release_ = false, long_ = false;
  bool slot_end_ = false, period_end_ = false, active_ = false, last_slot_ = false;
  bool decide_ = false, fire_ = false, a_ok_ = false, s_ok_ = false, drain_ok_ = false;
  bool more_ = false;
  Group current_{}, period_{};
  Int slot_ends_ = NEVER, slot_ = 0, settle_ = 0;
  Int since_max_, since_;  // slots since a tile's last one, as far as they matter
  Int k_ = 0, rows_ = 0, columns_ = 0, segments_ = 0, depth_ = 0, columns_left_ = 0;
  Int a_available_ = 0, a_pass_ = 0, values_ = 0, indices_ = 0, tiles_free_ = 2;
  Int release_words_ = 0;
};

}  // namespace sat
