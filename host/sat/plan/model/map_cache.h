// SPDX-License-Identifier: Apache-2.0
// sat_map_cache and sat_map_lookup: which lines of a feature map come from memory, and when.

#pragma once

#include "config.h"

namespace sat {

class MapCache : public Unit {
 public:
  explicit MapCache(const Config& config)
      : beat_bytes_(config.beat_bytes()),
        line_bytes_(2 * beat_bytes_ > ALIGN ? 2 * beat_bytes_ : ALIGN),
        beats_(line_bytes_ / beat_bytes_), parts_(line_bytes_ > ALIGN ? 2 : 1),
        fill_lines_(parts_ == 2 ? 256 : 128 / beats_), tags_count_(config.cache_lines),
        line_log2_(log2_of(line_bytes_)), beat_log2_(log2_of(beat_bytes_)), tags_(tags_count_),
        asks_(ASKS), entries_(2 * fill_lines_), some_(fill_lines_) {}

  // Wires towards the loader, and towards the DMA.
  bool idle = true, ready = false, valid = false, two = false;
  bool dma_valid = false, dma_rsp_ready = false;
  Request dma_request{};

  void start(const Command& command) {
    moved = true;
    cache_ = command.conv;
    pairs_ = !command.a_trans;
    if (!cache_) return;
    const Int channels = command.a_trans ? command.position_rows : command.depth;
    line_last_ = std::min(beats_, ceil_div(2 * channels, beat_bytes_)) - 1;
    ++generation_;
    if (generation_ % GENERATIONS == 0) sweep_ = tags_count_ / parts_;
  }

  // Lines are seen from `place`, which moves on by whole lines.
  template <class Walk>
  void visit(Walk& walk, Int place) {
    walk.same(cache_, sweep_);
    moved = true;
    if (!cache_) return;
    Int base = place >> line_log2_;
    walk.line_address(base, line_bytes_);
    const Int from = place >> line_log2_, step = base - from;
    const auto line = [&](Line& one) {
      walk.same(one.line - from, one.first, one.last, one.hit);
      one.line += step;
    };
    walk.same(left_, filling_, beat_, fill_[0], fill_[1], second_, in_step_, pairs_, line_last_,
              asked_, read_valid_, compare_valid_, entry_valid_);
    if (asked_) line(asked_line_);
    if (read_valid_) line(read_);
    if (compare_valid_) line(compare_);
    if (entry_valid_) line(entry_);
    for (const Beats* stage : {&access_, &ram_, &out_}) {
      walk.same(stage->valid, stage->valid && stage->two);
    }
    walk.each(asks_, line);
    walk.each(entries_, line);
    walk.each(some_, line);
    for (Int k = 0; k < tags_count_; ++k) {
      const Tag& tag = tags_[rest(parts_ * from + k, tags_count_)];
      walk.same(tag.generation == generation_ ? tag.part - parts_ * from : NEVER);
    }
    if (step) shift_tags(parts_ * step);
  }

  // Without `caches`, which is for convolutions, loader and DMA are connected.
  bool caches() const { return cache_; }

  void settle() {
    idle = filling_ == 0;
    if (!cache_) return;
    look();
    valid = out_.valid;
    two = out_.two;
    dma_valid = !asks_.empty() && filling_ < fill_lines_;
    if (dma_valid) {
      const Line& ask = asks_.front();
      dma_request = {ask.line * line_bytes_ + ask.first * beat_bytes_, ask.last - ask.first + 1};
    }
    acts_ = (line_ready_ && (asked_ || read_valid_ || compare_valid_))
            || (entry_valid_ && (entry_.hit || fill_[0] || fill_[1]))
            || access_.valid || ram_.valid;
  }

  void tick(bool request_valid, const Request& request, bool rsp_ready, bool dma_ready,
            bool dma_rsp) {
    moved = sweep_ || (cache_ && (acts_ || (request_valid && ready) || dma_rsp
                                 || (dma_valid && dma_ready) || (out_.valid && rsp_ready)));
    if (!moved) return;
    if (sweep_) --sweep_;
    if (!cache_) return;
    move_beats(rsp_ready, dma_rsp);
    if (dma_valid && dma_ready) {
      if (parts_ == 2) some_.push(asks_.front());
      asks_.pop();
      ++filling_;
    }
    if (line_ready_) move_lines();
    if (request_valid && ready) {
      asked_ = true;
      asked_line_.line = request.addr >> line_log2_;
      asked_line_.first = rest(request.addr, line_bytes_) >> beat_log2_;
      left_ = request.beats;
    }
  }

 private:
  static constexpr Int ALIGN = 64, GENERATIONS = 255, ASKS = 16;
  struct Tag {
    Int generation = 0, part = 0;  // number of a part of a line in memory
  };
  struct Line {
    Int line = 0, first = 0, last = 0;
    bool hit = false;
  };
  struct Beats {  // one or two
    bool valid = false, two = false;
  };

