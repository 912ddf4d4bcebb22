// SPDX-License-Identifier: Apache-2.0
// axi_pins: bare AXI4 signals between a Python master and the Python memory model.
`default_nettype none
module axi_pins (
  input wire         clk,
  input wire         rst_n,
  input wire         m_axi_arvalid,
  input wire         m_axi_arready,
  input wire [39:0]  m_axi_araddr,
  input wire [7:0]   m_axi_arlen,
  input wire [2:0]   m_axi_arsize,
  input wire [1:0]   m_axi_arburst,
  input wire         m_axi_rvalid,
  input wire         m_axi_rready,
  input wire [127:0] m_axi_rdata,
  input wire [1:0]   m_axi_rresp,
  input wire         m_axi_rlast,
  input wire         m_axi_awvalid,
  input wire         m_axi_awready,
  input wire [39:0]  m_axi_awaddr,
  input wire [7:0]   m_axi_awlen,
  input wire [2:0]   m_axi_awsize,
  input wire [1:0]   m_axi_awburst,
  input wire         m_axi_wvalid,
  input wire         m_axi_wready,
  input wire [127:0] m_axi_wdata,
  input wire [15:0]  m_axi_wstrb,
  input wire         m_axi_wlast,
  input wire         m_axi_bvalid,
  input wire         m_axi_bready,
  input wire [1:0]   m_axi_bresp
);
endmodule
`default_nettype wire
