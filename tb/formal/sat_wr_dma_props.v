// SPDX-License-Identifier: Apache-2.0
// Properties of sat_wr_dma: two ports, bursts of up to 4 beats, short queues, payload of one bit;
// requests are cut to the bursts that sat_burst_split makes of them. A beat of a port is followed,
// chosen freely when it is taken (its data alone is 1), and from its start on the burst that takes
// it. Labels a_*: what is promised; i_*: how the inside belongs to it, so that the proof ends.
`default_nettype none

module sat_wr_dma_props #(
  parameter integer LINE_W      = 3,  // address in beats
  parameter integer DATA_W      = 16,
  parameter integer MAX_BURST   = 4,
  parameter integer DATA_FIFO   = 4,
  parameter integer OUTSTANDING = 2,
  parameter integer ADDR_W      = LINE_W + 1
) (
  input wire                clk,
  input wire                rst_n,
  input wire                flush_i,
  input wire                halt_i,
  input wire          [1:0] req_valid_i,
  input wire          [1:0] data_valid_i,
  input wire                awready_i,
  input wire                wready_i,
  input wire                bvalid_i,
  input wire          [1:0] bresp_i,
  input wire                port_i,   // in the first cycle: the port of the followed beat
  input wire                follow_i  // its beat that is taken now is followed
);
  wire              drained, busy, progress, err_valid, err_port, awvalid, wvalid, wlast, bready;
  wire        [1:0] req_ready, data_ready, idle, err_resp, wstrb, bytes;
  wire [ADDR_W-1:0] err_addr, awaddr;
  wire        [7:0] awlen;
  wire [DATA_W-1:0] wdata;
  wire              tag = wdata[0];

  reg               started_q = 1'b0;
  reg               port_q;
  reg               given_q;  // the followed beat has been taken
  wire              give = follow_i && !given_q;

  sat_wr_dma #(
    .PORTS      (2),
    .ADDR_W     (ADDR_W),
    .DATA_W     (DATA_W),
    .MAX_BURST  (MAX_BURST),
    .REQ_FIFO   (2),
    .DATA_FIFO  (DATA_FIFO),
    .OUTSTANDING(OUTSTANDING)
  ) u_dma (
    .clk         (clk),
    .rst_n       (rst_n),
    .flush_i     (flush_i),
    .halt_i      (halt_i),
    .drained_o   (drained),
    .busy_o      (busy),
    .progress_o  (progress),
    .bytes_o     (bytes),
    .req_valid_i (req_valid_i),
    .req_ready_o (req_ready),
    .req_addr_i  ({2*ADDR_W{1'b0}}),
    .req_beats_i (24'd0),
    .data_valid_i(data_valid_i),
    .data_ready_o(data_ready),
    .data_i      ({{DATA_W-1{1'b0}}, give && port_q, {DATA_W-1{1'b0}}, give && !port_q}),
    .strb_i      (4'b1111),
    .idle_o      (idle),
    .err_valid_o (err_valid),
    .err_resp_o  (err_resp),
    .err_addr_o  (err_addr),
    .err_port_o  (err_port),
    .awvalid_o   (awvalid),
    .awready_i   (awready_i),
    .awaddr_o    (awaddr),
    .awlen_o     (awlen),
    .wvalid_o    (wvalid),
    .wready_i    (wready_i),
    .wdata_o     (wdata),
    .wstrb_o     (wstrb),
    .wlast_o     (wlast),
    .bvalid_i    (bvalid_i),
    .bready_o    (bready),
    .bresp_i     (bresp_i)
  );

  // A burst of a port starts.
  (* hierconn *) wire              \u_dma.start_fire ;
  (* hierconn *) wire              \u_dma.grant_port ;
  (* hierconn *) wire        [7:0] \u_dma.start_len ;
  (* hierconn *) wire [ADDR_W-1:0] \u_dma.start_addr ;
  (* hierconn *) wire        [1:0] \u_dma.split_valid ;
  (* hierconn *) wire              \u_dma.gen_port[0].req_valid ;
  (* hierconn *) wire              \u_dma.gen_port[1].req_valid ;
  wire        [3:0] requests   = {\u_dma.split_valid , \u_dma.gen_port[1].req_valid ,
                                  \u_dma.gen_port[0].req_valid };
  wire              start      = \u_dma.start_fire ;
  wire              start_port = \u_dma.grant_port ;
  wire        [1:0] start_len  = \u_dma.start_len [1:0];
  wire [ADDR_W-1:0] start_addr = \u_dma.start_addr ;

  wire [1:0] data_fire = data_valid_i & data_ready;
  wire       aw_fire   = awvalid && awready_i;
  wire       w_fire    = wvalid && wready_i;
  wire       w_end     = w_fire && wlast;
  wire       clear     = !rst_n || flush_i;

  // Bursts that have started and are not taken on AW, not complete on W, not answered; beats of
  // each port that have been taken and belong to no burst yet; beats inside; number of the beat
  // on W.
  reg [2:0] aw_left_q, w_left_q, b_left_q;
  reg [2:0] unclaimed_q [0:1];
  reg [4:0] inside_q;
  reg [2:0] w_beat_q;

  // A response counts if a burst waits for it: its address and last beat have gone out.
  wire b_fire = bvalid_i && b_left_q + {2'd0, aw_fire} > aw_left_q
                && b_left_q + {2'd0, w_end} > w_left_q;

  always @(posedge clk) begin
    started_q <= 1'b1;
    if (!started_q) port_q <= port_i;
    aw_left_q <= clear ? 3'd0 : aw_left_q + {2'd0, start} - {2'd0, aw_fire};
    w_left_q  <= clear ? 3'd0 : w_left_q + {2'd0, start} - {2'd0, w_end};
    b_left_q  <= clear ? 3'd0 : b_left_q + {2'd0, start} - {2'd0, b_fire};
    unclaimed_q[0] <= clear ? 3'd0 : unclaimed_q[0] + {2'd0, data_fire[0]}
                      - ((start && !start_port) ? start_len + 3'd1 : 3'd0);
    unclaimed_q[1] <= clear ? 3'd0 : unclaimed_q[1] + {2'd0, data_fire[1]}
                      - ((start && start_port) ? start_len + 3'd1 : 3'd0);
    inside_q <= clear ? 5'd0 : inside_q + data_fire[0] + data_fire[1] - w_fire;
    if (clear) w_beat_q <= 3'd0;
    else if (w_fire) w_beat_q <= wlast ? 3'd0 : w_beat_q + 3'd1;
  end

  // The followed beat: taken, claimed by a burst as its beat place_q, written. Until it is claimed,
  // place_q counts the unclaimed beats before it. What the burst has before it on each channel.
  reg              claimed_q, aw_done_q, written_q, w_done_q, b_done_q;
  reg        [1:0] place_q, len_q;
  reg [ADDR_W-1:0] addr_q;
  reg        [2:0] aw_ahead_q, w_ahead_q, b_ahead_q;
  wire             port_start = start && start_port == port_q;
  wire             claim      = port_start && given_q && !claimed_q && place_q <= start_len;
  wire             w_here     = claimed_q && !w_done_q && w_ahead_q == 3'd0;
  wire             b_here     = claimed_q && !b_done_q && b_ahead_q == 3'd0;

  always @(posedge clk) begin
    if (clear) {given_q, claimed_q, aw_done_q, written_q, w_done_q, b_done_q} <= 6'd0;
    else begin
      if (give && data_fire[port_q]) begin
        given_q <= 1'b1;
        // Fits: the queue is not full.
        place_q <= unclaimed_q[port_q] - (port_start ? start_len + 3'd1 : 3'd0);
      end else if (port_start && given_q && !claimed_q && !claim)
        place_q <= place_q - start_len - 2'd1;
      if (claim) begin
        claimed_q  <= 1'b1;
        addr_q     <= start_addr;
        len_q      <= start_len;
        aw_ahead_q <= aw_left_q - {2'd0, aw_fire};
        w_ahead_q  <= w_left_q - {2'd0, w_end};
        b_ahead_q  <= b_left_q - {2'd0, b_fire};
      end else if (claimed_q) begin
        if (aw_fire && !aw_done_q) begin
          aw_done_q  <= aw_ahead_q == 3'd0;
          aw_ahead_q <= aw_ahead_q - 3'd1;
        end
        if (w_fire && w_here && w_beat_q == place_q) written_q <= 1'b1;
        if (w_end && !w_done_q) begin
          w_done_q  <= w_ahead_q == 3'd0;
          w_ahead_q <= w_ahead_q - 3'd1;
        end
        if (b_fire && !b_done_q) begin
          b_done_q  <= b_here;
          b_ahead_q <= b_ahead_q - 3'd1;
        end
      end
    end
  end

  // One cycle ago.
  reg quiet_q;

  always @(posedge clk) quiet_q <= !clear && halt_i && drained;

  always @(*) begin
    if (!started_q) m_reset_first: assume (!rst_n);
    else begin
      // A flush comes as the contract says.
      if (flush_i) m_flush: assume (halt_i && drained);

      a_bready: assert (bready);
      // A burst stays within MAX_BURST aligned beats.
      if (awvalid) a_window: assert (!awaddr[0] && {6'd0, awaddr[2:1]} + awlen < MAX_BURST);
      a_outstanding: assert (b_left_q <= OUTSTANDING);
      // What has been started is offered at once, whatever the clients do, halted or not.
      a_aw_valid: assert (awvalid == (aw_left_q != 3'd0));
      if (halt_i) a_halt_start: assert (!start);
      // The burst has the address and length of its start, and WLAST on its last beat alone.
      if (claimed_q && !aw_done_q && aw_ahead_q == 3'd0)
        a_aw: assert (awvalid && awaddr == addr_q && awlen == {6'd0, len_q});
      if (w_here && wvalid) a_last: assert (wlast == (w_beat_q == len_q));
      // The followed beat, and no other, comes at its place in it.
      if (wvalid) a_data: assert (tag == (w_here && w_beat_q == place_q));
      if (w_done_q) a_written: assert (written_q);
      // Idle and busy: exactly as long as something is left to do.
      if (given_q && !b_done_q) a_idle: assert (!idle[port_q]);
      if (requests == 4'd0 && inside_q == 5'd0 && b_left_q == 3'd0)
        a_idle_again: assert (idle == 2'b11);
      a_busy:     assert (busy == (idle != 2'b11));
      a_drained:  assert (drained == (b_left_q == 3'd0));
      a_drained_data: assert (aw_left_q <= b_left_q && w_left_q <= b_left_q);
      if (quiet_q) a_halt: assert (drained && !awvalid && !wvalid);
      a_progress: assert (progress == (aw_fire || w_fire || b_fire));
      // Errors: with the address and port of the burst.
      a_error: assert (err_valid == (b_fire && bresp_i[1]) && err_resp == bresp_i);
      if (b_here && b_fire) a_error_of: assert (err_addr == addr_q && err_port == port_q);
    end
  end

`ifndef FAULT
  // ---- Invariants: a planted fault must be seen without them --------------------------------
  // Queues, oldest entry first: of started bursts, by data and by response; of addresses; of beats.
  (* hierconn *) wire [1:0] \u_dma.u_order.write_ptr_q ;
  (* hierconn *) wire [1:0] \u_dma.u_order.read_ptr_q ;
  (* hierconn *) wire [8:0] \u_dma.u_order.u_memory.memory[0] ;
  (* hierconn *) wire [8:0] \u_dma.u_order.u_memory.memory[1] ;
  (* hierconn *) wire [7:0] \u_dma.beat_q ;
  (* hierconn *) wire       \u_dma.order_valid_q ;
  (* hierconn *) wire       \u_dma.order_port_q ;
  (* hierconn *) wire [7:0] \u_dma.order_len_q ;
  wire       ordered   = \u_dma.order_valid_q ;
  wire [1:0] behind    = \u_dma.u_order.write_ptr_q  - \u_dma.u_order.read_ptr_q ;
  wire [1:0] orders    = behind + ordered;
  wire [8:0] order     [0:1];
  assign order[0] = {\u_dma.order_port_q , \u_dma.order_len_q };
  assign order[1] = \u_dma.u_order.read_ptr_q [0] ? \u_dma.u_order.u_memory.memory[1]
                    : \u_dma.u_order.u_memory.memory[0] ;
  wire [7:0] beat      = \u_dma.beat_q ;
  (* hierconn *) wire [1:0] \u_dma.addressed_q ;
  (* hierconn *) wire [1:0] \u_dma.written_q ;
  wire [1:0] addressed = \u_dma.addressed_q ;
  wire [1:0] written   = \u_dma.written_q ;

  (* hierconn *) wire      [1:0] \u_dma.u_tags.write_ptr_q ;
  (* hierconn *) wire      [1:0] \u_dma.u_tags.read_ptr_q ;
  (* hierconn *) wire [ADDR_W:0] \u_dma.u_tags.u_memory.memory[0] ;
  (* hierconn *) wire [ADDR_W:0] \u_dma.u_tags.u_memory.memory[1] ;
  wire      [1:0] tags    = \u_dma.u_tags.write_ptr_q  - \u_dma.u_tags.read_ptr_q ;
  wire            odd_tag = \u_dma.u_tags.read_ptr_q [0];
  wire [ADDR_W:0] tagged  [0:1];
  assign tagged[0] = odd_tag ? \u_dma.u_tags.u_memory.memory[1]
                    : \u_dma.u_tags.u_memory.memory[0] ;
  assign tagged[1] = odd_tag ? \u_dma.u_tags.u_memory.memory[0]
                    : \u_dma.u_tags.u_memory.memory[1] ;

  (* hierconn *) wire              \u_dma.u_aw.main_valid_q ;
  (* hierconn *) wire              \u_dma.u_aw.skid_valid_q ;
  (* hierconn *) wire [ADDR_W+7:0] \u_dma.u_aw.skid_data_q ;
  wire       aws_main = \u_dma.u_aw.main_valid_q ;
  wire       aws_skid = \u_dma.u_aw.skid_valid_q ;
  wire [ADDR_W+7:0] aw_second = \u_dma.u_aw.skid_data_q ;

  (* hierconn *) wire                      \u_dma.u_w.main_valid_q ;
  (* hierconn *) wire                      \u_dma.u_w.skid_valid_q ;
  (* hierconn *) wire [DATA_W+DATA_W/8:0]  \u_dma.u_w.skid_data_q ;
  wire       w_main    = \u_dma.u_w.main_valid_q ;
  wire       w_skid    = \u_dma.u_w.skid_valid_q ;
  wire       skid_last = \u_dma.u_w.skid_data_q [DATA_W+DATA_W/8];
  wire       skid_tag  = \u_dma.u_w.skid_data_q [0];
  wire [2:0] lasts     = {2'b0, w_main && wlast} + {2'b0, w_skid && skid_last};
  // Numbers of the second beat in the buffer, and of the beat that comes next.
  wire [2:0] skid_beat = wlast ? 3'd0 : w_beat_q + 3'd1;
  wire [2:0] next_beat = w_skid ? (skid_last ? 3'd0 : skid_beat + 3'd1)
                       : w_main ? skid_beat : w_beat_q;

  // Place of the followed burst in the order queue (or negative); whether its beat is still in the
  // queue of its port, and there the number of beats before it.
  wire signed [3:0] at      = {1'b0, w_ahead_q} - {1'b0, lasts};
  wire              queued  = given_q && (!claimed_q || (!w_done_q
                              && (at > 0 || (at == 0 && beat[1:0] <= place_q))));
  wire        [2:0] head_left  = {1'b0, order[0][1:0]} + 3'd1 - beat[2:0];
  wire        [3:0] claims [0:1];
  wire        [3:0] before  = (!claimed_q ? claims[port_q]
                               : (at == 1 && order[0][8] == port_q) ? {1'b0, head_left} : 4'd0)
                              + {2'd0, place_q}
                              - ((claimed_q && at == 0) ? {1'b0, beat[2:0]} : 4'd0);
  // Bursts started from the followed one on.
  wire        [2:0] since   = b_left_q - b_ahead_q;

  wire [2:0] counts [0:1];
  genvar p;
  generate
    for (p = 0; p < 2; p = p + 1) begin : gen_claims
      assign claims[p] = ((orders != 2'd0 && order[0][8] == p) ? {1'b0, head_left} : 4'd0)
                         + ((orders == 2'd2 && order[1][8] == p)
                            ? {2'd0, order[1][1:0]} + 4'd1 : 4'd0);
      always @(*) if (started_q) begin
        assert (counts[p] <= DATA_FIFO);
        assert ({2'd0, counts[p]} == {2'd0, unclaimed_q[p]} + {1'b0, claims[p]});
      end
    end
  endgenerate

  (* hierconn *) wire [2:0] \u_dma.gen_port[0].u_data.write_ptr_q ;
  (* hierconn *) wire [2:0] \u_dma.gen_port[0].u_data.read_ptr_q ;
  (* hierconn *) wire [2:0] \u_dma.gen_port[0].free_q ;
  (* hierconn *) wire [1:0] \u_dma.gen_port[0].open_q ;
  (* hierconn *) wire [DATA_W+DATA_W/8-1:0] \u_dma.gen_port[0].u_data.u_memory.memory[0] ;
  (* hierconn *) wire [DATA_W+DATA_W/8-1:0] \u_dma.gen_port[0].u_data.u_memory.memory[1] ;
  (* hierconn *) wire [DATA_W+DATA_W/8-1:0] \u_dma.gen_port[0].u_data.u_memory.memory[2] ;
  (* hierconn *) wire [DATA_W+DATA_W/8-1:0] \u_dma.gen_port[0].u_data.u_memory.memory[3] ;
  wire [3:0] marks_a = {\u_dma.gen_port[0].u_data.u_memory.memory[3] [0],
                        \u_dma.gen_port[0].u_data.u_memory.memory[2] [0],
                        \u_dma.gen_port[0].u_data.u_memory.memory[1] [0],
                        \u_dma.gen_port[0].u_data.u_memory.memory[0] [0]};

  (* hierconn *) wire [2:0] \u_dma.gen_port[1].u_data.write_ptr_q ;
  (* hierconn *) wire [2:0] \u_dma.gen_port[1].u_data.read_ptr_q ;
  (* hierconn *) wire [2:0] \u_dma.gen_port[1].free_q ;
  (* hierconn *) wire [1:0] \u_dma.gen_port[1].open_q ;
  (* hierconn *) wire [DATA_W+DATA_W/8-1:0] \u_dma.gen_port[1].u_data.u_memory.memory[0] ;
  (* hierconn *) wire [DATA_W+DATA_W/8-1:0] \u_dma.gen_port[1].u_data.u_memory.memory[1] ;
  (* hierconn *) wire [DATA_W+DATA_W/8-1:0] \u_dma.gen_port[1].u_data.u_memory.memory[2] ;
  (* hierconn *) wire [DATA_W+DATA_W/8-1:0] \u_dma.gen_port[1].u_data.u_memory.memory[3] ;
  wire [3:0] marks_b = {\u_dma.gen_port[1].u_data.u_memory.memory[3] [0],
                        \u_dma.gen_port[1].u_data.u_memory.memory[2] [0],
                        \u_dma.gen_port[1].u_data.u_memory.memory[1] [0],
                        \u_dma.gen_port[1].u_data.u_memory.memory[0] [0]};

  wire [1:0] open [0:1];
  wire [2:0] free [0:1];
  wire [1:0] head [0:1];
  wire [3:0] marks [0:1];
  assign counts[0] = \u_dma.gen_port[0].u_data.write_ptr_q  - \u_dma.gen_port[0].u_data.read_ptr_q ;
  assign open[0]   = \u_dma.gen_port[0].open_q ;
  assign free[0]   = \u_dma.gen_port[0].free_q ;
  assign head[0]   = \u_dma.gen_port[0].u_data.read_ptr_q [1:0];
  assign marks[0]  = marks_a;
  assign counts[1] = \u_dma.gen_port[1].u_data.write_ptr_q  - \u_dma.gen_port[1].u_data.read_ptr_q ;
  assign open[1]   = \u_dma.gen_port[1].open_q ;
  assign free[1]   = \u_dma.gen_port[1].free_q ;
  assign head[1]   = \u_dma.gen_port[1].u_data.read_ptr_q [1:0];
  assign marks[1]  = marks_b;
  generate
    for (p = 0; p < 2; p = p + 1) begin : gen_queue
      // The data queue from its head on.
      wire [3:0] mark = {marks[p], marks[p]} >> head[p];
      always @(*) if (started_q) begin
        assert (free[p] == unclaimed_q[p]);
        assert ((mark & ~(4'b1111 << counts[p]))
                == ((queued && port_q == p) ? 4'd1 << before : 4'd0));
        if (queued && port_q == p) assert (before < {1'b0, counts[p]});
      end
    end
  endgenerate

  always @(*) if (started_q) begin
    i_aw:  assert (aw_left_q == {2'd0, aws_main} + {2'd0, aws_skid} && (aws_main || !aws_skid));
    i_w:   assert (w_left_q == orders + lasts && (w_main || !w_skid));
    i_b:   assert (b_left_q == tags && orders <= tags);
    i_ordered: assert (ordered || behind == 2'd0);
    i_len: assert ((orders == 2'd0 || order[0][7:0] < MAX_BURST)
                   && (orders != 2'd2 || order[1][7:0] < MAX_BURST));
    if (aws_skid) i_window: assert (!aw_second[0] && {6'd0, aw_second[2:1]}
                                    + aw_second[ADDR_W +: 8] < MAX_BURST);
    i_beat: assert (orders == 2'd0 ? beat == 8'd0 : beat <= order[0][7:0]);
    i_next: assert (beat == {5'd0, next_beat});
    i_short: assert (w_beat_q < MAX_BURST && (!w_skid || skid_beat < MAX_BURST));
    i_out: assert ({1'b0, addressed} + aw_left_q == tags && {1'b0, written} + w_left_q == tags);
    i_inside: assert (inside_q == {2'd0, counts[0]} + {2'd0, counts[1]} + w_main + w_skid);
    if (w_skid) i_skid: assert (skid_tag == (claimed_q && !w_done_q && skid_beat == place_q
                                             && w_ahead_q == {2'd0, wlast}));
    if (w_skid && claimed_q && !w_done_q && w_ahead_q == {2'd0, wlast})
      i_skid_last: assert (skid_last == (skid_beat == len_q));
    i_given: assert (given_q || !claimed_q);
    if (given_q && !claimed_q)
      i_place: assert ({1'b0, place_q} < unclaimed_q[port_q]);
    if (claimed_q) begin
      i_in_burst: assert (place_q <= len_q);
      i_written:  assert (written_q == (w_done_q || (w_ahead_q == 3'd0 && w_beat_q > place_q)));
      if (w_here) i_on_w: assert (w_beat_q <= len_q);
      if (b_done_q) i_done: assert (aw_done_q && w_done_q);
      else begin
        i_tag: assert (b_ahead_q < b_left_q && tagged[b_ahead_q[0]] == {port_q, addr_q});
        i_aw_since: assert (aw_done_q ? aw_left_q < since
                            : aw_ahead_q < aw_left_q && aw_left_q == aw_ahead_q + since);
        i_w_since:  assert (w_done_q ? w_left_q < since
                            : w_ahead_q < w_left_q && w_left_q == w_ahead_q + since);
      end
      if (!aw_done_q && aw_ahead_q == 3'd1)
        i_address: assert (aws_skid && aw_second == {6'd0, len_q, addr_q});
      if (!w_done_q && at >= 0)
        i_order: assert (at < {2'd0, orders} && order[at[0]] == {port_q, 6'd0, len_q});
    end else i_unwritten: assert (!written_q && !aw_done_q && !w_done_q && !b_done_q);
    i_open: assert (open[0] + open[1] == tags
                    && open[1] == {1'b0, tags != 2'd0 && tagged[0][ADDR_W]}
                                  + {1'b0, tags == 2'd2 && tagged[1][ADDR_W]});
  end
`endif

`ifdef COVER
  // Must fail: an error for a burst whose second beat was followed, while another burst is open.
  always @(*)
    if (started_q) c_error: assert (!(b_here && err_valid && place_q == 2'd1 && b_left_q == 3'd2));
`endif
endmodule

`default_nettype wire