  void shift_tags(Int step) {
    std::vector<Tag> shifted(tags_count_);
    for (Int k = 0; k < tags_count_; ++k) {
      shifted[rest(k + step, tags_count_)] = {tags_[k].generation, tags_[k].part + step};
    }
    tags_.swap(shifted);
  }

  void look() {
    line_ready_ = !entries_.full() && !asks_.full();
    last_line_ = left_ <= beats_ - asked_line_.first;
    ready = !sweep_ && (!asked_ || (line_ready_ && last_line_));
    const bool upper = parts_ == 2 ? second_ || (!some_.empty() && some_.front().first == 1)
                                   : in_step_ & 1;
    in_upper_ = upper;
    dma_rsp_ready = fill_[upper] < fill_lines_ * beats_ / 2;
  }

  // Whether the line that is asked for is there; behind it, it is.
  bool exchange(const Line& one) {
    bool hit = true;
    for (Int k = 0; k < parts_; ++k) {
      if (parts_ == 2 && (k < one.first || k > one.last)) continue;
      const Int part = parts_ * one.line + k;
      Tag& tag = tags_[rest(part, tags_count_)];
      hit = hit && tag.generation == generation_ && tag.part == part;
      tag = {generation_, part};
    }
    return hit;
  }

  // Behind what moves in the queues: an entry that leaves makes room.
  void move_lines() {
    if (compare_valid_) {
      if (entry_valid_) entries_.push(compare_);
      else entry_ = compare_, begin_entry();
      if (!compare_.hit) {
        asks_.push(parts_ == 2 ? compare_ : Line{compare_.line, 0, line_last_, false});
      }
    }
    compare_ = read_;
    compare_valid_ = read_valid_;
    read_valid_ = asked_;
    if (!asked_) return;
    asked_line_.last = last_line_ ? asked_line_.first + left_ - 1 : beats_ - 1;
    read_ = asked_line_;
    read_.hit = exchange(asked_line_);
    left_ -= beats_ - asked_line_.first;
    ++asked_line_.line;
    asked_line_.first = 0;
    asked_ = !last_line_;
  }

  bool whole() const { return !entry_.hit && parts_ == 1; }  // from the line's first beat on

  void begin_entry() {
    entry_valid_ = true;
    beat_ = whole() ? 0 : entry_.first;
  }

  void move_beats(bool rsp_ready, bool dma_rsp) {
    const bool out_free = !out_.valid || rsp_ready;
    const bool ram_free = !ram_.valid || out_free;
    const bool access_free = !access_.valid || ram_free;
    if (out_free) out_ = ram_;
    if (ram_free) ram_ = access_;
    if (access_free) access_.valid = false;
    if (entry_valid_) {
      const Int final_beat = whole() ? line_last_ : entry_.last;
      const bool both = pairs_ && !(beat_ & 1) && beat_ != final_beat;
      const Int end = beat_ | both;
      const bool filled = ((beat_ & 1) || fill_[0]) && (!(end & 1) || fill_[1]);
      if (access_free && (entry_.hit || filled)) {
        const bool begins = beat_ >= entry_.first && beat_ <= entry_.last;
        const bool ends = end >= entry_.first && end <= entry_.last;
        access_ = {begins || ends, both && begins && ends};
        if (!entry_.hit) fill_[0] -= !(beat_ & 1), fill_[1] -= end & 1;
        beat_ = end + 1;
        if (end == final_beat) {
          filling_ -= !entry_.hit;
          entry_valid_ = false;
        }
      }
    }
    if (!entry_valid_ && !entries_.empty()) {
      entry_ = entries_.front();
      entries_.pop();
      begin_entry();
    }
    if (!dma_rsp) return;
    ++fill_[in_upper_];
    if (parts_ == 2) {
      const Line& some = some_.front();
      const bool done = second_ || some.first == some.last;
      second_ = !done;
      if (done) some_.pop();
    } else {
      in_step_ = in_step_ == line_last_ ? 0 : in_step_ + 1;
    }
  }

  Int beat_bytes_, line_bytes_, beats_;
  int parts_;
  Int fill_lines_, tags_count_;
  int line_log2_, beat_log2_;
  std::vector<Tag> tags_;
  Fifo<Line> asks_, entries_, some_;
  Line asked_line_, read_, compare_;  // stages of the lookup
  Line entry_;                        // ahead of the entries
  bool cache_ = false, pairs_ = false;
  bool asked_ = false, read_valid_ = false, compare_valid_ = false, entry_valid_ = false;
  Int generation_ = 0, left_ = 0, filling_ = 0, beat_ = 0;
  Int line_last_ = 0, in_step_ = 0;  // of a line, the last beat that holds channels; that comes next
  Int sweep_ = 0;  // cycles until the tags are cleared
  Int fill_[2] = {0, 0};
  Beats access_, ram_, out_;  // stages of the data RAM
  bool second_ = false, in_upper_ = false;
  bool acts_ = false, line_ready_ = false, last_line_ = false;
};

}  // namespace sat
