// SPDX-License-Identifier: Apache-2.0
// AFFINE, STATS and POOL: the units of rtl/feature.

#pragma once

#include "column_sums.h"
#include "weights.h"

namespace sat {

enum Target { TARGET_X, TARGET_Y, TARGET_ALPHA, TARGET_BETA, TARGET_GAMMA };

// A request for a band's part of a row, pixel or parameter vector.
struct Piece {
  Target target;
  Int addr, beats;
  bool band_last, single;  // single: the last beat has no second vector
  template <class Walk>
  void visit(Walk& walk) {
    walk.same(target, beats, band_last, single);
    walk.address(addr);
  }
};

// Channels of a band: 16 vectors.
inline Int band_of(const Config& config) { return config.data_w / 2; }

// sat_feature_rows.
class FeatureRows {
 public:
  explicit FeatureRows(const Config& config)
      : words_(config.data_w / 32), band_(band_of(config)) {}
  bool valid = false;
  Piece piece{};
  bool begins = false;  // some rows

  void settle() {
    valid = active_ && !(target_ == TARGET_ALPHA && ahead_ == 2);
    if (!valid) return;
    const Int channels = cols_left_ < band_ ? cols_left_ : band_;
    const Int vectors = ceil_div(channels, words_);
    const bool parameter = target_ >= TARGET_ALPHA;
    piece.target = target_;
    piece.beats = parameter ? vectors : ceil_div(vectors, 2);
    piece.band_last = rows_left_ == 1;
    piece.single = vectors & 1;
    const Command& c = *command_;
    const int slot = parameter ? 3 + target_ - TARGET_ALPHA : target_;
    const Int row = parameter ? 0 : (c.rows - rows_left_) * c.slots[slot].stride;
    piece.addr = c.slots[slot].addr + row + band_number_ * band_ * (parameter ? 4 : 2);
  }

  void tick(bool ready, bool band_done) {
    const bool fire = valid && ready;
    ahead_ += (fire && target_ == TARGET_ALPHA) - band_done;
    begins = fire && target_ == TARGET_X && rest(rows_left_, ROWS) == 0;
    if (fire) next();
    if (starting_) active_ = true;
    starting_ = false;
  }

  template <class Walk>
  void visit(Walk& walk) {
    walk.same(target_, cols_left_, band_number_, ahead_, starting_, active_);
    walk.outer(rows_left_, 2);
    for (int slot : {0, 1}) {
      Int offset = (command_->rows - rows_left_) * command_->slots[slot].stride;
      walk.address(offset);
    }
  }

  void start(const Command& command) {
    command_ = &command;
    starting_ = true;
    target_ = first();
    rows_left_ = command.rows;
    cols_left_ = command.cols;
    band_number_ = 0;
  }

 private:
  static constexpr Int ROWS = 32;  // which begin and end a page in most tensors

  Target first() const { return command_->opcode == AFFINE ? TARGET_ALPHA : TARGET_X; }

  void next() {
    const bool second = command_->second;
    switch (target_) {
      case TARGET_ALPHA: target_ = second ? TARGET_BETA : TARGET_GAMMA; return;
      case TARGET_BETA: target_ = TARGET_GAMMA; return;
      case TARGET_GAMMA: target_ = TARGET_X; return;
      case TARGET_X:
        if (second) {
          target_ = TARGET_Y;
          return;
        }
        break;
      case TARGET_Y: break;
    }
    target_ = TARGET_X;
    if (--rows_left_ > 0) return;
    target_ = first();
    rows_left_ = command_->rows;
    active_ = cols_left_ > band_;
    cols_left_ -= band_;
    ++band_number_;
  }

  const Command* command_ = nullptr;
  Int words_, band_, rows_left_ = 0, cols_left_ = 0, band_number_ = 0, ahead_ = 0;
  Target target_ = TARGET_X;
  bool starting_ = false, active_ = false;
};

// sat_feature_fetch.
class FeatureFetch {
 public:
  struct Beat {
    bool band_last, piece_last, single;
  };
  bool ready = true, request_valid = false;
  Request request{};
  bool valid(int queue) const { return queues_[queue].front.valid(); }
  const Beat& beat(int queue) const { return queues_[queue].front.front(); }

