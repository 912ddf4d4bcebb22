// SPDX-License-Identifier: Apache-2.0
// The vector engine: sat_vector, the wiring of sat_feature, sat_store_mux.

#pragma once

#include "bus.h"
#include "feature.h"

namespace sat {

// sat_store_mux: packets of five sources, the first one first.
class StoreMux {
 public:
  enum Source { BP, FF, WEIGHT, OUT, DOT, SOURCES };
  bool request_valid = false, data_valid = false;
  Request request{};
  Int bytes = 0;
  bool taken(int source) const { return advance_ && source == source_; }

  void settle(const Packet* const* packets, bool request_ready, bool data_ready) {
    if (!locked_) {
      source_ = 0;
      while (source_ < SOURCES && !packets[source_]->valid) ++source_;
    }
    valid_ = source_ < SOURCES && packets[source_]->valid;
    request_valid = data_valid = advance_ = false;
    if (!valid_) return;
    const Packet& packet = *packets[source_];
    request_valid = !request_sent_;
    data_valid = !data_sent_;
    request = {packet.addr, packet.beats};
    bytes = packet.bytes;
    last_ = packet.last;
    request_done_ = request_sent_ || request_ready;
    data_done_ = data_sent_ || data_ready;
    advance_ = data_done_ && (!last_ || request_done_);
  }

  void tick() {
    if (!valid_) return;
    const bool ends = advance_ && last_;
    locked_ = !ends;
    request_sent_ = request_done_ && !ends;
    data_sent_ = data_done_ && !advance_;
  }

  template <class Walk>
  void visit(Walk& walk) { walk.same(source_, locked_, request_sent_, data_sent_); }

 private:
  int source_ = 0;
  bool locked_ = false, request_sent_ = false, data_sent_ = false;
  bool valid_ = false, last_ = false, advance_ = false, request_done_ = false, data_done_ = false;
};

class VectorEngine : public Unit {
 public:
  explicit VectorEngine(const Config& config)
      : loader_(config), wuve_(config), half_(config), sore_(config), bp_(config, true),
        ff_(config, false), weights_(config), rows_(config), reader_(config), stats_(config),
        writers_{FeatureWriter(config), FeatureWriter(config)} {}

  bool busy = false;
  bool finishes() const { return busy && ends_; }  // its command, in this cycle

  // `wr` has settled before.
  void settle(Int now, ReadDma& rd, WriteDma& wr) {
    if (!busy) {
      if (!moved) return;
      rd.drive(RD_VECTOR, false, {}, true);
      wr.valid[1] = wr.data_valid[1] = false;
      return;
    }
    if (feature_) settle_feature(now, rd);
    else settle_weights(now, rd);
    mux_.settle(packets_, wr.ready[1], wr.data_ready[1]);
    wr.valid[1] = mux_.request_valid;
    wr.request[1] = mux_.request;
    wr.data_valid[1] = mux_.data_valid;
    wr.bytes[1] = mux_.bytes;
    ends_ = queues_.done && writers_[0].done && writers_[1].done && wr.idle[1];
  }

  void tick(Int now, const ReadDma& rd) {
    moved = busy || starts_;
    if (busy) {
      const bool ready = rd.ready(RD_VECTOR), rsp = rd.rsp_valid(RD_VECTOR);
      if (feature_) tick_feature(now, ready, rsp);
      else tick_weights(now, ready, rsp);
      mux_.tick();
      if (ends_) busy = false;
    }
    if (!starts_) return;
    begin(*starts_);
    starts_ = nullptr;
    busy = true;
  }

  // Some rows, or a tile, begin. What then follows may repeat itself; of pooling it is not looked
  // for.
  bool repeats() const {
    return busy && (!feature_ ? loader_.begins : command_->opcode != POOL && rows_.begins);
  }

  template <class Walk>
  void visit(Walk& walk) {
    walk.same(busy, command_);
    mux_.visit(walk);
    for (FeatureWriter& writer : writers_) writer.visit(walk);
    if (feature_) {
      rows_.visit(walk);
      fetch_.visit(walk);
      affine_.visit(walk);
      stats_.visit(walk);
      return;
    }
    loader_.visit(walk);
    queues_.visit(walk);
    wuve_.visit(walk);
    half_.visit(walk);
    sampler_.visit(walk);
    sore_.visit(walk);
    bp_.visit(walk);
    ff_.visit(walk);
    weights_.visit(walk);
  }

  // When it is not busy, before the tick.
  void start(const Command& command) { starts_ = &command; }

 private:
  void begin(const Command& c) {
    command_ = &c;
    feature_ = c.opcode != PRUNE && c.opcode != UPDATE;
    if (c.skip) return;
    if (!feature_) {
      loader_.start(c);
      queues_.start(c);
      wuve_.start(c);
      half_.start(c);
      sampler_.start(c);
      sore_.start(c);
      bp_.start(c);
      ff_.start(c);
      return;
    }
    affine_.start(c);
    if (c.opcode == POOL) {
      reader_.start(c);
      writers_[0].start(c.slots[1], 16, c.cols);
      if (!c.backward) writers_[1].start(c.slots[2], 4, c.cols);
      return;
    }
    rows_.start(c);
    writers_[0].start(c.slots[2], c.opcode == STATS ? 32 : 16, c.cols);
    if (c.opcode == STATS) writers_[1].start(c.slots[3], 32, c.cols);
  }

