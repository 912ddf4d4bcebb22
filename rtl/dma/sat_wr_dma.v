// SPDX-License-Identifier: Apache-2.0
// sat_wr_dma: PORTS write clients on one AXI4 write channel trio (see "Write DMA ports" in
// docs/design/architecture.md). Requests are cut at multiples of MAX_BURST beats (4 KB); a burst
// starts only when all its data is inside, so that it always finishes. Bursts are chosen round
// robin; W follows the order of AW.
// Up to REQ_FIFO requests may wait ahead of their data, up to DATA_FIFO beats ahead of a request.
// Throughput: one burst and one beat per cycle, OUTSTANDING bursts in flight. Latency 3 from
// request to AW. AXI outputs come from registers. A response that comes before its burst's address
// and last beat have gone out belongs to no burst, and is dropped.
// halt_i: no further burst is started (the address register, already started, still goes out).
// flush_i acts as reset and drops what has not started; it may come only while halted and drained.
`default_nettype none
`include "sat_assert.vh"

module sat_wr_dma #(
  parameter integer PORTS       = 2,   // clients, >= 2
  parameter integer ADDR_W      = 40,  // address bits
  parameter integer DATA_W      = 128, // bus bits
  parameter integer MAX_BURST   = 4096 / (DATA_W / 8),  // beats, power of two, 2..256, at most 4 KB
  parameter integer REQ_FIFO    = 8,   // requests of a client, power of two
  parameter integer DATA_FIFO   = 64,  // beats of a client, power of two, >= the longest request
  parameter integer OUTSTANDING = 64   // bursts in flight, power of two
) (
  input  wire                       clk,
  input  wire                       rst_n,
  input  wire                       flush_i,
  input  wire                       halt_i,
  output wire                       drained_o,   // no transaction outstanding
  output wire                       busy_o,      // anything queued or outstanding
  output wire                       progress_o,  // a transfer happens on AW, W or B
  output reg  [$clog2(DATA_W/8):0]  bytes_o,     // bytes written, one cycle after their beat
  // Clients
  input  wire [PORTS-1:0]           req_valid_i,
  output wire [PORTS-1:0]           req_ready_o,
  input  wire [PORTS*ADDR_W-1:0]    req_addr_i,
  input  wire [PORTS*12-1:0]        req_beats_i,
  input  wire [PORTS-1:0]           data_valid_i,
  output wire [PORTS-1:0]           data_ready_o,
  input  wire [PORTS*DATA_W-1:0]    data_i,
  input  wire [PORTS*DATA_W/8-1:0]  strb_i,
  output wire [PORTS-1:0]           idle_o,
  // Errors
  output wire                       err_valid_o,
  output wire [1:0]                 err_resp_o,
  output wire [ADDR_W-1:0]          err_addr_o,  // of the burst
  output wire [$clog2(PORTS)-1:0]   err_port_o,
  // AXI4 write channels
  output wire                       awvalid_o,
  input  wire                       awready_i,
  output wire [ADDR_W-1:0]          awaddr_o,
  output wire [7:0]                 awlen_o,
  output wire                       wvalid_o,
  input  wire                       wready_i,
  output wire [DATA_W-1:0]          wdata_o,
  output wire [DATA_W/8-1:0]        wstrb_o,
  output wire                       wlast_o,
  input  wire                       bvalid_i,
  output wire                       bready_o,
  input  wire [1:0]                 bresp_i
);

  localparam integer PORT_W = $clog2(PORTS);
  localparam integer STRB_W = DATA_W / 8;
  localparam integer BYTE_W = $clog2(STRB_W);
  localparam integer BEAT_W = DATA_W + STRB_W;
  localparam integer FILL_W = $clog2(DATA_FIFO) + 1;  // 0..DATA_FIFO
  localparam integer OPEN_W = $clog2(OUTSTANDING) + 1;

  localparam [OPEN_W-1:0] ONE_OPEN = {{OPEN_W-1{1'b0}}, 1'b1};
  localparam [PORTS-1:0]  ONE_PORT = {{PORTS-1{1'b0}}, 1'b1};

  wire rst_local_n = rst_n && !flush_i;

  wire [PORTS-1:0]        split_valid, complete, grant, data_valid, data_pop, b_pop;
  wire [PORTS*ADDR_W-1:0] split_addr;
  wire [PORTS*8-1:0]      split_len;
  wire [PORTS*BEAT_W-1:0] head;
  wire [PORT_W-1:0]       grant_port;
  wire                    start_ready;

  // ---- Clients: queues, and the next burst of each
  genvar p, g;
  generate
    for (p = 0; p < PORTS; p = p + 1) begin : gen_port
      wire                       req_valid, req_ready;
      wire [ADDR_W-1:0]          req_addr;
      wire [11:0]                req_beats;
      wire [$clog2(REQ_FIFO):0]  unused_req_count;
      wire                       start = grant[p] && start_ready;

      sat_fifo #(
        .WIDTH(12 + ADDR_W),
        .DEPTH(REQ_FIFO)
      ) u_requests (
        .clk        (clk),
        .rst_n      (rst_local_n),
        .flush_i    (1'b0),
        .in_valid_i (req_valid_i[p]),
        .in_ready_o (req_ready_o[p]),
        .in_data_i  ({req_beats_i[p*12 +: 12], req_addr_i[p*ADDR_W +: ADDR_W]}),
        .out_valid_o(req_valid),
        .out_ready_i(req_ready),
        .out_data_o ({req_beats, req_addr}),
        .count_o    (unused_req_count)
      );

      sat_burst_split #(
        .ADDR_W (ADDR_W),
        .BEATS_W(12),
        .DATA_W (DATA_W),
        .WINDOW (MAX_BURST)
      ) u_split (
        .clk          (clk),
        .rst_n        (rst_local_n),
        .req_valid_i  (req_valid),
        .req_ready_o  (req_ready),
        .req_addr_i   (req_addr),
        .req_beats_i  (req_beats),
        .burst_valid_o(split_valid[p]),
        .burst_ready_i(start),
        .burst_addr_o (split_addr[p*ADDR_W +: ADDR_W]),
        .burst_len_o  (split_len[p*8 +: 8])
      );

      wire [FILL_W-1:0] unused_fill;
      wire              data_fire = data_valid_i[p] && data_ready_o[p];
      wire [DATA_W-1:0] data;
      wire [STRB_W-1:0] strb;

      sat_fifo #(
        .WIDTH(BEAT_W),
        .DEPTH(DATA_FIFO)
      ) u_data (
        .clk        (clk),
        .rst_n      (rst_local_n),
        .flush_i    (1'b0),
        .in_valid_i (data_valid_i[p]),
        .in_ready_o (data_ready_o[p]),
        .in_data_i  ({strb_i[p*STRB_W +: STRB_W], data_i[p*DATA_W +: DATA_W]}),
        .out_valid_o(data_valid[p]),
        .out_ready_i(data_pop[p]),
        .out_data_o ({strb, data}),
        .count_o    (unused_fill)
      );

      // Clients leave lanes without strobe as they are: stale, or never written. None of that gets
      // out. This is known before the port is.
      wire [DATA_W-1:0] written;

      for (g = 0; g < STRB_W; g = g + 1) begin : gen_lane
        assign written[8*g +: 8] = data[8*g +: 8] & {8{strb[g]}};
      end

      assign head[p*BEAT_W +: BEAT_W] = {strb, written};

      // Beats inside that no started burst has claimed. Whether one starts is known late, and only
      // selects.
      reg  [FILL_W-1:0] free_q;
      wire [FILL_W-1:0] free_stays = free_q + {{FILL_W-1{1'b0}}, data_fire};
      wire [FILL_W-1:0] claimed    = split_len[p*8 +: FILL_W] + {{FILL_W-1{1'b0}}, 1'b1};

      assign complete[p] = split_valid[p] && split_len[p*8 +: 8] < {{8-FILL_W{1'b0}}, free_q};

      always @(posedge clk) begin
        if (!rst_local_n) free_q <= {FILL_W{1'b0}};
        else free_q <= start ? free_stays - claimed : free_stays;
      end

      // Bursts of this client that are not acknowledged.
      reg [OPEN_W-1:0] open_q;

      always @(posedge clk) begin
        if (!rst_local_n) open_q <= {OPEN_W{1'b0}};
        else if (start && !b_pop[p]) open_q <= open_q + ONE_OPEN;
        else if (!start && b_pop[p]) open_q <= open_q - ONE_OPEN;
      end

      assign idle_o[p] = !req_valid && !split_valid[p] && !data_valid[p]
                         && open_q == {OPEN_W{1'b0}};
    end
  endgenerate

  // A burst starts when its address, its place in the data order and its response tag find room.
  wire        aw_ready, tag_ready;
  wire        start_fire = complete != {PORTS{1'b0}} && start_ready;
  wire [ADDR_W-1:0] start_addr = split_addr[grant_port*ADDR_W +: ADDR_W];
  wire [7:0]        start_len  = split_len[grant_port*8 +: 8];

  assign start_ready = aw_ready && tag_ready && !halt_i;

  sat_arbiter #(
    .N(PORTS)
  ) u_arbiter (
    .clk          (clk),
    .rst_n        (rst_local_n),
    .request_i    (complete),
    .advance_i    (start_ready),
    .grant_o      (grant),
    .grant_index_o(grant_port)
  );

  sat_skid_buffer #(
    .WIDTH(ADDR_W + 8)
  ) u_aw (
    .clk        (clk),
    .rst_n      (rst_local_n),
    .in_valid_i (start_fire),
    .in_ready_o (aw_ready),
    .in_data_i  ({start_len, start_addr}),
    .out_valid_o(awvalid_o),
    .out_ready_i(awready_i),
    .out_data_o ({awlen_o, awaddr_o})
  );

  // Bursts that are not acknowledged and whose address, and last beat, have gone out.
  reg  [OPEN_W-1:0] addressed_q, written_q;
  wire              aw_fire   = awvalid_o && awready_i;
  wire              last_fire = wvalid_o && wready_i && wlast_o;
  wire              b_fire    = bvalid_i && (aw_fire || addressed_q != {OPEN_W{1'b0}})
                                && (last_fire || written_q != {OPEN_W{1'b0}});

  always @(posedge clk) begin
    if (!rst_local_n) begin
      addressed_q <= {OPEN_W{1'b0}};
      written_q   <= {OPEN_W{1'b0}};
    end else begin
      if (aw_fire && !b_fire) addressed_q <= addressed_q + ONE_OPEN;
      else if (!aw_fire && b_fire) addressed_q <= addressed_q - ONE_OPEN;
      if (last_fire && !b_fire) written_q <= written_q + ONE_OPEN;
      else if (!last_fire && b_fire) written_q <= written_q - ONE_OPEN;
    end
  end

  // Response tags: a burst is acknowledged after its data, so the order queue below, of the same
  // depth, is never fuller than this one.
  wire                         tag_valid;
  wire [PORT_W-1:0]            tag_port;
  wire [ADDR_W-1:0]            tag_addr;
  wire [$clog2(OUTSTANDING):0] unused_tag_count, unused_order_count;
  wire                         order_ready;

  sat_fifo #(
    .WIDTH(PORT_W + ADDR_W),
    .DEPTH(OUTSTANDING)
  ) u_tags (
    .clk        (clk),
    .rst_n      (rst_local_n),
    .flush_i    (1'b0),
    .in_valid_i (start_fire),
    .in_ready_o (tag_ready),
    .in_data_i  ({grant_port, start_addr}),
    .out_valid_o(tag_valid),
    .out_ready_i(b_fire),
    .out_data_o ({tag_port, tag_addr}),
    .count_o    (unused_tag_count)
  );

  // ---- Data order: the burst whose beats go is in a register, those behind it in a queue
  localparam integer ORDER_W = PORT_W + 8;

  reg                order_valid_q;
  reg  [PORT_W-1:0]  order_port_q;
  reg  [7:0]         order_len_q;
  reg  [7:0]         beat_q;
  wire               w_ready, queue_valid;
  wire [ORDER_W-1:0] queue_order;
  wire               w_fire     = order_valid_q && w_ready;
  wire               w_last     = beat_q == order_len_q;
  wire               order_load = !order_valid_q || (w_fire && w_last);

  sat_fifo #(
    .WIDTH(ORDER_W),
    .DEPTH(OUTSTANDING)
  ) u_order (
    .clk        (clk),
    .rst_n      (rst_local_n),
    .flush_i    (1'b0),
    .in_valid_i (start_fire && (queue_valid || !order_load)),
    .in_ready_o (order_ready),
    .in_data_i  ({grant_port, start_len}),
    .out_valid_o(queue_valid),
    .out_ready_i(order_load),
    .out_data_o (queue_order),
    .count_o    (unused_order_count)
  );

  always @(posedge clk) begin
    if (!rst_local_n) order_valid_q <= 1'b0;
    else if (order_load) order_valid_q <= queue_valid || start_fire;
    if (order_load)
      {order_port_q, order_len_q} <= queue_valid ? queue_order : {grant_port, start_len};
  end

  always @(posedge clk) begin
    if (!rst_local_n) beat_q <= 8'd0;
    else if (w_fire) beat_q <= w_last ? 8'd0 : beat_q + 8'd1;
  end

  assign data_pop = w_fire ? ONE_PORT << order_port_q : {PORTS{1'b0}};
  assign b_pop    = b_fire ? ONE_PORT << tag_port : {PORTS{1'b0}};

  sat_skid_buffer #(
    .WIDTH(1 + BEAT_W)
  ) u_w (
    .clk        (clk),
    .rst_n      (rst_local_n),
    .in_valid_i (order_valid_q),
    .in_ready_o (w_ready),
    .in_data_i  ({w_last, head[order_port_q*BEAT_W +: BEAT_W]}),
    .out_valid_o(wvalid_o),
    .out_ready_i(wready_i),
    .out_data_o ({wlast_o, wstrb_o, wdata_o})
  );

  assign bready_o    = 1'b1;
  assign err_valid_o = b_fire && bresp_i[1];
  assign err_resp_o  = bresp_i;
  assign err_addr_o  = tag_addr;
  assign err_port_o  = tag_port;

  assign drained_o  = !tag_valid;
  assign busy_o     = idle_o != {PORTS{1'b1}};
  assign progress_o = aw_fire || (wvalid_o && wready_i) || b_fire;

  reg [BYTE_W:0] bytes_d;
  integer        lane;

  always @(*) begin
    bytes_d = {BYTE_W+1{1'b0}};
    for (lane = 0; lane < STRB_W; lane = lane + 1)
      bytes_d = bytes_d + {{BYTE_W{1'b0}}, wstrb_o[lane] && wvalid_o && wready_i};
  end

  always @(posedge clk) begin
    if (!rst_n) bytes_o <= {BYTE_W+1{1'b0}};
    else bytes_o <= bytes_d;
  end

  wire unused_ok = &{1'b0, order_ready};

  // AW and W keep the rules in u_aw and u_w.
  `SAT_ASSERT(order_has_room, rst_local_n, !start_fire || order_ready)
  `SAT_ASSERT(data_is_inside, rst_local_n, (data_pop & ~data_valid) == {PORTS{1'b0}})
  `SAT_ASSERT(last_beat_is_last, rst_local_n && order_valid_q, beat_q <= order_len_q)
  `SAT_ASSERT(open_has_tag, rst_local_n, !b_fire || tag_valid)

endmodule

`default_nettype wire
