// SPDX-License-Identifier: Apache-2.0
// Operand A on its way into the scratchpad: sat_a_walk, sat_pixel_addr, sat_a_loader.

#pragma once

#include "config.h"

namespace sat {

// sat_a_walk: chunks, and of each its lines; of a weight gradient those of one part of the tile,
// what belongs to one kernel position, behind those of another.
class AWalk {
 public:
  explicit AWalk(const Config& config) : config_(config) {}

  enum State { IDLE, CHUNK, PART, LINES };
  State state = IDLE;

  void start(const Command& command) {
    command_ = &command;
    state = CHUNK;
    passes_ = command.a_resident ? 1 : command.col_tiles;
    tiles_ = command.row_tiles;
    segments_ = command.k_segments;
    rows_ = command.rows;
    depth_ = command.depth;
    span_ = config_.rows << command.t2_log2;
    line_ = part_row_ = 0;
    window_ = first_window_ = {};
    place_ = first_place_ = {0, 0, 0, command.position_rows};
  }

  // The lines of a chunk, or of a part, come next.
  void begin_part() {
    const Int left = tile_rows() - part_row_;
    part_last_ = place_.left >= left;
    part_rows_ = part_last_ ? left : place_.left;
    state = LINES;
  }

  Int chunk_len() const { return last_chunk() ? depth_ : config_.chunk_k; }
  Int part_rows() const { return part_rows_; }
  Int offset() const { return place_.offset; }
  bool line_last() const { return last_line() && (!command_->a_trans || part_last_); }

  // The line's address, or -1 if it lies outside of the map.
  Int address() const {
    const Command& c = *command_;
    const Slot& slot = c.slots[0];
    if (!c.conv) return slot.addr + window_.ox * slot.stride + place_.offset;
    const Int pixel = pixel_at(c, window_.image, window_.oy, window_.ox, place_.ky, place_.kx);
    return pixel < 0 ? -1 : slot.addr + pixel * slot.stride + place_.offset;
  }

  void next() {
    const Command& c = *command_;
    const bool trans = c.a_trans, part_end = last_line(), chunk_end = line_last();
    const bool segment_end = chunk_end && last_chunk();
    const bool tile_end = segment_end && segments_ == 1;
    const bool pass_end = tile_end && tiles_ == 1;
    line_ = part_end ? 0 : line_ + 1;
    next_window(part_end, chunk_end, tile_end);
    if (trans ? part_end : chunk_end) next_place(segment_end, tile_end, chunk_end);
    if (part_end) part_row_ = chunk_end ? 0 : part_row_ + part_rows_;
    if (part_end) state = chunk_end ? CHUNK : PART;
    if (!chunk_end) return;
    depth_ = segment_end ? c.depth : depth_ - config_.chunk_k;
    if (segment_end) segments_ = tile_end ? c.k_segments : segments_ - 1;
    if (tile_end) {
      rows_ = pass_end ? c.rows : rows_ - span_;
      tiles_ = pass_end ? c.row_tiles : tiles_ - 1;
    }
    if (!pass_end) return;
    window_ = first_window_ = {};
    place_ = first_place_ = {0, 0, 0, c.position_rows};
    if (--passes_ == 0) state = IDLE;
  }

  // Where the walk is in the map: lines that the cache holds are seen from there.
  Int place_in_map() const {
    const Command& c = *command_;
    const Window& window = first_window_;
    const Int pixel = flat() ? windows_until(window) : window.image * c.map_h * c.map_w;
    return c.slots[0].addr + pixel * c.slots[0].stride;
  }

  template <class Walk>
  void visit(Walk& walk) {
    walk.same(state, passes_, segments_, line_, part_row_, part_rows_, part_last_);
    walk.outer(tiles_, 2);
    walk.outer(rows_, 2 * span_);
    walk.inner(depth_, 2 * config_.chunk_k);
    for (Window* window : {&window_, &first_window_}) {
      if (flat()) {
        Int windows = windows_until(*window);
        walk.moving(windows);
        const Int lines = windows / command_->out_w;
        *window = {lines / command_->out_h, lines % command_->out_h, windows % command_->out_w};
      } else if (command_->conv) {
        walk.moving(window->image);
        walk.same(window->oy, window->ox);
      } else {
        walk.moving(window->ox);
      }
    }
    for (Place* place : {&place_, &first_place_}) {
      walk.same(place->ky, place->kx);
      walk.address(place->offset);
      if (command_->a_trans) walk.same(place->left);
    }
  }

