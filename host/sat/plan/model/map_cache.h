// SPDX-License-Identifier: Apache-2.0
// sat_map_cache: which lines of a feature map come from memory, and when.

#pragma once

#include "config.h"

namespace sat {

class MapCache : public Unit {
 public:
  explicit MapCache(const Config& config)
      : beat_bytes_(config.beat_bytes()),
        line_bytes_(2 * beat_bytes_ > ALIGN ? 2 * beat_bytes_ : ALIGN),
        beats_(line_bytes_ / beat_bytes_), parts_(line_bytes_ > ALIGN ? 2 : 1),
        fill_beats_(128 * parts_), fill_lines_(fill_beats_ * parts_ / beats_),
        lines_(config.cache_lines * ALIGN / line_bytes_), lines_log2_(log2_of(lines_)),
        line_log2_(log2_of(line_bytes_)), beat_log2_(log2_of(beat_bytes_)), tags_(lines_),
        asks_(fill_lines_), entries_(2 * fill_lines_), some_(fill_lines_) {}

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
    if (generation_ % GENERATIONS == 0) sweep_ = lines_;
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
    const auto line = [&](Int& one) { walk.same(one - from), one += step; };
    line(line_);
    walk.same(first_, left_, last_beat_, filling_, step_, fill_[0], fill_[1], out_valid_, out_two_,
              second_, in_step_, looking_, pairs_, line_last_);
    walk.each(asks_, [&](Ask& ask) { line(ask.line), walk.same(ask.first, ask.last); });
    const auto entry = [&](Entry& one) { walk.same(one.miss, one.first, one.last); };
    walk.each(entries_, entry);
    walk.each(some_, entry);
    for (Int k = 0; k < lines_; ++k) {
      const Tag& tag = tags_[rest(from + k, lines_)];
      const bool held = tag.generation == generation_;
      walk.same(held ? (tag.line << lines_log2_ | rest(from + k, lines_)) - from : NEVER,
                held ? tag.parts : 0);
    }
    if (step) shift_tags(step);
  }

  // Without `caches`, which is for convolutions, loader and DMA are connected.
  bool caches() const { return cache_; }

  void settle() {
    idle = filling_ == 0;
    if (!cache_) return;
    look();
    valid = out_valid_;
    two = out_two_;
    dma_valid = !asks_.empty();
    if (dma_valid) {
      const Ask& ask = asks_.front();
      dma_request = {ask.line * line_bytes_ + ask.first * beat_bytes_, ask.last - ask.first + 1};
    }
    acts_ = line_fire_ || (!entries_.empty() && (!entries_.front().miss || fill_[0] || fill_[1]));
  }

  void tick(bool request_valid, const Request& request, bool rsp_ready, bool dma_ready,
            bool dma_rsp) {
    moved = sweep_ || (cache_ && (acts_ || (request_valid && ready) || dma_rsp
                                 || (dma_valid && dma_ready) || (out_valid_ && rsp_ready)));
    if (!moved) return;
    if (sweep_) --sweep_;
    if (!cache_) return;
    move_beats(rsp_ready, dma_rsp);
    if (dma_valid && dma_ready) asks_.pop();
    if (line_fire_) {
      entries_.push({!hit_, first_, last_beat_});
      if (miss_fire_) {
        const Int miss_first = parts_ == 2 ? first_ : 0;
        const Int miss_last = parts_ == 2 ? last_beat_ : line_last_;
        Tag& tag = tags_[rest(line_, lines_)];
        tag = {generation_, line_ >> lines_log2_, present_ | wanted_};
        asks_.push({line_, miss_first, miss_last});
        if (parts_ == 2) some_.push({true, miss_first, miss_last});
        filling_ += parts_ == 2 ? miss_last - miss_first + 1 : beats_;
      }
      ++line_;
      left_ -= beats_ - first_;
      first_ = 0;
      looking_ = !last_line_;
    }
    if (request_valid && ready) {
      line_ = request.addr >> line_log2_;
      first_ = rest(request.addr, line_bytes_) >> beat_log2_;
      left_ = request.beats;
      looking_ = true;
    }
  }

 private:
  static constexpr Int ALIGN = 64, GENERATIONS = 255;
  struct Tag {
    Int generation = 0, line = 0;
    int parts = 0;
  };
  struct Ask {
    Int line, first, last;
  };
  struct Entry {
    bool miss;
    Int first, last;
  };

