// SPDX-License-Identifier: Apache-2.0
// From the output buffer to memory: sat_row_walk, sat_bias_loader, sat_aux_loader, sat_c_store with
// its epilogue, sums of columns and sat_pack.

#pragma once

#include "column_sums.h"
#include "config.h"

namespace sat {

// sat_row_walk: rows of C's tiles in the order in which they leave the array.
class RowWalk {
 public:
  explicit RowWalk(const Config& config) : config_(config) {}

  struct Row {
    bool valid, skip, pe_row_last, tile_last, column_last;
    Int addr, cols;
  };
  bool idle() const { return !walking_ && !stage_[0].valid && !stage_[1].valid; }
  const Row& row() const { return stage_[1]; }
  bool moves(bool ready) const {
    return stage_[1].valid ? ready : stage_[0].valid || walking_;
  }

  void tick(bool ready) {
    if (moves(ready)) {
      stage_[1] = stage_[0];
      stage_[0] = {};
      if (walking_) {
        stage_[0] = here();
        next(stage_[0]);
      }
    }
  }

  template <class Walk>
  void visit(Walk& walk) {
    walk.same(walking_, col_tiles_, cols_left_, r_, t2_);
    if (!command_) return;
    if (command_->line_w) walk.same(line_left_, lines_left_);
    walk.outer(row_tiles_, 2);
    walk.outer(rows_left_, 2 * row_span());
    for (Int* at : {&tile_row_, &row_, &line_row_}) walk.moving(*at);
    for (Row& row : stage_) {
      walk.same(row.valid, row.skip, row.pe_row_last, row.tile_last, row.column_last, row.cols);
      walk.address(row.addr);
    }
  }

  void start(const Command& command, int slot, Int element_bytes) {
    command_ = &command;
    element_bytes_ = element_bytes;
    stride_ = command.slots[slot].stride;
    row_tiles_ = command.row_tiles;
    col_tiles_ = command.col_tiles;
    rows_left_ = command.rows;
    cols_left_ = command.cols;
    r_ = t2_ = 0;
    column_addr_ = command.slots[slot].addr;
    walking_ = true;
    first_row();
  }

 private:
  Int col_span() const { return config_.cols << command_->t1_log2; }
  Int row_span() const { return config_.rows << command_->t2_log2; }
  Int place() const {
    return command_->a_trans ? t2_ * config_.rows + r_ : (r_ << command_->t2_log2) + t2_;
  }

  Row here() const {
    Row row{};
    row.valid = true;
    row.skip = place() >= rows_left_;
    row.pe_row_last = t2_ + 1 == Int{1} << command_->t2_log2;
    row.tile_last = row.pe_row_last && r_ + 1 == config_.rows;
    row.column_last = row.tile_last && row_tiles_ == 1;
    row.cols = cols_left_ < col_span() ? cols_left_ : col_span();
    row.addr = column_addr_ + (command_->a_trans ? tile_row_ + place() : row_) * stride_;
    return row;
  }

  void first_row() {
    tile_row_ = 0;
    row_ = line_row_ = command_->origin;
    line_left_ = command_->line_w;
    lines_left_ = command_->lines;
  }

  void next(const Row& row) {
    if (!row.skip) next_row();
    t2_ = row.pe_row_last ? 0 : t2_ + 1;
    if (row.pe_row_last) r_ = row.tile_last ? 0 : r_ + 1;
    if (!row.tile_last) return;
    --row_tiles_;
    tile_row_ += row_span();
    rows_left_ -= row_span();
    if (!row.column_last) return;
    row_tiles_ = command_->row_tiles;
    rows_left_ = command_->rows;
    cols_left_ -= col_span();
    column_addr_ += col_span() * element_bytes_;
    walking_ = --col_tiles_ > 0;
    first_row();
  }