  void settle() {
    ready = pieces_.ready();
    request_valid = false;
    if (!pieces_.valid() || notes_.full()) return;
    const Piece& piece = pieces_.front();
    request_valid = piece.target > TARGET_Y || queues_[piece.target].free >= piece.beats;
    request = {piece.addr, piece.beats};
  }

  void tick(bool in_valid, const Piece& in, bool request_ready, bool rsp_valid, bool x_taken,
            bool y_taken) {
    const bool fire = request_valid && request_ready;
    const Piece asked = pieces_.front();
    Beat come{};
    int to = -1;
    if (rsp_valid) {
      const Piece& note = notes_.front();
      const bool last = beat_ + 1 == note.beats;
      come = {last && note.band_last, last, last && note.single};
      to = note.target;
      beat_ = last ? 0 : beat_ + 1;
      if (last) notes_.pop();
    }
    for (int q = 0; q < 2; ++q) {
      Queue& one = queues_[q];
      const bool stored = !one.beats.empty(), leaves = stored && one.front.ready();
      one.front.tick(stored, stored ? one.beats.front() : Beat{}, q ? y_taken : x_taken);
      if (leaves) one.beats.pop();
      if (to == q) one.beats.push(come);
      one.free += leaves - (fire && asked.target == q ? asked.beats : 0);
    }
    if (fire) notes_.push(asked);
    pieces_.tick(in_valid, in, fire);
  }

  template <class Walk>
  void visit(Walk& walk) {
    const auto piece = [&](Piece& one) { one.visit(walk); };
    const auto beat = [&](Beat& one) { walk.same(one.band_last, one.piece_last, one.single); };
    walk.same(beat_);
    pieces_.visit(walk, piece);
    walk.each(notes_, piece);
    for (Queue& queue : queues_) {
      walk.same(queue.free);
      walk.each(queue.beats, beat);
      queue.front.visit(walk, beat);
    }
  }

 private:
  static constexpr Int DEPTH = 64;
  struct Queue {
    Fifo<Beat> beats{DEPTH};
    Skid<Beat> front;
    Int free = DEPTH;
  };
  Skid<Piece> pieces_;
  Fifo<Piece> notes_{DEPTH};
  Queue queues_[2];
  Int beat_ = 0;
};

// What a unit gives to the writers: a beat is reserved, then comes.
struct Results {
  bool reserve[2] = {}, valid[2] = {}, band_last = false;
};

// What a unit tells those that feed it.
struct FeatureUnit {
  bool x_taken = false, y_taken = false, band_done = false, piece_ready = false;
  Results results;
};

// sat_affine with its way through the lanes, and sat_feature_round.
class Affine : public FeatureUnit {
 public:
  void settle(Int now, const FeatureFetch& fetch, bool credit) {
    const bool second = command_->second;
    arrives_ = sums_.valid(now);
    results = {};
    results.valid[0] = beats_.valid(now);
    if (results.valid[0]) results.band_last = beats_.front();
    x_taken = results.reserve[0] = fetch.valid(0) && credit && (!second || ready_);
    y_taken = second && fetch.valid(1) && !x_taken && free_;
    band_done = x_taken && fetch.beat(0).band_last;
  }

  void tick(Int now) {
    if (arrives_) sums_.pop();
    if (beats_.valid(now)) beats_.pop();
    const bool claims = x_taken && command_ && command_->second;
    free_ += claims - y_taken;
    ready_ += arrives_ - claims;
    if (y_taken) sums_.push(now, 0);
    if (x_taken) beats_.push(now, band_done);
  }

  template <class Walk>
  void visit(Walk& walk) {
    walk.same(free_, ready_);
    sums_.visit(walk, [](char) {});
    beats_.visit(walk, [&](char band_last) { walk.same(band_last); });
  }

  void start(const Command& command) { command_ = &command; }

