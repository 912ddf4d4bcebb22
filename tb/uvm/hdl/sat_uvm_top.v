// SPDX-License-Identifier: Apache-2.0
// sat_uvm_top: the core as the UVM environment sees it. Besides the core's own ports it has
// - *_q: the pins as the last rising edge saw them, packed so that a monitor reads few values and
//   never races with what drives them;
// - probe_*: registers of the core for back-door reads, and what happened inside since probe_clear.
`default_nettype none
module sat_uvm_top #(
  parameter integer ROWS           = 8,
  parameter integer COLS           = 8,
  parameter integer T              = 8,
  parameter integer A_DEPTH        = 512,
  parameter integer S_DEPTH        = 4096,
  parameter integer CHUNK_K        = 256,
  parameter integer CACHE_LINES    = 2048,
  parameter integer ADDR_W         = 40,
  parameter integer DATA_W         = 128,
  parameter integer RD_OUTSTANDING = 32,
  parameter integer AXI_ID_W       = 1
) (
  input  wire                  aclk,
  input  wire                  aresetn,
  // Registers: AXI4-Lite
  input  wire [11:0]           s_axil_awaddr,
  input  wire [2:0]            s_axil_awprot,
  input  wire                  s_axil_awvalid,
  output wire                  s_axil_awready,
  input  wire [31:0]           s_axil_wdata,
  input  wire [3:0]            s_axil_wstrb,
  input  wire                  s_axil_wvalid,
  output wire                  s_axil_wready,
  output wire [1:0]            s_axil_bresp,
  output wire                  s_axil_bvalid,
  input  wire                  s_axil_bready,
  input  wire [11:0]           s_axil_araddr,
  input  wire [2:0]            s_axil_arprot,
  input  wire                  s_axil_arvalid,
  output wire                  s_axil_arready,
  output wire [31:0]           s_axil_rdata,
  output wire [1:0]            s_axil_rresp,
  output wire                  s_axil_rvalid,
  input  wire                  s_axil_rready,
  // Memory: AXI4
  output wire [AXI_ID_W-1:0]   m_axi_awid,
  output wire [ADDR_W-1:0]     m_axi_awaddr,
  output wire [7:0]            m_axi_awlen,
  output wire [2:0]            m_axi_awsize,
  output wire [1:0]            m_axi_awburst,
  output wire                  m_axi_awlock,
  output wire [3:0]            m_axi_awcache,
  output wire [2:0]            m_axi_awprot,
  output wire [3:0]            m_axi_awqos,
  output wire                  m_axi_awvalid,
  input  wire                  m_axi_awready,
  output wire [DATA_W-1:0]     m_axi_wdata,
  output wire [DATA_W/8-1:0]   m_axi_wstrb,
  output wire                  m_axi_wlast,
  output wire                  m_axi_wvalid,
  input  wire                  m_axi_wready,
  input  wire [AXI_ID_W-1:0]   m_axi_bid,
  input  wire [1:0]            m_axi_bresp,
  input  wire                  m_axi_bvalid,
  output wire                  m_axi_bready,
  output wire [AXI_ID_W-1:0]   m_axi_arid,
  output wire [ADDR_W-1:0]     m_axi_araddr,
  output wire [7:0]            m_axi_arlen,
  output wire [2:0]            m_axi_arsize,
  output wire [1:0]            m_axi_arburst,
  output wire                  m_axi_arlock,
  output wire [3:0]            m_axi_arcache,
  output wire [2:0]            m_axi_arprot,
  output wire [3:0]            m_axi_arqos,
  output wire                  m_axi_arvalid,
  input  wire                  m_axi_arready,
  input  wire [AXI_ID_W-1:0]   m_axi_rid,
  input  wire [DATA_W-1:0]     m_axi_rdata,
  input  wire [1:0]            m_axi_rresp,
  input  wire                  m_axi_rlast,
  input  wire                  m_axi_rvalid,
  output wire                  m_axi_rready,
  // Interrupt
  output wire                  irq,
  // Forget the events so far
  input  wire                  probe_clear
);
  sat_top #(
    .ROWS          (ROWS),
    .COLS          (COLS),
    .T             (T),
    .A_DEPTH       (A_DEPTH),
    .S_DEPTH       (S_DEPTH),
    .CHUNK_K       (CHUNK_K),
    .CACHE_LINES   (CACHE_LINES),
    .ADDR_W        (ADDR_W),
    .DATA_W        (DATA_W),
    .RD_OUTSTANDING(RD_OUTSTANDING),
    .AXI_ID_W      (AXI_ID_W)
  ) u_core (
    .aclk          (aclk),
    .aresetn       (aresetn),
    .s_axil_awaddr (s_axil_awaddr),
    .s_axil_awprot (s_axil_awprot),
    .s_axil_awvalid(s_axil_awvalid),
    .s_axil_awready(s_axil_awready),
    .s_axil_wdata  (s_axil_wdata),
    .s_axil_wstrb  (s_axil_wstrb),
    .s_axil_wvalid (s_axil_wvalid),
    .s_axil_wready (s_axil_wready),
    .s_axil_bresp  (s_axil_bresp),
    .s_axil_bvalid (s_axil_bvalid),
    .s_axil_bready (s_axil_bready),
    .s_axil_araddr (s_axil_araddr),
    .s_axil_arprot (s_axil_arprot),
    .s_axil_arvalid(s_axil_arvalid),
    .s_axil_arready(s_axil_arready),
    .s_axil_rdata  (s_axil_rdata),
    .s_axil_rresp  (s_axil_rresp),
    .s_axil_rvalid (s_axil_rvalid),
    .s_axil_rready (s_axil_rready),
    .m_axi_awid    (m_axi_awid),
    .m_axi_awaddr  (m_axi_awaddr),
    .m_axi_awlen   (m_axi_awlen),
    .m_axi_awsize  (m_axi_awsize),
    .m_axi_awburst (m_axi_awburst),
    .m_axi_awlock  (m_axi_awlock),
    .m_axi_awcache (m_axi_awcache),
    .m_axi_awprot  (m_axi_awprot),
    .m_axi_awqos   (m_axi_awqos),
    .m_axi_awvalid (m_axi_awvalid),
    .m_axi_awready (m_axi_awready),
    .m_axi_wdata   (m_axi_wdata),
    .m_axi_wstrb   (m_axi_wstrb),
    .m_axi_wlast   (m_axi_wlast),
    .m_axi_wvalid  (m_axi_wvalid),
    .m_axi_wready  (m_axi_wready),
    .m_axi_bid     (m_axi_bid),
    .m_axi_bresp   (m_axi_bresp),
    .m_axi_bvalid  (m_axi_bvalid),
    .m_axi_bready  (m_axi_bready),
    .m_axi_arid    (m_axi_arid),
    .m_axi_araddr  (m_axi_araddr),
    .m_axi_arlen   (m_axi_arlen),
    .m_axi_arsize  (m_axi_arsize),
    .m_axi_arburst (m_axi_arburst),
    .m_axi_arlock  (m_axi_arlock),
    .m_axi_arcache (m_axi_arcache),
    .m_axi_arprot  (m_axi_arprot),
    .m_axi_arqos   (m_axi_arqos),
    .m_axi_arvalid (m_axi_arvalid),
    .m_axi_arready (m_axi_arready),
    .m_axi_rid     (m_axi_rid),
    .m_axi_rdata   (m_axi_rdata),
    .m_axi_rresp   (m_axi_rresp),
    .m_axi_rlast   (m_axi_rlast),
    .m_axi_rvalid  (m_axi_rvalid),
    .m_axi_rready  (m_axi_rready),
    .irq           (irq)
  );

  // Sampled pins. Bit order: tb/uvm/agents/axi_mem/axi_sample.py, .../axil/axil_sample.py.
  reg [31:0]                      cycle_q;
  reg                             axi_active_q, axil_active_q;
  reg [18:0]                      axi_ctl_q;
  reg [AXI_ID_W+ADDR_W+24:0]      axi_aw_q, axi_ar_q;
  reg [DATA_W+DATA_W/8-1:0]       axi_w_q;
  reg [DATA_W-1:0]                axi_r_q;
  reg [14:0]                      axil_ctl_q;
  reg [11:0]                      axil_aw_q, axil_ar_q;
  reg [35:0]                      axil_w_q;
  reg [31:0]                      axil_r_q;

  wire axi_bid_nonzero = m_axi_bid != {AXI_ID_W{1'b0}};
  wire axi_rid_nonzero = m_axi_rid != {AXI_ID_W{1'b0}};

  initial cycle_q = 32'd0;

  always @(posedge aclk) begin
    cycle_q   <= cycle_q + 32'd1;
    axi_ctl_q <= {aresetn, axi_rid_nonzero, m_axi_rresp, m_axi_rlast, axi_bid_nonzero, m_axi_bresp,
                  m_axi_wlast, m_axi_rready, m_axi_rvalid, m_axi_bready, m_axi_bvalid,
                  m_axi_wready, m_axi_wvalid, m_axi_awready, m_axi_awvalid, m_axi_arready,
                  m_axi_arvalid};
    axi_active_q <= !aresetn || m_axi_rvalid || m_axi_bvalid || m_axi_wvalid || m_axi_awvalid
                    || m_axi_arvalid;
    axi_aw_q <= {m_axi_awid, m_axi_awqos, m_axi_awprot, m_axi_awcache, m_axi_awlock, m_axi_awburst,
                 m_axi_awsize, m_axi_awlen, m_axi_awaddr};
    axi_ar_q <= {m_axi_arid, m_axi_arqos, m_axi_arprot, m_axi_arcache, m_axi_arlock, m_axi_arburst,
                 m_axi_arsize, m_axi_arlen, m_axi_araddr};
    axi_w_q  <= {m_axi_wstrb, m_axi_wdata};
    axi_r_q  <= m_axi_rdata;

    axil_ctl_q <= {aresetn, s_axil_rresp, s_axil_bresp, s_axil_rready, s_axil_rvalid, s_axil_bready,
                   s_axil_bvalid, s_axil_wready, s_axil_wvalid, s_axil_awready, s_axil_awvalid,
                   s_axil_arready, s_axil_arvalid};
    axil_active_q <= !aresetn || s_axil_rvalid || s_axil_bvalid || s_axil_wvalid || s_axil_awvalid
                     || s_axil_arvalid;
    axil_aw_q <= s_axil_awaddr;
    axil_ar_q <= s_axil_araddr;
    axil_w_q  <= {s_axil_wstrb, s_axil_wdata};
    axil_r_q  <= s_axil_rdata;
  end

  // Storage of the registers, for the back door.
  wire [31:0] probe_scratch      = u_core.u_regs.scratch_q;
  wire [2:0]  probe_irq_enable   = u_core.u_regs.irq_enable_q;
  wire [2:0]  probe_irq_status   = u_core.u_regs.irq_status_q;
  wire [31:0] probe_prog_addr_lo = u_core.u_regs.prog_addr_lo_q;
  wire [31:0] probe_prog_addr_hi = u_core.u_regs.prog_addr_hi_q;
  wire [31:0] probe_prog_len     = u_core.u_regs.prog_len_q;
  wire [31:0] probe_watchdog     = u_core.u_regs.watchdog_q;
  wire [31:0] probe_seed         = u_core.u_regs.seed_q;
  wire [31:0] probe_step         = u_core.u_regs.step_q;
  wire [7:0]  probe_err_code     = u_core.u_regs.err_code_q;
  wire [31:0] probe_err_index    = u_core.u_regs.err_index_q;
  wire [63:0] probe_err_addr     = u_core.u_regs.err_addr_q;
  wire [31:0] probe_err_addr_lo  = probe_err_addr[31:0];
  wire [31:0] probe_err_addr_hi  = probe_err_addr[63:32];

  // What happened since probe_clear. Order: tb/uvm/cov/events.py.
  localparam integer EVENTS = 27;
  localparam integer TAGS   = $clog2(RD_OUTSTANDING) + 1;

  wire [3:0]      probe_state = u_core.u_sequencer.state_q;
  wire [TAGS-1:0] rd_tags     = u_core.u_rd_dma.u_tags.count_o;
  wire [7:0]      rd_take     = u_core.rd_rsp_valid & u_core.rd_rsp_ready;
  wire            multiply    = u_core.slot_active;
  wire            loads       = rd_take[0] || rd_take[1];
  wire            stores      = u_core.wr_data_valid[0];
  wire [1:0]      wr_requests_full = ~u_core.wr_req_ready & u_core.wr_req_valid;
  wire [1:0]      wr_data_full     = ~u_core.wr_data_ready & u_core.wr_data_valid;

  wire [EVENTS-1:0] now = {
    m_axi_wvalid && !m_axi_wready && m_axi_awvalid && !m_axi_awready,
    m_axi_wvalid && m_axi_wready && m_axi_rvalid && m_axi_rready,
    m_axi_rvalid && !m_axi_rready,
    m_axi_wvalid && !m_axi_wready,
    m_axi_awvalid && !m_axi_awready,
    m_axi_arvalid && !m_axi_arready,
    rd_take[7] && u_core.matmul_busy && u_core.vector_busy,
    rd_take[7] && u_core.vector_busy,
    rd_take[7] && u_core.matmul_busy,
    rd_take[0] && rd_tags == {{TAGS-1{1'b0}}, 1'b1} && m_axi_rlast,
    wr_data_full[1],
    wr_data_full[0],
    wr_requests_full[1],
    wr_requests_full[0],
    rd_tags == RD_OUTSTANDING[TAGS-1:0],
    u_core.stall_drain,
    u_core.stall_s,
    u_core.stall_a,
    multiply && u_core.vector_busy && u_core.wr_data_valid[1],
    multiply && loads && stores,
    loads && stores && !multiply,
    multiply && stores,
    multiply && rd_take[1],
    multiply && rd_take[0],
    u_core.matmul_busy && u_core.vector_busy,
    u_core.vector_busy,
    u_core.matmul_busy
  };

  reg [EVENTS-1:0] probe_events_q;
  reg [15:0]       probe_clears_q, probe_starts_q;  // states in which CTRL.clear, CTRL.start came

  always @(posedge aclk) begin
    probe_events_q <= (probe_clear ? {EVENTS{1'b0}} : probe_events_q) | now;
    probe_clears_q <= (probe_clear ? 16'd0 : probe_clears_q)
                      | {15'd0, u_core.clear} << probe_state;
    probe_starts_q <= (probe_clear ? 16'd0 : probe_starts_q)
                      | {15'd0, u_core.start} << probe_state;
  end
endmodule
`default_nettype wire