  // Of a phase rows are scattered: every so many of a line of windows, and of lines.
  void next_row() {
    row_ += Int{1} << command_->spread;
    if (--line_left_ != 0 || !command_->line_w) return;
    const bool image_ends = lines_left_ == 1;
    line_row_ += image_ends ? command_->image_hop : command_->full_out_w << command_->spread;
    row_ = line_row_;
    line_left_ = command_->line_w;
    lines_left_ = image_ends ? command_->lines : lines_left_ - 1;
  }

  const Config& config_;
  const Command* command_ = nullptr;
  Int element_bytes_ = 0, stride_ = 0, row_tiles_ = 0, col_tiles_ = 0, rows_left_ = 0;
  Int cols_left_ = 0, r_ = 0, t2_ = 0, column_addr_ = 0;
  Int tile_row_ = 0, row_ = 0, line_row_ = 0, line_left_ = 0, lines_left_ = 0;
  bool walking_ = false;
  Row stage_[2] = {};  // address and notes
};

// sat_bias_loader: two column tiles of bias, one in use.
class BiasLoader : public Unit {
 public:
  explicit BiasLoader(const Config& config) : config_(config) {}
  bool request_valid = false, rsp_ready = false, ready = false;
  Request request{};

  void settle() {
    request_valid = tiles_ && held_ != 2 && !notes_.full();
    if (request_valid) {
      const Int columns = cols_ < span_ ? cols_ : span_;
      request = {addr_, ceil_div(columns, config_.data_w / 32)};
    }
    rsp_ready = !notes_.empty();
    ready = full_;
  }

  void tick(bool request_ready, bool rsp_valid, bool next) {
    const bool fire = request_valid && request_ready;
    moved = fire || rsp_valid || next;
    if (!moved) return;
    bool done = false;
    if (rsp_valid && rsp_ready) {
      done = ++word_ == notes_.front();
      if (done) word_ = 0, notes_.pop();
    }
    held_ += fire - next;
    full_ += done - next;
    if (!fire) return;
    notes_.push(request.beats);
    --tiles_;
    cols_ -= span_;
    addr_ += 4 * span_;
  }

  template <class Walk>
  void visit(Walk& walk) {
    walk.same(span_, tiles_, cols_, addr_, held_, full_, word_);
    walk.each(notes_, [&](Int beats) { walk.same(beats); });
    moved = true;
  }

  void start(const Command& command) {
    moved = true;
    span_ = config_.cols << command.t1_log2;
    tiles_ = command.bias ? command.col_tiles : 0;
    cols_ = command.cols;
    addr_ = command.slots[4].addr;
    held_ = full_ = word_ = 0;
    notes_.clear();
  }

 private:
  const Config& config_;
  Fifo<Int> notes_{2};
  Int span_ = 0, tiles_ = 0, cols_ = 0, addr_ = 0, held_ = 0, full_ = 0, word_ = 0;
};

// sat_aux_loader: residual or mask.
class AuxLoader : public Unit {
 public:
  AuxLoader(const Config& config, int slot) : config_(config), slot_(slot), walk_(config) {
    const Int row_beats = config.cols * config.t / config.lanes();
    depth_ = row_beats < 16 ? 32 : 2 * row_beats;
  }
  bool request_valid = false, rsp_ready = false, beat_valid = false;
  Request request{};

  void settle() {
    request_valid = false;
    const RowWalk::Row& row = walk_.row();
    if (row.valid && !row.skip) {
      request = {row.addr, config_.beats_of(row.cols << single_)};
      request_valid = request.beats <= room_;
    }
    rsp_ready = beats_ < depth_;
    beat_valid = beats_ > 0;
  }

  void tick(bool request_ready, bool rsp_valid, bool beat_ready) {
    const bool fire = request_valid && request_ready, pops = beat_valid && beat_ready;
    const bool next = walk_.row().skip || fire;
    moved = fire || pops || rsp_valid || walk_.moves(next);
    if (!moved) return;
    room_ += pops - (fire ? request.beats : 0);
    beats_ += rsp_valid - pops;
    walk_.tick(next);
  }

  template <class Walk>
  void visit(Walk& walk) {
    walk.same(room_, beats_, single_);
    walk_.visit(walk);
    moved = true;
  }

