// SPDX-License-Identifier: Apache-2.0
// The array engine: sat_matmul_stages and the units that it starts.

#pragma once

#include "bus.h"
#include "feeder.h"
#include "map_cache.h"
#include "operand_s.h"
#include "results.h"

namespace sat {

enum ReadPort { PORT_A, PORT_S_VALUES, PORT_S_INDICES, PORT_BIAS, PORT_RESIDUAL, PORT_MASK };

class MatmulEngine : public Unit {
 public:
  explicit MatmulEngine(const Config& config)
      : a_(config), cache_(config), values_(config, 16, 1), indices_(config, 4, 2),
        feeder_(config), bias_(config), residual_(config, 5), mask_(config, 6), store_(config) {}

  // Wires.
  bool ready = true, busy = false, pair = false;
  const Feeder& feeder() const { return feeder_; }
  bool finishes() const { return done_ && !(pair_ && same_); }  // a command, in this cycle

  // Of registers alone; sets what the DMAs' ports carry.
  void settle(Int now, ReadDma& rd, WriteDma& wr) {
    if (!awake(now)) {
      if (wr.moved) settle_stages(now, wr);
      return;
    }
    if (a_.awake(now) || cache_.moved) settle_a(now, rd);
    settle_s(now, values_, rd, PORT_S_VALUES);
    settle_s(now, indices_, rd, PORT_S_INDICES);
    if (feeder_.awake(now)) feeder_.settle(now);
    if (store_.awake(now) || bias_.moved || residual_.moved || mask_.moved) {
      settle_results(now, rd, wr);
    }
    settle_stages(now, wr);
    due = std::min({a_.due, values_.due, indices_.due, feeder_.due, store_.due,
                    planning_ ? planned_at_ : NEVER});
  }

  void tick(Int now, const ReadDma& rd, const WriteDma& wr) {
    tick_units(now, rd, wr);
    moved = a_.moved || cache_.moved || values_.moved || indices_.moved || feeder_.moved
            || bias_.moved || residual_.moved || mask_.moved || store_.moved;
    if (!(planned_ || a_start_ || s_start_ || feeder_start_ || store_start_ || feeder_take_
          || store_take_ || starts_ || next_ || done_)) return;
    moved = true;
    tick_stages(now);
  }

  // Nothing is inside, not even of what goes on after a command.
  bool rests() const { return !busy && !moved && due == NEVER; }

  // A chunk or a tile begins, and no command does. What then follows may repeat itself.
  bool repeats() const { return feeder_.begins && !planning_ && !starts_; }

  template <class Walk>
  void visit(Walk& walk) {
    walk.same(busy, pair_, same_, map_due_, storing_, a_due_, s_due_, feeder_due_, store_due_,
              a_meets_, s_meets_, feeder_start_, store_start_, planned_command_,
              feeder_command_, store_command_);
    const Int place = a_.place_in_map();
    a_.visit(walk);
    cache_.visit(walk, place);
    values_.visit(walk);
    indices_.visit(walk);
    feeder_.visit(walk);
    bias_.visit(walk);
    residual_.visit(walk);
    mask_.visit(walk);
    store_.visit(walk);
    moved = true;
  }

  // In a cycle in which it is ready, before the tick. `meets`: A, or S, shares memory with C of the
  // command before.
  void start(const Command& command, bool a_meets, bool s_meets) {
    planned_command_ = &command;
    a_meets_ = a_meets;
    s_meets_ = s_meets;
    starts_ = true;
  }

 private:
  static constexpr Int PLAN = 9, PLAN_CONV = 19;  // cycles of sat_matmul_command

  void settle_a(Int now, ReadDma& rd) {
    a_.settle(now);
    cache_.settle();
    if (cache_.caches()) {
      rd.drive(PORT_A, cache_.dma_valid, cache_.dma_request, cache_.dma_rsp_ready);
    } else {
      rd.drive(PORT_A, a_.request_valid, a_.request, a_.rsp_ready);
    }
  }

  static void settle_s(Int now, SLoader& loader, ReadDma& rd, int port) {
    if (!loader.awake(now)) return;
    loader.settle(now);
    rd.drive(port, loader.request_valid, loader.request, loader.rsp_ready);
  }

  void settle_results(Int now, ReadDma& rd, WriteDma& wr) {
    bias_.settle();
    residual_.settle();
    mask_.settle();
    store_.settle(now, bias_.ready, residual_.beat_valid, mask_.beat_valid);
    rd.drive(PORT_BIAS, bias_.request_valid, bias_.request, bias_.rsp_ready);
    rd.drive(PORT_RESIDUAL, residual_.request_valid, residual_.request, residual_.rsp_ready);
    rd.drive(PORT_MASK, mask_.request_valid, mask_.request, mask_.rsp_ready);
    wr.valid[0] = store_.request_valid;
    wr.request[0] = store_.request;
    wr.data_valid[0] = store_.data_valid;
    wr.bytes[0] = store_.data_bytes;
  }

