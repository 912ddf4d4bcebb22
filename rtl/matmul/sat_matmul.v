// SPDX-License-Identifier: Apache-2.0
// sat_matmul: the array engine. Executes MATMULs: plan, operand loaders, map cache, scratchpads,
// feeder, systolic array, output buffer, epilogue and store, all overlapping. Wiring, and what the
// stages know of their command while the plan is the next one's already (sat_matmul_stages).
// start_i comes with a checked descriptor while ready_o is high, and with a_meets_i or s_meets_i if
// A or S shares memory with C of the command before; results are those of one command after the
// other. While pair_o is high two are inside: reads of A and S are the younger one's, all others,
// writes and overflow_o the older one's. busy_o falls when the last write is acknowledged. flush_i
// abandons commands like a reset.
// Read clients: the RD_PORTs of spec/buses.yaml before VECTOR.
`default_nettype none
`include "sat_buses.vh"
`include "sat_defs.vh"

module sat_matmul #(
  parameter integer ROWS        = 8,
  parameter integer COLS        = 8,
  parameter integer T           = 8,
  parameter integer A_DEPTH     = 512,
  parameter integer S_DEPTH     = 4096,
  parameter integer CHUNK_K     = 256,
  parameter integer CACHE_LINES = 2048,
  parameter integer ADDR_W      = 40,
  parameter integer DATA_W      = 128
) (
  input  wire                                           clk,
  input  wire                                           rst_n,
  input  wire                                           flush_i,
  // engine
  input  wire                                           start_i,
  input  wire [1023:0]                                  desc_i,
  input  wire                                           a_meets_i,
  input  wire                                           s_meets_i,
  output wire                                           ready_o,
  output wire                                           busy_o,
  output wire                                           pair_o,
  output wire                                           overflow_o,
  output wire                                           progress_o,  // work without the bus
  // read DMA clients
  output wire [`SAT_RD_PORT_VECTOR-1:0]                 rd_req_valid_o,
  input  wire [`SAT_RD_PORT_VECTOR-1:0]                 rd_req_ready_i,
  output wire [`SAT_RD_PORT_VECTOR*ADDR_W-1:0]          rd_req_addr_o,
  output wire [`SAT_RD_PORT_VECTOR*`SAT_BEATS_BITS-1:0] rd_req_beats_o,
  input  wire [`SAT_RD_PORT_VECTOR-1:0]                 rd_rsp_valid_i,
  output wire [`SAT_RD_PORT_VECTOR-1:0]                 rd_rsp_ready_o,
  input  wire [DATA_W-1:0]                              rd_rsp_data_i,
  // write DMA client
  output wire                                           wr_req_valid_o,
  input  wire                                           wr_req_ready_i,
  output wire [ADDR_W-1:0]                              wr_req_addr_o,
  output wire [11:0]                                    wr_req_beats_o,
  output wire                                           wr_data_valid_o,
  input  wire                                           wr_data_ready_i,
  output wire [DATA_W-1:0]                              wr_data_o,
  output wire [DATA_W/8-1:0]                            wr_strb_o,
  input  wire                                           wr_idle_i,
  // performance events
  output wire                                           slot_active_o,
  output wire                                           stall_a_o,
  output wire                                           stall_s_o,
  output wire                                           stall_drain_o
);

  localparam integer LANES     = DATA_W / 16;
  localparam integer OUT_LANES = (COLS < DATA_W / 32) ? COLS : DATA_W / 32;
  localparam integer A_L       = $clog2(A_DEPTH);
  localparam integer S_L       = $clog2(S_DEPTH);
  localparam integer LANES_L   = $clog2(LANES);
  localparam integer A_CMD_W   = `SAT_A_CMD_BITS + LANES_L + 2 * A_L - 2;
  localparam integer S_CMD_W   = `SAT_S_CMD_BITS + S_L;
  localparam integer BEATS_W   = `SAT_BEATS_BITS;
  localparam integer STRIDE_W  = `SAT_STRIDE_BITS;

  wire rst_local_n = rst_n && !flush_i;

  // ---- Command
  wire                planned, more, next, blank, a_start, map_start, s_start;
  wire                feeder_take, feeder_start, store_take, store_start;
  wire                a_trans, conv, as_single, use_bias, use_residual, use_relu, use_mask;
  wire                use_sums;
  wire [8*ADDR_W-1:0] slot_addr;
  wire [8*`SAT_STRIDE_BITS-1:0] slot_stride;
  wire [15:0]         map_h, map_w, out_h, out_w;
  wire [3:0]          kernel_w;
  wire [7:0]          pad_top, pad_left;
  wire [1:0]          step_log2, dilation_log2, upsample_log2;
  wire [23:0]         rows, depth, row_tiles, s_passes;
  wire [15:0]         cols, col_tiles, a_passes;
  wire [7:0]          k_segments;
  wire [24:0]         kept, position_rows;
  wire [39:0]         position_values_bytes, position_indices_bytes;
  wire [`SAT_S_POSITIONS_BITS-1:0] positions;
  wire [`SAT_C_ROWS_BITS-1:0]      c_rows;
  wire                dense, fold, a_resident, s_resident;
  wire [4:0]          n, period;
  wire [2:0]          m_log2, t1_log2, t2_log2;
  sat_matmul_command #(
    .ROWS   (ROWS),
    .COLS   (COLS),
    .T      (T),
    .A_DEPTH(A_DEPTH),
    .S_DEPTH(S_DEPTH),
    .CHUNK_K(CHUNK_K),
    .LANES  (LANES),
    .ADDR_W (ADDR_W)
  ) u_command (
    .clk            (clk),
    .rst_n          (rst_local_n),
    .start_i        (start_i),
    .desc_i         (desc_i),
    .next_i         (next),
    .planned_o      (planned),
    .more_o         (more),
    .a_trans_o      (a_trans),
    .conv_o         (conv),
    .as_single_o    (as_single),
    .use_bias_o     (use_bias),
    .use_residual_o (use_residual),
    .use_relu_o     (use_relu),
    .use_mask_o     (use_mask),
    .use_sums_o     (use_sums),
    .blank_o        (blank),
    .slot_addr_o    (slot_addr),
    .slot_stride_o  (slot_stride),
    .map_h_o        (map_h),
    .map_w_o        (map_w),
    .out_h_o        (out_h),
    .out_w_o        (out_w),
    .kernel_w_o     (kernel_w),
    .step_log2_o    (step_log2),
    .dilation_log2_o(dilation_log2),
    .upsample_log2_o(upsample_log2),
    .pad_top_o      (pad_top),
    .pad_left_o     (pad_left),
    .rows_o         (rows),
    .cols_o         (cols),
    .depth_o        (depth),
    .k_segments_o   (k_segments),
    .dense_o        (dense),
    .n_o            (n),
    .m_log2_o       (m_log2),
    .t2_log2_o      (t2_log2),
    .t1_log2_o      (t1_log2),
    .fold_o         (fold),
    .period_o       (period),
    .kept_o         (kept),
    .row_tiles_o    (row_tiles),
    .col_tiles_o    (col_tiles),
    .a_resident_o   (a_resident),
    .s_resident_o   (s_resident),
    .a_passes_o     (a_passes),
    .s_passes_o     (s_passes),
    .positions_o    (positions),
    .position_rows_o(position_rows),
    .position_values_bytes_o (position_values_bytes),
    .position_indices_bytes_o(position_indices_bytes),
    .c_rows_o       (c_rows)
  );

  // What feeder and store know.
  reg  [23:0]          f_depth, f_row_tiles;
  reg  [15:0]          f_cols, f_col_tiles;
  reg  [7:0]           f_k_segments;
  reg  [24:0]          f_kept;
  reg                  f_dense, f_fold, f_a_resident, f_s_resident;
  reg  [4:0]           f_group, f_period;
  reg  [2:0]           f_m_log2, f_t1_log2, f_t2_log2;
  always @(posedge clk) if (feeder_take) begin
    {f_cols, f_depth, f_k_segments, f_kept} <= {cols, depth, k_segments, kept};
    {f_dense, f_group, f_m_log2, f_period}  <= {dense, n, m_log2, period};
    {f_row_tiles, f_col_tiles, f_t1_log2, f_t2_log2} <= {row_tiles, col_tiles, t1_log2, t2_log2};
    {f_fold, f_a_resident, f_s_resident}    <= {fold, a_resident, s_resident};
  end

  localparam integer OUT_SLOT  = `SAT_SLOT_MATMUL_C;  // the first that the store needs
  localparam integer OUT_SLOTS = 8 - OUT_SLOT;
  reg  [OUT_SLOTS*ADDR_W-1:0]   o_addr;
  reg  [OUT_SLOTS*STRIDE_W-1:0] o_stride;
  reg                  o_trans, o_blank, o_fold;
  reg                  o_as_single, o_use_bias, o_use_residual, o_use_relu, o_use_mask, o_use_sums;
  reg  [23:0]          o_rows, o_row_tiles;
  reg  [15:0]          o_cols, o_col_tiles;
  reg  [2:0]           o_t1_log2, o_t2_log2;
  reg  [`SAT_C_ROWS_BITS-1:0] o_c_rows;
  always @(posedge clk) if (store_take) begin
    o_addr   <= slot_addr[OUT_SLOT*ADDR_W +: OUT_SLOTS*ADDR_W];
    o_stride <= slot_stride[OUT_SLOT*STRIDE_W +: OUT_SLOTS*STRIDE_W];
    {o_trans, o_blank, o_c_rows}                     <= {a_trans, blank, c_rows};
    {o_as_single, o_use_bias, o_use_relu, o_fold}    <= {as_single, use_bias, use_relu, fold};
    {o_use_residual, o_use_mask, o_use_sums}         <= {use_residual, use_mask, use_sums};
    {o_rows, o_cols}                                 <= {rows, cols};
    {o_row_tiles, o_col_tiles, o_t1_log2, o_t2_log2} <= {row_tiles, col_tiles, t1_log2, t2_log2};
  end

  // ---- Operand A, and the map that a convolution makes it from
  wire                a_idle, a_commit, a_taken, a_release, a_write_trans;
  wire [A_L:0]        a_release_words, a_taken_words;
  wire [2*ROWS-1:0]   a_write_bank;
  wire [LANES-1:0]    a_write_lane;
  wire [2*A_L-3:0]    a_write_addr;
  wire [2*DATA_W-1:0] a_write_beat;
  wire [ROWS*16-1:0]  a_write_column;
  wire [A_CMD_W-1:0]  a_cmd;
  wire [ROWS*`SAT_WEST_BITS-1:0] west, center;
  wire                map_idle, map_sweep;
  wire                map_req_valid, map_req_ready, map_rsp_valid, map_rsp_two, map_rsp_ready;
  wire [ADDR_W-1:0]   map_req_addr;
  wire [11:0]         map_req_beats;
  wire [2*DATA_W-1:0] map_rsp_data;
  sat_a_loader #(
    .ROWS   (ROWS),
    .A_DEPTH(A_DEPTH),
    .CHUNK_K(CHUNK_K),
    .ADDR_W (ADDR_W),
    .DATA_W (DATA_W)
  ) u_a_loader (
    .clk            (clk),
    .rst_n          (rst_local_n),
    .start_i        (a_start),
    .trans_i        (a_trans),
    .conv_i         (conv),
    .base_i         (slot_addr[`SAT_SLOT_MATMUL_A*ADDR_W +: ADDR_W]),
    .stride_i       (slot_stride[`SAT_SLOT_MATMUL_A*STRIDE_W +: STRIDE_W]),
    .rows_i         (rows),
    .depth_i        (depth),
    .k_segments_i   (k_segments),
    .position_rows_i(position_rows[23:0]),
    .row_tiles_i    (row_tiles),
    .passes_i       (a_passes),
    .t2_log2_i      (t2_log2),
    .map_h_i        (map_h),
    .map_w_i        (map_w),
    .out_h_i        (out_h),
    .out_w_i        (out_w),
    .kernel_w_i     (kernel_w),
    .step_log2_i    (step_log2),
    .dilation_log2_i(dilation_log2),
    .upsample_log2_i(upsample_log2),
    .pad_top_i      (pad_top),
    .pad_left_i     (pad_left),
    .idle_o         (a_idle),
    .req_valid_o    (map_req_valid),
    .req_ready_i    (map_req_ready),
    .req_addr_o     (map_req_addr),
    .req_beats_o    (map_req_beats),
    .rsp_valid_i    (map_rsp_valid),
    .rsp_two_i      (map_rsp_two),
    .rsp_ready_o    (map_rsp_ready),
    .rsp_data_i     (map_rsp_data),
    .write_bank_o   (a_write_bank),
    .write_lane_o   (a_write_lane),
    .write_addr_o   (a_write_addr),
    .write_trans_o  (a_write_trans),
    .write_beat_o   (a_write_beat),
    .write_column_o (a_write_column),
    .commit_o       (a_commit),
    .taken_i        (a_taken),
    .taken_words_i  (a_taken_words),
    .release_i      (a_release),
    .release_words_i(a_release_words)
  );
  sat_map_cache #(
    .CACHE_LINES(CACHE_LINES),
    .ADDR_W     (ADDR_W),
    .DATA_W     (DATA_W)
  ) u_map_cache (
    .clk            (clk),
    .rst_n          (rst_local_n),
    .start_i        (map_start),
    .cache_i        (conv),
    .pairs_i        (!a_trans),
    .channels_i     (a_trans ? position_rows[23:0] : depth),
    .idle_o         (map_idle),
    .sweep_o        (map_sweep),
    .req_valid_i    (map_req_valid),
    .req_ready_o    (map_req_ready),
    .req_addr_i     (map_req_addr),
    .req_beats_i    (map_req_beats),
    .rsp_valid_o    (map_rsp_valid),
    .rsp_two_o      (map_rsp_two),
    .rsp_ready_i    (map_rsp_ready),
    .rsp_data_o     (map_rsp_data),
    .dma_req_valid_o(rd_req_valid_o[`SAT_RD_PORT_A]),
    .dma_req_ready_i(rd_req_ready_i[`SAT_RD_PORT_A]),
    .dma_req_addr_o (rd_req_addr_o[`SAT_RD_PORT_A*ADDR_W +: ADDR_W]),
    .dma_req_beats_o(rd_req_beats_o[`SAT_RD_PORT_A*BEATS_W +: BEATS_W]),
    .dma_rsp_valid_i(rd_rsp_valid_i[`SAT_RD_PORT_A]),
    .dma_rsp_ready_o(rd_rsp_ready_o[`SAT_RD_PORT_A]),
    .dma_rsp_data_i (rd_rsp_data_i)
  );
  sat_a_scratchpad #(
    .ROWS   (ROWS),
    .A_DEPTH(A_DEPTH),
    .LANES  (LANES)
  ) u_a_scratchpad (
    .clk           (clk),
    .rst_n         (rst_local_n),
    .write_bank_i  (a_write_bank),
    .write_lane_i  (a_write_lane),
    .write_addr_i  (a_write_addr),
    .write_trans_i (a_write_trans),
    .write_beat_i  (a_write_beat),
    .write_column_i(a_write_column),
    .cmd_i         (a_cmd),
    .west_o        (west),
    .center_o      (center)
  );

  // ---- Operand S: values, and indices unless dense
  wire               value_idle, index_idle, value_commit, index_commit, s_release;
  wire               value_write, index_write;
  wire [S_L:0]       s_release_words;
  wire [S_L-1:0]     value_addr, index_addr;
  wire [COLS*16-1:0] value_word;
  wire [COLS*4-1:0]  index_word;
  wire [S_CMD_W-1:0] s_cmd;
  wire [COLS*`SAT_NORTH_BITS-1:0] north;
  sat_s_loader #(
    .COLS   (COLS),
    .ELEM_W (16),
    .S_DEPTH(S_DEPTH),
    .ADDR_W (ADDR_W),
    .DATA_W (DATA_W)
  ) u_value_loader (
    .clk            (clk),
    .rst_n          (rst_local_n),
    .start_i        (s_start),
    .base_i         (slot_addr[`SAT_SLOT_MATMUL_S_VALUES*ADDR_W +: ADDR_W]),
    .stride_i       (slot_stride[`SAT_SLOT_MATMUL_S_VALUES*STRIDE_W +: STRIDE_W]),
    .cols_i         (cols),
    .kept_i         (kept),
    .positions_i    (positions),
    .position_rows_i(position_rows),
    .position_bytes_i(position_values_bytes),
    .col_tiles_i    (col_tiles),
    .passes_i       (s_passes),
    .t1_log2_i      (t1_log2),
    .skip_i         (1'b0),
    .idle_o         (value_idle),
    .req_valid_o    (rd_req_valid_o[`SAT_RD_PORT_S_VALUES]),
    .req_ready_i    (rd_req_ready_i[`SAT_RD_PORT_S_VALUES]),
    .req_addr_o     (rd_req_addr_o[`SAT_RD_PORT_S_VALUES*ADDR_W +: ADDR_W]),
    .req_beats_o    (rd_req_beats_o[`SAT_RD_PORT_S_VALUES*BEATS_W +: BEATS_W]),
    .rsp_valid_i    (rd_rsp_valid_i[`SAT_RD_PORT_S_VALUES]),
    .rsp_ready_o    (rd_rsp_ready_o[`SAT_RD_PORT_S_VALUES]),
    .rsp_data_i     (rd_rsp_data_i),
    .write_o        (value_write),
    .write_addr_o   (value_addr),
    .write_word_o   (value_word),
    .commit_o       (value_commit),
    .release_i      (s_release),
    .release_words_i(s_release_words)
  );
  sat_s_loader #(
    .COLS   (COLS),
    .ELEM_W (4),
    .S_DEPTH(S_DEPTH),
    .ADDR_W (ADDR_W),
    .DATA_W (DATA_W)
  ) u_index_loader (
    .clk            (clk),
    .rst_n          (rst_local_n),
    .start_i        (s_start),
    .base_i         (slot_addr[`SAT_SLOT_MATMUL_S_INDICES*ADDR_W +: ADDR_W]),
    .stride_i       (slot_stride[`SAT_SLOT_MATMUL_S_INDICES*STRIDE_W +: STRIDE_W]),
    .cols_i         (cols),
    .kept_i         (kept),
    .positions_i    (positions),
    .position_rows_i(position_rows),
    .position_bytes_i(position_indices_bytes),
    .col_tiles_i    (col_tiles),
    .passes_i       (s_passes),
    .t1_log2_i      (t1_log2),
    .skip_i         (dense),
    .idle_o         (index_idle),
    .req_valid_o    (rd_req_valid_o[`SAT_RD_PORT_S_INDICES]),
    .req_ready_i    (rd_req_ready_i[`SAT_RD_PORT_S_INDICES]),
    .req_addr_o     (rd_req_addr_o[`SAT_RD_PORT_S_INDICES*ADDR_W +: ADDR_W]),
    .req_beats_o    (rd_req_beats_o[`SAT_RD_PORT_S_INDICES*BEATS_W +: BEATS_W]),
    .rsp_valid_i    (rd_rsp_valid_i[`SAT_RD_PORT_S_INDICES]),
    .rsp_ready_o    (rd_rsp_ready_o[`SAT_RD_PORT_S_INDICES]),
    .rsp_data_i     (rd_rsp_data_i),
    .write_o        (index_write),
    .write_addr_o   (index_addr),
    .write_word_o   (index_word),
    .commit_o       (index_commit),
    .release_i      (s_release),
    .release_words_i(s_release_words)
  );
  sat_s_scratchpad #(
    .COLS   (COLS),
    .S_DEPTH(S_DEPTH)
  ) u_s_scratchpad (
    .clk         (clk),
    .rst_n       (rst_local_n),
    .value_we_i  (value_write),
    .value_addr_i(value_addr),
    .value_word_i(value_word),
    .index_we_i  (index_write),
    .index_addr_i(index_addr),
    .index_word_i(index_word),
    .cmd_i       (s_cmd),
    .north_o     (north)
  );

  // ---- Multiplication
  wire feeder_idle, tile_taken;
  sat_feeder #(
    .ROWS   (ROWS),
    .COLS   (COLS),
    .T      (T),
    .A_DEPTH(A_DEPTH),
    .S_DEPTH(S_DEPTH),
    .CHUNK_K(CHUNK_K),
    .LANES  (LANES)
  ) u_feeder (
    .clk              (clk),
    .rst_n            (rst_local_n),
    .start_i          (feeder_start),
    .cols_i           (f_cols),
    .depth_i          (f_depth),
    .k_segments_i     (f_k_segments),
    .dense_i          (f_dense),
    .n_i              (f_group),
    .m_log2_i         (f_m_log2),
    .t1_log2_i        (f_t1_log2),
    .t2_log2_i        (f_t2_log2),
    .fold_i           (f_fold),
    .period_i         (f_period),
    .kept_i           (f_kept),
    .row_tiles_i      (f_row_tiles),
    .col_tiles_i      (f_col_tiles),
    .a_resident_i     (f_a_resident),
    .s_resident_i     (f_s_resident),
    .idle_o           (feeder_idle),
    .a_commit_i       (a_commit),
    .a_taken_o        (a_taken),
    .a_taken_words_o  (a_taken_words),
    .a_release_o      (a_release),
    .a_release_words_o(a_release_words),
    .value_commit_i   (value_commit),
    .index_commit_i   (index_commit),
    .s_release_o      (s_release),
    .s_release_words_o(s_release_words),
    .tile_taken_i     (tile_taken),
    .a_cmd_o          (a_cmd),
    .s_cmd_o          (s_cmd),
    .slot_active_o    (slot_active_o),
    .stall_a_o        (stall_a_o),
    .stall_s_o        (stall_s_o),
    .stall_drain_o    (stall_drain_o)
  );
  wire [COLS*`SAT_DRAIN_BITS-1:0] drain;
  sat_array #(
    .ROWS(ROWS),
    .COLS(COLS),
    .T   (T)
  ) u_array (
    .clk     (clk),
    .rst_n   (rst_local_n),
    .west_i  (west),
    .center_i(center),
    .north_i (north),
    .drain_o (drain)
  );

  // ---- Results
  wire                            row_done;
  wire [$clog2(2*ROWS*T)-1:0]     buffer_addr;
  wire [COLS*`SAT_ACC_BITS-1:0]   buffer_word;
  sat_out_buffer #(
    .ROWS(ROWS),
    .COLS(COLS),
    .T   (T)
  ) u_out_buffer (
    .clk       (clk),
    .rst_n     (rst_local_n),
    .drain_i   (drain),
    .row_done_o(row_done),
    .addr_i    (buffer_addr),
    .word_o    (buffer_word)
  );

  wire                                 bias_ready, bias_next;
  wire [$clog2(COLS*T/OUT_LANES)-1:0]  bias_group;
  wire [OUT_LANES*32-1:0]              bias;
  sat_bias_loader #(
    .COLS     (COLS),
    .T        (T),
    .LANES_OUT(OUT_LANES),
    .ADDR_W   (ADDR_W),
    .DATA_W   (DATA_W)
  ) u_bias (
    .clk        (clk),
    .rst_n      (rst_local_n),
    .start_i    (store_start && o_use_bias),
    .base_i     (o_addr[(`SAT_SLOT_MATMUL_BIAS-OUT_SLOT)*ADDR_W +: ADDR_W]),
    .cols_i     (o_cols),
    .col_tiles_i(o_col_tiles),
    .t1_log2_i  (o_t1_log2),
    .req_valid_o(rd_req_valid_o[`SAT_RD_PORT_BIAS]),
    .req_ready_i(rd_req_ready_i[`SAT_RD_PORT_BIAS]),
    .req_addr_o (rd_req_addr_o[`SAT_RD_PORT_BIAS*ADDR_W +: ADDR_W]),
    .req_beats_o(rd_req_beats_o[`SAT_RD_PORT_BIAS*BEATS_W +: BEATS_W]),
    .rsp_valid_i(rd_rsp_valid_i[`SAT_RD_PORT_BIAS]),
    .rsp_ready_o(rd_rsp_ready_o[`SAT_RD_PORT_BIAS]),
    .rsp_data_i (rd_rsp_data_i),
    .ready_o    (bias_ready),
    .next_i     (bias_next),
    .group_i    (bias_group),
    .values_o   (bias)
  );

  // Residual and mask, clients and slots that follow each other; a residual has C's format.
  wire [1:0]          aux_used = {o_use_mask, o_use_residual};
  wire [1:0]          aux_valid, aux_ready;
  wire [2*DATA_W-1:0] aux_beat;
  genvar x;
  generate
    for (x = 0; x < 2; x = x + 1) begin : gen_aux
      localparam integer SLOT = `SAT_SLOT_MATMUL_RESIDUAL + x - OUT_SLOT;
      localparam integer PORT = `SAT_RD_PORT_RESIDUAL + x;
      sat_aux_loader #(
        .ROWS  (ROWS),
        .COLS  (COLS),
        .T     (T),
        .ADDR_W(ADDR_W),
        .DATA_W(DATA_W)
      ) u_aux (
        .clk         (clk),
        .rst_n       (rst_local_n),
        .start_i     (store_start && aux_used[x]),
        .trans_i     (o_trans),
        .base_i      (o_addr[SLOT*ADDR_W +: ADDR_W]),
        .stride_i    (o_stride[SLOT*STRIDE_W +: STRIDE_W]),
        .as_single_i (x == 0 && o_as_single),
        .rows_i      (o_rows),
        .cols_i      (o_cols),
        .row_tiles_i (o_row_tiles),
        .col_tiles_i (o_col_tiles),
        .t1_log2_i   (o_t1_log2),
        .t2_log2_i   (o_t2_log2),
        .c_rows_i    (o_c_rows),
        .req_valid_o (rd_req_valid_o[PORT]),
        .req_ready_i (rd_req_ready_i[PORT]),
        .req_addr_o  (rd_req_addr_o[PORT*ADDR_W +: ADDR_W]),
        .req_beats_o (rd_req_beats_o[PORT*BEATS_W +: BEATS_W]),
        .rsp_valid_i (rd_rsp_valid_i[PORT]),
        .rsp_ready_o (rd_rsp_ready_o[PORT]),
        .rsp_data_i  (rd_rsp_data_i),
        .beat_valid_o(aux_valid[x]),
        .beat_ready_i(aux_ready[x]),
        .beat_o      (aux_beat[x*DATA_W +: DATA_W])
      );
    end
  endgenerate

  localparam integer SUMS_SLOT = `SAT_SLOT_MATMUL_SUMS - OUT_SLOT;
  wire store_idle;
  sat_c_store #(
    .ROWS  (ROWS),
    .COLS  (COLS),
    .T     (T),
    .LANES (OUT_LANES),
    .ADDR_W(ADDR_W),
    .DATA_W(DATA_W)
  ) u_store (
    .clk             (clk),
    .rst_n           (rst_local_n),
    .start_i         (store_start),
    .trans_i         (o_trans),
    .blank_i         (o_blank),
    .base_i          (o_addr[ADDR_W-1:0]),
    .stride_i        (o_stride[STRIDE_W-1:0]),
    .sums_base_i     (o_addr[SUMS_SLOT*ADDR_W +: ADDR_W]),
    .sums_stride_i   (o_stride[SUMS_SLOT*STRIDE_W +: STRIDE_W]),
    .as_single_i     (o_as_single),
    .use_bias_i      (o_use_bias),
    .use_residual_i  (o_use_residual),
    .use_relu_i      (o_use_relu),
    .use_mask_i      (o_use_mask),
    .use_sums_i      (o_use_sums),
    .rows_i          (o_rows),
    .cols_i          (o_cols),
    .row_tiles_i     (o_row_tiles),
    .col_tiles_i     (o_col_tiles),
    .t1_log2_i       (o_t1_log2),
    .t2_log2_i       (o_t2_log2),
    .fold_i          (o_fold),
    .c_rows_i        (o_c_rows),
    .idle_o          (store_idle),
    .overflow_o      (overflow_o),
    .row_done_i      (row_done),
    .buffer_addr_o   (buffer_addr),
    .buffer_word_i   (buffer_word),
    .tile_taken_o    (tile_taken),
    .bias_ready_i    (bias_ready),
    .bias_next_o     (bias_next),
    .bias_group_o    (bias_group),
    .bias_i          (bias),
    .residual_valid_i(aux_valid[0]),
    .residual_ready_o(aux_ready[0]),
    .residual_i      (aux_beat[0 +: DATA_W]),
    .mask_valid_i    (aux_valid[1]),
    .mask_ready_o    (aux_ready[1]),
    .mask_i          (aux_beat[DATA_W +: DATA_W]),
    .req_valid_o     (wr_req_valid_o),
    .req_ready_i     (wr_req_ready_i),
    .req_addr_o      (wr_req_addr_o),
    .req_beats_o     (wr_req_beats_o),
    .data_valid_o    (wr_data_valid_o),
    .data_ready_i    (wr_data_ready_i),
    .data_o          (wr_data_o),
    .strb_o          (wr_strb_o)
  );

  // ---- Stages
  // What may take long without the bus: to multiply, to fill A with what lies outside of a map, to
  // drain a tile, to clear the tags. Everything else goes on within a few slots, or uses the bus.
  sat_matmul_stages #(
    .MOVES(2*ROWS + 3)
  ) u_stages (
    .clk           (clk),
    .rst_n         (rst_local_n),
    .start_i       (start_i),
    .a_meets_i     (a_meets_i),
    .s_meets_i     (s_meets_i),
    .planned_i     (planned),
    .more_i        (more),
    .blank_i       (blank),
    .next_o        (next),
    .ready_o       (ready_o),
    .busy_o        (busy_o),
    .pair_o        (pair_o),
    .a_idle_i      (a_idle && map_idle),
    .s_idle_i      (value_idle && index_idle),
    .feeder_idle_i (feeder_idle),
    .store_idle_i  (store_idle),
    .wr_idle_i     (wr_idle_i),
    .a_start_o     (a_start),
    .map_start_o   (map_start),
    .s_start_o     (s_start),
    .feeder_take_o (feeder_take),
    .feeder_start_o(feeder_start),
    .store_take_o  (store_take),
    .store_start_o (store_start),
    .moved_i       ({slot_active_o, a_write_bank,
                     drain[(COLS-1)*`SAT_DRAIN_BITS+`SAT_DRAIN_VALID], map_sweep}),
    .progress_o    (progress_o)
  );

  wire unused_ok = &{1'b0, o_stride};

endmodule

`default_nettype wire
