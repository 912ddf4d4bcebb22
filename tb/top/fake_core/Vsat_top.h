// SPDX-License-Identifier: Apache-2.0
// Stands in for the verilated core: sends one burst to the memory port, whatever the test tells,
// for tb/top/test_fast_board.py.
#pragma once

#include <array>
#include <cstdint>

#include "verilated.h"

class Vsat_top {
 public:
  explicit Vsat_top(VerilatedContext*) { instance = this; }

  void eval() {
    if (aclk && !clock_) {
      if (m_axi_arready) m_axi_arvalid = 0;
      if (m_axi_awready) m_axi_awvalid = 0;
      if (m_axi_wready) m_axi_wvalid = 0;
    }
    clock_ = aclk;
  }

  void final() {}

  static inline Vsat_top* instance;

  uint8_t aclk = 0, aresetn = 0, irq = 0;
  uint32_t s_axil_awaddr, s_axil_wdata, s_axil_araddr, s_axil_rdata = 0;
  uint8_t s_axil_awvalid, s_axil_awready = 0, s_axil_wstrb, s_axil_wvalid, s_axil_wready = 0;
  uint8_t s_axil_bresp = 0, s_axil_bvalid = 0, s_axil_bready, s_axil_arvalid, s_axil_arready = 0;
  uint8_t s_axil_rresp = 0, s_axil_rvalid = 0, s_axil_rready;

  uint64_t m_axi_araddr = 0, m_axi_awaddr = 0;
  uint8_t m_axi_arid = 0, m_axi_arlen = 0, m_axi_arsize = 4, m_axi_arburst = 1;
  uint8_t m_axi_awid = 0, m_axi_awlen = 0, m_axi_awsize = 4, m_axi_awburst = 1;
  uint8_t m_axi_arvalid = 0, m_axi_arready, m_axi_awvalid = 0, m_axi_awready;
  std::array<uint32_t, 4> m_axi_wdata{}, m_axi_rdata;
  uint16_t m_axi_wstrb = 0;
  uint8_t m_axi_wlast = 0, m_axi_wvalid = 0, m_axi_wready;
  uint8_t m_axi_bid, m_axi_bresp, m_axi_bvalid, m_axi_bready = 1;
  uint8_t m_axi_rid, m_axi_rresp, m_axi_rlast, m_axi_rvalid, m_axi_rready = 1;

 private:
  uint8_t clock_ = 0;
};

#pragma GCC visibility push(default)
extern "C" {

inline __attribute__((used)) void fake_core_read(uint64_t address, uint8_t length, uint8_t size,
                                                 uint8_t burst) {
  Vsat_top& core = *Vsat_top::instance;
  core.m_axi_araddr = address;
  core.m_axi_arlen = length;
  core.m_axi_arsize = size;
  core.m_axi_arburst = burst;
  core.m_axi_arvalid = 1;
}

// With its first beat, whose lowest two bytes are `data`.
inline __attribute__((used)) void fake_core_write(uint64_t address, uint8_t length, uint8_t size,
                                                  uint8_t burst, uint16_t data, uint16_t strobes,
                                                  uint8_t last) {
  Vsat_top& core = *Vsat_top::instance;
  core.m_axi_awaddr = address;
  core.m_axi_awlen = length;
  core.m_axi_awsize = size;
  core.m_axi_awburst = burst;
  core.m_axi_wdata = {data, 0, 0, 0};
  core.m_axi_wstrb = strobes;
  core.m_axi_wlast = last;
  core.m_axi_awvalid = core.m_axi_wvalid = 1;
}

}  // extern "C"
#pragma GCC visibility pop
