// SPDX-License-Identifier: Apache-2.0
// Building blocks of the cycle model. A cycle has two halves: `settle` of every unit computes, from
// registers alone, what its wires carry; `tick` is the clock edge, which reads the wires of other
// units but changes only its own registers. So the order of units within a half does not matter.
//
// Most units do nothing in most cycles. One whose registers have not changed (`moved`), and of which
// nothing that it delays comes out (`due`), has the wires that it had: it is not settled. If that
// holds for all, each cycle is like the last one until the first thing that is due.

#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace sat {

using Int = int64_t;

constexpr Int NEVER = INT64_MAX;

// Of powers of two, without a division.
inline int log2_of(Int power) { return __builtin_ctzll(static_cast<uint64_t>(power)); }
inline Int rest(Int value, Int power) { return value & (power - 1); }
inline Int ceil_div(Int value, Int power) { return (value + power - 1) >> log2_of(power); }

// sat_fifo: what is pushed is at the output a cycle later at the earliest.
template <class Item>
class Fifo {
 public:
  explicit Fifo(Int depth) : items_(depth), mask_(depth - 1) {}
  Int size() const { return pushed_ - popped_; }
  bool empty() const { return pushed_ == popped_; }
  bool full() const { return size() > mask_; }
  const Item& front() const { return items_[popped_ & mask_]; }
  Item& front() { return items_[popped_ & mask_]; }
  Item& at(Int place) { return items_[(popped_ + place) & mask_]; }
  void push(const Item& item) { items_[pushed_++ & mask_] = item; }
  void pop() { ++popped_; }
  void clear() { popped_ = pushed_; }

 private:
  std::vector<Item> items_;
  Int mask_, pushed_ = 0, popped_ = 0;
};

// sat_skid_buffer.
template <class Item>
class Skid {
 public:
  bool ready() const { return !skid_valid_; }
  bool valid() const { return main_valid_; }
  const Item& front() const { return main_; }
  void tick(bool in_valid, const Item& in, bool out_ready) {
    const bool fire = in_valid && ready();
    if (out_ready || !main_valid_) {
      main_ = skid_valid_ ? skid_ : in;
      main_valid_ = fire || skid_valid_;
      skid_valid_ = false;
    } else if (fire) {
      skid_ = in;
      skid_valid_ = true;
    }
  }
  template <class Walk>
  void visit(Walk& walk) {
    visit(walk, [&](Item& item) { walk.same(item); });
  }
  template <class Walk, class Visit>
  void visit(Walk& walk, Visit visit) {
    walk.same(main_valid_, skid_valid_);
    if (main_valid_) visit(main_);
    if (skid_valid_) visit(skid_);
  }

 private:
  Item main_{}, skid_{};
  bool main_valid_ = false, skid_valid_ = false;
};

// sat_delay with its valid bit: an item comes out a fixed number of cycles after it went in.
template <class Item>
class Delay {
 public:
  explicit Delay(Int cycles) : cycles_(cycles), items_(1 << (64 - __builtin_clzll(cycles))) {}
  bool valid(Int now) const { return !items_.empty() && items_.front().due == now; }
  Int due() const { return items_.empty() ? NEVER : items_.front().due; }
  const Item& front() const { return items_.front().item; }
  void push(Int now, const Item& item) { items_.push({now + cycles_, item}); }
  void pop() { items_.pop(); }
  template <class Walk, class Visit>
  void visit(Walk& walk, Visit visit) {
    walk.each(items_, [&](Timed& timed) {
      walk.time(timed.due);
      visit(timed.item);
    });
  }

 private:
  struct Timed {
    Int due;
    Item item;
  };
  Int cycles_;
  Fifo<Timed> items_;
};

class Unit {
 public:
  bool awake(Int now) const { return moved || now >= due; }

  bool moved = true;  // some register may have changed with the last clock edge
  Int due = NEVER;    // when something delayed comes out, if nothing else moves
};

// sat_arbiter: round robin.
class Arbiter {
 public:
  // The bit of the requester that is served; 0 if none asks.
  uint32_t grant(uint32_t requests) const {
    const uint32_t preferred = requests & above_;
    const uint32_t candidates = preferred ? preferred : requests;
    return candidates & -candidates;
  }
  void advance(uint32_t grant) {
    if (grant) above_ = ~(grant | (grant - 1));
  }
  template <class Walk>
  void visit(Walk& walk) { walk.same(above_); }

 private:
  uint32_t above_ = 0;
};

}  // namespace sat
