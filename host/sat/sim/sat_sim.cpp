// SPDX-License-Identifier: Apache-2.0
// sat_sim: a Verilated sat_top with an AXI memory, behind a C interface for ctypes
// (host/sat/backends/sim.py). One object is one board: core, memory, clock.
//
// The memory is as unhelpful as AXI allows: a read burst sees the memory as it was when its
// address was accepted, a write burst lands when its response is given. A core that does not
// wait for write responses therefore reads stale data here. One beat per cycle and direction;
// latency and random pauses are settings. It also checks the core's side of the protocol. Built with
// the core's assertions (sat_print.h), a violated one is a fault of the board, too.

#include <array>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "Vsat_top.h"
#include "verilated.h"

namespace {

constexpr unsigned BEAT_BYTES = sizeof(Vsat_top::m_axi_rdata);
constexpr unsigned BEAT_SIZE = __builtin_ctz(BEAT_BYTES);  // as AxSIZE
constexpr unsigned BEAT_WORDS = BEAT_BYTES / 4;
constexpr uint64_t ALL_LANES = ~uint64_t{0} >> (64 - BEAT_BYTES);
constexpr unsigned LINE_BYTES = 64;
constexpr uint64_t PAGE_BYTES = 4096;
constexpr uint64_t ADDR_MASK = (uint64_t{1} << 40) - 1;
constexpr uint64_t NOWHERE = ~uint64_t{0};
constexpr uint8_t RESP_DECERR = 3;
constexpr unsigned REGISTER_TIMEOUT = 1000;  // cycles that a register access may take

struct Beat {
  std::array<uint32_t, BEAT_WORDS> data;
  uint8_t resp;
  bool wrong_last;
};

struct ReadBurst {
  uint64_t due;  // first cycle in which a beat may be on the bus
  uint8_t id;
  size_t next = 0;
  std::vector<Beat> beats;
};

struct WriteBeat {
  std::array<uint32_t, BEAT_WORDS> data;
  uint64_t strobe;
  bool last;
};

struct WriteBurst {
  uint64_t addr;
  size_t length;
  uint8_t id;
  uint64_t due = 0;  // cycle of the response, once all beats are here
  std::vector<WriteBeat> beats;
};

// With the response OKAY, reads have a wrong RLAST instead.
struct ErrorRegion {
  uint64_t first, last;
  uint8_t resp;
  bool on_read, on_write;
};

class Board {
 public:
  // Throws std::bad_alloc. Pages of the memory cost nothing until they are touched.
  Board(uint64_t base, uint64_t size)
      : base_(base),
        size_(size),
        memory_(static_cast<uint8_t*>(std::calloc(size, 1)), std::free) {
    if (!memory_) throw std::bad_alloc();
    context_.randReset(0);
    context_.fatalOnError(false);  // does not end the process
    top_ = new Vsat_top(&context_);
    here().reset();
  }

  // The board that simulates in this thread from now on.
  Board& here() {
    Verilated::threadContextp(&context_);
    running = this;
    return *this;
  }

  static inline thread_local Board* running = nullptr;

  ~Board() {
    here();
    top_->final();
    delete top_;
    running = nullptr;
  }

  void reset() {
    reads_.clear();
    writes_.clear();
    early_beats_.clear();
    complete_ = 0;
    top_->aresetn = 0;
    top_->s_axil_awvalid = top_->s_axil_wvalid = top_->s_axil_arvalid = 0;
    top_->s_axil_bready = top_->s_axil_rready = 1;
    top_->m_axi_arready = top_->m_axi_awready = top_->m_axi_wready = 0;
    top_->m_axi_rvalid = top_->m_axi_bvalid = 0;
    for (int i = 0; i < 8; ++i) clock();
    top_->aresetn = 1;
    clock();
  }

