// SPDX-License-Identifier: Apache-2.0
// When sat_vector is busy: from its start until every tile, or all of the feature unit, has been
// handed to the write DMA and that has nothing left of it. Cut are all units but the queues of
// tiles, the feature unit's frame and the multiplexer: they do anything but what m_* excludes.
`default_nettype none
`include "sat_buses.vh"
`include "sat_defs.vh"

module sat_vector_props #(
  parameter integer ADDR_W = 40,
  parameter integer DATA_W = 128
) (
  input wire          clk,
  input wire          rst_n,
  input wire          flush_i,
  input wire          start_i,
  input wire [1023:0] desc_i,
  input wire          latch_i,
  input wire          req_ready_i,
  input wire          data_ready_i,
  input wire          wr_idle_i
);
  wire busy, req_valid, data_valid;

  sat_vector #(
    .ADDR_W(ADDR_W),
    .DATA_W(DATA_W)
  ) u_vector (
    .clk             (clk),
    .rst_n           (rst_n),
    .flush_i         (flush_i),
    .start_i         (start_i),
    .desc_i          (desc_i),
    .overflow_latch_i(latch_i),
    .busy_o          (busy),
    .overflow_o      (),
    .progress_o      (),
    .rd_req_valid_o  (),
    .rd_req_ready_i  (1'b0),
    .rd_req_addr_o   (),
    .rd_req_beats_o  (),
    .rd_rsp_valid_i  (1'b0),
    .rd_rsp_ready_o  (),
    .rd_rsp_data_i   ({DATA_W{1'b0}}),
    .wr_req_valid_o  (req_valid),
    .wr_req_ready_i  (req_ready_i),
    .wr_req_addr_o   (),
    .wr_req_beats_o  (),
    .wr_data_valid_o (data_valid),
    .wr_data_ready_i (data_ready_i),
    .wr_data_o       (),
    .wr_strb_o       (),
    .wr_idle_i       (wr_idle_i)
  );

  (* hierconn *) wire        \u_vector.start ;
  (* hierconn *) wire        \u_vector.tile_valid ;
  (* hierconn *) wire [`SAT_TILE_BITS-1:0] \u_vector.tile ;
  (* hierconn *) wire        \u_vector.tile_end ;
  (* hierconn *) wire        \u_vector.u_queues.begun_q ;
  (* hierconn *) wire  [3:0] \u_vector.sink_tile_valid ;
  (* hierconn *) wire  [3:0] \u_vector.sink_tile_ready ;
  (* hierconn *) wire  [2:0] \u_vector.u_queues.gen_sink[3].count ;
  (* hierconn *) wire  [4:0] \u_vector.packet_valid ;
  (* hierconn *) wire  [4:0] \u_vector.packet_ready ;
  (* hierconn *) wire  [4:0] \u_vector.packet_last ;
  (* hierconn *) wire  [1:0] \u_vector.u_feature.writer_start ;
  (* hierconn *) wire  [1:0] \u_vector.u_feature.writer_done ;
  wire        tiles_start  = \u_vector.start ;
  wire        tile_valid   = \u_vector.tile_valid ;
  wire [`SAT_TILE_BITS-1:0] tile         = \u_vector.tile ;
  wire        tile_end     = \u_vector.tile_end ;
  wire        begun        = \u_vector.u_queues.begun_q ;
  wire  [3:0] sink_valid   = \u_vector.sink_tile_valid ;
  wire  [3:0] sink_ready   = \u_vector.sink_tile_ready ;
  wire  [4:0] packet_valid = \u_vector.packet_valid ;
  wire  [4:0] packet_end   = packet_valid & \u_vector.packet_ready & \u_vector.packet_last ;
  wire  [1:0] writer_start = \u_vector.u_feature.writer_start ;
  wire  [1:0] writer_done  = \u_vector.u_feature.writer_done ;
  wire        alive        = rst_n && !flush_i;

  reg        started_q = 1'b0;
  reg        alive_q, start_q, busy_q, wr_idle_q, wait_q;
  reg [`SAT_TILE_BITS-1:0] tile_q;
  reg  [1:0] writer_start_q, writer_done_q;
  reg        loading_q;  // not all tiles of the command have come and gone
  reg        loaded_q = 1'b0;

  always @(posedge clk) begin
    started_q <= 1'b1;
    {alive_q, start_q, busy_q, wr_idle_q} <= {alive, start_i, busy, wr_idle_i};
    {writer_start_q, writer_done_q} <= {writer_start, writer_done};
    wait_q    <= alive && tile_valid && !tile_end;
    tile_q    <= tile;
    loading_q <= alive && (tiles_start || (loading_q && !(tile_end && tile[`SAT_TILE_LAST])));
    loaded_q  <= loaded_q || (tile_end && tile[`SAT_TILE_LAST]);
  end

  always @(*) begin
    if (!started_q) m_reset_first: assume (!rst_n && !start_i);
    else begin
      if (start_i) m_start: assume (!busy && alive);
      // The loader's tiles: one after the other until the last one, none without a command.
      if (tile_valid) m_tile: assume (loading_q);
      if (wait_q) m_tile_stays: assume (tile_valid && tile == tile_q);
      // Promised by sat_wuve and sat_half_tile: a tile ends after it has begun, its FP16 weights
      // are complete after its end.
      if (tile_end) m_end: assume (tile_valid && begun);
      if (sink_ready[3])
        m_half: assume (sink_valid[3]
                        && !(begun && \u_vector.u_queues.gen_sink[3].count == 3'd1));
      // By the stores: packets are of a tile, which goes with the end of a packet.
      m_packets: assume ((packet_valid[2:0] & ~sink_valid[2:0]) == 3'd0
                         && (sink_ready[2:0] & ~packet_end[2:0]) == 3'd0);
      // By the feature unit's writers.
      if (!alive_q) m_writer_reset: assume (writer_done == 2'd3);
      else m_writer: assume ((writer_start_q & writer_done) == 2'd0
                             && (writer_done_q & ~writer_start_q & ~writer_done) == 2'd0);
      m_writer_quiet: assume ((packet_valid[4:3] & writer_done) == 2'd0);

      if (alive_q && start_q) a_begins: assert (busy);
      if (alive_q && busy_q && !busy) a_ends: assert (wr_idle_q && !loading_q);
      if (!busy) a_quiet: assert (packet_valid == 5'd0 && !req_valid && !data_valid);
    end
  end

`ifdef COVER
  // Must fail: a command ends that had tiles.
  always @(*)
    if (started_q) c_ends: assert (!(alive_q && busy_q && !busy && loaded_q));
`endif
endmodule

`default_nettype wire