 private:
  static constexpr Int LATENCY = 1 + SAT_LANES_LATENCY;
  const Command* command_ = nullptr;
  Int free_ = 16, ready_ = 0;
  bool arrives_ = false;
  Delay<char> sums_{LATENCY};
  Delay<char> beats_{LATENCY + SAT_FP32_TO_FP16_LATENCY};  // whether it ends its band
};

// sat_stats.
class Stats : public FeatureUnit {
 public:
  explicit Stats(const Config& config) : sums_(config.data_w / 32) {}
  void settle(Int now, const FeatureFetch& fetch, bool second, const bool* credit) {
    sums_.settle(now, credit[0], credit[1]);
    results = {};
    results.reserve[0] = sums_.reserves && !sums_.dot();
    results.reserve[1] = sums_.reserves && sums_.dot();
    results.valid[0] = sums_.valid && !sums_.out.dot;
    results.valid[1] = sums_.valid && sums_.out.dot;
    results.band_last = true;
    take_ = !sums_.busy() && fetch.valid(0) && (!second || fetch.valid(1));
    ends_row_ = ends_rows_ = false;
    if (take_) {
      const FeatureFetch::Beat& beat = fetch.beat(0);
      const bool ends_beat = (vector_ & 1) || beat.single;
      ends_row_ = ends_beat && beat.piece_last;
      ends_rows_ = ends_beat && beat.band_last;
      x_taken = ends_beat;
    } else {
      x_taken = false;
    }
    y_taken = x_taken && second;
  }

  void tick(Int now) {
    if (ends_rows_) last_vector_ = vector_;
    sums_.tick(now, ends_rows_, last_vector_);
    if (take_) vector_ = ends_row_ ? 0 : vector_ + 1;
  }

  template <class Walk>
  void visit(Walk& walk) {
    walk.same(vector_, last_vector_);
    sums_.visit(walk);
  }

 private:
  ColumnSums sums_;
  Int vector_ = 0, last_vector_ = 0;
  bool take_ = false, ends_row_ = false, ends_rows_ = false;
};

// What a window's position means to sat_pool_max and sat_pool_sum.
struct PoolPiece {
  bool band_last, window_last, first, empty;
  Int last_beat;
};

// sat_pool_walk and sat_pool_reader.
class PoolReader {
 public:
  explicit PoolReader(const Config& config) : config_(config), band_(band_of(config)) {}
  bool valid = false;  // a request
  Piece piece{};
  bool out_valid() const { return front_.valid(); }
  const PoolPiece& out() const { return front_.front(); }

  void settle() {
    valid = !requests_.empty();
    if (!valid) return;
    const Place& oldest = requests_.front();
    piece.target = winner_ ? TARGET_Y : TARGET_X;
    piece.addr = oldest.addr[winner_];
    piece.beats = winner_ ? oldest.last_beat / 4 + 1 : oldest.last_beat + 1;
    piece.band_last = piece.single = false;
  }

  void tick(bool ready, bool out_ready) {
    const bool asked = valid && ready, enter = active_ && count_ < DEPTH;
    const bool stored = !pieces_.empty(), leaves = stored && front_.ready();
    count_ += enter - taken_;
    taken_ = front_.valid() && out_ready;
    front_.tick(stored, stored ? pieces_.front() : PoolPiece{}, out_ready);
    if (leaves) pieces_.pop();
    if (asked && winner_ == backward()) requests_.pop();
    if (asked) winner_ = backward() && !winner_;
    arrive(pipe_[LATENCY - 1]);
    for (int s = LATENCY - 1; s > 0; --s) pipe_[s] = pipe_[s - 1];
    pipe_[0] = enter ? here() : Place{};
    if (enter) step();
    if (starting_) active_ = true;
    starting_ = false;
  }

  void start(const Command& command) {
    command_ = &command;
    starting_ = true;
    image_ = oy_ = ox_ = ky_ = kx_ = band_number_ = 0;
    cols_left_ = command.cols;
  }

 private:
  static constexpr int LATENCY = SAT_PIXEL_ADDR_LATENCY;
  static constexpr Int DEPTH = 64;
  struct Place {
    bool valid, window_end, band_end;
    Int last_beat, addr[2];  // of X, or dY, and of WINNER; below 0 if outside
  };
  bool backward() const { return command_->backward; }