  void start(const Command& command, bool used, bool single) {
    moved = true;
    room_ = depth_;
    beats_ = 0;
    single_ = single;
    if (used) walk_.start(command, slot_, single ? 4 : 2);
  }

 private:
  const Config& config_;
  int slot_;
  RowWalk walk_;
  Int depth_, room_ = 0, beats_ = 0;
  bool single_ = false;
};

class CStore : public Unit {
 public:
  explicit CStore(const Config& config)
      : config_(config),
        lanes_(config.cols < config.data_w / 32 ? config.cols : config.data_w / 32),
        halves_(config.data_w / (16 * lanes_)), walk_(config), sums_(lanes_) {}

  // Wires.
  bool idle = true, tile_taken = false, bias_next = false, residual_ready = false;
  bool mask_ready = false, request_valid = false, data_valid = false;
  Request request{};
  Int data_bytes = 0;

  void settle(Int now, bool bias_ready, bool residual_valid, bool mask_valid) {
    const bool room = under_way_ + queue_.size() < QUEUE - 1;
    split_ready_ = left_ == 0;
    out_valid_ = outs_.valid(now);
    column_out_ = columns_.valid(now);
    sums_.settle(now, room, room);
    const bool sums_pending = pending_ || sums_due_;
    idle = walk_.idle() && !under_way_ && !beat_valid_ && queue_.empty() && split_ready_
           && !sums_pending;
    request_valid = !split_ready_;
    request = {addr_, left_ > BURST ? BURST : left_};
    data_valid = !queue_.empty();
    if (data_valid) data_bytes = queue_.front();
    issue_ = row_next_ = tile_taken = bias_next = residual_ready = mask_ready = false;
    column_ends_ = false;
    sums_request_ = sums_due_ && split_ready_;
    due = std::min({outs_.due(), columns_.due(), sums_.due()});
    const RowWalk::Row& row = walk_.row();
    if (!row.valid) return;
    const Command& c = *command_;
    const bool drained = c.blank || drained_;
    const bool operands = (!c.bias || bias_ready) && (!c.residual || residual_valid)
                          && (!c.mask || mask_valid);
    const bool first = done_ == 0;
    group_last_ = row.cols - done_ <= lanes_;
    issue_ = !row.skip && drained && room && operands && !sums_pending
             && (!first || split_ready_);
    row_next_ = drained && (row.skip || (issue_ && group_last_));
    tile_taken = row_next_ && row.tile_last && !c.blank;
    bias_next = row_next_ && row.column_last && c.bias;
    column_ends_ = row_next_ && row.column_last && c.sums;
    if (!issue_ || !(c.residual || c.mask)) return;
    const Int part = rest(done_ >> log2_of(lanes_), halves_);
    const bool part_last = group_last_ || part == halves_ - 1;
    const bool single_last = c.out_fp32 && rest(part, halves_ / 2) == halves_ / 2 - 1;
    residual_ready = c.residual && (part_last || single_last);
    mask_ready = c.mask && part_last;
  }

