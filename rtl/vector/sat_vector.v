// SPDX-License-Identifier: Apache-2.0
// sat_vector: the vector engine (docs/design/architecture.md). PRUNE, UPDATE in 16x16 tiles of W:
//   sat_tile_loader -> sat_wuve -+-> sat_weight_store (W, V) ---------------+-> sat_store_mux
//                                +-> sat_half_tile -> sat_sore -+-> plane FF +
//                                                               +-> plane BP +
// with sat_sampler in front of SORE where it is asked for,
// and AFFINE, STATS and POOL in sat_feature, which shares the lanes (sat_lanes) and both ports.
// Tiles are loaded up to four ahead; each unit works on the next tile while those behind it finish.
// Writes touch exactly the elements of the output tensors. flush_i acts like a reset. Wiring only,
// but for the choice of who uses the read port.
// Golden functions: prune, update, affine, stats, max_pool, max_pool_backward.
`default_nettype none
`include "sat_buses.vh"
`include "sat_defs.vh"
`include "sat_fp.vh"

module sat_vector #(
  parameter integer ADDR_W = 40,  // bits, 32..40
  parameter integer DATA_W = 128  // bits, 128, 256 or 512
) (
  input  wire                clk,
  input  wire                rst_n,
  input  wire                flush_i,
  // command
  input  wire                start_i,
  input  wire       [1023:0] desc_i,
  input  wire                overflow_latch_i,
  input  wire         [31:0] seed_i,           // of the program
  input  wire         [31:0] step_i,
  output wire                busy_o,
  output wire                overflow_o,
  output wire                progress_o,  // work without the bus
  // read DMA
  output wire                rd_req_valid_o,
  input  wire                rd_req_ready_i,
  output wire   [ADDR_W-1:0] rd_req_addr_o,
  output wire         [11:0] rd_req_beats_o,
  input  wire                rd_rsp_valid_i,
  output wire                rd_rsp_ready_o,
  input  wire   [DATA_W-1:0] rd_rsp_data_i,
  // write DMA
  output wire                wr_req_valid_o,
  input  wire                wr_req_ready_i,
  output wire   [ADDR_W-1:0] wr_req_addr_o,
  output wire         [11:0] wr_req_beats_o,
  output wire                wr_data_valid_o,
  input  wire                wr_data_ready_i,
  output wire   [DATA_W-1:0] wr_data_o,
  output wire [DATA_W/8-1:0] wr_strb_o,
  input  wire                wr_idle_i
);

  generate
    if (DATA_W != 128 && DATA_W != 256 && DATA_W != 512) begin : gen_check
      sat_error_data_w_must_be_128_256_or_512 u_error ();
    end
  endgenerate

  localparam integer LANES    = DATA_W / 32;
  localparam integer LANE_W   = $clog2(LANES);
  localparam integer INDEX_W  = 8 - LANE_W;    // of a tile's vectors
  localparam integer EMIT     = DATA_W / 128;  // kept elements a cycle
  localparam integer STRIDE_W = `SAT_STRIDE_BITS;
  localparam integer TILE_W   = `SAT_TILE_BITS;
  localparam integer BEATS_W  = `SAT_PACKET_BEATS_BITS;
  localparam integer SOURCES  = `SAT_PACKET_COUNT;
  localparam integer SINKS    = `SAT_SINK_COUNT;

  wire rst_local_n = rst_n && !flush_i;  // of everything below

  // ---- Command
  wire                start, feature_start;
  wire                feature, update, half, decay_en, ff, bp, sample;
  wire          [4:0] n;
  wire          [2:0] m_log2;
  wire         [23:0] rows;
  wire         [15:0] cols;
  wire         [31:0] inv_scale, decay, momentum, lr, layer;
  wire [7*ADDR_W-1:0] base;
  wire [7*`SAT_STRIDE_BITS-1:0] stride;

  sat_vector_command #(
    .ADDR_W(ADDR_W)
  ) u_command (
    .clk             (clk),
    .start_i         (start_i),
    .desc_i          (desc_i),
    .overflow_latch_i(overflow_latch_i),
    .start_o         (start),
    .feature_start_o (feature_start),
    .base_o          (base),
    .stride_o        (stride),
    .feature_o       (feature),
    .update_o        (update),
    .half_o          (half),
    .decay_en_o      (decay_en),
    .ff_o            (ff),
    .bp_o            (bp),
    .sample_o        (sample),
    .layer_o         (layer),
    .n_o             (n),
    .m_log2_o        (m_log2),
    .rows_o          (rows),
    .cols_o          (cols),
    .inv_scale_o     (inv_scale),
    .decay_o         (decay),
    .momentum_o      (momentum),
    .lr_o            (lr)
  );

  // ---- Loading: a word has two vectors of FP16, one of FP32
  wire         tile_valid, tile_end;
  wire [`SAT_TILE_BITS-1:0] tile;
  wire         read, read_result;
  wire   [LANES-1:0] read_mask;
  wire [INDEX_W-1:0] read_index;
  wire  [DATA_W-1:0] weight, velocity, gradient;

  wire              tile_req_valid, feature_req_valid;
  wire [ADDR_W-1:0] tile_req_addr, feature_req_addr;
  wire       [11:0] tile_req_beats, feature_req_beats;

  assign rd_rsp_ready_o = 1'b1;
  assign rd_req_valid_o = feature ? feature_req_valid : tile_req_valid;
  assign rd_req_addr_o  = feature ? feature_req_addr : tile_req_addr;
  assign rd_req_beats_o = feature ? feature_req_beats : tile_req_beats;

  sat_tile_loader #(
    .ADDR_W(ADDR_W),
    .DATA_W(DATA_W)
  ) u_loader (
    .clk         (clk),
    .rst_n       (rst_local_n),
    .start_i     (start),
    .update_i    (update),
    .half_i      (half),
    .rows_i      (rows),
    .cols_i      (cols),
    .base_i      (base[0 +: 3*ADDR_W]),
    .stride_i    (stride[0 +: 3*STRIDE_W]),
    .req_valid_o (tile_req_valid),
    .req_ready_i (rd_req_ready_i && !feature),
    .req_addr_o  (tile_req_addr),
    .req_beats_o (tile_req_beats),
    .rsp_valid_i (rd_rsp_valid_i && !feature),
    .rsp_data_i  (rd_rsp_data_i),
    .tile_valid_o(tile_valid),
    .tile_ready_i(tile_end),
    .tile_o      (tile),
    .read_i      (read),
    .read_index_i(read_index),
    .weight_o    (weight),
    .velocity_o  (velocity),
    .gradient_o  (gradient)
  );

  // ---- The next tile, for all units that will meet it
  wire                begin_tile, begun, sinks_done, half_ready;
  wire    [`SAT_SINK_COUNT-1:0] sink_tile_valid, sink_tile_ready;
  wire [`SAT_TILE_BITS*SINKS-1:0] sink_tile;

  sat_tile_queues #(
    .SINKS(SINKS)
  ) u_queues (
    .clk         (clk),
    .rst_n       (rst_local_n),
    .start_i     (start),
    .wanted_i    ({1'b1, update, ff, bp}),
    .tile_valid_i(tile_valid),
    .tile_i      (tile),
    .tile_end_i  (tile_end),
    .room_i      (half_ready),
    .begin_o     (begin_tile),
    .begun_o     (begun),
    .sink_valid_o(sink_tile_valid),
    .sink_ready_i(sink_tile_ready),
    .sink_tile_o (sink_tile),
    .done_o      (sinks_done)
  );

  // ---- Arithmetic
  wire                credit;
  wire                result_valid, result_weight;
  wire  [INDEX_W-1:0] result_index;
  wire    [LANES-1:0] result_mask;
  wire   [DATA_W-1:0] result;
  wire   [DATA_W-1:0] wuve_factor, wuve_addend, feature_factor;
  wire         [31:0] wuve_scalar;
  wire [2*DATA_W-1:0] feature_scalar, feature_addend, lane_result;

  sat_lanes #(
    .DATA_W(DATA_W)
  ) u_lanes (
    .clk             (clk),
    .feature_i       (feature),
    .wuve_factor_i   (wuve_factor),
    .wuve_scalar_i   (wuve_scalar),
    .wuve_addend_i   (wuve_addend),
    .feature_factor_i(feature_factor),
    .feature_scalar_i(feature_scalar),
    .feature_addend_i(feature_addend),
    .result_o        (lane_result)
  );

  sat_wuve #(
    .DATA_W(DATA_W)
  ) u_wuve (
    .clk          (clk),
    .rst_n        (rst_local_n),
    .update_i     (update),
    .decay_en_i   (decay_en),
    .inv_scale_i  (inv_scale),
    .decay_i      (decay),
    .momentum_i   (momentum),
    .lr_i         (lr),
    .tile_valid_i (tile_valid && begun),
    .tile_ready_o (tile_end),
    .tile_rows_i  (tile[`SAT_TILE_ROWS]),
    .tile_cols_i  (tile[`SAT_TILE_COLS]),
    .stall_i      (read_result && !credit),
    .read_o       (read),
    .read_result_o(read_result),
    .read_mask_o  (read_mask),
    .read_index_o (read_index),
    .gradient_i   (gradient),
    .velocity_i   (velocity),
    .weight_i     (weight),
    .lane_factor_o(wuve_factor),
    .lane_scalar_o(wuve_scalar),
    .lane_addend_o(wuve_addend),
    .lane_result_i(lane_result[0 +: DATA_W]),
    .out_valid_o  (result_valid),
    .out_weight_o (result_weight),
    .out_index_o  (result_index),
    .out_mask_o   (result_mask),
    .out_data_o   (result)
  );

  // ---- FP16 weights
  wire                half_valid, result_special;
  wire  [INDEX_W-1:0] half_index;
  wire [DATA_W/2-1:0] half_weights;
  // In which half of its word a vector of FP16 lies: a bit of its first column.
  wire         [11:0] tile_col    = tile[`SAT_TILE_COL];
  wire          [7:0] read_place  = {read_index, {LANE_W{1'b0}}};
  wire          [4:0] read_column = {tile_col[0], read_place[3:0]};

  sat_weight_round #(
    .DATA_W(DATA_W)
  ) u_round (
    .clk           (clk),
    .rst_n         (rst_local_n),
    .half_i        (half),
    .read_upper_i  (read_column[LANE_W]),
    .source_i      (weight),
    .in_valid_i    (result_valid && result_weight),
    .in_index_i    (result_index),
    .in_mask_i     (result_mask),
    .in_data_i     (result),
    .in_special_o  (result_special),
    .out_valid_o   (half_valid),
    .out_index_o   (half_index),
    .out_weights_o (half_weights)
  );

  wire [`SAT_TILE_BITS-1:0] half_tile = sink_tile[`SAT_SINK_HALF*TILE_W +: TILE_W];
  wire         vector_valid, vector_ready, vector_bp, vector_last, vector_band_end;
  wire [255:0] vector;

  sat_half_tile #(
    .LANES(LANES)
  ) u_half_tile (
    .clk           (clk),
    .rst_n         (rst_local_n),
    .ff_i          (ff),
    .bp_i          (bp),
    .ready_o       (half_ready),
    .reserve_i     (begin_tile),
    .write_valid_i (half_valid),
    .write_index_i (half_index),
    .write_data_i  (half_weights),
    .tile_rows_i   (half_tile[`SAT_TILE_ROWS]),
    .tile_cols_i   (half_tile[`SAT_TILE_COLS]),
    .tile_band_end_i(half_tile[`SAT_TILE_BAND_END]),
    .tile_done_o   (sink_tile_ready[`SAT_SINK_HALF]),
    .vector_valid_o(vector_valid),
    .vector_ready_i(vector_ready),
    .vector_bp_o   (vector_bp),
    .vector_last_o (vector_last),
    .vector_band_end_o(vector_band_end),
    .vector_o      (vector)
  );

  wire         sampled_valid, sampled_ready, sampled_bp, sampled_last;
  wire [255:0] sampled;

  sat_sampler u_sampler (
    .clk          (clk),
    .rst_n        (rst_local_n),
    .start_i      (start),
    .sample_i     (sample),
    .n_i          (n),
    .m_log2_i     (m_log2),
    .seed_i       (seed_i),
    .step_i       (step_i),
    .layer_i      (layer),
    .in_valid_i   (vector_valid),
    .in_ready_o   (vector_ready),
    .in_bp_i      (vector_bp),
    .in_last_i    (vector_last),
    .in_band_end_i(vector_band_end),
    .in_vector_i  (vector),
    .out_valid_o  (sampled_valid),
    .out_ready_i  (sampled_ready),
    .out_bp_o     (sampled_bp),
    .out_last_o   (sampled_last),
    .out_vector_o (sampled)
  );

  // ---- Selection
  wire  [2*EMIT-1:0] kept_valid;
  wire         [1:0] kept_ready, kept_end, kept_last;
  wire [32*EMIT-1:0] kept_value;
  wire  [8*EMIT-1:0] kept_index;
  wire         [7:0] kept_rank;

  sat_sore #(
    .EMIT(EMIT)
  ) u_sore (
    .clk        (clk),
    .rst_n      (rst_local_n),
    .n_i        (n),
    .m_log2_i   (m_log2),
    .in_valid_i (sampled_valid),
    .in_ready_o (sampled_ready),
    .in_bp_i    (sampled_bp),
    .in_last_i  (sampled_last),
    .in_vector_i(sampled),
    .out_valid_o(kept_valid),
    .out_ready_i(kept_ready),
    .out_value_o(kept_value),
    .out_index_o(kept_index),
    .out_rank_o (kept_rank),
    .out_end_o  (kept_end),
    .out_last_o (kept_last)
  );

  // ---- Storing: BP plane, FF plane, weights, then the feature unit's, in order of priority
  wire                       [`SAT_PACKET_COUNT-1:0] packet_valid, packet_ready, packet_last;
  wire                [`SAT_PACKET_COUNT*ADDR_W-1:0] packet_addr;
  wire [`SAT_PACKET_COUNT*`SAT_PACKET_BEATS_BITS-1:0] packet_beats;
  wire                [`SAT_PACKET_COUNT*DATA_W-1:0] packet_data;
  wire              [`SAT_PACKET_COUNT*DATA_W/8-1:0] packet_strb;

  assign packet_beats[`SAT_PACKET_BP*BEATS_W + 3 +: 2]     = 2'd0;
  assign packet_beats[`SAT_PACKET_FF*BEATS_W + 3 +: 2]     = 2'd0;
  assign packet_beats[`SAT_PACKET_WEIGHT*BEATS_W + 3 +: 2] = 2'd0;

  genvar k;
  generate
    for (k = 0; k < 2; k = k + 1) begin : gen_plane
      localparam integer D    = 1 - k;  // direction in SORE's outputs: BP is source 0
      localparam integer SLOT = `SAT_SLOT_UPDATE_FF_VALUES + 2*D;  // PRUNE has the same slots

      sat_plane_store #(
        .ADDR_W(ADDR_W),
        .DATA_W(DATA_W),
        .EMIT  (EMIT),
        .BP    (D)
      ) u_plane (
        .clk         (clk),
        .rst_n       (rst_local_n),
        .start_i     (start),
        .base_i      (base[ADDR_W*SLOT +: 2*ADDR_W]),
        .stride_i    (stride[STRIDE_W*SLOT +: 2*STRIDE_W]),
        .n_i         (n),
        .m_log2_i    (m_log2),
        .tile_valid_i(sink_tile_valid[k]),
        .tile_ready_o(sink_tile_ready[k]),
        .tile_i      (sink_tile[TILE_W*k +: TILE_W]),
        .in_valid_i  (kept_valid[EMIT*D +: EMIT]),
        .in_ready_o  (kept_ready[D]),
        .in_value_i  (kept_value[16*EMIT*D +: 16*EMIT]),
        .in_index_i  (kept_index[4*EMIT*D +: 4*EMIT]),
        .in_rank_i   (kept_rank[4*D +: 4]),
        .in_end_i    (kept_end[D]),
        .in_last_i   (kept_last[D]),
        .out_valid_o (packet_valid[k]),
        .out_ready_i (packet_ready[k]),
        .out_addr_o  (packet_addr[ADDR_W*k +: ADDR_W]),
        .out_beats_o (packet_beats[BEATS_W*k +: 3]),
        .out_last_o  (packet_last[k]),
        .out_data_o  (packet_data[DATA_W*k +: DATA_W]),
        .out_strb_o  (packet_strb[DATA_W/8*k +: DATA_W/8])
      );
    end
  endgenerate

  sat_weight_store #(
    .ADDR_W(ADDR_W),
    .DATA_W(DATA_W)
  ) u_weight_store (
    .clk         (clk),
    .rst_n       (rst_local_n),
    .start_i     (start),
    .base_i      (base[0 +: 2*ADDR_W]),
    .stride_i    (stride[0 +: 2*STRIDE_W]),
    .tile_valid_i(sink_tile_valid[`SAT_SINK_WEIGHT]),
    .tile_ready_o(sink_tile_ready[`SAT_SINK_WEIGHT]),
    .tile_i      (sink_tile[TILE_W*`SAT_SINK_WEIGHT +: TILE_W]),
    .credit_o    (credit),
    .issue_i     (read && read_result && update && read_mask[0]),
    .in_valid_i  (result_valid && update && result_mask[0]),
    .in_data_i   (result),
    .out_valid_o (packet_valid[`SAT_PACKET_WEIGHT]),
    .out_ready_i (packet_ready[`SAT_PACKET_WEIGHT]),
    .out_addr_o  (packet_addr[ADDR_W*`SAT_PACKET_WEIGHT +: ADDR_W]),
    .out_beats_o (packet_beats[BEATS_W*`SAT_PACKET_WEIGHT +: 3]),
    .out_last_o  (packet_last[`SAT_PACKET_WEIGHT]),
    .out_data_o  (packet_data[DATA_W*`SAT_PACKET_WEIGHT +: DATA_W]),
    .out_strb_o  (packet_strb[DATA_W/8*`SAT_PACKET_WEIGHT +: DATA_W/8])
  );

  wire feature_done, feature_overflow, feature_active;

  sat_feature #(
    .ADDR_W(ADDR_W),
    .DATA_W(DATA_W)
  ) u_feature (
    .clk           (clk),
    .rst_n         (rst_local_n),
    .start_i       (feature_start),
    .desc_i        (desc_i),
    .done_o        (feature_done),
    .overflow_o    (feature_overflow),
    .active_o      (feature_active),
    .rd_req_valid_o(feature_req_valid),
    .rd_req_ready_i(rd_req_ready_i && feature),
    .rd_req_addr_o (feature_req_addr),
    .rd_req_beats_o(feature_req_beats),
    .rd_rsp_valid_i(rd_rsp_valid_i && feature),
    .rd_rsp_data_i (rd_rsp_data_i),
    .lane_factor_o (feature_factor),
    .lane_scalar_o (feature_scalar),
    .lane_addend_o (feature_addend),
    .lane_result_i (lane_result),
    .packet_valid_o(packet_valid[`SAT_PACKET_OUT +: 2]),
    .packet_ready_i(packet_ready[`SAT_PACKET_OUT +: 2]),
    .packet_addr_o (packet_addr[`SAT_PACKET_OUT*ADDR_W +: 2*ADDR_W]),
    .packet_beats_o(packet_beats[`SAT_PACKET_OUT*BEATS_W +: 2*BEATS_W]),
    .packet_last_o (packet_last[`SAT_PACKET_OUT +: 2]),
    .packet_data_o (packet_data[`SAT_PACKET_OUT*DATA_W +: 2*DATA_W]),
    .packet_strb_o (packet_strb[`SAT_PACKET_OUT*DATA_W/8 +: 2*DATA_W/8])
  );

  sat_store_mux #(
    .SOURCES(SOURCES),
    .ADDR_W (ADDR_W),
    .DATA_W (DATA_W)
  ) u_store_mux (
    .clk         (clk),
    .rst_n       (rst_local_n),
    .in_valid_i  (packet_valid),
    .in_ready_o  (packet_ready),
    .in_addr_i   (packet_addr),
    .in_beats_i  (packet_beats),
    .in_last_i   (packet_last),
    .in_data_i   (packet_data),
    .in_strb_i   (packet_strb),
    .req_valid_o (wr_req_valid_o),
    .req_ready_i (wr_req_ready_i),
    .req_addr_o  (wr_req_addr_o),
    .req_beats_o (wr_req_beats_o),
    .data_valid_o(wr_data_valid_o),
    .data_ready_i(wr_data_ready_i),
    .data_o      (wr_data_o),
    .strb_o      (wr_strb_o)
  );

  // ---- Status
  wire        [1:0] kept_taken = {kept_valid[EMIT], kept_valid[0]} & kept_ready;
  wire [2*EMIT-1:0] kept_special;

  generate
    for (k = 0; k < 2*EMIT; k = k + 1) begin : gen_special
      assign kept_special[k] = kept_valid[k] && kept_ready[k/EMIT] && (&kept_value[16*k + 10 +: 5]);
    end
  endgenerate

  sat_vector_status u_status (
    .clk       (clk),
    .rst_n     (rst_local_n),
    .start_i   (start_i),
    .idle_i    ({sinks_done, feature_done, wr_idle_i}),
    .moved_i   ({read, kept_taken, feature_active}),
    .special_i ({|kept_special, feature_overflow, result_valid && update && result_special}),
    .busy_o    (busy_o),
    .progress_o(progress_o),
    .overflow_o(overflow_o)
  );

  wire unused_ok = &{1'b0, read_mask[LANES-1:1], sink_tile_valid[`SAT_SINK_HALF], half_tile,
                     tile_col, read_place, read_column};

endmodule

`default_nettype wire