  const Tile* tile(int sink) const { return queues_.valid(sink) ? &queues_.tile(sink) : nullptr; }

  void settle_weights(Int now, ReadDma& rd) {
    loader_.settle();
    rd.drive(RD_VECTOR, loader_.request_valid, {0, loader_.beats}, true);
    bp_.settle(queues_.valid(SINK_BP), tile(SINK_BP));
    ff_.settle(queues_.valid(SINK_FF), tile(SINK_FF));
    weights_.settle(queues_.valid(SINK_WEIGHT), tile(SINK_WEIGHT));
    kept_ready_[0] = ff_.in_ready;
    kept_ready_[1] = bp_.in_ready;
    sore_.settle(kept_ready_);
    sampler_.settle(now, half_, sore_.ready);
    half_.settle(tile(SINK_HALF), sampler_.ready);
    queues_.settle(loader_.tile_valid, half_.ready);
    const bool begun = loader_.tile_valid && queues_.begun;
    wuve_.settle(now, begun, begun ? &loader_.tile() : nullptr, weights_.credit);
  }

  void tick_weights(Int now, bool ready, bool rsp) {
    const bool bp_fire = mux_.taken(StoreMux::BP), ff_fire = mux_.taken(StoreMux::FF);
    const bool weight_fire = mux_.taken(StoreMux::WEIGHT);
    const bool taken[SINKS] = {bp_fire && bp_.ends_tile(), ff_fire && ff_.ends_tile(),
                               weight_fire && weights_.ends_tile(), half_.tile_done};
    const bool bp_valid = queues_.valid(SINK_BP), ff_valid = queues_.valid(SINK_FF);
    bp_.tick(bp_valid, bp_fire, sore_.valid(1), sore_.last(1));
    ff_.tick(ff_valid, ff_fire, sore_.valid(0), sore_.last(0));
    weights_.tick(weight_fire, wuve_.issue, wuve_.result);
    sore_.tick(sampler_.valid, sampler_.bp, sampler_.last, kept_ready_);
    sampler_.tick(now, half_, sore_.ready);
    half_.tick(queues_.begin, wuve_.filled, sampler_.ready);
    queues_.tick(loader_.tile_valid ? &loader_.tile() : nullptr, wuve_.tile_end, taken);
    wuve_.tick(now);
    loader_.tick(ready, rsp, wuve_.tile_end);
  }

  void settle_feature(Int now, ReadDma& rd) {
    const Command& c = *command_;
    const bool pool = c.opcode == POOL;
    for (FeatureWriter& writer : writers_) writer.settle();
    const bool credit[2] = {writers_[0].credit, writers_[1].credit};
    fetch_.settle();
    if (pool) reader_.settle();
    else rows_.settle();
    rd.drive(RD_VECTOR, fetch_.request_valid, fetch_.request, true);
    switch (c.opcode) {
      case AFFINE: affine_.settle(now, fetch_, credit[0]); break;
      case STATS: stats_.settle(now, fetch_, c.second, credit); break;
      default:
        if (c.backward) sum_.settle(now, reader_, fetch_, credit[0]);
        else max_.settle(reader_, fetch_, credit);
    }
  }

  // Only the unit that works is settled, and moves: others have nothing left inside.
  void tick_feature(Int now, bool ready, bool rsp) {
    switch (command_->opcode) {
      case AFFINE: tick_feature(now, ready, rsp, affine_); break;
      case STATS: tick_feature(now, ready, rsp, stats_); break;
      default:
        if (command_->backward) tick_feature(now, ready, rsp, sum_);
        else tick_feature(now, ready, rsp, max_);
    }
  }

  template <class Unit>
  void tick_feature(Int now, bool ready, bool rsp, Unit& unit) {
    const bool pool = command_->opcode == POOL, fetch_ready = fetch_.ready;
    for (int k = 0; k < 2; ++k) {
      writers_[k].tick(mux_.taken(k ? StoreMux::DOT : StoreMux::OUT), unit.results.reserve[k],
                       unit.results.valid[k], unit.results.band_last);
    }
    fetch_.tick(pool ? reader_.valid : rows_.valid, pool ? reader_.piece : rows_.piece, ready, rsp,
                unit.x_taken, unit.y_taken);
    if (pool) reader_.tick(fetch_ready, unit.piece_ready);
    else rows_.tick(fetch_ready, unit.band_done);
    unit.tick(now);
  }

  TileLoader loader_;
  TileQueues queues_;
  Wuve wuve_;
  HalfTile half_;
  Sampler sampler_;
  Sore sore_;
  PlaneStore bp_, ff_;
  WeightStore weights_;
  FeatureRows rows_;
  FeatureFetch fetch_;
  PoolReader reader_;
  Affine affine_;
  Stats stats_;
  PoolMax max_;
  PoolSum sum_;
  FeatureWriter writers_[2];
  StoreMux mux_;
  const Packet* packets_[StoreMux::SOURCES] = {&bp_.packet, &ff_.packet, &weights_.packet,
                                              &writers_[0].packet, &writers_[1].packet};
  const Command *command_ = nullptr, *starts_ = nullptr;
  bool feature_ = false, ends_ = false, kept_ready_[2] = {};
};

}  // namespace sat
