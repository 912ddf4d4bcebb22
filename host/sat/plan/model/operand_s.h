// SPDX-License-Identifier: Apache-2.0
// Operand S on its way into the scratchpad: sat_s_loader, one for values and one for indices.

#pragma once

#include "config.h"

namespace sat {

class SLoader : public Unit {
 public:
  // Elements of `bits`, in the descriptor's `slot`.
  SLoader(const Config& config, Int bits, int slot)
      : config_(config), bits_(bits), slot_(slot), word_bits_(config.cols * bits),
        unit_(word_bits_ < config.data_w ? config.cols : config.data_w / bits),
        ratio_(config.data_w / (unit_ * bits)), free_(config.s_depth), notes_(config.data_w / 4) {}

  // Wires.
  bool idle = true, request_valid = false, rsp_ready = false, commit = false;
  Request request{};

  void settle(Int now) {
    idle = !running_ && notes_.empty();
    commit = commits_.valid(now);
    request_valid = false;
    offered_ = false;
    passes_by_ = running_ && !taken();
    if (running_ && !passes_by_) {
      offered_ = row_words_ <= free_ && !notes_.full();
      request_valid = offered_ && !skip_;
      request = {row_addr_ & -config_.beat_bytes(), beats_};
    }
    rsp_ready = ratio_ > 1 ? !waiting_.full() : !notes_.empty();
    acts_ = commit || passes_by_ || (offered_ && skip_) || !waiting_.empty();
    due = commits_.due();
  }

  void tick(Int now, bool request_ready, bool rsp_valid, Int released) {
    moved = acts_ || rsp_valid || (offered_ && request_ready) || released;
    if (!moved) return;
    if (commit) commits_.pop();
    if ((ratio_ > 1 ? !waiting_.empty() : rsp_valid) && !notes_.empty()) {
      const Note& note = notes_.front();
      const bool row_ends = ++unit_q_ == note.units;
      if (ratio_ > 1 && (row_ends || rest(note.start + unit_q_, ratio_) == 0)) waiting_.pop();
      if (row_ends) {
        unit_q_ = 0;
        notes_.pop();
        commits_.push(now, 0);
      }
    }
    if (ratio_ > 1 && rsp_valid && rsp_ready) waiting_.push(0);
    const bool fire = offered_ && (skip_ || request_ready);
    free_ += released - (fire ? row_words_ : 0);
    if (passes_by_) {
      row_addr_ += position_rows_ * stride_;
      next_position();
    }
    if (!fire) return;
    if (!skip_) notes_.push({start_, units_});
    row_addr_ += stride_;
    if (--position_left_ == 0) next_position();
    if (--rows_ > 0) return;
    rows_ = kept_;
    first_position();
    if (--passes_ == 0) {
      passes_ = passes_all_;
      columns_ -= span_;
      tile_addr_ += span_ * bits_ / 8;
      running_ = --tiles_ > 0;
      begin_tile();
    }
    row_addr_ = tile_addr_;
  }

  template <class Walk>
  void visit(Walk& walk) {
    walk.same(running_, skip_, free_, unit_q_, tiles_, columns_, tile_addr_);
    walk.inner(rows_, 1);
    walk.outer(passes_, 2);
    walk.address(row_addr_);
    if (command_ && command_->split) walk.same(ky_, kx_, position_left_);
    walk.each(notes_, [&](Note& note) { walk.same(note.start, note.units); });
    walk.each(waiting_, [](char) {});
    commits_.visit(walk, [](char) {});
    moved = true;
  }

  void start(const Command& command, bool skip) {
    moved = running_ = true;
    skip_ = skip;
    span_ = config_.cols << command.t1_log2;
    tiles_ = command.col_tiles;
    passes_ = passes_all_ = command.s_resident ? 1 : command.row_tiles;
    columns_ = command.cols;
    rows_ = kept_ = command.kept;
    tile_addr_ = row_addr_ = command.slots[slot_].addr;
    stride_ = command.slots[slot_].stride;
    position_rows_ = command.position_rows;
    command_ = &command;
    begin_tile();
    first_position();
  }

 private:
  // Rows of kernel positions that are not the phase's are passed by, one position per cycle.
  bool taken() const {
    const Int mask = (Int{1} << command_->spacing) - 1;
    return (((ky_ ^ command_->first_y) | (kx_ ^ command_->first_x)) & mask) == 0;
  }
  void begin_tile() {
    const Int columns = columns_ < span_ ? columns_ : span_;
    row_words_ = ceil_div(columns, config_.cols);
    start_ = rest(tile_addr_, config_.beat_bytes()) * 8 / (unit_ * bits_);
    units_ = ceil_div(columns, unit_);
    beats_ = ceil_div(start_ + units_, ratio_);
  }
  void first_position() {
    ky_ = kx_ = 0;
    position_left_ = position_rows_;
  }
  void next_position() {
    if (++kx_ == command_->full_kernel_w) kx_ = 0, ++ky_;
    position_left_ = position_rows_;
  }

  struct Note {
    Int start, units;
  };
  const Config& config_;
  Int bits_;
  int slot_;
  Int word_bits_, unit_, ratio_, free_;
  Fifo<Note> notes_;
  Fifo<char> waiting_{8};  // beats, where one lasts for several words
  Delay<char> commits_{2};
  bool acts_ = false, running_ = false, skip_ = false, offered_ = false;
  Int span_ = 0, tiles_ = 0, passes_ = 0, passes_all_ = 0, columns_ = 0, rows_ = 0, kept_ = 0;
  Int tile_addr_ = 0, row_addr_ = 0, stride_ = 0, row_words_ = 0, start_ = 0, units_ = 0;
  Int beats_ = 0;
  Int unit_q_ = 0, ky_ = 0, kx_ = 0, position_rows_ = 0, position_left_ = 0;
  const Command* command_ = nullptr;
  bool passes_by_ = false;
};

}  // namespace sat