  void arrive(const Place& place) {
    const bool inside = place.valid && place.addr[0] >= 0;
    const bool closes = place.valid && place.window_end, fresh = !held_ || closed_;
    if (inside) requests_.push(place);
    if (closed_ || (held_ && inside)) {
      held_piece_.band_last = closed_ && band_end_;
      held_piece_.window_last = closed_;
      pieces_.push(held_piece_);
    }
    if (place.valid && !inside && !(closes && fresh)) --count_;
    if (inside || fresh) held_piece_ = {false, false, fresh, !inside, place.last_beat};
    held_ = inside || closes || (held_ && !closed_);
    closed_ = closes;
    band_end_ = place.band_end;
  }

  bool window_end() const {
    return kx_ + 1 == command_->kernel_w && ky_ + 1 == command_->kernel_h;
  }
  bool band_end() const {
    const Command& c = *command_;
    return window_end() && ox_ + 1 == c.out_w && oy_ + 1 == c.out_h && image_ + 1 == c.rows;
  }

  Place here() const {
    const Command& c = *command_;
    const Int channels = cols_left_ < band_ ? cols_left_ : band_;
    Place place{true, window_end(), band_end(), (channels - 1) / config_.lanes(), {-1, -1}};
    const Int pixel = pixel_at(c, image_, oy_, ox_, ky_, kx_);
    if (pixel < 0) return place;
    place.addr[0] = c.slots[0].addr + pixel * c.slots[0].stride + band_number_ * band_ * 2;
    place.addr[1] = c.slots[2].addr + pixel * c.slots[2].stride + band_number_ * band_ / 2;
    return place;
  }

  void step() {
    const Command& c = *command_;
    const bool band_ends = band_end();
    if (++kx_ == c.kernel_w) kx_ = 0, ++ky_;
    if (ky_ == c.kernel_h) ky_ = 0, ++ox_;
    if (ox_ == c.out_w) ox_ = 0, ++oy_;
    if (oy_ == c.out_h) oy_ = 0, ++image_;
    if (!band_ends) return;
    image_ = 0;
    active_ = cols_left_ > band_;
    cols_left_ -= band_;
    ++band_number_;
  }

  const Config& config_;
  const Command* command_ = nullptr;
  Int band_, image_ = 0, oy_ = 0, ox_ = 0, ky_ = 0, kx_ = 0, cols_left_ = 0, band_number_ = 0;
  Int count_ = 0;
  Place pipe_[LATENCY] = {};
  Fifo<Place> requests_{DEPTH};
  Fifo<PoolPiece> pieces_{DEPTH};
  Skid<PoolPiece> front_;
  PoolPiece held_piece_{};
  bool starting_ = false, active_ = false, winner_ = false, taken_ = false;
  bool held_ = false, closed_ = false, band_end_ = false;
};

// sat_pool_max.
class PoolMax : public FeatureUnit {
 public:
  void settle(const PoolReader& reader, const FeatureFetch& fetch, const bool* credit) {
    results = {};
    results.valid[0] = stage_[1].leaves[0];
    results.valid[1] = stage_[1].leaves[1];
    results.band_last = stage_[1].band_last;
    step_ = piece_ready = x_taken = false;
    now_ = {};
    if (!reader.out_valid()) return;
    const PoolPiece& piece = reader.out();
    last_ = beat_ == piece.last_beat;
    step_ = (fetch.valid(0) || piece.empty)
            && (!piece.window_last || (credit[0] && credit[1]));
    piece_ready = step_ && last_;
    x_taken = step_ && !piece.empty;
    results.reserve[0] = step_ && piece.window_last;
    results.reserve[1] = results.reserve[0] && (last_ || beat_ % 4 == 3);
    now_ = {{results.reserve[0], results.reserve[1]}, piece.band_last};
  }

  void tick(Int) {
    stage_[1] = stage_[0];
    stage_[0] = now_;
    if (step_) beat_ = last_ ? 0 : beat_ + 1;
  }

 private:
  struct Stage {
    bool leaves[2], band_last;
  };
  Int beat_ = 0;
  bool step_ = false, last_ = false;
  Stage now_{}, stage_[2] = {};
};

// sat_pool_sum with its way through the lanes, and sat_feature_round.
class PoolSum : public FeatureUnit {
 public:
  void settle(Int now, const PoolReader& reader, const FeatureFetch& fetch, bool credit) {
    results = {};
    results.valid[0] = beats_.valid(now);
    if (results.valid[0]) results.band_last = beats_.front();
    step_ = piece_ready = x_taken = y_taken = false;
    if (!reader.out_valid()) return;
    piece_ = reader.out();
    last_ = beat_ == piece_.last_beat;
    step_ = (piece_.empty || (fetch.valid(0) && fetch.valid(1)))
            && (piece_.first || beat_ || !wait_) && (!piece_.window_last || credit);
    piece_ready = step_ && last_;
    x_taken = step_ && !piece_.empty;
    y_taken = x_taken && (last_ || beat_ % 4 == 3);
    results.reserve[0] = step_ && piece_.window_last;
  }