  void settle_stages(Int now, const WriteDma& wr) {
    planned_ = planning_ && now == planned_at_;
    const bool loaded = !planning_ && !a_due_ && !s_due_ && a_.idle && cache_.idle
                        && values_.idle && indices_.idle;
    const bool taken = loaded && !feeder_due_;
    done_ = storing_ && !store_start_ && store_.idle && wr.idle[0] && (pair_ || taken);
    const bool free = !pair_ && taken && !store_due_;
    next_ = free && busy && planned_command_->more;
    ready = free && !next_;
    pair = pair_ && !same_;
    a_start_ = a_due_ && !(a_meets_ && pair_);
    s_start_ = s_due_ && !(s_meets_ && pair_);
    feeder_take_ = feeder_due_ && !feeder_start_ && feeder_.idle;
    store_take_ = store_due_ && !storing_;
  }

  void tick_units(Int now, const ReadDma& rd, const WriteDma& wr) {
    const bool caches = cache_.caches();
    const bool a_port = rd.rsp_valid(PORT_A);
    cache_.tick(a_.request_valid, a_.request, a_.rsp_ready, rd.ready(PORT_A), a_port);
    const bool a_rsp = caches ? cache_.valid : a_port;
    a_.tick(now, caches ? cache_.ready : rd.ready(PORT_A), a_rsp, caches && cache_.two,
            feeder_.a_taken, feeder_.a_released);
    const bool a_commit = a_.commit, value_commit = values_.commit;
    const bool index_commit = indices_.commit;
    values_.tick(now, rd.ready(PORT_S_VALUES), rd.rsp_valid(PORT_S_VALUES), feeder_.s_released);
    indices_.tick(now, rd.ready(PORT_S_INDICES), rd.rsp_valid(PORT_S_INDICES),
                  feeder_.s_released);
    bias_.tick(rd.ready(PORT_BIAS), rd.rsp_valid(PORT_BIAS), store_.bias_next);
    residual_.tick(rd.ready(PORT_RESIDUAL), rd.rsp_valid(PORT_RESIDUAL), store_.residual_ready);
    mask_.tick(rd.ready(PORT_MASK), rd.rsp_valid(PORT_MASK), store_.mask_ready);
    store_.tick(now, feeder_.row_done, wr.ready[0], wr.data_ready[0]);
    feeder_.tick(now, a_commit, value_commit, index_commit, store_.tile_taken, feeder_start_);
  }

  void tick_stages(Int now) {
    if (a_start_) {
      a_.start(*planned_command_);
      if (map_due_) cache_.start(*planned_command_);
    }
    if (s_start_) {
      values_.start(*planned_command_, false);
      indices_.start(*planned_command_, planned_command_->dense);
    }
    if (feeder_start_) feeder_.start(now, *feeder_command_);
    if (store_start_) {
      const Command& c = *store_command_;
      store_.start(c);
      bias_.start(c);
      residual_.start(c, c.residual, c.out_fp32);
      mask_.start(c, c.mask, false);
    }
    if (feeder_take_) feeder_command_ = planned_command_;
    if (store_take_) store_command_ = planned_command_;
    const bool loads = planned_ && !planned_command_->blank;
    a_due_ = loads || (a_due_ && !a_start_);
    s_due_ = loads || (s_due_ && !s_start_);
    feeder_due_ = loads || (feeder_due_ && !feeder_take_);
    store_due_ = planned_ || (store_due_ && !store_take_);
    feeder_start_ = feeder_take_;
    store_start_ = store_take_;
    storing_ = store_take_ || (storing_ && !done_);
    if (planned_) planning_ = false;
    const bool start = starts_ || next_;
    if (start != done_) {
      const bool paired = pair_;
      pair_ = start && busy;
      busy = start || paired;
    }
    map_due_ = starts_ || (map_due_ && !a_start_);
    if (start) {
      if (next_) {
        ++planned_command_;
        a_meets_ = s_meets_ = false;
      }
      same_ = next_;
      planning_ = true;
      const Command& c = *planned_command_;
      planned_at_ = now + (c.conv ? PLAN_CONV : PLAN);
    }
    starts_ = false;
  }

  ALoader a_;
  MapCache cache_;
  SLoader values_, indices_;
  Feeder feeder_;
  BiasLoader bias_;
  AuxLoader residual_, mask_;
  CStore store_;
  const Command *planned_command_ = nullptr, *feeder_command_ = nullptr;
  const Command* store_command_ = nullptr;
  Int planned_at_ = 0;
  bool pair_ = false, same_ = false, next_ = false, map_due_ = false;
  bool planning_ = false, planned_ = false, storing_ = false, done_ = false, starts_ = false;
  bool a_due_ = false, s_due_ = false, feeder_due_ = false, store_due_ = false;
  bool a_meets_ = false, s_meets_ = false, a_start_ = false, s_start_ = false;
  bool feeder_take_ = false, store_take_ = false, feeder_start_ = false, store_start_ = false;
};

}  // namespace sat
