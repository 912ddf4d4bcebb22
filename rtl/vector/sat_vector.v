// SPDX-License-Identifier: Apache-2.0
// Vector engine (docs/design/architecture.md): executes PRUNE, UPDATE on W[K][J] in tiles of 16x16,
//   sat_tile_loader -> sat_wuve -+-> sat_weight_store (W, V) ---------------+-> sat_store_mux
//                                +-> sat_half_tile -> sat_sore -+-> plane FF +
//                                                               +-> plane BP +
// and AFFINE, STATS and POOL in sat_feature, which shares the lanes (sat_lanes) and both ports.
// Tiles are loaded up to four ahead; each unit works on the next tile while those behind it finish.
// Writes touch exactly the elements of the output tensors. flush_i acts like a reset.
// Golden functions: prune, update, affine, stats, max_pool, max_pool_backward.
`default_nettype none

`include "sat_defs.vh"
`include "sat_fp.vh"

module sat_vector #(
  parameter integer ADDR_W = 40,  // bits, 32..40
  parameter integer DATA_W = 128  // bits, 128
) (
  input  wire                clk,
  input  wire                rst_n,
  input  wire                flush_i,
  // command
  input  wire                start_i,
  input  wire       [1023:0] desc_i,
  input  wire                overflow_latch_i,
  output wire                busy_o,
  output wire                overflow_o,
  output reg                 progress_o,  // work that needs no bus goes on
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
    if (DATA_W != 128) begin : gen_check
      sat_error_data_w_must_be_128 u_error ();
    end
  endgenerate

  wire alive = rst_n && !flush_i;  // reset of everything below

  // Command. Bases and strides go straight to the row pointers.
  reg         feature_q, update_q, half_q, decay_en_q, ff_q, bp_q;
  reg   [4:0] n_q;
  reg   [2:0] m_log2_q;
  reg  [15:0] rows_q, cols_q;
  reg  [31:0] inv_scale_q, decay_q, momentum_q, lr_q;

  wire  [4:0] flags  = desc_i[`SAT_DESC_FLAGS_LSB +: 5];
  wire  [4:0] m      = desc_i[`SAT_DESC_M_LSB +: 5];
  wire  [7:0] opcode = desc_i[`SAT_DESC_OPCODE_LSB +: 8];
  wire        update = opcode == `SAT_OP_UPDATE;
  wire        skip   = update && flags[`SAT_FLAG_UPDATE_SKIP_ON_OVERFLOW] && overflow_latch_i;
  wire        feature = !update && opcode != `SAT_OP_PRUNE;
  wire        start  = start_i && !skip && !feature;

  always @(posedge clk) if (start_i) feature_q <= feature;

  always @(posedge clk) if (start) begin
    update_q    <= update;
    half_q      <= !update && flags[`SAT_FLAG_PRUNE_SRC_FP16];
    decay_en_q  <= flags[`SAT_FLAG_UPDATE_DECAY];
    ff_q        <= flags[`SAT_FLAG_UPDATE_FF];  // PRUNE has the same bits for ff and bp
    bp_q        <= flags[`SAT_FLAG_UPDATE_BP];
    n_q         <= desc_i[`SAT_DESC_N_LSB +: 5];
    m_log2_q    <= {m[4], m[3] | m[2], m[3] | m[1]};
    rows_q      <= desc_i[`SAT_DESC_ROWS_LSB +: 16];
    cols_q      <= desc_i[`SAT_DESC_COLS_LSB +: 16];
    inv_scale_q <= desc_i[`SAT_DESC_INV_SCALE_LSB +: 32];
    decay_q     <= desc_i[`SAT_DESC_DECAY_LSB +: 32];
    momentum_q  <= desc_i[`SAT_DESC_MOMENTUM_LSB +: 32];
    lr_q        <= desc_i[`SAT_DESC_LR_LSB +: 32];
  end

  wire [7*ADDR_W-1:0] base;
  wire [7*24-1:0]     stride;

  genvar k;
  generate
    for (k = 0; k < 7; k = k + 1) begin : gen_slot
      localparam integer LSB = `SAT_DESC_SLOT_LSB + `SAT_DESC_SLOT_BITS*k;
      assign base[ADDR_W*k +: ADDR_W] = desc_i[LSB +: ADDR_W];
      assign stride[24*k +: 24]       = desc_i[LSB + 64 +: 24];
    end
  endgenerate

  // Loading. A row of FP16 has two words for its four groups of 4 columns.
  wire         tile_valid, tile_end;
  wire  [35:0] tile;
  wire         read, read_result;
  wire   [3:0] read_mask;
  wire   [5:0] read_index;
  wire [127:0] weight, velocity, gradient;

  wire              tile_req_valid, feature_req_valid;
  wire [ADDR_W-1:0] tile_req_addr, feature_req_addr;
  wire       [11:0] tile_req_beats, feature_req_beats;

  assign rd_rsp_ready_o = 1'b1;
  assign rd_req_valid_o = feature_q ? feature_req_valid : tile_req_valid;
  assign rd_req_addr_o  = feature_q ? feature_req_addr : tile_req_addr;
  assign rd_req_beats_o = feature_q ? feature_req_beats : tile_req_beats;

  sat_tile_loader #(
    .ADDR_W(ADDR_W)
  ) u_loader (
    .clk         (clk),
    .rst_n       (alive),
    .start_i     (start),
    .update_i    (update_q),
    .half_i      (half_q),
    .rows_i      (rows_q),
    .cols_i      (cols_q),
    .base_i      (base[0 +: 3*ADDR_W]),
    .stride_i    (stride[0 +: 72]),
    .req_valid_o (tile_req_valid),
    .req_ready_i (rd_req_ready_i && !feature_q),
    .req_addr_o  (tile_req_addr),
    .req_beats_o (tile_req_beats),
    .rsp_valid_i (rd_rsp_valid_i && !feature_q),
    .rsp_data_i  (rd_rsp_data_i),
    .tile_valid_o(tile_valid),
    .tile_ready_i(tile_end),
    .tile_o      (tile),
    .read_i      (read),
    .read_index_i(half_q ? {read_index[5:2], 1'b0, read_index[1]} : read_index),
    .weight_o    (weight),
    .velocity_o  (velocity),
    .gradient_o  (gradient)
  );

  // A tile begins when there is a place for its FP16 weights; its description goes to all the units
  // that will meet it.
  localparam integer SINKS = 4;  // BP plane, FF plane, weights, half tile

  wire [SINKS-1:0] sink_wanted = {1'b1, update_q, ff_q, bp_q};
  wire [SINKS-1:0] sink_ready, sink_tile_valid, sink_tile_ready;
  wire [36*SINKS-1:0] sink_tile;
  wire             half_ready;
  reg              begun_q;
  wire             begin_tile = tile_valid && !begun_q && half_ready && (&sink_ready);

  always @(posedge clk) begin
    if (!alive) begun_q <= 1'b0;
    else        begun_q <= (begun_q || begin_tile) && !tile_end;
  end

  // A sink is done when it has finished the last tile of the command.
  reg [SINKS-1:0] sink_done_q;

  generate
    for (k = 0; k < SINKS; k = k + 1) begin : gen_sink
      wire [2:0] count;
      wire       unused_ok = &{1'b0, count};

      sat_fifo #(
        .WIDTH(36),
        .DEPTH(4)
      ) u_tiles (
        .clk        (clk),
        .rst_n      (alive),
        .flush_i    (1'b0),
        .in_valid_i (begin_tile && sink_wanted[k]),
        .in_ready_o (sink_ready[k]),
        .in_data_i  (tile),
        .out_valid_o(sink_tile_valid[k]),
        .out_ready_i(sink_tile_ready[k]),
        .out_data_o (sink_tile[36*k +: 36]),
        .count_o    (count)
      );

      always @(posedge clk) begin
        if (!alive)     sink_done_q[k] <= 1'b1;
        else if (start) sink_done_q[k] <= 1'b0;
        else if (!sink_wanted[k] || (sink_tile_ready[k] && sink_tile[36*k + 35]))
          sink_done_q[k] <= 1'b1;
      end
    end
  endgenerate

  wire unused_ok = &{1'b0, desc_i, m[0], read_mask[3:1], sink_tile_valid[3], sink_tile};

  wire feature_done;
  reg  busy_q;

  assign busy_o = busy_q;

  always @(posedge clk) begin
    if (!alive)                                           busy_q <= 1'b0;
    else if (start_i)                                     busy_q <= 1'b1;
    else if ((&sink_done_q) && feature_done && wr_idle_i) busy_q <= 1'b0;
  end

  // Arithmetic.
  wire         credit;
  wire         result_valid, result_weight;
  wire   [5:0] result_index;
  wire   [3:0] result_mask;
  wire [127:0] result;
  wire [127:0] wuve_factor, wuve_addend, lane_result;
  wire  [31:0] wuve_scalar;
  wire  [63:0] feature_factor;
  wire [127:0] feature_scalar, feature_addend;

  sat_lanes u_lanes (
    .clk             (clk),
    .feature_i       (feature_q),
    .wuve_factor_i   (wuve_factor),
    .wuve_scalar_i   (wuve_scalar),
    .wuve_addend_i   (wuve_addend),
    .feature_factor_i(feature_factor),
    .feature_scalar_i(feature_scalar),
    .feature_addend_i(feature_addend),
    .result_o        (lane_result)
  );

  sat_wuve u_wuve (
    .clk          (clk),
    .rst_n        (alive),
    .update_i     (update_q),
    .decay_en_i   (decay_en_q),
    .inv_scale_i  (inv_scale_q),
    .decay_i      (decay_q),
    .momentum_i   (momentum_q),
    .lr_i         (lr_q),
    .tile_valid_i (tile_valid && begun_q),
    .tile_ready_o (tile_end),
    .tile_rows_i  (tile[9:5]),
    .tile_cols_i  (tile[4:0]),
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
    .lane_result_i(lane_result),
    .out_valid_o  (result_valid),
    .out_weight_o (result_weight),
    .out_index_o  (result_index),
    .out_mask_o   (result_mask),
    .out_data_o   (result)
  );

  // FP16 weights: rounded, or the source's own bits, which come out of the RAM long before the
  // lanes' result. Elements outside the matrix are +0.
  wire [63:0] source_half, rounded, half_weights;
  wire        half_valid;
  wire  [5:0] half_index;
  wire  [3:0] half_mask;
  reg         upper_half_q;

  always @(posedge clk) upper_half_q <= read_index[0];

  sat_delay #(
    .WIDTH (64),
    .CYCLES(`SAT_LANES_LATENCY + `SAT_FP32_TO_FP16_LATENCY)
  ) u_source_half (
    .clk  (clk),
    .in_i (upper_half_q ? weight[127:64] : weight[63:0]),
    .out_o(source_half)
  );

  sat_valid_delay #(
    .WIDTH (1),
    .CYCLES(`SAT_FP32_TO_FP16_LATENCY)
  ) u_half_valid (
    .clk  (clk),
    .rst_n(alive),
    .in_i (result_valid && result_weight),
    .out_o(half_valid)
  );
  sat_delay #(
    .WIDTH (10),
    .CYCLES(`SAT_FP32_TO_FP16_LATENCY)
  ) u_half_place (
    .clk  (clk),
    .in_i ({result_index, result_mask}),
    .out_o({half_index, half_mask})
  );

  wire [3:0] result_special;

  generate
    for (k = 0; k < 4; k = k + 1) begin : gen_half
      sat_fp32_to_fp16 u_round (
        .clk    (clk),
        .value_i(result[32*k +: 32]),
        .half_o (rounded[16*k +: 16])
      );

      assign half_weights[16*k +: 16] = !half_mask[k] ? 16'd0
                                      : half_q          ? source_half[16*k +: 16]
                                                        : rounded[16*k +: 16];
      assign result_special[k] = result_mask[k] && (&result[32*k + 23 +: 8]);
    end
  endgenerate

  wire         vector_valid, vector_ready, vector_bp, vector_last;
  wire [255:0] vector;

  sat_half_tile u_half_tile (
    .clk           (clk),
    .rst_n         (alive),
    .ff_i          (ff_q),
    .bp_i          (bp_q),
    .ready_o       (half_ready),
    .reserve_i     (begin_tile),
    .write_valid_i (half_valid),
    .write_index_i (half_index),
    .write_data_i  (half_weights),
    .tile_rows_i   (sink_tile[36*3 + 5 +: 5]),
    .tile_cols_i   (sink_tile[36*3 +: 5]),
    .tile_done_o   (sink_tile_ready[3]),
    .vector_valid_o(vector_valid),
    .vector_ready_i(vector_ready),
    .vector_bp_o   (vector_bp),
    .vector_last_o (vector_last),
    .vector_o      (vector)
  );

  // Selection.
  wire  [1:0] kept_valid, kept_ready, kept_end, kept_last;
  wire [31:0] kept_value;
  wire  [7:0] kept_index, kept_rank;

  sat_sore u_sore (
    .clk        (clk),
    .rst_n      (alive),
    .n_i        (n_q),
    .m_log2_i   (m_log2_q),
    .in_valid_i (vector_valid),
    .in_ready_o (vector_ready),
    .in_bp_i    (vector_bp),
    .in_last_i  (vector_last),
    .in_vector_i(vector),
    .out_valid_o(kept_valid),
    .out_ready_i(kept_ready),
    .out_value_o(kept_value),
    .out_index_o(kept_index),
    .out_rank_o (kept_rank),
    .out_end_o  (kept_end),
    .out_last_o (kept_last)
  );

  // Storing: BP plane, FF plane, weights, then the feature unit's, in order of priority.
  wire          [4:0] packet_valid, packet_ready, packet_last;
  wire [5*ADDR_W-1:0] packet_addr;
  wire         [24:0] packet_beats;
  wire        [639:0] packet_data;
  wire         [79:0] packet_strb;

  assign packet_beats[4:3]   = 2'd0;
  assign packet_beats[9:8]   = 2'd0;
  assign packet_beats[14:13] = 2'd0;

  generate
    for (k = 0; k < 2; k = k + 1) begin : gen_plane
      localparam integer D    = 1 - k;  // direction in SORE's outputs: BP is source 0
      localparam integer SLOT = `SAT_SLOT_UPDATE_FF_VALUES + 2*D;  // PRUNE has the same slots

      sat_plane_store #(
        .ADDR_W(ADDR_W),
        .BP    (D)
      ) u_plane (
        .clk         (clk),
        .rst_n       (alive),
        .start_i     (start),
        .base_i      (base[ADDR_W*SLOT +: 2*ADDR_W]),
        .stride_i    (stride[24*SLOT +: 48]),
        .n_i         (n_q),
        .m_log2_i    (m_log2_q),
        .tile_valid_i(sink_tile_valid[k]),
        .tile_ready_o(sink_tile_ready[k]),
        .tile_i      (sink_tile[36*k +: 36]),
        .in_valid_i  (kept_valid[D]),
        .in_ready_o  (kept_ready[D]),
        .in_value_i  (kept_value[16*D +: 16]),
        .in_index_i  (kept_index[4*D +: 4]),
        .in_rank_i   (kept_rank[4*D +: 4]),
        .in_end_i    (kept_end[D]),
        .in_last_i   (kept_last[D]),
        .out_valid_o (packet_valid[k]),
        .out_ready_i (packet_ready[k]),
        .out_addr_o  (packet_addr[ADDR_W*k +: ADDR_W]),
        .out_beats_o (packet_beats[5*k +: 3]),
        .out_last_o  (packet_last[k]),
        .out_data_o  (packet_data[128*k +: 128]),
        .out_strb_o  (packet_strb[16*k +: 16])
      );
    end
  endgenerate

  sat_weight_store #(
    .ADDR_W(ADDR_W)
  ) u_weight_store (
    .clk         (clk),
    .rst_n       (alive),
    .start_i     (start),
    .base_i      (base[0 +: 2*ADDR_W]),
    .stride_i    (stride[0 +: 48]),
    .tile_valid_i(sink_tile_valid[2]),
    .tile_ready_o(sink_tile_ready[2]),
    .tile_i      (sink_tile[36*2 +: 36]),
    .credit_o    (credit),
    .issue_i     (read && read_result && update_q && read_mask[0]),
    .in_valid_i  (result_valid && update_q && result_mask[0]),
    .in_data_i   (result),
    .out_valid_o (packet_valid[2]),
    .out_ready_i (packet_ready[2]),
    .out_addr_o  (packet_addr[ADDR_W*2 +: ADDR_W]),
    .out_beats_o (packet_beats[10 +: 3]),
    .out_last_o  (packet_last[2]),
    .out_data_o  (packet_data[256 +: 128]),
    .out_strb_o  (packet_strb[32 +: 16])
  );

  wire feature_overflow, feature_active;

  sat_feature #(
    .ADDR_W(ADDR_W)
  ) u_feature (
    .clk           (clk),
    .rst_n         (alive),
    .start_i       (start_i && feature),
    .desc_i        (desc_i),
    .done_o        (feature_done),
    .overflow_o    (feature_overflow),
    .active_o      (feature_active),
    .rd_req_valid_o(feature_req_valid),
    .rd_req_ready_i(rd_req_ready_i && feature_q),
    .rd_req_addr_o (feature_req_addr),
    .rd_req_beats_o(feature_req_beats),
    .rd_rsp_valid_i(rd_rsp_valid_i && feature_q),
    .rd_rsp_data_i (rd_rsp_data_i),
    .lane_factor_o (feature_factor),
    .lane_scalar_o (feature_scalar),
    .lane_addend_o (feature_addend),
    .lane_result_i (lane_result),
    .packet_valid_o(packet_valid[4:3]),
    .packet_ready_i(packet_ready[4:3]),
    .packet_addr_o (packet_addr[3*ADDR_W +: 2*ADDR_W]),
    .packet_beats_o(packet_beats[24:15]),
    .packet_last_o (packet_last[4:3]),
    .packet_data_o (packet_data[384 +: 256]),
    .packet_strb_o (packet_strb[48 +: 32])
  );

  sat_store_mux #(
    .SOURCES(5),
    .ADDR_W (ADDR_W)
  ) u_store_mux (
    .clk         (clk),
    .rst_n       (alive),
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

  always @(posedge clk) progress_o <= read || (|(kept_valid & kept_ready)) || feature_active;

  // Overflow: a special value among the kept elements, the new W and V, or the feature unit's.
  wire [1:0] kept_special = {&kept_value[30:26], &kept_value[14:10]};
  reg        overflow_q;

  assign overflow_o = overflow_q;

  always @(posedge clk) begin
    overflow_q <= alive && ((|(kept_valid & kept_ready & kept_special)) || feature_overflow
                            || (result_valid && update_q && (|result_special)));
  end

endmodule

`default_nettype wire
