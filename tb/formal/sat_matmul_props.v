// SPDX-License-Identifier: Apache-2.0
// When sat_matmul is busy, and with how many commands: each from its start until its store has done
// its work and the write DMA has nothing left of it, one after the other; a convolution's phases
// likewise, inside their command. All units but the plan are cut: they do anything but what m_*
// excludes.
`default_nettype none

module sat_matmul_props #(
  parameter integer ADDR_W = 40,
  parameter integer DATA_W = 128
) (
  input wire          clk,
  input wire          rst_n,
  input wire          flush_i,
  input wire          start_i,
  input wire [1023:0] desc_i,
  input wire          wr_idle_i
);
  wire ready, busy, pair, req_valid, data_valid;

  sat_matmul #(
    .ROWS  (2),
    .COLS  (2),
    .ADDR_W(ADDR_W),
    .DATA_W(DATA_W)
  ) u_matmul (
    .clk            (clk),
    .rst_n          (rst_n),
    .flush_i        (flush_i),
    .start_i        (start_i),
    .desc_i         (desc_i),
    .a_meets_i      (1'b0),
    .s_meets_i      (1'b0),
    .ready_o        (ready),
    .busy_o         (busy),
    .pair_o         (pair),
    .overflow_o     (),
    .progress_o     (),
    .rd_req_valid_o (),
    .rd_req_ready_i (6'd0),
    .rd_req_addr_o  (),
    .rd_req_beats_o (),
    .rd_rsp_valid_i (6'd0),
    .rd_rsp_ready_o (),
    .rd_rsp_data_i  ({DATA_W{1'b0}}),
    .wr_req_valid_o (req_valid),
    .wr_req_ready_i (1'b0),
    .wr_req_addr_o  (),
    .wr_req_beats_o (),
    .wr_data_valid_o(data_valid),
    .wr_data_ready_i(1'b0),
    .wr_data_o      (),
    .wr_strb_o      (),
    .wr_idle_i      (wr_idle_i),
    .slot_active_o  (),
    .stall_a_o      (),
    .stall_s_o      (),
    .stall_drain_o  ()
  );

  // Phases: the start of one that follows another; two are inside, of one command or of two; one
  // follows.
  (* hierconn *) wire \u_matmul.next ;
  (* hierconn *) wire \u_matmul.u_stages.pair_q ;
  (* hierconn *) wire \u_matmul.more ;
  wire begins = start_i || \u_matmul.next ;
  wire two    = \u_matmul.u_stages.pair_q ;

  // The store: its start, its end.
  (* hierconn *) wire \u_matmul.store_start ;
  (* hierconn *) wire \u_matmul.store_idle ;
  wire store_start = \u_matmul.store_start ;
  wire store_idle  = \u_matmul.store_idle ;
  wire alive       = rst_n && !flush_i;

  reg started_q = 1'b0;
  reg alive_q, start_q, begins_q, busy_q, two_q, wr_idle_q, store_start_q, store_idle_q;
  reg stored_q;  // the store has begun the oldest phase
  // Fewer are inside than were, and than have started.
  wire ended = alive_q && (begins_q ? busy_q && !two : (two_q && !two) || (busy_q && !busy));

  always @(posedge clk) begin
    started_q <= 1'b1;
    {alive_q, start_q, begins_q, busy_q, two_q, wr_idle_q}
      <= {alive, start_i, begins, busy, two, wr_idle_i};
    {store_start_q, store_idle_q} <= {store_start, store_idle};
    stored_q <= alive && ((stored_q && !ended) || store_start);
  end

  always @(*) begin
    if (!started_q) m_reset_first: assume (!rst_n && !start_i);
    else begin
      if (start_i) m_start: assume (ready && alive);
      // Promised by sat_c_store (sat_c_store_props.v).
      if (!alive_q) m_store_reset: assume (store_idle);
      else m_store: assume (store_start_q ? !store_idle : !store_idle_q || store_idle);
      if (store_idle) m_store_quiet: assume (!req_valid && !data_valid);

      if (alive_q && start_q) a_begins: assert (busy);
      if (ended) a_ends: assert (wr_idle_q && store_idle_q && stored_q);
      if (store_start) a_stores: assert (busy && store_idle && !(stored_q && !ended));
      a_pair: assert (!pair || (busy && two && !ready));
      if (alive_q && busy_q && !busy) a_last: assert (!\u_matmul.more );
      if (!busy) a_quiet: assert (!store_start && !req_valid && !data_valid);
    end
  end

`ifdef COVER
  // Must fail: the end of a command whose write was idle late.
  always @(*)
    if (started_q) c_ends: assert (!(alive_q && busy_q && !busy));
`endif
endmodule

`default_nettype wire