 private:
  struct Window {
    Int image = 0, oy = 0, ox = 0;
  };
  // Kernel position, bytes into the line, and of a weight gradient rows left of the position.
  struct Place {
    Int ky, kx, offset, left;
  };

  // Each window sees one pixel, and they see all in order.
  bool flat() const {
    const Command& c = *command_;
    return c.conv && c.kernel_h * c.kernel_w == 1 && !c.step_log2 && !c.upsample_log2 && !c.pad_top
           && !c.pad_left && c.out_h == c.map_h && c.out_w == c.map_w;
  }
  Int windows_until(const Window& window) const {
    return (window.image * command_->out_h + window.oy) * command_->out_w + window.ox;
  }

  bool last_chunk() const { return depth_ <= config_.chunk_k; }
  Int tile_rows() const { return rows_ < span_ ? rows_ : span_; }
  bool last_line() const { return line_ + 1 == (command_->a_trans ? chunk_len() : tile_rows()); }

  // A tile's rows are its windows and come again with each chunk; of a weight gradient the whole
  // reduction is windows and comes again with each tile, a chunk's with each part.
  void next_window(bool part_end, bool chunk_end, bool tile_end) {
    const bool trans = command_->a_trans;
    if (++window_.ox == command_->out_w) {
      window_.ox = 0;
      if (++window_.oy == command_->out_h) window_.oy = 0, ++window_.image;
    }
    if (trans && tile_end) window_ = {};
    if (trans ? chunk_end : tile_end) first_window_ = window_;
    else if (trans ? part_end : chunk_end) window_ = first_window_;
  }

  // Chunks advance along the line, or parts.
  void next_place(bool segment_end, bool tile_end, bool chunk_end) {
    const Command& c = *command_;
    const bool trans = c.a_trans;
    if (trans ? place_.left == part_rows_ : segment_end) {
      place_ = {place_.ky, place_.kx + 1, 0, c.position_rows};
      if (place_.kx == c.kernel_w) place_.kx = 0, ++place_.ky;
    } else {
      place_.offset += 2 * (trans ? part_rows_ : config_.chunk_k);
      place_.left -= part_rows_;
    }
    if (!trans && tile_end) place_ = {0, 0, 0, c.position_rows};
    if (trans && tile_end) first_place_ = place_;
    else if (trans && chunk_end) place_ = first_place_;
  }

  const Config& config_;
  const Command* command_ = nullptr;
  Int passes_ = 0, tiles_ = 0, segments_ = 0, rows_ = 0, depth_ = 0, span_ = 0, line_ = 0;
  Int part_row_ = 0, part_rows_ = 0;  // rows of the tile before this part, and in it
  bool part_last_ = false;
  Window window_, first_window_;   // first: of the tile's first row, or the chunk's first element
  Place place_{}, first_place_{};  // first: of the tile's first part
};

// Words of the A scratchpad that a chunk takes in a bank.
inline Int chunk_words(Int row_words, Int t2_log2) {
  return ((row_words << t2_log2) + 1) & ~Int{1};
}

class ALoader : public Unit {
 public:
  explicit ALoader(const Config& config)
      : config_(config), walk_(config), unit_(
            config.rows < config.lanes() ? config.rows : config.lanes()),
        most_lines_(config.lanes() == 32 ? 256 : 128), free_(config.a_depth),
        requests_(most_lines_), notes_(most_lines_) {}

  // Wires.
  bool idle = true, request_valid = false, rsp_ready = false, commit = false;
  Request request{};

  void settle(Int now) {
    idle = walk_.state == AWalk::IDLE && lines_ == 0;
    request_valid = !requests_.empty();
    if (request_valid) request = requests_.front();
    const bool note = !notes_.empty();
    zero_ = note && notes_.front().zero;
    rsp_ready = note && !zero_ && (!trans() || word_ends());
    commit = commits_.valid(now);
    words_ = walk_.state == AWalk::CHUNK
        ? chunk_words(config_.beats_of(walk_.chunk_len()), t2_log2_) : 0;
    acts_ = commit || zero_ || pipe_.valid(now) || notes_due_.valid(now)
            || (walk_.state == AWalk::CHUNK && words_ <= free_ && words_ + ahead_ <= ahead_max_)
            || walk_.state == AWalk::PART
            || (walk_.state == AWalk::LINES && lines_ != most_lines_);
    due = std::min({commits_.due(), pipe_.due(), notes_due_.due()});
  }

