// SPDX-License-Identifier: Apache-2.0
// PRUNE and UPDATE: the units of rtl/vector. Rows of tiles are so short that no request of theirs
// is ever split, so their addresses do not matter.

#pragma once

#include "config.h"

namespace sat {

constexpr Int TILE = 16;  // rows and columns
enum Sink { SINK_BP, SINK_FF, SINK_WEIGHT, SINK_HALF, SINKS };

struct Tile {
  Int rows, cols;
  bool band_end, last;
  template <class Walk>
  void visit(Walk& walk) const { walk.same(rows, cols, band_end, last); }
};

// sat_tile_loader.
class TileLoader {
 public:
  explicit TileLoader(const Config& config) : words_(config.data_w / 32) {}
  bool request_valid = false, tile_valid = false;
  bool begins = false;  // a tile
  Int beats = 0;
  const Tile& tile() const { return loaded_.front(); }

  void settle() {
    tile_valid = !loaded_.empty();
    request_valid = active_ && (!tile_first() || free_);
    if (active_) beats = row_beats(cols());
  }

  void tick(bool request_ready, bool rsp_valid, bool tile_taken) {
    if (tile_taken) loaded_.pop();
    free_ += tile_taken;
    if (rsp_valid && --coming_.front().beats == 0) {
      loaded_.push(coming_.front().tile);
      coming_.pop();
    }
    begins = request_valid && request_ready && tile_first();
    if (request_valid && request_ready) ask();
    if (starting_) active_ = true;
    starting_ = false;
  }

  template <class Walk>
  void visit(Walk& walk) {
    walk.same(tensor_, row_, free_, starting_, active_);
    walk.outer(rows_left_, 2 * TILE);
    walk.inner(cols_left_, 2 * TILE);
    walk.each(coming_, [&](Coming& one) { one.tile.visit(walk), walk.same(one.beats); });
    walk.each(loaded_, [&](Tile& tile) { tile.visit(walk); });
  }

  void start(const Command& command) {
    command_ = &command;
    starting_ = true;
    rows_left_ = command.rows;
    cols_left_ = command.cols;
    tensors_ = command.opcode == UPDATE ? 3 : 1;
    tensor_ = row_ = 0;
  }

 private:
  struct Coming {
    Tile tile;
    Int beats;
  };
  Int rows() const { return rows_left_ < TILE ? rows_left_ : TILE; }
  Int cols() const { return cols_left_ < TILE ? cols_left_ : TILE; }
  bool tile_first() const { return tensor_ == 0 && row_ == 0; }
  Int row_beats(Int columns) const {
    return (command_->src_fp16 ? (columns - 1) / 2 : columns - 1) / words_ + 1;
  }

  void ask() {
    const bool band_end = cols_left_ <= TILE, last_band = rows_left_ <= TILE;
    if (tile_first()) {
      --free_;
      coming_.push({{rows(), cols(), band_end, band_end && last_band}, tensors_ * rows() * beats});
    }
    if (++row_ < rows()) return;
    row_ = 0;
    if (++tensor_ < tensors_) return;
    tensor_ = 0;
    cols_left_ = band_end ? command_->cols : cols_left_ - TILE;
    if (!band_end) return;
    rows_left_ -= TILE;
    active_ = !last_band;
  }

  static constexpr Int BUFFERS = 4;
  const Command* command_ = nullptr;
  Int words_, rows_left_ = 0, cols_left_ = 0, tensors_ = 0, tensor_ = 0, row_ = 0;
  Int free_ = BUFFERS;
  bool starting_ = false, active_ = false;
  Fifo<Coming> coming_{BUFFERS};
  Fifo<Tile> loaded_{BUFFERS};
};

// sat_tile_queues: the next tile, for all units that will meet it.
class TileQueues {
 public:
  bool begin = false, begun = false, done = true;
  bool valid(int sink) const { return !tiles_[sink].empty(); }
  const Tile& tile(int sink) const { return tiles_[sink].front(); }

  void settle(bool tile_valid, bool room) {
    bool ready = true;
    done = true;
    for (int k = 0; k < SINKS; ++k) {
      ready &= !tiles_[k].full();
      done &= done_[k];
    }
    begin = tile_valid && !begun_ && room && ready;
    begun = begun_ || begin;
  }

  void tick(const Tile* tile, bool tile_end, const bool* taken) {
    for (int k = 0; k < SINKS; ++k) {
      if (!wanted_[k] || (taken[k] && tiles_[k].front().last)) done_[k] = true;
      if (taken[k]) tiles_[k].pop();
      if (begin && wanted_[k]) tiles_[k].push(*tile);
    }
    begun_ = begun && !tile_end;
  }

