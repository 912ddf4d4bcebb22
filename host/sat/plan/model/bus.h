// SPDX-License-Identifier: Apache-2.0
// The memory (host/sat/sim/sat_sim.cpp, without pauses) and the two DMAs in front of it.

#pragma once

#include "config.h"

namespace sat {

constexpr int RD_PORTS = 8, RD_A = 0, RD_VECTOR = 6, RD_FETCH = 7, WR_PORTS = 2;
constexpr Int READ_WINDOW = 64;  // beats that no burst crosses

struct Request {
  Int addr, beats;
};

// sat_burst_split.
class Split {
 public:
  Split(Int beat_bytes, Int window) : beat_log2_(log2_of(beat_bytes)), window_(window) {}
  bool valid() const { return valid_; }
  Int length() const { return last() ? beats_ : room(); }
  bool ready(bool burst_ready) const { return !valid_ || (burst_ready && last()); }
  void tick(bool burst_ready, bool request, const Request& in) {
    const bool accepts = ready(burst_ready);
    if (accepts) {
      valid_ = request;
      if (request) {
        line_ = in.addr >> beat_log2_;
        beats_ = in.beats;
      }
    } else if (burst_ready) {
      const Int gone = room();
      beats_ -= gone;
      line_ += gone;
    }
  }
  template <class Walk>
  void visit(Walk& walk) {
    walk.same(valid_, valid_ ? beats_ : 0);
    walk.line_address(line_, Int{1} << beat_log2_);
  }

 private:
  Int room() const { return window_ - rest(line_, window_); }
  bool last() const { return beats_ <= room(); }
  int beat_log2_;
  Int window_, line_ = 0, beats_ = 0;
  bool valid_ = false;
};

// sat_rd_dma and the memory's read channels. Wires of port p: `request[p]`, `ready[p]`.
class ReadDma : public Unit {
 public:
  explicit ReadDma(const Config& config)
      : latency_(config.read_latency), split_(config.beat_bytes(), READ_WINDOW),
        tags_(config.rd_outstanding), bursts_(config.rd_outstanding) {}

  int rsp_port = -1;     // whose beat is at hand
  bool beat_in = false;  // a beat is read from the bus

  bool busy() const { return !tags_.empty() || split_.valid(); }
  bool ready(int port) const { return ready_ >> port & 1; }
  bool rsp_valid(int port) const { return rsp_port == port; }
  bool rsp_fire() const { return rsp_port >= 0 && rsp_ready_[rsp_port]; }

  // What a client's wires carry; it stays until it is called again.
  void drive(int port, bool valid, const Request& request, bool rsp_ready) {
    requests_ = (requests_ & ~(1u << port)) | uint32_t{valid} << port;
    request_[port] = request;
    rsp_ready_[port] = rsp_ready;
  }

  // Whose beat is at hand is known before the clients settle.
  void settle_responses(Int now) {
    rsp_port = beats_.valid() && open_ ? tags_.front().port : -1;
    bus_valid_ = !bursts_.empty() && now >= bursts_.front().due;
    beat_in = bus_valid_ && beats_.ready();
    due = bursts_.empty() || bus_valid_ ? NEVER : bursts_.front().due;
  }

  void settle_requests() {
    burst_ready_ = address_.ready() && !tags_.full();
    split_ready_ = split_.ready(burst_ready_);
    const uint32_t first = requests_ & 1u << RD_A;
    const uint32_t others = requests_ & ~(1u << RD_VECTOR);
    grant_ = arbiter_.grant(first ? first : others ? others : requests_);
    ready_ = split_ready_ ? grant_ : 0;
  }