  // One cycle: inputs were set after the previous edge.
  void step() {
    settle();
    const bool ar = top_->m_axi_arvalid && top_->m_axi_arready;
    const bool r = top_->m_axi_rvalid && top_->m_axi_rready;
    const bool aw = top_->m_axi_awvalid && top_->m_axi_awready;
    const bool w = top_->m_axi_wvalid && top_->m_axi_wready;
    const bool b = top_->m_axi_bvalid && top_->m_axi_bready;
    if (ar) accept_read();
    if (aw) accept_write();
    if (w) accept_beat();
    const bool r_waits = top_->m_axi_rvalid && !r;
    const bool b_waits = top_->m_axi_bvalid && !b;
    rise();
    if (r && ++reads_.front().next == reads_.front().beats.size()) reads_.pop_front();
    if (b) {
      writes_.pop_front();
      --complete_;
    }
    if (!r_waits) drive_read();
    if (!b_waits) drive_response();
    top_->m_axi_arready = !pause(read_pause_);
    top_->m_axi_awready = !pause(write_pause_);
    top_->m_axi_wready = !pause(write_pause_);
  }

  int write_register(uint32_t addr, uint32_t data) {
    top_->s_axil_awaddr = addr;
    top_->s_axil_awvalid = 1;
    top_->s_axil_wdata = data;
    top_->s_axil_wstrb = 15;
    top_->s_axil_wvalid = 1;
    for (unsigned i = 0; i < REGISTER_TIMEOUT; ++i) {
      settle();
      const bool aw = top_->s_axil_awvalid && top_->s_axil_awready;
      const bool w = top_->s_axil_wvalid && top_->s_axil_wready;
      const bool b = top_->s_axil_bvalid;
      const int resp = top_->s_axil_bresp;
      step();
      if (aw) top_->s_axil_awvalid = 0;
      if (w) top_->s_axil_wvalid = 0;
      if (b) return resp;
    }
    return fault("a register write got no response");
  }

  int read_register(uint32_t addr, uint32_t* data) {
    top_->s_axil_araddr = addr;
    top_->s_axil_arvalid = 1;
    for (unsigned i = 0; i < REGISTER_TIMEOUT; ++i) {
      settle();
      const bool ar = top_->s_axil_arvalid && top_->s_axil_arready;
      const bool r = top_->s_axil_rvalid;
      const int resp = top_->s_axil_rresp;
      *data = top_->s_axil_rdata;
      step();
      if (ar) top_->s_axil_arvalid = 0;
      if (r) return resp;
    }
    return fault("a register read got no response");
  }

  // Cycles until the interrupt, or -1.
  int64_t run_until_irq(uint64_t max_cycles) {
    for (uint64_t cycles = 0; cycles < max_cycles; ++cycles) {
      if (top_->irq) return static_cast<int64_t>(cycles);
      step();
    }
    return -1;
  }

  // The memory begins at `base`. With tags, its first `lines` lines (a power of two) lie anywhere:
  // they repeat through the address space, and a line is only in the repetition that its tag names.
  void place(uint64_t base, const uint32_t* tags, uint64_t lines) {
    base_ = base;
    tags_.assign(tags, tags + lines);
  }

  uint8_t* memory() { return memory_.get(); }
  uint64_t cycle() const { return cycle_; }
  const char* fault_text() const { return fault_.c_str(); }

  // The first one is kept.
  int fault(const std::string& text) {
    if (fault_.empty()) fault_ = "cycle " + std::to_string(cycle_) + ": " + text;
    return -1;
  }

  void set_latency(uint32_t read, uint32_t write) {
    read_latency_ = read;
    write_latency_ = write;
  }

  void set_pauses(uint64_t seed, double read, double write) {
    random_ = seed * 0x9E3779B97F4A7C15u + 1;
    read_pause_ = static_cast<uint32_t>(read * 4294967295.0);
    write_pause_ = static_cast<uint32_t>(write * 4294967295.0);
  }

  void add_error(const ErrorRegion& region) { errors_.push_back(region); }
  void clear_errors() { errors_.clear(); }

 private:
  void settle() {
    top_->aclk = 0;
    top_->eval();
  }

  void rise() {
    top_->aclk = 1;
    top_->eval();
    ++cycle_;
  }

  void clock() {
    settle();
    rise();
  }

  // True with the chance threshold / 2^32.
  bool pause(uint32_t threshold) {
    if (!threshold) return false;
    random_ ^= random_ << 13;  // xorshift64
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    return static_cast<uint32_t>(random_ >> 16) < threshold;
  }