  template <class Walk>
  void visit(Walk& walk) {
    walk.same(begun_);
    for (int k = 0; k < SINKS; ++k) {
      walk.same(done_[k]);
      walk.each(tiles_[k], [&](Tile& tile) { tile.visit(walk); });
    }
  }

  void start(const Command& command) {
    wanted_[SINK_BP] = command.bp;
    wanted_[SINK_FF] = command.ff;
    wanted_[SINK_WEIGHT] = command.opcode == UPDATE;
    wanted_[SINK_HALF] = true;
    for (bool& done : done_) done = false;
  }

 private:
  Fifo<Tile> tiles_[SINKS] = {Fifo<Tile>(4), Fifo<Tile>(4), Fifo<Tile>(4), Fifo<Tile>(4)};
  bool wanted_[SINKS] = {}, done_[SINKS] = {true, true, true, true};
  bool begun_ = false;
};

// sat_wuve with its way through the lanes, and sat_weight_round.
class Wuve {
 public:
  explicit Wuve(const Config& config) : lanes_(config.data_w / 32), vectors_(256 / lanes_) {}
  bool read = false, tile_end = false, issue = false;  // issue: V or W that is to be stored
  bool result = false, filled = false;  // to be stored; a tile of FP16 is complete

  void settle(Int now, bool tile_valid, const Tile* tile, bool credit) {
    result = results_.valid(now) && results_.front();
    filled = fills_.valid(now);
    read = tile_end = issue = false;
    if (!tile_valid) return;
    const bool gives = pass_ >= VELOCITY;
    read = !gives || credit;
    const Int place = index_ * lanes_;
    issue = read && gives && update_ && place / TILE < tile->rows && place % TILE < tile->cols;
    tile_end = read && pass_ == WEIGHT && index_ == vectors_ - 1;
  }

  void tick(Int now) {
    if (results_.valid(now)) results_.pop();
    if (filled) fills_.pop();
    if (!read) return;
    if (pass_ >= VELOCITY) results_.push(now, issue);
    if (tile_end) fills_.push(now, 0);
    if (++index_ < vectors_) return;
    index_ = 0;
    pass_ = pass_ == WEIGHT ? first() : pass_ == SCALE && !decay_ ? VELOCITY : pass_ + 1;
  }

  template <class Walk>
  void visit(Walk& walk) {
    walk.same(index_, pass_);
    results_.visit(walk, [&](char issue) { walk.same(issue); });
    fills_.visit(walk, [](char) {});
  }

  void start(const Command& command) {
    update_ = command.opcode == UPDATE;
    decay_ = command.decay;
    pass_ = first();
  }

 private:
  enum { SCALE, DECAY, VELOCITY, WEIGHT };
  static constexpr Int LATENCY = 1 + SAT_LANES_LATENCY;
  int first() const { return update_ ? SCALE : WEIGHT; }
  Int lanes_, vectors_, index_ = 0;
  int pass_ = SCALE;
  bool update_ = false, decay_ = false;
  Delay<char> results_{LATENCY};
  Delay<char> fills_{LATENCY + SAT_FP32_TO_FP16_LATENCY};
};

// sat_half_tile.
class HalfTile {
 public:
  explicit HalfTile(const Config& config) : chunks_(TILE / (config.data_w / 32)) {}
  bool ready = true, tile_done = false;
  // The vector that it offers.
  bool valid() const { return vector_valid_; }
  bool bp() const { return vector_bp_; }
  bool last() const { return vector_last_; }
  bool band_end() const { return vector_band_end_; }

  void settle(const Tile* tile, bool vector_ready) {
    ready = reserved_ < 2;
    tile_done = fetch_ = advance_ = number_ends_ = false;
    if (!filled_) return;
    const bool both = ff_ && bp_;
    direction_ = both ? second_ : bp_;
    const Int count = direction_ ? tile->rows : tile->cols;
    const bool wanted = (ff_ || bp_) && number_ < count;
    fetch_ = wanted && (!vector_valid_ || vector_ready);
    advance_ = !wanted || (fetch_ && chunk_ == chunks_ - 1);
    ends_ = number_ == count - 1;
    band_ends_ = ends_ && tile->band_end;
    number_ends_ = advance_ && (second_ || !both);
    tile_done = number_ends_ && number_ == TILE - 1;
  }