  void shift_tags(Int step) {
    std::vector<Tag> shifted(lines_);
    for (Int k = 0; k < lines_; ++k) {
      const Int line = (tags_[k].line << lines_log2_ | k) + step;
      shifted[rest(line, lines_)] = {tags_[k].generation, line >> lines_log2_, tags_[k].parts};
    }
    tags_.swap(shifted);
  }

  void look() {
    hit_ = line_fire_ = miss_fire_ = last_line_ = false;
    if (looking_) {
      last_line_ = left_ <= beats_ - first_;
      last_beat_ = last_line_ ? first_ + left_ - 1 : beats_ - 1;
      wanted_ = parts_ == 2 ? (first_ == 0) | (last_beat_ == 1) << 1 : 1;
      const Tag& tag = tags_[rest(line_, lines_)];
      const bool same = tag.generation == generation_
                        && tag.line == line_ >> lines_log2_;
      present_ = same ? tag.parts : 0;
      hit_ = (present_ & wanted_) == wanted_;
      const bool entry_ready = !entries_.full();
      miss_fire_ = entry_ready && !hit_ && filling_ <= fill_beats_ - beats_;
      line_fire_ = entry_ready && (hit_ || miss_fire_);
    }
    ready = !sweep_ && (!looking_ || (line_fire_ && last_line_));
    const bool upper = parts_ == 2 ? second_ || (!some_.empty() && some_.front().first == 1)
                                   : in_step_ & 1;
    in_upper_ = upper;
    dma_rsp_ready = fill_[upper] < fill_lines_ * beats_ / 2;
  }

  void move_beats(bool rsp_ready, bool dma_rsp) {
    const bool out_free = !out_valid_ || rsp_ready;
    bool fire = false, wanted = false;
    Int take[2] = {0, 0};
    if (!entries_.empty()) {
      const Entry& entry = entries_.front();
      const bool whole = entry.miss && parts_ == 1;
      const Int beat = whole ? step_ : entry.first + step_;
      const Int final_beat = whole ? line_last_ : entry.last;
      const bool both = pairs_ && !(beat & 1) && beat != final_beat;
      const Int end = beat | both;
      const bool filled = ((beat & 1) || fill_[0]) && (!(end & 1) || fill_[1]);
      fire = out_free && (!entry.miss || filled);
      if (fire) {
        const bool begins = beat >= entry.first && beat <= entry.last;
        const bool ends = end >= entry.first && end <= entry.last;
        wanted = begins || ends;
        out_two_ = both && begins && ends;
        if (entry.miss) take[0] = !(beat & 1), take[1] = end & 1;
        if (whole && end == final_beat) filling_ -= beats_ - 1 - line_last_;
        step_ = end == final_beat ? 0 : step_ + 1 + both;
        if (end == final_beat) entries_.pop();
      }
    }
    if (out_free) out_valid_ = fire && wanted;
    filling_ -= take[0] + take[1];
    fill_[0] -= take[0];
    fill_[1] -= take[1];
    if (!dma_rsp) return;
    ++fill_[in_upper_];
    if (parts_ == 2) {
      const Entry& some = some_.front();
      const bool done = second_ || some.first == some.last;
      second_ = !done;
      if (done) some_.pop();
    } else {
      in_step_ = in_step_ == line_last_ ? 0 : in_step_ + 1;
    }
  }

  Int beat_bytes_, line_bytes_, beats_;
  int parts_;
  Int fill_beats_, fill_lines_, lines_;
  int lines_log2_, line_log2_, beat_log2_;
  std::vector<Tag> tags_;
  Fifo<Ask> asks_;
  Fifo<Entry> entries_, some_;
  bool cache_ = false, pairs_ = false, looking_ = false;
  Int generation_ = 0, line_ = 0, first_ = 0, left_ = 0, last_beat_ = 0, filling_ = 0, step_ = 0;
  Int line_last_ = 0, in_step_ = 0;  // of a line, the last beat that holds channels; that comes next
  Int sweep_ = 0;  // cycles until the tags are cleared
  Int fill_[2] = {0, 0};
  bool out_valid_ = false, out_two_ = false, second_ = false, in_upper_ = false;
  bool acts_ = false, hit_ = false, line_fire_ = false, miss_fire_ = false, last_line_ = false;
  int wanted_ = 0, present_ = 0;
};

}  // namespace sat
