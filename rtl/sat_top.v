// SPDX-License-Identifier: Apache-2.0
// sat_top: the core with its AXI ports: wiring only. See docs/design/architecture.md.
// s_axil: registers (docs/reference/registers.md). m_axi: memory, one ID, INCR, full beats.
// irq is level, high while an enabled interrupt is pending. aresetn is synchronous.
`default_nettype none
`include "sat_buses.vh"

module sat_top #(
  parameter integer ROWS           = 8,    // PEs, power of two, 2..64
  parameter integer COLS           = 8,    // PEs, power of two, 2..64
  parameter integer T              = 8,    // outputs interleaved in a PE: 4, 8, 16
  parameter integer A_DEPTH        = 512,  // words of 8 FP16 per row, power of two
  parameter integer S_DEPTH        = 4096, // words of a value per column, power of two
  parameter integer CHUNK_K        = 256,  // reduction elements loaded at once, power of two
  parameter integer CACHE_LINES    = 2048, // 64-byte lines of the map cache, power of two
  parameter integer ADDR_W         = 40,   // address bits, 32..40
  parameter integer DATA_W         = 128,  // bus bits, 128
  parameter integer RD_OUTSTANDING = 32,   // read bursts in flight, power of two
  parameter integer AXI_ID_W       = 1     // bits of the AXI IDs, all zero
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
  output wire                  irq
);

  sat_limits #(
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
  ) u_limits ();

  localparam integer STRB_W = DATA_W / 8;
  localparam integer AXSIZE = $clog2(STRB_W);

  localparam [1:0] BURST_INCR   = 2'b01;
  localparam [3:0] CACHE_NORMAL = 4'b0011;  // normal, not cacheable, bufferable

  // DMA clients. The array engine reads through the ports before RD_VECTOR.
  localparam integer RD_PORTS  = `SAT_RD_PORT_COUNT;
  localparam integer RD_A      = `SAT_RD_PORT_A;
  localparam integer RD_VECTOR = `SAT_RD_PORT_VECTOR;
  localparam integer RD_FETCH  = `SAT_RD_PORT_FETCH;
  localparam integer WR_PORTS  = `SAT_WR_PORT_COUNT;
  localparam integer WR_MATMUL = `SAT_WR_PORT_MATMUL;
  localparam integer WR_VECTOR = `SAT_WR_PORT_VECTOR;
  localparam integer BEATS_W   = `SAT_BEATS_BITS;

  // ---- Read DMA
  wire [`SAT_RD_PORT_COUNT-1:0] rd_req_valid, rd_req_ready, rd_rsp_valid, rd_rsp_ready;
  wire [`SAT_RD_PORT_COUNT*ADDR_W-1:0] rd_req_addr;
  wire [`SAT_RD_PORT_COUNT*`SAT_BEATS_BITS-1:0] rd_req_beats;
  wire [DATA_W-1:0]          rd_rsp_data;
  wire                       rd_drained, rd_busy, rd_progress, rd_beat, rd_err_valid;
  wire [1:0]                 rd_err_resp;
  wire [ADDR_W-1:0]          rd_err_addr;
  wire [2:0]                 rd_err_port;

  // ---- Write DMA
  wire [WR_PORTS-1:0]        wr_req_valid, wr_req_ready, wr_data_valid, wr_data_ready, wr_idle;
  wire [`SAT_WR_PORT_COUNT*ADDR_W-1:0] wr_req_addr;
  wire [`SAT_WR_PORT_COUNT*`SAT_BEATS_BITS-1:0] wr_req_beats;
  wire [WR_PORTS*DATA_W-1:0] wr_data;
  wire [WR_PORTS*STRB_W-1:0] wr_strb;
  wire                       wr_drained, wr_busy, wr_progress, wr_err_valid, wr_err_port;
  wire [$clog2(DATA_W/8):0]  wr_bytes;
  wire [1:0]                 wr_err_resp;
  wire [ADDR_W-1:0]          wr_err_addr;

  // ---- Control
  wire          start, clear, busy, draining, overflow, overflow_latch, done_set, fence_set;
  wire          err_valid, halt, flush;
  wire [63:0]   prog_addr, err_addr;
  wire [31:0]   prog_len, watchdog, seed, step, err_index;
  wire [7:0]    err_code;
  wire [1023:0] desc;
  wire          matmul_start, matmul_a_meets, matmul_s_meets, matmul_ready, matmul_busy;
  wire          matmul_pair, matmul_overflow, matmul_progress;
  wire          vector_start, vector_busy, vector_overflow, vector_progress;
  wire          slot_active, stall_a, stall_s, stall_drain;

  sat_regs #(
    .ROWS  (ROWS),
    .COLS  (COLS),
    .T     (T),
    .ADDR_W(ADDR_W),
    .DATA_W(DATA_W)
  ) u_regs (
    .clk                (aclk),
    .rst_n              (aresetn),
    .s_axil_awaddr      (s_axil_awaddr),
    .s_axil_awvalid     (s_axil_awvalid),
    .s_axil_awready     (s_axil_awready),
    .s_axil_wdata       (s_axil_wdata),
    .s_axil_wstrb       (s_axil_wstrb),
    .s_axil_wvalid      (s_axil_wvalid),
    .s_axil_wready      (s_axil_wready),
    .s_axil_bresp       (s_axil_bresp),
    .s_axil_bvalid      (s_axil_bvalid),
    .s_axil_bready      (s_axil_bready),
    .s_axil_araddr      (s_axil_araddr),
    .s_axil_arvalid     (s_axil_arvalid),
    .s_axil_arready     (s_axil_arready),
    .s_axil_rdata       (s_axil_rdata),
    .s_axil_rresp       (s_axil_rresp),
    .s_axil_rvalid      (s_axil_rvalid),
    .s_axil_rready      (s_axil_rready),
    .start_o            (start),
    .clear_o            (clear),
    .prog_addr_o        (prog_addr),
    .prog_len_o         (prog_len),
    .watchdog_o         (watchdog),
    .seed_o             (seed),
    .step_o             (step),
    .irq_o              (irq),
    .busy_i             (busy),
    .draining_i         (draining),
    .matmul_busy_i      (matmul_busy),
    .vector_busy_i      (vector_busy),
    .overflow_i         (overflow),
    .done_set_i         (done_set),
    .fence_set_i        (fence_set),
    .err_valid_i        (err_valid),
    .err_code_i         (err_code),
    .err_index_i        (err_index),
    .err_addr_i         (err_addr),
    .count_cycle_i      (busy),
    .count_array_busy_i (matmul_busy),
    .count_array_slot_i (slot_active),
    .count_vector_busy_i(vector_busy),
    .count_rdma_busy_i  (rd_busy),
    .count_wdma_busy_i  (wr_busy),
    .count_stall_a_i    (stall_a),
    .count_stall_s_i    (stall_s),
    .count_stall_drain_i(stall_drain),
    .count_rd_beat_i    (rd_beat),
    .count_wr_bytes_i   (wr_bytes)
  );

  sat_sequencer #(
    .ADDR_W(ADDR_W),
    .DATA_W(DATA_W)
  ) u_sequencer (
    .clk              (aclk),
    .rst_n            (aresetn),
    .start_i          (start),
    .clear_i          (clear),
    .prog_addr_i      (prog_addr),
    .prog_len_i       (prog_len),
    .watchdog_i       (watchdog),
    .busy_o           (busy),
    .draining_o       (draining),
    .overflow_o       (overflow),
    .done_set_o       (done_set),
    .fence_set_o      (fence_set),
    .err_valid_o      (err_valid),
    .err_code_o       (err_code),
    .err_index_o      (err_index),
    .err_addr_o       (err_addr),
    .desc_o           (desc),
    .matmul_start_o   (matmul_start),
    .matmul_a_meets_o (matmul_a_meets),
    .matmul_s_meets_o (matmul_s_meets),
    .matmul_ready_i   (matmul_ready),
    .matmul_busy_i    (matmul_busy),
    .matmul_pair_i    (matmul_pair),
    .matmul_overflow_i(matmul_overflow),
    .matmul_progress_i(matmul_progress),
    .vector_start_o   (vector_start),
    .vector_busy_i    (vector_busy),
    .vector_overflow_i(vector_overflow),
    .vector_progress_i(vector_progress),
    .overflow_latch_o (overflow_latch),
    .rd_req_valid_o   (rd_req_valid[RD_FETCH]),
    .rd_req_ready_i   (rd_req_ready[RD_FETCH]),
    .rd_req_addr_o    (rd_req_addr[RD_FETCH*ADDR_W +: ADDR_W]),
    .rd_req_beats_o   (rd_req_beats[RD_FETCH*BEATS_W +: BEATS_W]),
    .rd_rsp_valid_i   (rd_rsp_valid[RD_FETCH]),
    .rd_rsp_ready_o   (rd_rsp_ready[RD_FETCH]),
    .rd_rsp_data_i    (rd_rsp_data),
    .halt_o           (halt),
    .flush_o          (flush),
    .rd_drained_i     (rd_drained),
    .wr_drained_i     (wr_drained),
    .bus_progress_i   (rd_progress || wr_progress),
    .rd_err_valid_i   (rd_err_valid),
    .rd_err_resp_i    (rd_err_resp),
    .rd_err_addr_i    (rd_err_addr),
    .rd_err_port_i    (rd_err_port),
    .wr_err_valid_i   (wr_err_valid),
    .wr_err_resp_i    (wr_err_resp),
    .wr_err_addr_i    (wr_err_addr),
    .wr_err_port_i    (wr_err_port)
  );

  sat_matmul #(
    .ROWS       (ROWS),
    .COLS       (COLS),
    .T          (T),
    .A_DEPTH    (A_DEPTH),
    .S_DEPTH    (S_DEPTH),
    .CHUNK_K    (CHUNK_K),
    .CACHE_LINES(CACHE_LINES),
    .ADDR_W     (ADDR_W),
    .DATA_W     (DATA_W)
  ) u_matmul (
    .clk            (aclk),
    .rst_n          (aresetn),
    .flush_i        (flush),
    .start_i        (matmul_start),
    .desc_i         (desc),
    .a_meets_i      (matmul_a_meets),
    .s_meets_i      (matmul_s_meets),
    .ready_o        (matmul_ready),
    .busy_o         (matmul_busy),
    .pair_o         (matmul_pair),
    .overflow_o     (matmul_overflow),
    .progress_o     (matmul_progress),
    .rd_req_valid_o (rd_req_valid[RD_VECTOR-1:0]),
    .rd_req_ready_i (rd_req_ready[RD_VECTOR-1:0]),
    .rd_req_addr_o  (rd_req_addr[RD_VECTOR*ADDR_W-1:0]),
    .rd_req_beats_o (rd_req_beats[RD_VECTOR*BEATS_W-1:0]),
    .rd_rsp_valid_i (rd_rsp_valid[RD_VECTOR-1:0]),
    .rd_rsp_ready_o (rd_rsp_ready[RD_VECTOR-1:0]),
    .rd_rsp_data_i  (rd_rsp_data),
    .wr_req_valid_o (wr_req_valid[WR_MATMUL]),
    .wr_req_ready_i (wr_req_ready[WR_MATMUL]),
    .wr_req_addr_o  (wr_req_addr[WR_MATMUL*ADDR_W +: ADDR_W]),
    .wr_req_beats_o (wr_req_beats[WR_MATMUL*BEATS_W +: BEATS_W]),
    .wr_data_valid_o(wr_data_valid[WR_MATMUL]),
    .wr_data_ready_i(wr_data_ready[WR_MATMUL]),
    .wr_data_o      (wr_data[WR_MATMUL*DATA_W +: DATA_W]),
    .wr_strb_o      (wr_strb[WR_MATMUL*STRB_W +: STRB_W]),
    .wr_idle_i      (wr_idle[WR_MATMUL]),
    .slot_active_o  (slot_active),
    .stall_a_o      (stall_a),
    .stall_s_o      (stall_s),
    .stall_drain_o  (stall_drain)
  );

  sat_vector #(
    .ADDR_W(ADDR_W),
    .DATA_W(DATA_W)
  ) u_vector (
    .clk             (aclk),
    .rst_n           (aresetn),
    .flush_i         (flush),
    .start_i         (vector_start),
    .desc_i          (desc),
    .overflow_latch_i(overflow_latch),
    .seed_i          (seed),
    .step_i          (step),
    .busy_o          (vector_busy),
    .overflow_o      (vector_overflow),
    .progress_o      (vector_progress),
    .rd_req_valid_o  (rd_req_valid[RD_VECTOR]),
    .rd_req_ready_i  (rd_req_ready[RD_VECTOR]),
    .rd_req_addr_o   (rd_req_addr[RD_VECTOR*ADDR_W +: ADDR_W]),
    .rd_req_beats_o  (rd_req_beats[RD_VECTOR*BEATS_W +: BEATS_W]),
    .rd_rsp_valid_i  (rd_rsp_valid[RD_VECTOR]),
    .rd_rsp_ready_o  (rd_rsp_ready[RD_VECTOR]),
    .rd_rsp_data_i   (rd_rsp_data),
    .wr_req_valid_o  (wr_req_valid[WR_VECTOR]),
    .wr_req_ready_i  (wr_req_ready[WR_VECTOR]),
    .wr_req_addr_o   (wr_req_addr[WR_VECTOR*ADDR_W +: ADDR_W]),
    .wr_req_beats_o  (wr_req_beats[WR_VECTOR*BEATS_W +: BEATS_W]),
    .wr_data_valid_o (wr_data_valid[WR_VECTOR]),
    .wr_data_ready_i (wr_data_ready[WR_VECTOR]),
    .wr_data_o       (wr_data[WR_VECTOR*DATA_W +: DATA_W]),
    .wr_strb_o       (wr_strb[WR_VECTOR*STRB_W +: STRB_W]),
    .wr_idle_i       (wr_idle[WR_VECTOR])
  );

  sat_rd_dma #(
    .PORTS      (RD_PORTS),
    .FIRST      (RD_A),
    .YIELDING   (RD_VECTOR),
    .ADDR_W     (ADDR_W),
    .DATA_W     (DATA_W),
    .OUTSTANDING(RD_OUTSTANDING),
    .MAX_BURST  (64)
  ) u_rd_dma (
    .clk        (aclk),
    .rst_n      (aresetn),
    .flush_i    (flush),
    .halt_i     (halt),
    .drained_o  (rd_drained),
    .busy_o     (rd_busy),
    .progress_o (rd_progress),
    .beat_o     (rd_beat),
    .req_valid_i(rd_req_valid),
    .req_ready_o(rd_req_ready),
    .req_addr_i (rd_req_addr),
    .req_beats_i(rd_req_beats),
    .rsp_valid_o(rd_rsp_valid),
    .rsp_ready_i(rd_rsp_ready),
    .rsp_data_o (rd_rsp_data),
    .err_valid_o(rd_err_valid),
    .err_resp_o (rd_err_resp),
    .err_addr_o (rd_err_addr),
    .err_port_o (rd_err_port),
    .arvalid_o  (m_axi_arvalid),
    .arready_i  (m_axi_arready),
    .araddr_o   (m_axi_araddr),
    .arlen_o    (m_axi_arlen),
    .rvalid_i   (m_axi_rvalid),
    .rready_o   (m_axi_rready),
    .rdata_i    (m_axi_rdata),
    .rresp_i    (m_axi_rresp),
    .rlast_i    (m_axi_rlast)
  );

  sat_wr_dma #(
    .PORTS (WR_PORTS),
    .ADDR_W(ADDR_W),
    .DATA_W(DATA_W)
  ) u_wr_dma (
    .clk         (aclk),
    .rst_n       (aresetn),
    .flush_i     (flush),
    .halt_i      (halt),
    .drained_o   (wr_drained),
    .busy_o      (wr_busy),
    .progress_o  (wr_progress),
    .bytes_o     (wr_bytes),
    .req_valid_i (wr_req_valid),
    .req_ready_o (wr_req_ready),
    .req_addr_i  (wr_req_addr),
    .req_beats_i (wr_req_beats),
    .data_valid_i(wr_data_valid),
    .data_ready_o(wr_data_ready),
    .data_i      (wr_data),
    .strb_i      (wr_strb),
    .idle_o      (wr_idle),
    .err_valid_o (wr_err_valid),
    .err_resp_o  (wr_err_resp),
    .err_addr_o  (wr_err_addr),
    .err_port_o  (wr_err_port),
    .awvalid_o   (m_axi_awvalid),
    .awready_i   (m_axi_awready),
    .awaddr_o    (m_axi_awaddr),
    .awlen_o     (m_axi_awlen),
    .wvalid_o    (m_axi_wvalid),
    .wready_i    (m_axi_wready),
    .wdata_o     (m_axi_wdata),
    .wstrb_o     (m_axi_wstrb),
    .wlast_o     (m_axi_wlast),
    .bvalid_i    (m_axi_bvalid),
    .bready_o    (m_axi_bready),
    .bresp_i     (m_axi_bresp)
  );

  assign m_axi_awid    = {AXI_ID_W{1'b0}};
  assign m_axi_awsize  = AXSIZE[2:0];
  assign m_axi_awburst = BURST_INCR;
  assign m_axi_awlock  = 1'b0;
  assign m_axi_awcache = CACHE_NORMAL;
  assign m_axi_awprot  = 3'b000;
  assign m_axi_awqos   = 4'd0;

  assign m_axi_arid    = {AXI_ID_W{1'b0}};
  assign m_axi_arsize  = AXSIZE[2:0];
  assign m_axi_arburst = BURST_INCR;
  assign m_axi_arlock  = 1'b0;
  assign m_axi_arcache = CACHE_NORMAL;
  assign m_axi_arprot  = 3'b000;
  assign m_axi_arqos   = 4'd0;

  wire unused_ok = &{1'b0, s_axil_awprot, s_axil_arprot, m_axi_bid, m_axi_rid};

endmodule

`default_nettype wire