  void check_burst(uint64_t addr, unsigned len, unsigned size, unsigned burst) {
    if (size != BEAT_SIZE || burst != 1) fault("AXI protocol: a burst is not INCR with whole beats");
    if (addr % BEAT_BYTES) fault("AXI protocol: a burst address is not aligned");
    if (addr / PAGE_BYTES != (addr + BEAT_BYTES * len) / PAGE_BYTES) {
      fault("AXI protocol: a burst crosses a 4 KB boundary");
    }
  }

  void check_strobes(const WriteBeat& beat) {
    if (beat.strobe == ALL_LANES) return;
    const auto* bytes = reinterpret_cast<const uint8_t*>(beat.data.data());
    for (unsigned i = 0; i < BEAT_BYTES; ++i) {
      if (bytes[i] && !(beat.strobe >> i & 1)) fault("AXI protocol: a write lane without strobe is not 0");
    }
  }

  // The beat's offset in the memory, or NOWHERE.
  uint64_t locate(uint64_t addr) const {
    const uint64_t distance = (addr - base_) & ADDR_MASK;
    if (tags_.empty()) return distance + BEAT_BYTES <= size_ ? distance : NOWHERE;
    const uint64_t repeated = tags_.size() * LINE_BYTES, offset = distance % repeated;
    return tags_[offset / LINE_BYTES] == distance / repeated ? offset : NOWHERE;
  }

  uint8_t response(uint64_t addr, uint64_t offset, bool write) const {
    for (const ErrorRegion& region : errors_) {
      if (region.resp && hits(region, addr, write)) return region.resp;
    }
    return offset == NOWHERE ? RESP_DECERR : 0;
  }

  bool wrong_last(uint64_t addr) const {
    for (const ErrorRegion& region : errors_) {
      if (!region.resp && hits(region, addr, false)) return true;
    }
    return false;
  }

  static bool hits(const ErrorRegion& region, uint64_t addr, bool write) {
    return (write ? region.on_write : region.on_read) && addr + BEAT_BYTES > region.first &&
           addr <= region.last;
  }

  void accept_read() {
    check_burst(top_->m_axi_araddr, top_->m_axi_arlen, top_->m_axi_arsize, top_->m_axi_arburst);
    ReadBurst& burst = reads_.emplace_back();
    burst.due = cycle_ + read_latency_;
    burst.id = top_->m_axi_arid;
    burst.beats.resize(top_->m_axi_arlen + 1u);
    uint64_t addr = top_->m_axi_araddr;
    for (Beat& beat : burst.beats) {
      const uint64_t offset = locate(addr);
      beat.resp = response(addr, offset, false);
      beat.wrong_last = wrong_last(addr);
      if (beat.resp) {
        beat.data.fill(0);
      } else {
        std::memcpy(beat.data.data(), memory() + offset, BEAT_BYTES);
      }
      addr += BEAT_BYTES;
    }
  }

  void drive_read() {
    const bool valid = !reads_.empty() && cycle_ >= reads_.front().due && !pause(read_pause_);
    top_->m_axi_rvalid = valid;
    if (!valid) return;
    const ReadBurst& burst = reads_.front();
    const Beat& beat = burst.beats[burst.next];
    std::memcpy(top_->m_axi_rdata.data(), beat.data.data(), BEAT_BYTES);
    top_->m_axi_rresp = beat.resp;
    top_->m_axi_rid = burst.id;
    top_->m_axi_rlast = (burst.next + 1 == burst.beats.size()) != beat.wrong_last;
  }

  void accept_write() {
    check_burst(top_->m_axi_awaddr, top_->m_axi_awlen, top_->m_axi_awsize, top_->m_axi_awburst);
    WriteBurst& burst = writes_.emplace_back();
    burst.addr = top_->m_axi_awaddr;
    burst.length = top_->m_axi_awlen + 1u;
    burst.id = top_->m_axi_awid;
    while (!early_beats_.empty() && complete_ < writes_.size()) {
      append(early_beats_.front());
      early_beats_.pop_front();
    }
  }

  void accept_beat() {
    WriteBeat beat;
    std::memcpy(beat.data.data(), top_->m_axi_wdata.data(), BEAT_BYTES);
    beat.strobe = top_->m_axi_wstrb;
    beat.last = top_->m_axi_wlast;
    check_strobes(beat);
    if (complete_ < writes_.size()) {
      append(beat);
    } else {
      early_beats_.push_back(beat);
    }
  }