  void tick(Int now) {
    const bool starts = split_.valid() && burst_ready_;
    const Int length = split_.length();
    const bool addressed = address_.valid();  // the memory always takes it
    const bool fire = rsp_fire();
    moved = ready_ || starts || addressed || fire || beat_in;
    if (!moved) return;
    const bool pops = fire && beat_ + 1 == tags_.front().beats;
    if (addressed) bursts_.push({now + latency_, address_.front()});
    if (beat_in && --bursts_.front().left == 0) bursts_.pop();
    beats_.tick(bus_valid_, 0, beats_.valid() && (!open_ || fire));
    if (fire) beat_ = pops ? 0 : beat_ + 1;
    open_ += addressed - pops;
    if (pops) tags_.pop();
    if (starts) tags_.push({split_port_, length});
    address_.tick(starts, length, true);
    const int port = grant_ ? log2_of(grant_) : 0;
    split_.tick(burst_ready_, grant_ != 0, request_[port]);
    if (grant_ && split_ready_) split_port_ = port;
    if (split_ready_) arbiter_.advance(grant_);
  }

  template <class Walk>
  void visit(Walk& walk) {
    walk.same(open_, beat_, split_port_);
    arbiter_.visit(walk);
    split_.visit(walk);
    address_.visit(walk);
    beats_.visit(walk);
    walk.each(tags_, [&](Tag& tag) { walk.same(tag.port, tag.beats); });
    walk.each(bursts_, [&](Burst& burst) { walk.time(burst.due), walk.same(burst.left); });
    moved = true;
  }

 private:
  struct Burst {
    Int due, left;
  };
  struct Tag {
    int port;
    Int beats;
  };
  Int latency_, open_ = 0, beat_ = 0;
  Arbiter arbiter_;
  Split split_;
  Skid<Int> address_, beats_;
  Fifo<Tag> tags_;
  Fifo<Burst> bursts_;  // of the memory
  Request request_[RD_PORTS] = {};
  bool rsp_ready_[RD_PORTS] = {};
  uint32_t requests_ = 0, grant_ = 0, ready_ = 0;
  int split_port_ = 0;
  bool burst_ready_ = false, split_ready_ = false, bus_valid_ = false;
};

// sat_wr_dma and the memory's write channels.
class WriteDma : public Unit {
 public:
  explicit WriteDma(const Config& config)
      : latency_(config.write_latency),
        ports_{Port(config.beat_bytes()), Port(config.beat_bytes())}, tags_(OUTSTANDING),
        order_(OUTSTANDING), bursts_(OUTSTANDING) {}

  // Of each port, set before the tick; `bytes` are those with a strobe.
  bool valid[WR_PORTS] = {}, data_valid[WR_PORTS] = {};
  Request request[WR_PORTS] = {};
  Int bytes[WR_PORTS] = {};
  bool ready[WR_PORTS] = {}, data_ready[WR_PORTS] = {}, idle[WR_PORTS] = {};
  Int written = 0;  // bytes, so far

  bool busy() const { return !(idle[0] && idle[1]); }

  void settle(Int now) {
    acts_ = !order_.empty() || address_.valid() || beats_.valid();
    complete_ = 0;
    for (int p = 0; p < WR_PORTS; ++p) {
      const Port& port = ports_[p];
      const bool asks = port.split.valid(), queued = !port.requests.empty();
      complete_ |= uint32_t{asks && port.split.length() <= port.free} << p;
      acts_ |= queued && !asks;
      ready[p] = !port.requests.full();
      data_ready[p] = !port.data.full();
      idle[p] = port.requests.empty() && !port.split.valid() && port.data.empty() && !port.open;
    }
    start_ready_ = address_.ready() && !tags_.full();
    acts_ |= complete_ && start_ready_;
    acknowledged_ = whole_ && now >= bursts_.front().due;
    due = whole_ && !acknowledged_ ? bursts_.front().due : NEVER;
  }