  void tick(Int now) {
    if (beats_.valid(now)) beats_.pop();
    if (step_ && last_) wait_ = SAT_LANES_LATENCY - piece_.last_beat;
    else if (wait_) --wait_;
    if (!step_) return;
    if (piece_.window_last) beats_.push(now, piece_.band_last);
    beat_ = last_ ? 0 : beat_ + 1;
  }

 private:
  Int beat_ = 0, wait_ = 0;
  bool step_ = false, last_ = false;
  PoolPiece piece_{};
  Delay<char> beats_{1 + SAT_LANES_LATENCY + SAT_FP32_TO_FP16_LATENCY};  // whether it ends its band
};

// sat_feature_writer.
class FeatureWriter {
 public:
  explicit FeatureWriter(const Config& config) : config_(config), band_(band_of(config)) {}
  bool done = true, credit = true;
  Packet packet;

  void settle() {
    done = !starting_ && !active_;
    credit = credits_ > 0;
    packet.valid = begun_;
    if (!active_) return;
    const Int bytes = config_.beat_bytes();
    packet.beats = ceil_div(row_bytes_, bytes);
    packet.last = beat_ + 1 == packet.beats;
    packet.bytes = packet.last ? row_bytes_ - beat_ * bytes : bytes;
    packet.addr = base_ + row_ * stride_ + band_number_ * band_ * bits_ / 8;
  }

  void tick(bool fire, bool reserve, bool in_valid, bool in_band_last) {
    const bool row_fire = fire && packet.last;
    const bool band_fire = row_fire && queue_.front();
    const Int queued = queue_.size();
    const bool complete = known_ && queued > row_beats_ - 1 + row_fire;
    begun_ = known_ && !band_fire && ((begun_ && !row_fire) || complete);
    const bool last_band = last_band_;
    // What a band's size depends on is known a cycle later.
    known_ = active_ && !band_fire;
    last_band_ = cols_left_ <= band_;
    const Int channels = last_band_ ? cols_left_ : band_;
    row_bytes_ = ceil_div(channels * bits_, 8);
    row_beats_ = ceil_div(row_bytes_, config_.beat_bytes());
    credits_ += fire - reserve;
    if (fire) {
      queue_.pop();
      beat_ = row_fire ? 0 : beat_ + 1;
    }
    if (in_valid) queue_.push(in_band_last);
    if (row_fire) ++row_;
    if (band_fire) {
      row_ = 0;
      cols_left_ -= band_;
      ++band_number_;
      if (last_band) active_ = false;
    }
    if (starting_) active_ = true;
    starting_ = false;
  }

  template <class Walk>
  void visit(Walk& walk) {
    walk.same(starting_, active_, begun_, known_, last_band_, credits_, beat_, row_bytes_,
              row_beats_, cols_left_, band_number_);
    Int offset = row_ * stride_;
    walk.address(offset);
    walk.moving(row_);
    walk.each(queue_, [&](char band_last) { walk.same(band_last); });
  }

  void start(const Slot& slot, Int bits, Int cols) {
    starting_ = true;
    base_ = slot.addr;
    stride_ = slot.stride;
    bits_ = bits;
    cols_left_ = cols;
    row_ = band_number_ = 0;
  }

 private:
  const Config& config_;
  Int band_, bits_ = 16, base_ = 0, stride_ = 0, row_ = 0, band_number_ = 0, cols_left_ = 0;
  Int credits_ = 32, beat_ = 0, row_bytes_ = 0, row_beats_ = 0;
  Fifo<char> queue_{32};  // whether the beat is of the last row of its band
  bool starting_ = false, active_ = false, begun_ = false, known_ = false, last_band_ = false;
};

}  // namespace sat