  void tick(bool reserve, bool fill, bool vector_ready) {
    reserved_ += reserve - tile_done;
    filled_ += fill - tile_done;
    const bool complete = fetch_ && chunk_ == chunks_ - 1;
    vector_valid_ = (vector_valid_ && !vector_ready) || complete;
    if (fetch_) {
      vector_bp_ = direction_;
      vector_last_ = ends_;
      vector_band_end_ = band_ends_;
      chunk_ = complete ? 0 : chunk_ + 1;
    }
    if (number_ends_) number_ = (number_ + 1) % TILE;
    second_ ^= advance_ && ff_ && bp_;
  }

  template <class Walk>
  void visit(Walk& walk) {
    walk.same(reserved_, filled_, number_, chunk_, second_, vector_valid_, vector_bp_,
              vector_last_, vector_band_end_);
  }

  void start(const Command& command) {
    ff_ = command.ff;
    bp_ = command.bp;
  }

 private:
  Int chunks_, reserved_ = 0, filled_ = 0, number_ = 0, chunk_ = 0;
  bool ff_ = false, bp_ = false, second_ = false, vector_valid_ = false;
  bool vector_bp_ = false, vector_last_ = false, vector_band_end_ = false;
  bool direction_ = false, fetch_ = false, advance_ = false, number_ends_ = false, ends_ = false;
  bool band_ends_ = false;
};

// sat_sampler, with the blocks of random bits that it waits for. Without `sample` it is not there.
class Sampler {
 public:
  bool ready = true, valid = false, bp = false, last = false;

  void settle(Int now, const HalfTile& half, bool sore_ready) {
    if (!sample_) {
      ready = sore_ready;
      valid = half.valid();
      bp = half.bp();
      last = half.last();
      return;
    }
    ready = !queue_.full() && (half.bp() || random_valid_);
    valid = !queue_.empty() && queue_.front().made <= now;
    if (!valid) return;
    bp = queue_.front().bp;
    last = queue_.front().last;
  }

  void tick(Int now, const HalfTile& half, bool sore_ready) {
    if (!sample_) return;
    const bool take = half.valid() && ready;
    if (valid && sore_ready) queue_.pop();
    if (take) queue_.push({half.bp(), half.last(), now + LATENCY});
    tick_random(take && !half.bp() && half.band_end());
  }

  template <class Walk>
  void visit(Walk& walk) {
    if (!sample_) return;
    walk.same(random_start_, random_busy_, random_made_, random_valid_, random_count_);
    walk.each(queue_, [&](Vector& vector) {
      walk.same(vector.bp, vector.last);
      walk.time(vector.made);
    });
  }

  void start(const Command& command) {
    sample_ = command.sample;
    random_start_ = true;
    random_busy_ = random_made_ = random_valid_ = false;
  }

 private:
  static constexpr Int DEPTH = 32, LATENCY = 16, RANDOM_CYCLES = 26;
  struct Vector {
    bool bp, last;
    Int made;
  };

  // sat_random.
  void tick_random(bool next) {
    const bool take = random_made_ && (!random_valid_ || next);
    const bool ends = random_busy_ && ++random_count_ == RANDOM_CYCLES;
    if (random_start_ || take) random_count_ = 0;
    random_busy_ = random_start_ || take || (random_busy_ && !ends);
    random_made_ = ends || (random_made_ && !take);
    random_valid_ = take || (random_valid_ && !next);
    random_start_ = false;
  }

  bool sample_ = false, random_start_ = false, random_busy_ = false, random_made_ = false;
  bool random_valid_ = false;
  Int random_count_ = 0;
  Fifo<Vector> queue_{DEPTH};
};

// sat_sore with an emitter per direction: FF, BP.
class Sore {
 public:
  explicit Sore(const Config& config) : emit_(config.data_w / 128) {}
  bool ready = true;
  bool valid(int direction) const { return emitters_[direction].valid; }
  bool end(int direction) const { return emitters_[direction].rank == last_rank_; }
  bool last(int direction) const { return end(direction) && emitters_[direction].last; }

  void settle(const bool* out_ready) {
    const Vector& oldest = pipe_[STAGES - 1];
    const int d = oldest.bp;
    load_ready_ = !emitters_[d].valid || (end(d) && out_ready[d]);
    ready = !oldest.valid || load_ready_;
  }

  void tick(bool in_valid, bool in_bp, bool in_last, const bool* out_ready) {
    const Vector oldest = pipe_[STAGES - 1];
    for (int d = 0; d < 2; ++d) {
      Emitter& one = emitters_[d];
      if (oldest.valid && oldest.bp == d && load_ready_) {
        one = {true, oldest.last, 0};
      } else if (one.valid && out_ready[d]) {
        if (end(d)) one.valid = false;
        else ++one.rank;
      }
    }
    if (!ready) return;
    for (int s = STAGES - 1; s > 0; --s) pipe_[s] = pipe_[s - 1];
    pipe_[0] = {in_valid, in_bp, in_last};
  }