  void tick(Int now) {
    moved = acts_ || acknowledged_ || valid[0] || valid[1] || data_valid[0] || data_valid[1];
    if (!moved) return;
    const uint32_t grant = arbiter_.grant(complete_);
    const bool starts = complete_ && start_ready_;
    const int port = grant ? log2_of(grant) : 0;
    const Int length = ports_[port].split.length();
    const bool w_fire = !order_.empty() && beats_.ready();
    const int w_port = w_fire ? order_.front().port : 0;
    const bool w_last = w_fire && beat_ + 1 == order_.front().beats;

    // The memory: addresses, then beats, of which the first burst without all its beats gets one.
    if (address_.valid()) bursts_.push({NEVER, address_.front()});
    if (beats_.valid()) {
      written += beats_.front();
      ++early_;
    }
    const bool acknowledged = acknowledged_;
    while (early_ && whole_ < bursts_.size()) {
      --early_;
      Burst& burst = bursts_.at(whole_);
      if (--burst.left == 0) {
        burst.due = now + latency_;
        ++whole_;
      }
    }
    int b_port = -1;
    if (acknowledged) {
      b_port = tags_.front();
      tags_.pop();
      bursts_.pop();
      --whole_;
    }
    beats_.tick(!order_.empty(), w_fire ? ports_[w_port].data.front() : 0, true);
    address_.tick(starts, length, true);
    if (w_fire) {
      ports_[w_port].data.pop();
      beat_ = w_last ? 0 : beat_ + 1;
      if (w_last) order_.pop();
    }
    if (starts) {
      tags_.push(port);
      order_.push({port, length});
    }
    if (start_ready_) arbiter_.advance(grant);
    for (int p = 0; p < WR_PORTS; ++p) {
      Port& one = ports_[p];
      const bool start = starts && p == port;
      const bool accepts = one.split.ready(start);
      const bool request_valid = !one.requests.empty();
      const Int claimed = one.split.length();
      one.split.tick(start, request_valid, request_valid ? one.requests.front() : Request{});
      if (request_valid && accepts) one.requests.pop();
      if (valid[p] && ready[p]) one.requests.push(request[p]);
      const bool data_fire = data_valid[p] && data_ready[p];
      if (data_fire) one.data.push(bytes[p]);
      one.free += data_fire - (start ? claimed : 0);
      one.open += start - (b_port == p);
    }
  }

  template <class Walk>
  void visit(Walk& walk) {
    walk.same(beat_, whole_, early_);
    walk.moving(written);
    for (Port& port : ports_) {
      walk.same(port.free, port.open);
      walk.each(port.requests, [&](Request& one) { walk.address(one.addr), walk.same(one.beats); });
      walk.each(port.data, [&](Int bytes) { walk.same(bytes); });
      port.split.visit(walk);
    }
    arbiter_.visit(walk);
    address_.visit(walk);
    beats_.visit(walk);
    walk.each(tags_, [&](int port) { walk.same(port); });
    walk.each(order_, [&](Order& order) { walk.same(order.port, order.beats); });
    walk.each(bursts_, [&](Burst& burst) { walk.time(burst.due), walk.same(burst.left); });
    moved = true;
  }

 private:
  static constexpr Int OUTSTANDING = 64, REQUESTS = 8, BEATS = 64, PAGE_BYTES = 4096;
  struct Port {
    explicit Port(Int beat_bytes) : split(beat_bytes, PAGE_BYTES / beat_bytes) {}
    Fifo<Request> requests{REQUESTS};
    Fifo<Int> data{BEATS};  // bytes written of each beat
    Split split;
    Int free = 0, open = 0;
  };
  struct Burst {
    Int due, left;
  };
  struct Order {
    int port;
    Int beats;
  };
  Int latency_, beat_ = 0, whole_ = 0, early_ = 0;
  Port ports_[WR_PORTS];
  Arbiter arbiter_;
  Skid<Int> address_, beats_;
  Fifo<int> tags_;
  Fifo<Order> order_;
  Fifo<Burst> bursts_;  // of the memory; the first `whole_` have all their beats
  uint32_t complete_ = 0;  // ports whose burst has all its beats
  bool acknowledged_ = false, acts_ = false, start_ready_ = false;
};

}  // namespace sat