  Int place_in_map() const { return walk_.place_in_map(); }

  template <class Walk>
  void visit(Walk& walk) {
    walk.same(free_, ahead_, lines_, unit_q_);
    if (command_) walk_.visit(walk);
    const auto note = [&](Note& one) {
      walk.address(one.addr);
      walk.same(one.beats, one.start, one.units, one.zero, one.last);
    };
    pipe_.visit(walk, note);
    notes_due_.visit(walk, note);
    walk.each(requests_, [&](Request& one) { walk.address(one.addr), walk.same(one.beats); });
    walk.each(notes_, note);
    commits_.visit(walk, [](char) {});
    moved = true;
  }

  // `two`: the response has a second beat.
  void tick(Int now, bool request_ready, bool rsp_valid, bool rsp_two, Int taken, Int released) {
    moved = acts_ || rsp_valid || (request_valid && request_ready) || taken || released;
    if (!moved) return;
    if (commit) commits_.pop();
    const bool beat = rsp_valid || zero_;
    bool done = false, last = false;
    if (beat && !notes_.empty()) {
      const Note& note = notes_.front();
      last = note.last;
      const bool two = !trans() && (zero_ ? note.units - unit_q_ > 1 : rsp_two);
      unit_q_ += 1 + two;
      done = unit_q_ == note.units;
      if (done) {
        unit_q_ = 0;
        notes_.pop();
        if (last) commits_.push(now, 0);
      }
    }
    if (request_valid && request_ready) requests_.pop();
    if (notes_due_.valid(now)) {
      notes_.push(notes_due_.front());
      notes_due_.pop();
    }
    if (pipe_.valid(now)) {
      const Note& note = pipe_.front();
      notes_due_.push(now, note);
      if (!note.zero) requests_.push({note.addr, note.beats});
      pipe_.pop();
    }
    Int asked = 0;
    const bool room = lines_ != most_lines_;
    if (walk_.state == AWalk::CHUNK) {
      if (words_ <= free_ && words_ + ahead_ <= ahead_max_) {
        asked = words_;
        walk_.begin_part();
      }
    } else if (walk_.state == AWalk::PART) {
      walk_.begin_part();
    } else if (walk_.state == AWalk::LINES && room) {
      pipe_.push(now, note_of_line());
      ++lines_;
      walk_.next();
    }
    lines_ -= done;
    free_ += released - asked;
    ahead_ += asked - taken;
  }

  void start(const Command& command) {
    command_ = &command;
    t2_log2_ = command.t2_log2;
    ahead_max_ = 2 * chunk_words(config_.chunk_k / config_.lanes(), t2_log2_);
    walk_.start(command);
    moved = true;
  }

 private:
  struct Note {
    Int addr, beats, start, units;
    bool zero, last;
  };

  bool trans() const { return command_->a_trans; }

  // sat_unpack takes the beat when its last unit is done.
  bool word_ends() const {
    const Note& note = notes_.front();
    const Int ratio = config_.lanes() / unit_;
    return unit_q_ + 1 == note.units || rest(note.start + unit_q_ + 1, ratio) == 0;
  }

  Note note_of_line() {
    Note note{};
    const Int addr = walk_.address(), bytes = config_.beat_bytes();
    note.zero = addr < 0;
    note.addr = addr & -bytes;
    note.last = walk_.line_last();
    if (trans()) {
      // Values of the first unit that are not the part's.
      const Int lead = rest(walk_.offset() / 2, unit_);
      note.start = rest(walk_.offset(), bytes) / (2 * unit_);
      note.units = ceil_div(walk_.part_rows() + lead, unit_);
      note.beats = ceil_div(note.start + note.units, config_.lanes() / unit_);
    } else {
      note.units = note.beats = config_.beats_of(walk_.chunk_len());
    }
    return note;
  }

  const Config& config_;
  const Command* command_ = nullptr;
  AWalk walk_;
  Int unit_, t2_log2_ = 0, ahead_max_ = 0;
  Int most_lines_, free_, ahead_ = 0, lines_ = 0, unit_q_ = 0, words_ = 0;
  Delay<Note> pipe_{SAT_PIXEL_ADDR_LATENCY}, notes_due_{1};
  Fifo<Request> requests_;
  Fifo<Note> notes_;
  Delay<char> commits_{2};
  bool zero_ = false, acts_ = false;
};

}  // namespace sat