  void tick(Int now, bool row_done, bool request_ready, bool data_ready) {
    moved = issue_ || row_next_ || row_done || out_valid_ || column_out_ || beat_valid_
            || sums_.busy() || sums_.valid || sums_request_ || walk_.moves(row_next_)
            || (request_valid && request_ready) || (data_valid && data_ready);
    if (!moved) return;
    const bool sums_begin = sums_.reserves, sums_valid = sums_.valid;
    const ColumnSums::Out sums_out = sums_.out;
    if (beat_valid_) queue_.push(beat_bytes_);
    if (data_valid && data_ready) queue_.pop();
    pack(sums_valid, sums_out);
    const bool column_ends = column_ends_;
    if (sums_valid && sums_out.dot && sums_out.last) pending_ = false;
    sums_.tick(now, column_out_, last_group_);
    if (column_out_) columns_.pop();
    under_way_ += (issue_ || sums_begin) - (out_valid_ || sums_valid);
    const RowWalk::Row row = walk_.row();
    drained_ += row_done - (row_next_ && row.pe_row_last && !command_->blank);
    const bool first = done_ == 0;
    const Int beat_values = command_ && command_->out_fp32 ? config_.data_w / 32 : config_.lanes();
    if (issue_ && first) {
      left_ = ceil_div(row.cols, beat_values);
      addr_ = row.addr;
    } else if (sums_request_) {
      left_ = last_col_ / (config_.data_w / 32) + 1;
      addr_ = sums_due_ == 2 ? sums_addr_ : sums_addr_ + command_->slots[7].stride;
      if (sums_due_ == 1) sums_addr_ += 4 * (last_col_ + 1);
      --sums_due_;
    } else if (request_valid && request_ready) {
      left_ -= request.beats;
      addr_ += BURST * config_.beat_bytes();
    }
    if (issue_) {
      const Int columns = row.cols - done_;
      outs_.push(now, {group_last_, columns < lanes_ ? columns : lanes_});
      done_ = group_last_ ? 0 : done_ + lanes_;
    }
    if (column_ends) {
      pending_ = true;
      sums_due_ = 2;
      last_col_ = row.cols - 1;
      last_group_ = last_col_ / lanes_;
      columns_.push(now, 0);
    }
    walk_.tick(row_next_);
  }

  template <class Walk>
  void visit(Walk& walk) {
    walk.same(drained_, done_, under_way_, left_, place_, held_bytes_, beat_bytes_, sums_due_,
              last_col_, last_group_, sums_addr_, beat_valid_, pending_, command_);
    walk.address(addr_);
    walk_.visit(walk);
    sums_.visit(walk);
    outs_.visit(walk, [&](Out& out) { walk.same(out.row_last, out.lanes); });
    columns_.visit(walk, [](char) {});
    walk.each(queue_, [&](Int bytes) { walk.same(bytes); });
    moved = true;
  }

  void start(const Command& command) {
    moved = true;
    command_ = &command;
    sums_addr_ = command.slots[7].addr;
    walk_.start(command, 3, command.out_fp32 ? 4 : 2);
  }

 private:
  static constexpr Int QUEUE = 32, BURST = 16, LATENCY = 2 + SAT_EPILOGUE_LATENCY;
  struct Out {
    bool row_last;
    Int lanes;
  };

  // sat_pack: a beat is complete a cycle after its last group.
  void pack(bool sums_valid, const ColumnSums::Out& sums) {
    beat_valid_ = false;
    if (!out_valid_ && !sums_valid) return;
    const bool single = sums_valid || command_->out_fp32;
    const Int last_lanes = rest(last_col_, lanes_) + 1;
    const bool row_last = sums_valid ? sums.last : outs_.front().row_last;
    const Int lanes = sums_valid ? (sums.last ? last_lanes : lanes_) : outs_.front().lanes;
    if (out_valid_) outs_.pop();
    held_bytes_ += lanes * (single ? 4 : 2);
    place_ += single ? 2 : 1;
    if (row_last || place_ >= halves_) {
      beat_valid_ = true;
      beat_bytes_ = held_bytes_;
      place_ = held_bytes_ = 0;
    }
  }

  const Config& config_;
  const Command* command_ = nullptr;
  Int lanes_, halves_;
  RowWalk walk_;
  ColumnSums sums_;
  Delay<Out> outs_{LATENCY};
  Delay<char> columns_{LATENCY};
  Fifo<Int> queue_{QUEUE};
  Int drained_ = 0, done_ = 0, under_way_ = 0, left_ = 0, addr_ = 0;
  Int place_ = 0, held_bytes_ = 0, beat_bytes_ = 0;
  Int sums_due_ = 0, last_col_ = 0, last_group_ = 0, sums_addr_ = 0;
  bool beat_valid_ = false, pending_ = false, split_ready_ = true, issue_ = false;
  bool row_next_ = false, group_last_ = false, out_valid_ = false, column_ends_ = false;
  bool column_out_ = false, sums_request_ = false;
};

}  // namespace sat