  template <class Walk>
  void visit(Walk& walk) {
    for (const Vector& vector : pipe_) walk.same(vector.valid, vector.bp, vector.last);
    for (const Emitter& one : emitters_) walk.same(one.valid, one.last, one.rank);
  }

  void start(const Command& command) {
    last_rank_ = (command.n * (TILE / command.m) - 1) / emit_;
  }

 private:
  static constexpr int STAGES = 4;
  struct Vector {
    bool valid, bp, last;
  };
  struct Emitter {
    bool valid, last;
    Int rank;
  };
  Int emit_, last_rank_ = 0;
  bool load_ready_ = false;
  Vector pipe_[STAGES] = {};
  Emitter emitters_[2] = {};
};

// What a source offers to sat_store_mux: a beat of a packet.
struct Packet {
  bool valid = false, last = false;
  Int addr = 0, beats = 0, bytes = 0;
};

// sat_plane_store.
class PlaneStore {
 public:
  PlaneStore(const Config& config, bool bp) : narrow_(config.data_w == 128), bp_(bp) {}
  bool in_ready = true, tile_ready = false;
  Packet packet;

  void settle(bool tile_valid, const Tile* tile) {
    in_ready = !(filled_ == 2 || (filled_ == 1 && fill_));
    packet.valid = filled_ && known_ && tile_valid;
    if (!packet.valid) return;
    width_ = bp_ ? tile->rows : tile->cols;
    const Int length = bp_ ? tile->cols : tile->rows;
    rows_ = dense_ ? length : ceil_div(length, m_) * n_;
    wide_ = narrow_ && width_ > TILE / 2;
    packet.last = indices_ || second_ == wide_;
    packet.beats = wide_ && !indices_ ? 2 : 1;
    packet.bytes = indices_ ? ceil_div(width_, 2)
                   : !wide_ ? 2 * width_ : second_ ? 2 * width_ - TILE : TILE;
  }

  // Whether the packet's beat, if taken, is the tile's last.
  bool ends_tile() const { return packet.last && (indices_ || dense_) && row_ == rows_ - 1; }

  void tick(bool tile_valid, bool fire, bool kept, bool kept_last) {
    const bool taken = fire && ends_tile();
    filled_ += fill_ - taken;
    fill_ = kept && in_ready && kept_last;
    known_ = tile_valid && !taken;
    if (!fire) return;
    const bool row_end = packet.last && (indices_ || dense_);
    second_ = !packet.last;
    indices_ = packet.last && !row_end;
    if (row_end) row_ = taken ? 0 : row_ + 1;
  }

  template <class Walk>
  void visit(Walk& walk) { walk.same(known_, fill_, second_, indices_, filled_, row_); }

  void start(const Command& command) {
    n_ = command.n;
    m_ = command.m;
    dense_ = n_ == m_;
  }

 private:
  bool narrow_, bp_, dense_ = false, known_ = false, fill_ = false, second_ = false;
  bool indices_ = false, wide_ = false;
  Int n_ = 0, m_ = 1, filled_ = 0, row_ = 0, rows_ = 0, width_ = 0;
};

// sat_weight_store.
class WeightStore {
 public:
  explicit WeightStore(const Config& config) : words_(config.data_w / 32) {}
  bool credit = true;
  Packet packet;

  void settle(bool tile_valid, const Tile* tile) {
    credit = credits_ > 0;
    packet.valid = queued_ > 0 && tile_valid;
    if (!packet.valid) return;
    rows_ = tile->rows;
    packet.beats = ceil_div(tile->cols, words_);
    packet.last = beat_ == packet.beats - 1;
    const Int left = tile->cols - beat_ * words_;
    packet.bytes = 4 * (left < words_ ? left : words_);
  }

  bool ends_tile() const { return packet.last && row_ == rows_ - 1 && weights_; }

  void tick(bool fire, bool issue, bool result) {
    credits_ += fire - issue;
    queued_ += result - fire;
    if (!fire) return;
    beat_ = packet.last ? 0 : beat_ + 1;
    if (!packet.last) return;
    if (++row_ < rows_) return;
    row_ = 0;
    weights_ = !weights_;
  }

  template <class Walk>
  void visit(Walk& walk) { walk.same(credits_, queued_, beat_, row_, weights_); }

 private:
  Int words_, credits_ = 64, queued_ = 0, beat_ = 0, row_ = 0, rows_ = 0;
  bool weights_ = false;
};

}  // namespace sat
