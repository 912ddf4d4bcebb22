// SPDX-License-Identifier: Apache-2.0
// Properties of sat_rd_dma: two ports, bursts of up to 4 beats, two outstanding, payload of one
// bit; requests are cut to the bursts that sat_burst_split makes of them. The memory may do
// anything: wrong RLAST, beats that nobody asked for. Labels as in sat_wr_dma_props.v.
`default_nettype none

module sat_rd_dma_props #(
  parameter integer LINE_W    = 3,  // address in beats
  parameter integer DATA_W    = 16,
  parameter integer MAX_BURST = 4,
  parameter integer ADDR_W    = LINE_W + 1
) (
  input wire              clk,
  input wire              rst_n,
  input wire              flush_i,
  input wire              halt_i,
  input wire        [1:0] req_valid_i,
  input wire        [1:0] rsp_ready_i,
  input wire              arready_i,
  input wire              rvalid_i,
  input wire              rdata_i,
  input wire        [1:0] rresp_i,
  input wire              rlast_i
);
  localparam integer OUTSTANDING = 2;

  wire              drained, busy, progress, beat, err_valid, err_port, arvalid, rready;
  wire        [1:0] req_ready, rsp_valid, err_resp;
  wire [DATA_W-1:0] rsp_data;
  wire [ADDR_W-1:0] err_addr, araddr;
  wire        [7:0] arlen;

  sat_rd_dma #(
    .PORTS      (2),
    .ADDR_W     (ADDR_W),
    .DATA_W     (DATA_W),
    .OUTSTANDING(OUTSTANDING),
    .MAX_BURST  (MAX_BURST)
  ) u_dma (
    .clk        (clk),
    .rst_n      (rst_n),
    .flush_i    (flush_i),
    .halt_i     (halt_i),
    .drained_o  (drained),
    .busy_o     (busy),
    .progress_o (progress),
    .beat_o     (beat),
    .req_valid_i(req_valid_i),
    .req_ready_o(req_ready),
    .req_addr_i ({2*ADDR_W{1'b0}}),
    .req_beats_i(24'd0),
    .rsp_valid_o(rsp_valid),
    .rsp_ready_i(rsp_ready_i),
    .rsp_data_o (rsp_data),
    .err_valid_o(err_valid),
    .err_resp_o (err_resp),
    .err_addr_o (err_addr),
    .err_port_o (err_port),
    .arvalid_o  (arvalid),
    .arready_i  (arready_i),
    .araddr_o   (araddr),
    .arlen_o    (arlen),
    .rvalid_i   (rvalid_i),
    .rready_o   (rready),
    .rdata_i    ({{DATA_W-1{1'b0}}, rdata_i}),
    .rresp_i    (rresp_i),
    .rlast_i    (rlast_i)
  );

  // A burst starts.
  (* hierconn *) wire              \u_dma.start_fire ;
  (* hierconn *) wire              \u_dma.burst_valid ;
  (* hierconn *) wire        [7:0] \u_dma.burst_len ;
  (* hierconn *) wire [ADDR_W-1:0] \u_dma.burst_addr ;
  wire              start      = \u_dma.start_fire ;
  wire              waiting    = \u_dma.burst_valid ;
  wire        [1:0] start_len  = \u_dma.burst_len [1:0];
  wire [LINE_W-1:0] start_line = \u_dma.burst_addr [LINE_W:1];

  wire ar_fire = arvalid && arready_i;
  wire r_fire  = rvalid_i && rready;
  wire clear   = !rst_n || flush_i;

  // The model. Started bursts that have not had all beats, oldest first, the last ar_left_q of
  // which are not taken on AR; beats inside, oldest first: {RLAST, RRESP, data}; beats of the
  // oldest burst that have been delivered.
  reg                started_q = 1'b0;
  reg                last_port_q;           // of the request that was taken last
  reg                port_q [0:1];
  reg          [1:0] len_q  [0:1];
  reg   [LINE_W-1:0] line_q [0:1];
  reg          [1:0] bursts_q, ar_left_q, beats_q, place_q;
  reg          [3:0] first_q, second_q;

  wire         [1:0] open     = bursts_q - ar_left_q;
  wire               at_hand  = beats_q != 2'd0 && open != 2'd0;
  wire               deliver  = at_hand && (halt_i || rsp_ready_i[port_q[0]]);
  wire               take     = deliver || (beats_q != 2'd0 && open == 2'd0);
  wire               last     = place_q == len_q[0];
  wire               pop      = deliver && last;
  wire         [1:0] left     = bursts_q - {1'b0, pop};
  wire         [1:0] kept     = beats_q - {1'b0, take};
  wire  [LINE_W-1:0] err_line = line_q[0] + {1'b0, place_q};

  always @(posedge clk) begin
    started_q <= 1'b1;
    if (req_valid_i & req_ready) last_port_q <= req_ready[1];
    if (clear) {bursts_q, ar_left_q, beats_q, place_q} <= 8'd0;
    else begin
      bursts_q  <= left + {1'b0, start};
      ar_left_q <= ar_left_q + {1'b0, start} - {1'b0, ar_fire};
      beats_q   <= kept + {1'b0, r_fire};
      if (deliver) place_q <= last ? 2'd0 : place_q + 2'd1;
    end
    if (pop) begin
      port_q[0] <= port_q[1];
      len_q[0]  <= len_q[1];
      line_q[0] <= line_q[1];
    end
    if (start) begin
      port_q[left[0]] <= last_port_q;
      len_q[left[0]]  <= start_len;
      line_q[left[0]] <= start_line;
    end
    if (take) first_q <= second_q;
    if (r_fire && kept == 2'd0) first_q <= {rlast_i, rresp_i, rdata_i};
    if (r_fire && kept == 2'd1) second_q <= {rlast_i, rresp_i, rdata_i};
  end

  // One cycle ago.
  reg quiet_q;

  always @(posedge clk) quiet_q <= !clear && halt_i && drained;

  always @(*) begin
    if (!started_q) m_reset_first: assume (!rst_n);
    else begin
      // A flush comes as the contract says.
      if (flush_i) m_flush: assume (halt_i && drained);

      // A request is taken of who asks.
      a_request: assert ((req_ready & ~req_valid_i) == 2'd0);
      // Every start goes out at once, in order, within MAX_BURST aligned beats.
      a_ar_valid: assert (arvalid == (ar_left_q != 2'd0));
      if (arvalid) begin
        a_ar:     assert (araddr == {line_q[open[0]], 1'b0} && arlen == {6'd0, len_q[open[0]]});
        a_window: assert ({6'd0, araddr[2:1]} + arlen < MAX_BURST);
      end
      a_outstanding: assert (bursts_q <= OUTSTANDING);
      if (halt_i) a_halt_start: assert (!start);
      // A beat is taken unless two wait, and delivered to the port that asked, in order; a burst
      // has the beats it asked for.
      a_rready: assert (rready == (beats_q != 2'd2));
      a_rsp:    assert (rsp_valid == ((at_hand && !halt_i) ? 2'd1 << port_q[0] : 2'd0));
      if (at_hand) a_data: assert (rsp_data[0] == first_q[0]);
      // Busy and drained: exactly as long as something is left to do.
      a_drained: assert (drained == (bursts_q == 2'd0));
      a_busy:    assert (busy == (bursts_q != 2'd0 || waiting));
      if (quiet_q) a_halt: assert (drained && !arvalid);
      a_progress: assert (progress == (deliver || ar_fire) && beat == r_fire);
      // Errors: SLVERR, DECERR, or RLAST in the wrong place, with the beat's address and port.
      a_error: assert (err_valid == (deliver && (first_q[2] || first_q[3] != last)));
      if (err_valid) a_error_of: assert (err_resp == (first_q[2] ? first_q[2:1] : 2'd0)
                                         && err_addr == {err_line, 1'b0} && err_port == port_q[0]);
    end
  end

`ifndef FAULT
  // ---- Invariants: a planted fault must be seen without them --------------------------------
  localparam integer TAG_W = 3 + LINE_W;

  (* hierconn *) wire             \u_dma.u_split.asked_q ;
  (* hierconn *) wire             \u_dma.split_port_q ;
  wire             asked    = \u_dma.u_split.asked_q ;
  (* hierconn *) wire       [1:0] \u_dma.open_q ;
  (* hierconn *) wire       [1:0] \u_dma.beat_q ;
  (* hierconn *) wire       [1:0] \u_dma.u_tags.write_ptr_q ;
  (* hierconn *) wire       [1:0] \u_dma.u_tags.read_ptr_q ;
  (* hierconn *) wire [TAG_W-1:0] \u_dma.u_tags.u_memory.memory[0] ;
  (* hierconn *) wire [TAG_W-1:0] \u_dma.u_tags.u_memory.memory[1] ;
  (* hierconn *) wire             \u_dma.tag_valid_q ;
  (* hierconn *) wire             \u_dma.tags_full_q ;
  (* hierconn *) wire             \u_dma.tag_port_q ;
  (* hierconn *) wire       [1:0] \u_dma.tag_len_q ;
  (* hierconn *) wire [LINE_W-1:0] \u_dma.tag_line_q ;
  wire             held     = \u_dma.tag_valid_q ;
  wire             odd      = \u_dma.u_tags.read_ptr_q [0];
  wire [TAG_W-1:0] tag      = odd ? \u_dma.u_tags.u_memory.memory[1]
                                  : \u_dma.u_tags.u_memory.memory[0] ;
  wire       [1:0] tags     = \u_dma.u_tags.write_ptr_q  - \u_dma.u_tags.read_ptr_q ;

  (* hierconn *) wire              \u_dma.u_ar.skid_valid_q ;
  (* hierconn *) wire [ADDR_W+7:0] \u_dma.u_ar.skid_data_q ;
  (* hierconn *) wire              \u_dma.u_r.main_valid_q ;
  (* hierconn *) wire              \u_dma.u_r.skid_valid_q ;
  (* hierconn *) wire [DATA_W+2:0] \u_dma.u_r.main_data_q ;
  (* hierconn *) wire [DATA_W+2:0] \u_dma.u_r.skid_data_q ;
  wire              ar_skid = \u_dma.u_ar.skid_valid_q ;
  wire [ADDR_W+7:0] ar_next = \u_dma.u_ar.skid_data_q ;
  wire              r_main  = \u_dma.u_r.main_valid_q ;
  wire              r_skid  = \u_dma.u_r.skid_valid_q ;
  wire        [3:0] r_first = {\u_dma.u_r.main_data_q [DATA_W+2:DATA_W],
                               \u_dma.u_r.main_data_q [0]};
  wire        [3:0] r_next  = {\u_dma.u_r.skid_data_q [DATA_W+2:DATA_W],
                               \u_dma.u_r.skid_data_q [0]};

  always @(*) if (started_q) begin
    if (asked) i_port: assert (\u_dma.split_port_q  == last_port_q);
    i_open:  assert (\u_dma.open_q  == open && ar_left_q <= bursts_q);
    i_place: assert (\u_dma.beat_q  == place_q);
    if (bursts_q == 2'd0) i_no_place: assert (place_q == 2'd0);
    else i_in_burst: assert (place_q <= len_q[0]);
    if (bursts_q != 2'd0) i_window: assert ({1'b0, line_q[0][1:0]} + len_q[0] < MAX_BURST);
    if (bursts_q == 2'd2) i_next_window: assert ({1'b0, line_q[1][1:0]} + len_q[1] < MAX_BURST);
    i_tags: assert (tags + {1'b0, held} == bursts_q
                    && \u_dma.tags_full_q  == (bursts_q == OUTSTANDING));
    if (held) i_tag: assert ({\u_dma.tag_port_q , \u_dma.tag_len_q , \u_dma.tag_line_q }
                             == {port_q[0], len_q[0], line_q[0]});
    else i_on_its_way: assert (bursts_q <= 2'd1 && open == 2'd0);
    if (tags != 2'd0) i_next_tag: assert (tag == {port_q[held], len_q[held], line_q[held]});
    i_ar: assert (ar_left_q == {1'b0, arvalid} + {1'b0, ar_skid} && (arvalid || !ar_skid));
    if (ar_skid) i_ar_next: assert (ar_next == {6'd0, len_q[1], line_q[1], 1'b0});
    i_r: assert (beats_q == {1'b0, r_main} + {1'b0, r_skid} && (r_main || !r_skid));
    if (r_main) i_r_first: assert (r_first == first_q);
    if (r_skid) i_r_next: assert (r_next == second_q);
  end
`endif

`ifdef COVER
  // Must fail: RLAST missing on the last of three beats for a second port, with two bursts open.
  always @(*)
    if (started_q) c_error: assert (!(err_valid && err_resp == 2'd0 && last && place_q == 2'd2
                                      && open == 2'd2 && port_q[0] && !port_q[1]));
`endif
endmodule

`default_nettype wire
