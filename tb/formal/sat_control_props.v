// SPDX-License-Identifier: Apache-2.0
// sat_regs and sat_sequencer joined: what docs/reference/commands.md ("Errors") says of
// start, clear, BUSY, the status and the error registers. Fetch and check of descriptors are cut to
// stand-ins that answer anything; host, engines and DMAs do anything but what m_* excludes.
// Labels as in sat_wr_dma_props.v.
`default_nettype none
`include "sat_defs.vh"

module sat_control_props #(
  parameter integer ADDR_W = 40,
  parameter integer DATA_W = 128
) (
  input wire              clk,
  input wire              rst_n,
  input wire       [11:0] awaddr_i,
  input wire              awvalid_i,
  input wire       [31:0] wdata_i,
  input wire        [3:0] wstrb_i,
  input wire              wvalid_i,
  input wire              bready_i,
  input wire       [11:0] araddr_i,
  input wire              arvalid_i,
  input wire              rready_i,
  input wire              matmul_loads_i,  // a MATMUL may start beside the one inside
  input wire              matmul_ends_i,   // the older one
  input wire              vector_ends_i,
  input wire        [1:0] overflow_i,
  input wire        [1:0] engine_progress_i,
  input wire              rd_drained_i,
  input wire              wr_drained_i,
  input wire              bus_progress_i,
  input wire              rd_err_valid_i,
  input wire        [1:0] rd_err_resp_i,
  input wire [ADDR_W-1:0] rd_err_addr_i,
  input wire        [2:0] rd_err_port_i,
  input wire              wr_err_valid_i,
  input wire        [1:0] wr_err_resp_i,
  input wire [ADDR_W-1:0] wr_err_addr_i,
  input wire              wr_err_port_i
);
  wire        awready, wready, bvalid, arready, rvalid;
  wire [1:0]  bresp, rresp;
  wire [31:0] rdata;
  wire        start, clear, irq, busy, draining, overflow, done_set, fence_set, err_valid;
  wire        matmul_start, vector_start, halt, flush, latch, req_valid, rsp_ready;
  wire [63:0] prog_addr, err_addr;
  wire [31:0] prog_len, watchdog, seed, step, err_index;
  wire  [7:0] err_code;
  reg         matmul_busy_q, matmul_pair_q, vector_busy_q;

  sat_regs #(
    .ADDR_W(ADDR_W),
    .DATA_W(DATA_W)
  ) u_regs (
    .clk                (clk),
    .rst_n              (rst_n),
    .s_axil_awaddr      (awaddr_i),
    .s_axil_awvalid     (awvalid_i),
    .s_axil_awready     (awready),
    .s_axil_wdata       (wdata_i),
    .s_axil_wstrb       (wstrb_i),
    .s_axil_wvalid      (wvalid_i),
    .s_axil_wready      (wready),
    .s_axil_bresp       (bresp),
    .s_axil_bvalid      (bvalid),
    .s_axil_bready      (bready_i),
    .s_axil_araddr      (araddr_i),
    .s_axil_arvalid     (arvalid_i),
    .s_axil_arready     (arready),
    .s_axil_rdata       (rdata),
    .s_axil_rresp       (rresp),
    .s_axil_rvalid      (rvalid),
    .s_axil_rready      (rready_i),
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
    .matmul_busy_i      (matmul_busy_q),
    .vector_busy_i      (vector_busy_q),
    .overflow_i         (overflow),
    .done_set_i         (done_set),
    .fence_set_i        (fence_set),
    .err_valid_i        (err_valid),
    .err_code_i         (err_code),
    .err_index_i        (err_index),
    .err_addr_i         (err_addr),
    .count_cycle_i      (1'b0),
    .count_array_busy_i (1'b0),
    .count_array_slot_i (1'b0),
    .count_vector_busy_i(1'b0),
    .count_rdma_busy_i  (1'b0),
    .count_wdma_busy_i  (1'b0),
    .count_stall_a_i    (1'b0),
    .count_stall_s_i    (1'b0),
    .count_stall_drain_i(1'b0),
    .count_rd_beat_i    (1'b0),
    .count_wr_bytes_i   (5'd0)
  );

  sat_sequencer #(
    .ADDR_W(ADDR_W),
    .DATA_W(DATA_W)
  ) u_sequencer (
    .clk              (clk),
    .rst_n            (rst_n),
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
    .desc_o           (),
    .matmul_start_o   (matmul_start),
    .matmul_a_meets_o (),
    .matmul_s_meets_o (),
    .matmul_ready_i   (!matmul_busy_q || (matmul_loads_i && !matmul_pair_q)),
    .matmul_busy_i    (matmul_busy_q),
    .matmul_pair_i    (matmul_pair_q),
    .matmul_overflow_i(overflow_i[0]),
    .matmul_progress_i(engine_progress_i[0]),
    .vector_start_o   (vector_start),
    .vector_busy_i    (vector_busy_q),
    .vector_overflow_i(overflow_i[1]),
    .vector_progress_i(engine_progress_i[1]),
    .overflow_latch_o (latch),
    .rd_req_valid_o   (req_valid),
    .rd_req_ready_i   (1'b0),
    .rd_req_addr_o    (),
    .rd_req_beats_o   (),
    .rd_rsp_valid_i   (1'b0),
    .rd_rsp_ready_o   (rsp_ready),
    .rd_rsp_data_i    ({DATA_W{1'b0}}),
    .halt_o           (halt),
    .flush_o          (flush),
    .rd_drained_i     (rd_drained_i),
    .wr_drained_i     (wr_drained_i),
    .bus_progress_i   (bus_progress_i),
    .rd_err_valid_i   (rd_err_valid_i),
    .rd_err_resp_i    (rd_err_resp_i),
    .rd_err_addr_i    (rd_err_addr_i),
    .rd_err_port_i    (rd_err_port_i),
    .wr_err_valid_i   (wr_err_valid_i),
    .wr_err_resp_i    (wr_err_resp_i),
    .wr_err_addr_i    (wr_err_addr_i),
    .wr_err_port_i    (wr_err_port_i)
  );

  // The host's accesses, in the cycle in which they act.
  (* hierconn *) wire        \u_regs.write_fire ;
  (* hierconn *) wire [11:0] \u_regs.write_addr ;
  (* hierconn *) wire [31:0] \u_regs.write_data ;
  (* hierconn *) wire [3:0]  \u_regs.write_strb ;
  (* hierconn *) wire        \u_regs.write_ok ;
  (* hierconn *) wire        \u_regs.read_fire ;
  (* hierconn *) wire [11:0] \u_regs.read_addr ;
  (* hierconn *) wire        \u_regs.read_ok ;
  (* hierconn *) wire [31:0] \u_regs.read_data ;
  wire [11:0] read_at    = {\u_regs.read_addr [11:2], 2'b00};
  wire [31:0] read_data  = \u_regs.read_data ;
  wire        write      = \u_regs.write_fire ;
  wire [11:0] write_at   = {\u_regs.write_addr [11:2], 2'b00};
  wire  [2:0] write_low  = \u_regs.write_strb [0] ? \u_regs.write_data [2:0] : 3'd0;
  wire        ctrl       = write && write_at == `SAT_REG_CTRL;
  wire        host_clear = ctrl && write_low[`SAT_CTRL_CLEAR_LSB];
  wire        host_start = ctrl && write_low[`SAT_CTRL_START_LSB] && !host_clear;
  wire  [2:0] acknowledged = (write && write_at == `SAT_REG_IRQ_STATUS) ? write_low : 3'd0;

  // What is there to be read and written.
  wire readable = read_at <= `SAT_REG_STEP
                  || (read_at >= `SAT_REG_CYCLES_LO && read_at <= `SAT_REG_BYTES_WRITTEN_HI);
  wire writable = write_at == `SAT_REG_SCRATCH || write_at == `SAT_REG_CTRL
                  || write_at == `SAT_REG_IRQ_ENABLE || write_at == `SAT_REG_IRQ_STATUS
                  || write_at == `SAT_REG_PROG_ADDR_LO || write_at == `SAT_REG_PROG_ADDR_HI
                  || write_at == `SAT_REG_PROG_LEN || write_at == `SAT_REG_WATCHDOG
                  || write_at == `SAT_REG_SEED || write_at == `SAT_REG_STEP;
  // The program's registers after this cycle: only strobed bytes of the one written change.
  wire  [31:0] strobes = {{8{\u_regs.write_strb [3]}}, {8{\u_regs.write_strb [2]}},
                          {8{\u_regs.write_strb [1]}}, {8{\u_regs.write_strb [0]}}};
  (* hierconn *) wire [31:0] \u_regs.seed_q ;
  (* hierconn *) wire [31:0] \u_regs.step_q ;
  wire [191:0] set     = {\u_regs.step_q , \u_regs.seed_q , watchdog, prog_len, prog_addr};
  wire [191:0] touched = !write ? 192'd0
                         : {write_at == `SAT_REG_STEP ? strobes : 32'd0,
                            write_at == `SAT_REG_SEED ? strobes : 32'd0,
                            write_at == `SAT_REG_WATCHDOG ? strobes : 32'd0,
                            write_at == `SAT_REG_PROG_LEN ? strobes : 32'd0,
                            write_at == `SAT_REG_PROG_ADDR_HI ? strobes : 32'd0,
                            write_at == `SAT_REG_PROG_ADDR_LO ? strobes : 32'd0};

  // What the host would read, and what makes a program fail.
  (* hierconn *) wire        \u_regs.done_q ;
  (* hierconn *) wire        \u_regs.error_q ;
  (* hierconn *) wire [7:0]  \u_regs.err_code_q ;
  (* hierconn *) wire [31:0] \u_regs.err_index_q ;
  (* hierconn *) wire [63:0] \u_regs.err_addr_q ;
  (* hierconn *) wire [2:0]  \u_regs.irq_status_q ;
  (* hierconn *) wire [2:0]  \u_regs.irq_enable_q ;
  (* hierconn *) wire        \u_sequencer.bad_program ;
  (* hierconn *) wire        \u_sequencer.hang ;
  (* hierconn *) wire [3:0]  \u_sequencer.state_q ;
  wire         done       = \u_regs.done_q ;
  wire         error      = \u_regs.error_q ;
  wire   [7:0] code       = \u_regs.err_code_q ;
  wire [103:0] record     = {code, \u_regs.err_index_q , \u_regs.err_addr_q };
  wire   [2:0] irq_status = \u_regs.irq_status_q ;
  wire         hang       = \u_sequencer.hang ;
  wire         drained    = rd_drained_i && wr_drained_i;
  // Of what is loaded ahead an error counts when the command before is complete.
  wire         rd_load    = rd_err_valid_i && rd_err_port_i < 3'd3;
  wire         bus_error  = wr_err_valid_i || (late_q && !matmul_pair_q)
                            || (rd_err_valid_i && rd_err_port_i != 3'd7
                                && !(rd_load && (matmul_pair_q || late_q)));
  // All commands are complete, behind the last one or before a bad descriptor, which then fails.
  wire         settled    = (\u_sequencer.state_q  == 4'd4 || \u_sequencer.state_q  == 4'd5)
                            && !matmul_busy_q && !vector_busy_q;
  wire         bad_desc   = \u_sequencer.state_q  == 4'd5 && settled;
  wire         pending    = (busy && !settled) || draining;

  // The model of the contract.
  localparam [1:0] IDLE = 2'd0, RUN = 2'd1, STOP = 2'd2, WAIT = 2'd3;  // WAIT: for a clear
  reg          started_q = 1'b0;
  reg    [1:0] phase_q;
  reg          due_q;      // the program's error waits to be reported
  reg          forgiven_q; // a clear has stopped it, or came after its error: no WAIT
  reg   [31:0] quiet_q;    // cycles without progress
  reg          late_q;     // an error in what is loaded ahead
  reg   [63:0] key_q;      // STEP and SEED at the program's start

  wire refusal   = error && code == `SAT_ERR_BUSY;
  wire forgets   = host_clear && refusal && (phase_q == RUN || due_q);  // only the BUSY
  wire stops     = host_clear && !forgets;
  wire accepted  = host_start && phase_q == IDLE;
  wire refused   = host_start && phase_q != IDLE && !due_q;
  wire fails     = phase_q == RUN && (bus_error || hang || bad_desc);
  wire reported  = phase_q == STOP && due_q && (drained || hang) && !stops && !flush;
  wire progress  = bus_progress_i || (busy && engine_progress_i != 2'd0);

  // One cycle ago.
  reg          clear_was_q, error_was_q, valid_was_q, quiet_was_q, irq_was_q, drained_was_q;
  reg  [103:0] record_was_q, event_was_q;
  reg    [2:0] status_was_q, set_was_q, acknowledged_was_q;
  reg  [191:0] expected_q;

  always @(posedge clk) begin
    started_q <= 1'b1;
    if (!rst_n) begin
      phase_q    <= IDLE;
      due_q      <= 1'b0;
      forgiven_q <= 1'b0;
    end else begin
      case (phase_q)
        IDLE: if (accepted) begin
          phase_q    <= \u_sequencer.bad_program  ? STOP : RUN;
          due_q      <= \u_sequencer.bad_program ;
          forgiven_q <= 1'b0;
        end
        RUN: begin
          if (stops || fails) phase_q <= STOP;
          else if (done_set) phase_q <= IDLE;
          due_q      <= fails && !stops;
          forgiven_q <= stops;
        end
        STOP: begin
          if (stops || reported) due_q <= 1'b0;
          if (stops) forgiven_q <= 1'b1;
          if (flush) phase_q <= forgiven_q || stops ? IDLE : WAIT;
        end
        default: if (host_clear) phase_q <= IDLE;
      endcase
    end
    quiet_q       <= (!rst_n || !pending || progress) ? 32'd0
                     : hang ? quiet_q : quiet_q + 32'd1;
    late_q        <= rst_n && phase_q == RUN && !stops && !fails
                     && (late_q || (rd_load && matmul_pair_q));
    if (accepted) key_q <= set[191:128];
    // Engines are busy from the cycle after their start; a flush resets them.
    matmul_busy_q <= rst_n && !flush
                     && (matmul_start || matmul_pair_q || (matmul_busy_q && !matmul_ends_i));
    matmul_pair_q <= rst_n && !flush && !matmul_ends_i
                     && (matmul_pair_q || (matmul_start && matmul_busy_q));
    vector_busy_q <= rst_n && !flush && (vector_start || (vector_busy_q && !vector_ends_i));
    clear_was_q   <= !rst_n || host_clear;
    error_was_q   <= error;
    valid_was_q   <= rst_n && err_valid;
    record_was_q  <= record;
    event_was_q   <= {err_code, err_index, err_addr};
    status_was_q  <= rst_n ? irq_status : 3'd0;
    set_was_q     <= rst_n ? {fence_set, err_valid, done_set} : 3'd0;
    acknowledged_was_q <= acknowledged;
    expected_q    <= rst_n ? (set & ~touched) | ({6{\u_regs.write_data }} & touched) : 192'd0;
    drained_was_q <= rst_n && draining && !flush && drained;
  end

  always @(*) begin
    if (!started_q) m_reset_first: assume (!rst_n);
    else begin
      // DMAs that are halted and drained stay so (proven of both).
      if (drained_was_q) m_drained: assume (drained);

      // Registers: which there are, what they say, and that writes reach only their own.
      if (\u_regs.read_fire ) begin
        a_readable: assert (\u_regs.read_ok  == readable);
        if (read_at == `SAT_REG_STATUS)
          a_status: assert (read_data == {25'd0, vector_busy_q, matmul_busy_q, draining, overflow,
                                          error, done, busy});
        if (read_at == `SAT_REG_ERR_CODE)    a_code:   assert (read_data == {24'd0, code});
        if (read_at == `SAT_REG_ERR_INDEX)   a_index:  assert (read_data == record[95:64]);
        if (read_at == `SAT_REG_ERR_ADDR_HI) a_addr_h: assert (read_data == record[63:32]);
        if (read_at == `SAT_REG_ERR_ADDR_LO) a_addr_l: assert (read_data == record[31:0]);
      end
      if (write) a_writable: assert (\u_regs.write_ok  == writable);
      a_written: assert (set == expected_q);
      if (phase_q == RUN) a_key: assert ({step, seed} == key_q);
      // Status is the contract's.
      a_busy:     assert (busy == (phase_q == RUN));
      a_draining: assert (draining == (phase_q == STOP) && halt == draining);
      if (error && phase_q == RUN) a_running_error: assert (code == `SAT_ERR_BUSY);
      if (phase_q == WAIT) a_wait: assert (error && code != `SAT_ERR_NONE && !due_q);
      if (error) a_some_error: assert (code != `SAT_ERR_NONE);
      else a_no_error: assert (record == 104'd0);
      a_done: assert (!done || (phase_q != RUN && !due_q));
      // A start is accepted, refused or, while an error waits, ignored; nothing else is an error
      // but the program's own, once, when the bus is quiet or hangs.
      a_events: assert (err_valid == (refused || reported) && !(refused && reported));
      if (refused) a_refused: assert (err_code == `SAT_ERR_BUSY && err_addr == prog_addr);
      if (reported) a_reported: assert (err_code != `SAT_ERR_BUSY && err_code != `SAT_ERR_NONE);
      // The first error is kept until a clear, in the cycle of which an error wins.
      if (error_was_q && !clear_was_q) a_kept: assert (error && record == record_was_q);
      else if (valid_was_q) a_recorded: assert (error && record == event_was_q);
      else a_cleared: assert (!error);
      // Interrupts: set by events, cleared by the host, an event wins; the pin is a level.
      a_irq_status: assert (irq_status == (set_was_q | (status_was_q & ~acknowledged_was_q)));
      a_irq: assert (irq == ((irq_status & \u_regs.irq_enable_q ) != 3'd0));
      // Commands start in a running program only, on an idle engine, or a MATMUL beside one other,
      // and while two are inside nothing else starts; the program ends when both are idle.
      a_issue: assert (!(matmul_start && vector_start));
      if (matmul_start || vector_start || fence_set) a_issue_run: assert (phase_q == RUN);
      if (matmul_start) a_issue_matmul: assert (!matmul_pair_q);
      if (vector_start) a_issue_vector: assert (!vector_busy_q && !matmul_pair_q);
      if (fence_set)    a_issue_fence:  assert (!matmul_pair_q);
      if (done_set) a_ends_idle: assert (phase_q == RUN && !matmul_busy_q && !vector_busy_q
                                         && !fails && !stops);
      if (phase_q == IDLE || phase_q == WAIT) a_quiet: assert (!matmul_busy_q && !vector_busy_q);
      // A flush comes only while halted and drained, and nothing is left to be reported then.
      if (flush) a_flush: assert (halt && drained && !due_q);
      // The watchdog ends whatever makes no progress and is not at its end.
      a_hang: assert (hang == (pending && watchdog != 32'd0 && quiet_q >= watchdog));
    end
  end

`ifndef FAULT
  // ---- Invariants: a planted fault must be seen without them --------------------------------
  (* hierconn *) wire        \u_sequencer.cleared_q ;
  (* hierconn *) wire        \u_sequencer.report_q ;
  (* hierconn *) wire        \u_sequencer.late_q ;
  (* hierconn *) wire        \u_sequencer.refused_q ;
  (* hierconn *) wire [7:0]  \u_sequencer.u_record.code_o ;
  (* hierconn *) wire [31:0] \u_sequencer.u_watchdog.count_q ;
  (* hierconn *) wire        \u_sequencer.u_fetch.asked_q ;
  (* hierconn *) wire        \u_sequencer.u_fetch.done_q ;
  (* hierconn *) wire        \u_sequencer.u_check.asked_q ;
  (* hierconn *) wire        \u_sequencer.u_check.done_o ;
  wire [3:0] state = \u_sequencer.state_q ;

  always @(*) if (started_q) begin
    i_phase: assert (phase_q == (state == 4'd0 ? IDLE : state < 4'd7 ? RUN
                                 : state < 4'd9 ? STOP : WAIT) && state <= 4'd9);
    i_due: assert (due_q == \u_sequencer.report_q  && (!due_q || state == 4'd7));
    i_late: assert (late_q == \u_sequencer.late_q  && (!late_q || phase_q == RUN));
    i_pair: assert (!matmul_pair_q || (matmul_busy_q && (state == 4'd4 || state == 4'd6
                                                         || phase_q == STOP)));
    if (late_q) i_late_record: assert (\u_sequencer.u_record.code_o  != `SAT_ERR_NONE
                                       && \u_sequencer.u_record.code_o  != `SAT_ERR_BUSY);
    if (phase_q == STOP) i_forgiven: assert (forgiven_q == \u_sequencer.cleared_q );
    if (due_q) i_own: assert (!forgiven_q);
    // Before the program's own error is reported, only a BUSY can be recorded.
    if (phase_q == IDLE || phase_q == RUN || (phase_q == STOP && (due_q || forgiven_q)))
      i_refused: assert (\u_sequencer.refused_q  == refusal && refusal == error);
    if (phase_q == STOP && !due_q && !forgiven_q) i_reported: assert (error);
    if (flush) i_flush: assert (drained_was_q);
    if (due_q || state == 4'd5) i_record: assert (\u_sequencer.u_record.code_o  != `SAT_ERR_NONE
                                  && \u_sequencer.u_record.code_o  != `SAT_ERR_BUSY);
    i_watchdog: assert (quiet_q == \u_sequencer.u_watchdog.count_q );
  end
`endif

`ifdef COVER
  // Must fail: a running program has gone on over a forgotten refusal, failed, and waits to report.
  reg went_on_q;
  always @(posedge clk)
    if (!rst_n) went_on_q <= 1'b0;
    else if (forgets && !fails && phase_q == RUN) went_on_q <= 1'b1;
  always @(*) if (started_q) c_forgets: assert (!(went_on_q && refused && reported)
                                                && !(went_on_q && due_q && refusal));
`endif
endmodule

`default_nettype wire