  // The first complete_ bursts have all their beats; a beat belongs to the next one.
  void append(const WriteBeat& beat) {
    WriteBurst& burst = writes_[complete_];
    burst.beats.push_back(beat);
    const bool full = burst.beats.size() == burst.length;
    if (beat.last != full) fault("AXI protocol: WLAST does not mark the last beat");
    if (!full) return;
    burst.due = cycle_ + write_latency_;
    ++complete_;
  }

  void drive_response() {
    const bool valid = complete_ && cycle_ >= writes_.front().due && !pause(write_pause_);
    top_->m_axi_bvalid = valid;
    if (!valid) return;
    const WriteBurst& burst = writes_.front();
    uint8_t resp = 0;
    uint64_t addr = burst.addr;
    for (const WriteBeat& beat : burst.beats) {
      const uint64_t offset = locate(addr);
      const uint8_t beat_resp = response(addr, offset, true);
      if (beat_resp) {
        resp = beat_resp;
      } else {
        store(offset, beat);
      }
      addr += BEAT_BYTES;
    }
    top_->m_axi_bid = burst.id;
    top_->m_axi_bresp = resp;
  }

  void store(uint64_t offset, const WriteBeat& beat) {
    uint8_t* target = memory() + offset;
    const auto* source = reinterpret_cast<const uint8_t*>(beat.data.data());
    if (beat.strobe == ALL_LANES) {
      std::memcpy(target, source, BEAT_BYTES);
      return;
    }
    for (unsigned i = 0; i < BEAT_BYTES; ++i) {
      if (beat.strobe >> i & 1) target[i] = source[i];
    }
  }

  VerilatedContext context_;
  Vsat_top* top_ = nullptr;
  uint64_t base_, size_;
  std::unique_ptr<uint8_t, decltype(&std::free)> memory_;
  std::vector<uint32_t> tags_;
  uint64_t cycle_ = 0;
  uint32_t read_latency_ = 40, write_latency_ = 40;
  uint64_t random_ = 1;
  uint32_t read_pause_ = 0, write_pause_ = 0;
  std::deque<ReadBurst> reads_;
  std::deque<WriteBurst> writes_;
  size_t complete_ = 0;
  std::deque<WriteBeat> early_beats_;
  std::vector<ErrorRegion> errors_;
  std::string fault_;
};

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

// Null if there is not enough memory.
Board* sat_sim_create(uint64_t base, uint64_t size) {
  try {
    return new Board(base, size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void sat_sim_destroy(Board* board) { delete board; }
void sat_sim_reset(Board* board) { board->here().reset(); }
uint8_t* sat_sim_memory(Board* board) { return board->memory(); }
uint64_t sat_sim_cycle(Board* board) { return board->cycle(); }
const char* sat_sim_fault(Board* board) { return board->fault_text(); }

void sat_sim_place(Board* board, uint64_t base, const uint32_t* tags, uint64_t lines) {
  board->place(base, tags, lines);
}

void sat_sim_step(Board* board, uint64_t cycles) {
  board->here();
  while (cycles--) board->step();
}

int64_t sat_sim_run_until_irq(Board* board, uint64_t max_cycles) {
  return board->here().run_until_irq(max_cycles);
}

int sat_sim_write_register(Board* board, uint32_t addr, uint32_t data) {
  return board->here().write_register(addr, data);
}

int sat_sim_read_register(Board* board, uint32_t addr, uint32_t* data) {
  return board->here().read_register(addr, data);
}

void sat_sim_set_latency(Board* board, uint32_t read, uint32_t write) {
  board->set_latency(read, write);
}

void sat_sim_set_pauses(Board* board, uint64_t seed, double read, double write) {
  board->set_pauses(seed, read, write);
}

void sat_sim_add_error(Board* board, uint64_t first, uint64_t last, uint8_t resp, bool on_read,
                       bool on_write) {
  board->add_error({first, last, resp, on_read, on_write});
}

void sat_sim_clear_errors(Board* board) { board->clear_errors(); }

int sat_sim_print(const char* format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  const int length = std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (Board::running) Board::running->fault(text);
  return length;
}

}  // extern "C"
#pragma GCC visibility pop
