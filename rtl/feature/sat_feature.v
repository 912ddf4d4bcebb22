// SPDX-License-Identifier: Apache-2.0
// sat_feature: feature unit of the vector engine (docs/design/architecture.md): AFFINE, STATS,
// POOL, one by one.
//   sat_feature_rows +                     +> sat_affine ---+ lanes +> sat_feature_round +
//   sat_pool_reader -+-> sat_feature_fetch +> sat_pool_sum -+                            |
//                                          +> sat_stats ---------------------------------+> writers
//                                          +> sat_pool_max ------------------------------+
// Channels are visited in bands of 8 beats, DATA_W/16 of them in each. Responses are always taken.
// Operands go to sat_lanes outside, lane_result_i is its answer. done_o is low from the cycle after
// start_i until all has been handed to the write DMA. rst_n also flushes.
// Golden functions: affine, stats, max_pool, max_pool_backward.
`default_nettype none
`include "sat_buses.vh"
`include "sat_defs.vh"
`include "sat_fp.vh"

module sat_feature #(
  parameter integer ADDR_W = 40,  // bits, 32..40
  parameter integer DATA_W = 128  // bits, 128, 256 or 512
) (
  input  wire                                clk,
  input  wire                                rst_n,
  // command, valid with start_i
  input  wire                                start_i,
  input  wire                       [1023:0] desc_i,
  output wire                                done_o,
  output wire                                overflow_o,
  output wire                                active_o,  // works without the bus
  // read DMA
  output wire                                rd_req_valid_o,
  input  wire                                rd_req_ready_i,
  output wire                   [ADDR_W-1:0] rd_req_addr_o,
  output wire                         [11:0] rd_req_beats_o,
  input  wire                                rd_rsp_valid_i,
  input  wire                   [DATA_W-1:0] rd_rsp_data_i,
  // lanes
  output wire                   [DATA_W-1:0] lane_factor_o,
  output wire                 [2*DATA_W-1:0] lane_scalar_o,
  output wire                 [2*DATA_W-1:0] lane_addend_o,
  input  wire                 [2*DATA_W-1:0] lane_result_i,
  // packets of two tensors: (DOT, WINNER), (OUT, SUM)
  output wire                          [1:0] packet_valid_o,
  input  wire                          [1:0] packet_ready_i,
  output wire                 [2*ADDR_W-1:0] packet_addr_o,
  output wire [2*`SAT_PACKET_BEATS_BITS-1:0] packet_beats_o,
  output wire                          [1:0] packet_last_o,
  output wire                 [2*DATA_W-1:0] packet_data_o,
  output wire               [2*DATA_W/8-1:0] packet_strb_o
);

  localparam [31:0]  ONE      = 32'h3F800000;
  localparam integer STRIDE_W = `SAT_STRIDE_BITS;
  localparam integer BEATS_W  = `SAT_PACKET_BEATS_BITS;
  localparam integer QUEUED_W = DATA_W + `SAT_QUEUED_BITS;

  // ---- Command
  // Bases and strides of rows go straight to the row pointers.
  wire  [7:0] opcode   = desc_i[`SAT_DESC_OPCODE_LSB +: 8];
  wire  [1:0] flags    = desc_i[`SAT_DESC_FLAGS_LSB +: 2];
  wire        affine   = opcode == `SAT_OP_AFFINE;
  wire        stats    = opcode == `SAT_OP_STATS;
  wire        pool     = opcode == `SAT_OP_POOL;
  wire        backward = flags[`SAT_FLAG_POOL_BACKWARD];

  wire [6*ADDR_W-1:0] base;
  wire [6*`SAT_STRIDE_BITS-1:0] stride;

  sat_desc_slots #(
    .SLOTS (6),
    .ADDR_W(ADDR_W)
  ) u_slots (
    .desc_i  (desc_i),
    .addr_o  (base),
    .stride_o(stride)
  );

  wire [ADDR_W-1:0] base_x      = base[0 +: ADDR_W];
  wire [ADDR_W-1:0] base_winner = base[ADDR_W*`SAT_SLOT_POOL_WINNER +: ADDR_W];

  reg                affine_q, stats_q, max_q, sum_q, second_q, relu_q;
  reg         [23:0] rows_q;
  reg         [15:0] cols_q;
  reg         [95:0] geometry_q;
  reg [2*ADDR_W-1:0] pixel_base_q;
  reg [2*`SAT_STRIDE_BITS-1:0] pixel_stride_q;

  always @(posedge clk) if (start_i) begin
    affine_q       <= affine;
    stats_q        <= stats;
    max_q          <= pool && !backward;
    sum_q          <= pool && backward;
    second_q       <= flags[`SAT_FLAG_AFFINE_SECOND];  // the same bit in STATS
    relu_q         <= affine && flags[`SAT_FLAG_AFFINE_RELU];
    rows_q         <= desc_i[`SAT_DESC_ROWS_LSB +: `SAT_DESC_ROWS_BITS];
    cols_q         <= desc_i[`SAT_DESC_COLS_LSB +: 16];
    geometry_q     <= desc_i[`SAT_DESC_MAP_H_LSB +: 96];
    pixel_base_q   <= {base_winner, base_x};
    pixel_stride_q <= {stride[STRIDE_W*`SAT_SLOT_POOL_WINNER +: STRIDE_W], stride[0 +: STRIDE_W]};
  end

  // ---- Reading
  wire              rows_valid, pool_valid, fetch_ready;
  wire [`SAT_TARGET_BITS-1:0] rows_target, pool_target;
  wire [`SAT_PACKET_BEATS_BITS-1:0] rows_beats, pool_beats;
  wire [ADDR_W-1:0] rows_addr, pool_addr;
  wire        [1:0] rows_marks;
  wire              band_done;
  wire              piece_valid, max_piece_ready, sum_piece_ready;
  wire [`SAT_PIECE_BITS-1:0] piece;
  wire        [2:0] param_valid;
  wire        [3:0] param_index;
  wire              param_last;
  wire        [1:0] queue_valid, affine_ready, stats_ready, sum_ready;
  wire              max_ready;
  wire [2*QUEUED_W-1:0] queue_data;  // Y, X
  wire              use_pool = max_q || sum_q;

  sat_feature_rows #(
    .ADDR_W(ADDR_W),
    .DATA_W(DATA_W)
  ) u_rows (
    .clk           (clk),
    .rst_n         (rst_n),
    .start_i       (start_i && !pool),
    .affine_i      (affine_q),
    .second_i      (second_q),
    .rows_i        (rows_q),
    .cols_i        (cols_q),
    .base_i        ({base[5*ADDR_W +: ADDR_W], base[4*ADDR_W +: ADDR_W], base[3*ADDR_W +: ADDR_W],
                     base[0 +: 2*ADDR_W]}),
    .stride_i      (stride[0 +: 2*STRIDE_W]),
    .band_done_i   (band_done),
    .piece_valid_o (rows_valid),
    .piece_ready_i (fetch_ready && !use_pool),
    .piece_target_o(rows_target),
    .piece_addr_o  (rows_addr),
    .piece_beats_o (rows_beats),
    .piece_marks_o (rows_marks)
  );

  sat_pool_reader #(
    .ADDR_W(ADDR_W),
    .DATA_W(DATA_W)
  ) u_pool_reader (
    .clk           (clk),
    .rst_n         (rst_n),
    .start_i       (start_i && pool),
    .backward_i    (sum_q),
    .images_i      (rows_q),
    .cols_i        (cols_q),
    .geometry_i    (geometry_q),
    .base_i        (pixel_base_q),
    .stride_i      (pixel_stride_q),
    .piece_valid_o (pool_valid),
    .piece_ready_i (fetch_ready && use_pool),
    .piece_target_o(pool_target),
    .piece_addr_o  (pool_addr),
    .piece_beats_o (pool_beats),
    .out_valid_o   (piece_valid),
    .out_ready_i   (max_piece_ready || sum_piece_ready),
    .out_piece_o   (piece)
  );

  sat_feature_fetch #(
    .ADDR_W(ADDR_W),
    .DATA_W(DATA_W)
  ) u_fetch (
    .clk           (clk),
    .rst_n         (rst_n),
    .piece_valid_i (use_pool ? pool_valid : rows_valid),
    .piece_ready_o (fetch_ready),
    .piece_target_i(use_pool ? pool_target : rows_target),
    .piece_addr_i  (use_pool ? pool_addr : rows_addr),
    .piece_beats_i (use_pool ? pool_beats : rows_beats),
    .piece_marks_i (rows_marks),
    .req_valid_o   (rd_req_valid_o),
    .req_ready_i   (rd_req_ready_i),
    .req_addr_o    (rd_req_addr_o),
    .req_beats_o   (rd_req_beats_o),
    .rsp_valid_i   (rd_rsp_valid_i),
    .rsp_data_i    (rd_rsp_data_i),
    .param_valid_o (param_valid),
    .param_index_o (param_index),
    .param_last_o  (param_last),
    .queue_valid_o (queue_valid),
    .queue_ready_i (affine_ready | stats_ready | sum_ready | {1'b0, max_ready}),
    .queue_data_o  (queue_data)
  );

  // ---- Computing
  // A unit that is not enabled does nothing, whatever comes.
  wire   [1:0] credit;
  wire         affine_reserve, sum_reserve;
  wire   [1:0] stats_reserve, stats_valid, max_reserve, max_valid;
  wire         affine_op, sum_op, stats_active;
  wire [DATA_W-1:0] affine_factor, sum_factor;
  wire [2*DATA_W-1:0] affine_scalar;
  wire [2*DATA_W-1:0] affine_addend, sum_addend;
  wire [DATA_W-1:0] stats_data;
  wire   [1:0] affine_tag;
  wire   [4:0] sum_tag;
  wire         max_band_last;
  wire [2*DATA_W-1:0] max_data;
  wire         result_valid;
  wire   [4:0] result_tag;

  sat_affine #(
    .DATA_W(DATA_W)
  ) u_affine (
    .clk           (clk),
    .rst_n         (rst_n),
    .start_i       (start_i),
    .enable_i      (affine_q),
    .second_i      (second_q),
    .param_valid_i (param_valid),
    .param_index_i (param_index),
    .param_last_i  (param_last),
    .param_data_i  (rd_rsp_data_i),
    .band_done_o   (band_done),
    .queue_valid_i (queue_valid),
    .queue_ready_o (affine_ready),
    .queue_data_i  (queue_data),
    .credit_i      (credit[0]),
    .reserve_o     (affine_reserve),
    .op_valid_o    (affine_op),
    .factor_o      (affine_factor),
    .scalar_o      (affine_scalar),
    .addend_o      (affine_addend),
    .tag_o         (affine_tag),
    .result_valid_i(result_valid),
    .result_tag_i  (result_tag[1:0]),
    .result_i      (lane_result_i)
  );

  sat_stats #(
    .DATA_W(DATA_W)
  ) u_stats (
    .clk           (clk),
    .rst_n         (rst_n),
    .enable_i      (stats_q),
    .second_i      (second_q),
    .queue_valid_i (queue_valid),
    .queue_ready_o (stats_ready),
    .queue_data_i  (queue_data),
    .credit_i      (credit),
    .reserve_o     (stats_reserve),
    .active_o      (stats_active),
    .out_valid_o   (stats_valid),
    .out_data_o    (stats_data)
  );

  sat_pool_max #(
    .DATA_W(DATA_W)
  ) u_pool_max (
    .clk            (clk),
    .rst_n          (rst_n),
    .enable_i       (max_q),
    .piece_valid_i  (piece_valid),
    .piece_ready_o  (max_piece_ready),
    .piece_i        (piece),
    .queue_valid_i  (queue_valid[0]),
    .queue_ready_o  (max_ready),
    .queue_data_i   (queue_data[`SAT_QUEUED_BITS +: DATA_W]),
    .credit_i       (credit),
    .reserve_o      (max_reserve),
    .out_valid_o    (max_valid),
    .out_band_last_o(max_band_last),
    .out_data_o     (max_data)
  );

  sat_pool_sum #(
    .DATA_W(DATA_W)
  ) u_pool_sum (
    .clk           (clk),
    .rst_n         (rst_n),
    .enable_i      (sum_q),
    .piece_valid_i (piece_valid),
    .piece_ready_o (sum_piece_ready),
    .piece_i       (piece),
    .queue_valid_i (queue_valid),
    .queue_ready_o (sum_ready),
    .queue_data_i  ({queue_data[QUEUED_W + `SAT_QUEUED_BITS +: DATA_W],
                     queue_data[`SAT_QUEUED_BITS +: DATA_W]}),
    .credit_i      (credit[0]),
    .reserve_o     (sum_reserve),
    .op_valid_o    (sum_op),
    .factor_o      (sum_factor),
    .addend_o      (sum_addend),
    .tag_o         (sum_tag),
    .result_valid_i(result_valid),
    .result_tag_i  (result_tag),
    .result_i      (lane_result_i)
  );

  // ---- Lanes: tags travel beside them
  wire lane_valid = affine_op || sum_op;

  assign active_o      = lane_valid || stats_active;
  assign lane_factor_o = sum_q ? sum_factor : affine_factor;
  assign lane_scalar_o = sum_q ? {DATA_W/16{ONE}} : affine_scalar;
  assign lane_addend_o = sum_q ? sum_addend : affine_addend;

  sat_valid_delay #(
    .WIDTH (1),
    .CYCLES(`SAT_LANES_LATENCY)
  ) u_valid (
    .clk  (clk),
    .rst_n(rst_n),
    .in_i (lane_valid),
    .out_o(result_valid)
  );
  sat_delay #(
    .WIDTH (5),
    .CYCLES(`SAT_LANES_LATENCY)
  ) u_tag (
    .clk  (clk),
    .in_i (sum_q ? sum_tag : {3'd0, affine_tag}),
    .out_o(result_tag)
  );

  wire         round_valid, round_band_last;
  wire [DATA_W-1:0] round_data;

  sat_feature_round #(
    .DATA_W(DATA_W)
  ) u_round (
    .clk            (clk),
    .rst_n          (rst_n),
    .relu_i         (relu_q),
    .in_valid_i     (result_valid && result_tag[1]),
    .in_band_last_i (result_tag[0]),
    .in_data_i      (lane_result_i),
    .out_valid_o    (round_valid),
    .out_band_last_o(round_band_last),
    .out_data_o     (round_data)
  );

  // ---- Writing
  // SUM and DOT have one row: each ends its band.
  wire [1:0] writer_start = {2{start_i}} & {stats || (pool && !backward), 1'b1};
  wire [1:0] writer_done, writer_special;
  wire [1:0] reserve   = stats_reserve | max_reserve | {1'b0, affine_reserve || sum_reserve};
  wire [1:0] in_valid  = stats_valid | max_valid | {1'b0, round_valid};
  wire       band_last = stats_q || (max_q ? max_band_last : round_band_last);

  genvar k;
  generate
    for (k = 0; k < 2; k = k + 1) begin : gen_writer
      localparam integer POOL_SLOT  = k == 0 ? `SAT_SLOT_POOL_OUT : `SAT_SLOT_POOL_WINNER;
      localparam integer OTHER_SLOT = k == 0 ? `SAT_SLOT_AFFINE_OUT : `SAT_SLOT_STATS_DOT;

      sat_feature_writer #(
        .ADDR_W(ADDR_W),
        .DATA_W(DATA_W)
      ) u_writer (
        .clk           (clk),
        .rst_n         (rst_n),
        .start_i       (writer_start[k]),
        .single_i      (stats_q),
        .nibble_i      (max_q && k == 1),
        .cols_i        (cols_q),
        .base_i        (pool ? base[ADDR_W*POOL_SLOT +: ADDR_W]
                             : base[ADDR_W*OTHER_SLOT +: ADDR_W]),
        .stride_i      (pool ? stride[STRIDE_W*POOL_SLOT +: STRIDE_W]
                             : stride[STRIDE_W*OTHER_SLOT +: STRIDE_W]),
        .done_o        (writer_done[k]),
        .special_o     (writer_special[k]),
        .credit_o      (credit[k]),
        .reserve_i     (reserve[k]),
        .in_valid_i    (in_valid[k]),
        .in_band_last_i(band_last),
        .in_data_i     (stats_q ? stats_data
                        : max_q ? max_data[DATA_W*k +: DATA_W] : round_data),
        .out_valid_o   (packet_valid_o[k]),
        .out_ready_i   (packet_ready_i[k]),
        .out_addr_o    (packet_addr_o[ADDR_W*k +: ADDR_W]),
        .out_beats_o   (packet_beats_o[BEATS_W*k +: BEATS_W]),
        .out_last_o    (packet_last_o[k]),
        .out_data_o    (packet_data_o[DATA_W*k +: DATA_W]),
        .out_strb_o    (packet_strb_o[DATA_W/8*k +: DATA_W/8])
      );
    end
  endgenerate

  assign done_o     = &writer_done;
  assign overflow_o = |writer_special;

  wire unused_ok = &{1'b0, desc_i, stride};

endmodule

`default_nettype wire
