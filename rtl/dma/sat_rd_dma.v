// SPDX-License-Identifier: Apache-2.0
// sat_rd_dma: PORTS read clients on one AXI4 read channel pair (see "Read DMA ports" in
// docs/design/architecture.md). Requests are served round robin, FIRST's before all others,
// YIELDING's only when nobody else asks, and cut at multiples of MAX_BURST beats; one AXI ID, so
// beats come back in order and a queue of tags leads them to their clients.
// Throughput: one burst and one beat per cycle, OUTSTANDING bursts in flight. Latency 2 from
// request to AR, 1 from R to client. AXI outputs come from registers, req_ready_o from req_valid_i.
// halt_i: no further burst is started (the address register, already tagged, still goes out) and
// data is dropped. A beat that fails, or whose RLAST disagrees with the burst's length, pulses
// err_valid_o when it reaches its client. The length alone ends a burst; a beat that no burst has
// asked for is taken and dropped.
// flush_i acts as reset; it may come only while halted and drained.
`default_nettype none
`include "sat_assert.vh"

module sat_rd_dma #(
  parameter integer PORTS       = 8,   // clients, >= 2
  parameter integer FIRST       = 0,   // a client that never asks far ahead; PORTS or more: none
  parameter integer YIELDING    = 6,   // a client whose work has time; PORTS or more: none
  parameter integer ADDR_W      = 40,  // address bits
  parameter integer DATA_W      = 128, // bus bits
  parameter integer OUTSTANDING = 32,  // bursts in flight, power of two
  parameter integer MAX_BURST   = 64   // beats, power of two, at most 4 KB
) (
  input  wire                     clk,
  input  wire                     rst_n,
  input  wire                     flush_i,
  input  wire                     halt_i,
  output wire                     drained_o,   // no transaction outstanding
  output wire                     busy_o,      // a transaction outstanding or a request queued
  output wire                     progress_o,  // a burst is asked for, or a beat of one goes on
  output wire                     beat_o,      // a beat is read
  // Clients
  input  wire [PORTS-1:0]         req_valid_i,
  output wire [PORTS-1:0]         req_ready_o,
  input  wire [PORTS*ADDR_W-1:0]  req_addr_i,
  input  wire [PORTS*12-1:0]      req_beats_i,
  output wire [PORTS-1:0]         rsp_valid_o,
  input  wire [PORTS-1:0]         rsp_ready_i,
  output wire [DATA_W-1:0]        rsp_data_o,
  // Errors
  output wire                     err_valid_o,
  output wire [1:0]               err_resp_o,  // SLVERR, DECERR; OKAY: RLAST was wrong
  output wire [ADDR_W-1:0]        err_addr_o,  // of the beat
  output wire [$clog2(PORTS)-1:0] err_port_o,
  // AXI4 read channels
  output wire                     arvalid_o,
  input  wire                     arready_i,
  output wire [ADDR_W-1:0]        araddr_o,
  output wire [7:0]               arlen_o,
  input  wire                     rvalid_i,
  output wire                     rready_o,
  input  wire [DATA_W-1:0]        rdata_i,
  input  wire [1:0]               rresp_i,
  input  wire                     rlast_i
);

  localparam integer PORT_W   = $clog2(PORTS);
  localparam integer BYTE_W   = $clog2(DATA_W / 8);
  localparam integer OFFSET_W = $clog2(MAX_BURST);
  localparam integer LINE_W   = ADDR_W - BYTE_W;  // address in beats
  localparam integer OPEN_W   = $clog2(OUTSTANDING) + 1;

  localparam [PORTS-1:0] ONE_PORT = {{PORTS-1{1'b0}}, 1'b1};

  wire rst_local_n = rst_n && !flush_i;

  // ---- Request side: one client into the splitter
  wire [PORTS-1:0]  grant;
  wire [PORT_W-1:0] grant_port;
  wire              split_ready;
  wire              any_request = req_valid_i != {PORTS{1'b0}};

  assign req_ready_o = split_ready ? grant : {PORTS{1'b0}};

  sat_arbiter #(
    .N       (PORTS),
    .FIRST   (FIRST),
    .YIELDING(YIELDING)
  ) u_arbiter (
    .clk          (clk),
    .rst_n        (rst_local_n),
    .request_i    (req_valid_i),
    .advance_i    (split_ready),
    .grant_o      (grant),
    .grant_index_o(grant_port)
  );

  // Chosen by the grant itself: its number comes later.
  reg [ADDR_W-1:0] grant_addr;
  reg [11:0]       grant_beats;
  integer          c;

  always @(*) begin
    grant_addr  = {ADDR_W{1'b0}};
    grant_beats = 12'd0;
    for (c = 0; c < PORTS; c = c + 1) begin
      grant_addr  = grant_addr | (req_addr_i[c*ADDR_W +: ADDR_W] & {ADDR_W{grant[c]}});
      grant_beats = grant_beats | (req_beats_i[c*12 +: 12] & {12{grant[c]}});
    end
  end

  wire              burst_valid, burst_ready;
  wire [ADDR_W-1:0] burst_addr;
  wire [7:0]        burst_len;

  sat_burst_split #(
    .ADDR_W (ADDR_W),
    .BEATS_W(12),
    .DATA_W (DATA_W),
    .WINDOW (MAX_BURST),
    .LATE   (1)
  ) u_split (
    .clk          (clk),
    .rst_n        (rst_local_n),
    .req_valid_i  (any_request),
    .req_ready_o  (split_ready),
    .req_addr_i   (grant_addr),
    .req_beats_i  (grant_beats),
    .burst_valid_o(burst_valid),
    .burst_ready_i(burst_ready),
    .burst_addr_o (burst_addr),
    .burst_len_o  (burst_len)
  );

  reg [PORT_W-1:0] split_port_q;
  always @(posedge clk) if (any_request && split_ready) split_port_q <= grant_port;

  // A burst starts when both its tag and its address find room.
  wire ar_ready, tag_ready;
  wire start_fire = burst_valid && burst_ready;

  assign burst_ready = ar_ready && tag_ready && !halt_i;

  sat_skid_buffer #(
    .WIDTH(ADDR_W + 8)
  ) u_ar (
    .clk        (clk),
    .rst_n      (rst_local_n),
    .in_valid_i (start_fire),
    .in_ready_o (ar_ready),
    .in_data_i  ({burst_len, burst_addr}),
    .out_valid_o(arvalid_o),
    .out_ready_i(arready_i),
    .out_data_o ({arlen_o, araddr_o})
  );

  // ---- Tags of the bursts in flight: the oldest in a register, the others in a queue. The first
  // beat of a burst comes two cycles after its start or later, when its tag has got there.
  localparam integer TAG_W = PORT_W + OFFSET_W + LINE_W;

  reg                 tag_valid_q, tags_full_q;
  reg  [PORT_W-1:0]   tag_port_q;
  reg  [OFFSET_W-1:0] tag_len_q;       // beats - 1
  reg  [LINE_W-1:0]   tag_line_q;
  wire                tag_pop, queue_ready, queue_valid;
  wire [TAG_W-1:0]    queue_tag;
  wire [OPEN_W-1:0]   queued;
  wire [OPEN_W-1:0]   tags     = queued + {{OPEN_W-1{1'b0}}, tag_valid_q};
  wire                tag_load = !tag_valid_q || tag_pop;

  assign tag_ready = !tags_full_q;

  sat_fifo #(
    .WIDTH(TAG_W),
    .DEPTH(OUTSTANDING)
  ) u_tags (
    .clk        (clk),
    .rst_n      (rst_local_n),
    .flush_i    (1'b0),
    .in_valid_i (start_fire),
    .in_ready_o (queue_ready),
    .in_data_i  ({split_port_q, burst_len[OFFSET_W-1:0], burst_addr[ADDR_W-1:BYTE_W]}),
    .out_valid_o(queue_valid),
    .out_ready_i(tag_load),
    .out_data_o (queue_tag),
    .count_o    (queued)
  );

  always @(posedge clk) begin
    if (!rst_local_n) begin
      tag_valid_q <= 1'b0;
      tags_full_q <= 1'b0;
    end else begin
      if (tag_load) tag_valid_q <= queue_valid;
      if (start_fire != tag_pop)
        tags_full_q <= start_fire && tags == OUTSTANDING[OPEN_W-1:0] - {{OPEN_W-1{1'b0}}, 1'b1};
    end
    if (tag_load) {tag_port_q, tag_len_q, tag_line_q} <= queue_tag;
  end

  // Bursts whose address has gone out: only these may have beats.
  reg [OPEN_W-1:0] open_q;

  always @(posedge clk) begin
    if (!rst_local_n) open_q <= {OPEN_W{1'b0}};
    else open_q <= open_q + {{OPEN_W-1{1'b0}}, arvalid_o && arready_i}
                   - {{OPEN_W-1{1'b0}}, tag_pop};
  end

  // ---- Data side: the oldest tag says whose the beat is
  reg  [OFFSET_W-1:0] beat_q;  // beats of the burst that have been delivered
  wire                beat_valid, beat_ready, beat_rlast;
  wire [1:0]          beat_resp;
  wire                open      = open_q != {OPEN_W{1'b0}};
  wire                beat_fire = beat_valid && beat_ready && open;
  wire                beat_last = beat_q == tag_len_q;

  sat_skid_buffer #(
    .WIDTH(DATA_W + 3)
  ) u_r (
    .clk        (clk),
    .rst_n      (rst_local_n),
    .in_valid_i (rvalid_i),
    .in_ready_o (rready_o),
    .in_data_i  ({rlast_i, rresp_i, rdata_i}),
    .out_valid_o(beat_valid),
    .out_ready_i(beat_ready),
    .out_data_o ({beat_rlast, beat_resp, rsp_data_o})
  );

  assign beat_ready  = halt_i || !open || rsp_ready_i[tag_port_q];
  assign rsp_valid_o = (beat_valid && open && !halt_i) ? ONE_PORT << tag_port_q : {PORTS{1'b0}};
  assign tag_pop     = beat_fire && beat_last;

  // A burst stays in its window: no carry leaves the offset.
  wire [OFFSET_W-1:0] err_offset = tag_line_q[OFFSET_W-1:0] + beat_q;

  always @(posedge clk) begin
    if (!rst_local_n) beat_q <= {OFFSET_W{1'b0}};
    else if (beat_fire) beat_q <= beat_last ? {OFFSET_W{1'b0}} : beat_q + 1'b1;
  end

  assign err_valid_o = beat_fire && (beat_resp[1] || beat_rlast != beat_last);
  assign err_resp_o  = beat_resp & {2{beat_resp[1]}};
  assign err_port_o  = tag_port_q;
  assign err_addr_o  = {tag_line_q[LINE_W-1:OFFSET_W], err_offset, {BYTE_W{1'b0}}};

  assign drained_o  = !tag_valid_q && !queue_valid;
  assign busy_o     = !drained_o || burst_valid;
  assign beat_o     = rvalid_i && rready_o;
  assign progress_o = beat_fire || (arvalid_o && arready_i);

  wire unused_ok = &{1'b0, queue_ready};

  // AR and R keep the rules in u_ar and u_r.
  genvar p;
  generate
    for (p = 0; p < PORTS; p = p + 1) begin : gen_port
      `SAT_REQUIRE_STREAM(check_req, rst_local_n, ADDR_W + 12, req_valid_i[p], req_ready_o[p],
                          {req_beats_i[p*12 +: 12], req_addr_i[p*ADDR_W +: ADDR_W]})
    end
  endgenerate

  `SAT_ASSERT(one_client_asked, rst_n, (req_ready_o & (req_ready_o - ONE_PORT)) == {PORTS{1'b0}})
  `SAT_ASSERT(tag_has_room, rst_local_n, !start_fire || queue_ready)
  `SAT_ASSERT(open_has_tag, rst_local_n && open, tag_valid_q && open_q <= OUTSTANDING[OPEN_W-1:0])
  `SAT_ASSERT(beat_in_burst, rst_local_n && tag_valid_q, beat_q <= tag_len_q)
  `SAT_STREAM(check_rsp, rst_local_n && !halt_i, PORTS + DATA_W, rsp_valid_o != {PORTS{1'b0}},
              (rsp_valid_o & rsp_ready_i) != {PORTS{1'b0}}, {rsp_valid_o, rsp_data_o})

endmodule

`default_nettype wire
