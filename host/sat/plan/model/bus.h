// SPDX-License-Identifier: Apache-2.0
// The memory (host/sat/sim/sat_sim.cpp, without pauses) and the two DMAs in front of it.

#pragma once

#include <deque>

#include "config.h"

namespace sat {

constexpr int RD_PORTS = 8, RD_VECTOR = 6, RD_FETCH = 7, WR_PORTS = 2;
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

 private:
  Int room() const { return window_ - rest(line_, window_); }
  bool last() const { return beats_ <= room(); }
  int beat_log2_;
  Int window_, line_ = 0, beats_ = 0;
  bool valid_ = false;
};

// sat_rd_dma and the memory's read channels. Wires of port p: `request[p]`, `ready[p]`.
class ReadDma {
 public:
  explicit ReadDma(const Config& config)
      : latency_(config.read_latency), split_(config.beat_bytes(), READ_WINDOW),
        tags_(config.rd_outstanding) {}

  // Requests and rsp_ready of all ports are set before.
  bool valid[RD_PORTS] = {}, rsp_ready[RD_PORTS] = {};
  Request request[RD_PORTS] = {};
  bool ready[RD_PORTS] = {};
  int rsp_port = -1;     // whose beat is at hand
  bool beat_in = false;  // a beat is read from the bus

  bool busy() const { return !tags_.empty() || split_.valid(); }
  bool rsp_valid(int port) const { return rsp_port == port; }

  // Whose beat is at hand is known before the clients settle.
  void settle_responses(Int now) {
    rsp_port = beats_.valid() && open_ ? tags_.front().port : -1;
    bus_valid_ = !bursts_.empty() && now >= bursts_.front().due;
    beat_in = bus_valid_ && beats_.ready();
  }

  void settle_requests() {
    uint32_t requests = 0;
    for (int p = 0; p < RD_PORTS; ++p) requests |= uint32_t{valid[p]} << p;
    burst_ready_ = address_.ready() && !tags_.full();
    split_ready_ = split_.ready(burst_ready_);
    grant_ = arbiter_.grant(requests);
    for (int p = 0; p < RD_PORTS; ++p) ready[p] = split_ready_ && (grant_ >> p & 1);
  }

  void tick(Int now) {
    const bool starts = split_.valid() && burst_ready_;
    const Int length = split_.length();
    const bool addressed = address_.valid();  // the memory always takes it
    const bool fire = rsp_port >= 0 && rsp_ready[rsp_port];
    const bool pops = fire && beat_ + 1 == tags_.front().beats;
    if (addressed) bursts_.push_back({now + latency_, address_.front()});
    if (beat_in && --bursts_.front().left == 0) bursts_.pop_front();
    beats_.tick(bus_valid_, 0, beats_.valid() && (!open_ || fire));
    if (fire) beat_ = pops ? 0 : beat_ + 1;
    open_ += addressed - pops;
    if (pops) tags_.pop();
    if (starts) tags_.push({split_port_, length});
    address_.tick(starts, length, true);
    const int port = grant_ ? log2_of(grant_) : 0;
    split_.tick(burst_ready_, grant_ != 0, request[port]);
    if (grant_ && split_ready_) split_port_ = port;
    if (split_ready_) arbiter_.advance(grant_);
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
  std::deque<Burst> bursts_;  // of the memory
  uint32_t grant_ = 0;
  int split_port_ = 0;
  bool burst_ready_ = false, split_ready_ = false, bus_valid_ = false;
};

// sat_wr_dma and the memory's write channels.
class WriteDma {
 public:
  explicit WriteDma(const Config& config)
      : latency_(config.write_latency),
        ports_{Port(config.beat_bytes()), Port(config.beat_bytes())}, tags_(OUTSTANDING),
        order_(OUTSTANDING) {}

  // Of each port, set before the tick; `bytes` are those with a strobe.
  bool valid[WR_PORTS] = {}, data_valid[WR_PORTS] = {};
  Request request[WR_PORTS] = {};
  Int bytes[WR_PORTS] = {};
  bool ready[WR_PORTS] = {}, data_ready[WR_PORTS] = {}, idle[WR_PORTS] = {};
  Int written = 0;  // bytes, so far

  bool busy() const { return !(idle[0] && idle[1]); }

  void settle(Int now) {
    for (int p = 0; p < WR_PORTS; ++p) {
      const Port& port = ports_[p];
      ready[p] = !port.requests.full();
      data_ready[p] = !port.data.full();
      idle[p] = port.requests.empty() && !port.split.valid() && port.data.empty() && !port.open;
    }
    acknowledged_ = complete_ && now >= bursts_.front().due;
    quiet_ = idle[0] && idle[1] && bursts_.empty();
  }

  void tick(Int now) {
    if (quiet_ && !valid[0] && !valid[1] && !data_valid[0] && !data_valid[1]) return;
    uint32_t complete = 0;
    for (int p = 0; p < WR_PORTS; ++p) {
      const Port& port = ports_[p];
      complete |= uint32_t{port.split.valid() && port.split.length() <= port.free} << p;
    }
    const bool start_ready = address_.ready() && !tags_.full();
    const uint32_t grant = arbiter_.grant(complete);
    const bool starts = complete && start_ready;
    const int port = grant ? log2_of(grant) : 0;
    const Int length = ports_[port].split.length();
    const bool w_fire = !order_.empty() && beats_.ready();
    const int w_port = w_fire ? order_.front().port : 0;
    const bool w_last = w_fire && beat_ + 1 == order_.front().beats;

    // The memory: addresses, then beats, of which the first burst without all its beats gets one.
    if (address_.valid()) bursts_.push_back({0, address_.front()});
    if (beats_.valid()) {
      written += beats_.front();
      ++early_;
    }
    const bool acknowledged = acknowledged_;
    while (early_ && complete_ < static_cast<Int>(bursts_.size())) {
      --early_;
      Burst& burst = bursts_[complete_];
      if (--burst.left == 0) {
        burst.due = now + latency_;
        ++complete_;
      }
    }
    int b_port = -1;
    if (acknowledged) {
      b_port = tags_.front();
      tags_.pop();
      bursts_.pop_front();
      --complete_;
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
    if (start_ready) arbiter_.advance(grant);
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

 private:
  static constexpr Int OUTSTANDING = 32, REQUESTS = 8, BEATS = 64, PAGE_BYTES = 4096;
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
  Int latency_, beat_ = 0, complete_ = 0, early_ = 0;
  Port ports_[WR_PORTS];
  Arbiter arbiter_;
  Skid<Int> address_, beats_;
  Fifo<int> tags_;
  Fifo<Order> order_;
  std::deque<Burst> bursts_;  // of the memory; the first `complete_` have all their beats
  bool acknowledged_ = false, quiet_ = false;
};

}  // namespace sat
