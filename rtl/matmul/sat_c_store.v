// SPDX-License-Identifier: Apache-2.0
// sat_c_store: takes finished tiles out of the output buffer, through the epilogue, to memory. Rows
// of a tile are handled in sat_row_walk order as soon as their PE row has been drained. A row is
// issued in groups of LANES columns, one per cycle, when bias, residual and mask are at hand and
// the beat queue has room for everything under way; it becomes one or more write requests and the
// beats. tile_taken_o returns a tile's worth of buffer to the feeder. Tiles of the next command may
// be in the buffer before its start. With blank_i there are no tiles, and the sums are zero. Behind
// a column tile's last row its sums of columns follow, two rows of FP32, the same way; no other row
// is issued meanwhile. Of a folded array each half of the columns has row blocks of its own, even
// ones west and odd ones east, and twice the column blocks.
`default_nettype none
`include "sat_buses.vh"
`include "sat_fp.vh"

module sat_c_store #(
  parameter integer ROWS   = 8,
  parameter integer COLS   = 8,
  parameter integer T      = 8,
  parameter integer LANES  = 4,    // the smaller of COLS and DATA_W/32
  parameter integer ADDR_W = 40,
  parameter integer DATA_W = 128
) (
  input  wire                            clk,
  input  wire                            rst_n,
  // command, stable from start_i on
  input  wire                            start_i,
  input  wire                            trans_i,
  input  wire                            blank_i,
  input  wire [ADDR_W-1:0]               base_i,
  input  wire [23:0]                     stride_i,
  input  wire [ADDR_W-1:0]               sums_base_i,
  input  wire [23:0]                     sums_stride_i,
  input  wire                            as_single_i,
  input  wire                            use_bias_i,
  input  wire                            use_residual_i,
  input  wire                            use_relu_i,
  input  wire                            use_mask_i,
  input  wire                            use_sums_i,
  input  wire [23:0]                     rows_i,
  input  wire [15:0]                     cols_i,
  input  wire [23:0]                     row_tiles_i,
  input  wire [15:0]                     col_tiles_i,
  input  wire [2:0]                      t1_log2_i,
  input  wire [2:0]                      t2_log2_i,
  input  wire                            fold_i,
  input  wire [`SAT_C_ROWS_BITS-1:0]     c_rows_i,
  output wire                            idle_o,
  output wire                            overflow_o,
  // output buffer
  input  wire                            row_done_i,
  output wire [$clog2(2*ROWS*T)-1:0]     buffer_addr_o,
  input  wire [COLS*`SAT_ACC_BITS-1:0]   buffer_word_i,
  output wire                            tile_taken_o,
  // operands of the epilogue
  input  wire                            bias_ready_i,
  output wire                            bias_next_o,
  output wire [$clog2(COLS*T/LANES)-1:0] bias_group_o,
  input  wire [LANES*32-1:0]             bias_i,
  input  wire                            residual_valid_i,
  output wire                            residual_ready_o,
  input  wire [DATA_W-1:0]               residual_i,
  input  wire                            mask_valid_i,
  output wire                            mask_ready_o,
  input  wire [DATA_W-1:0]               mask_i,
  // write DMA client
  output wire                            req_valid_o,
  input  wire                            req_ready_i,
  output wire [ADDR_W-1:0]               req_addr_o,
  output wire [11:0]                     req_beats_o,
  output wire                            data_valid_o,
  input  wire                            data_ready_i,
  output wire [DATA_W-1:0]               data_o,
  output wire [DATA_W/8-1:0]             strb_o
);

  localparam integer LANES_L = $clog2(LANES);
  localparam integer COLS_L  = $clog2(COLS);
  localparam integer ROWS_L  = $clog2(ROWS);
  localparam integer T_L     = $clog2(T);
  localparam integer SUBS    = COLS / LANES;                  // groups of an output word
  localparam integer GROUP_W = $clog2(COLS * T / LANES);
  localparam integer HALVES  = DATA_W / (16 * LANES);         // FP16 groups of a beat
  localparam integer HALF_L  = $clog2(HALVES);
  localparam integer QUEUE   = 32;
  localparam integer BURST_BYTES = 16 * DATA_W / 8;           // of the longest request
  // Buffer read and group select, then the epilogue.
  localparam integer LATENCY = 2 + `SAT_EPILOGUE_LATENCY;

  // ---- Rows
  wire              walk_idle, row_valid, row_skip, pe_row_last, tile_last, column_last;
  wire [ADDR_W-1:0] row_addr;
  wire [16:0]       row_cols, row_beats;
  wire              row_few, row_next;
  sat_row_walk #(
    .ROWS  (ROWS),
    .COLS  (COLS),
    .FEW   (LANES),
    .ADDR_W(ADDR_W),
    .DATA_W(DATA_W)
  ) u_walk (
    .clk          (clk),
    .rst_n        (rst_n),
    .start_i      (start_i),
    .trans_i      (trans_i),
    .base_i       (base_i),
    .stride_i     (stride_i),
    .as_single_i  (as_single_i),
    .rows_i       (rows_i),
    .cols_i       (cols_i),
    .row_tiles_i  (row_tiles_i),
    .col_tiles_i  (col_tiles_i),
    .t1_log2_i    (t1_log2_i),
    .t2_log2_i    (t2_log2_i),
    .c_rows_i     (c_rows_i),
    .idle_o       (walk_idle),
    .valid_o      (row_valid),
    .ready_i      (row_next),
    .addr_o       (row_addr),
    .cols_o       (row_cols),
    .beats_o      (row_beats),
    .few_o        (row_few),
    .skip_o       (row_skip),
    .pe_row_last_o(pe_row_last),
    .tile_last_o  (tile_last),
    .column_last_o(column_last)
  );

  // ---- Issue
  reg  [ROWS_L+1:0] drained_q;       // PE rows that can be read: two tiles at most
  reg               half_q;          // tile half of the output buffer
  reg  [ROWS_L-1:0] r_q;
  reg  [3:0]        t2_q;
  reg  [16:0]       done_q, left_q;  // columns of this row issued, and not
  reg               first_q;         // none is issued
  reg               last_q;          // else: the next group is the row's last
  reg  [5:0]        taken_q;         // places in the queue: of its beats, and of groups under way
  reg               room_q;
  wire [5:0]        queued;
  wire              beat_valid;
  reg               split_ready_q;
  wire              out_valid;       // a group leaves the epilogue
  wire              sums_begin, sums_valid, sums_pending;

  wire [16:0] left       = first_q ? row_cols : left_q;
  wire        group_last = first_q ? row_few : last_q;
  wire        drained    = blank_i || (drained_q != {ROWS_L+2{1'b0}});
  wire        operands   = (!use_bias_i || bias_ready_i) && (!use_residual_i || residual_valid_i) &&
                           (!use_mask_i || mask_valid_i);
  wire        issue      = row_valid && !row_skip && drained && room_q && operands &&
                           !sums_pending && (!first_q || split_ready_q);
  assign row_next = row_valid && drained && (row_skip || (issue && group_last));
  assign tile_taken_o = row_next && tile_last && !blank_i;
  assign bias_next_o  = row_next && column_last && use_bias_i;
  assign bias_group_o = done_q[LANES_L +: GROUP_W];

  wire [LANES-1:0] lanes;
  genvar l;
  generate
    for (l = 0; l < LANES; l = l + 1) begin : gen_lanes
      assign lanes[l] = left > l;
    end
  endgenerate

  // One place is kept for a beat on its way out of sat_pack. Whether a group begins is known late.
  wire        begins = issue || sums_begin;
  wire        ends   = out_valid || sums_valid;
  wire        leaves = data_valid_o && data_ready_i;
  wire [5:0]  taken  = taken_q + {5'd0, beat_valid} - {5'd0, ends} - {5'd0, leaves};

  always @(posedge clk) begin
    if (!rst_n) begin
      drained_q   <= {ROWS_L+2{1'b0}};
      half_q      <= 1'b0;
      r_q         <= {ROWS_L{1'b0}};
      t2_q        <= 4'd0;
      done_q      <= 17'd0;
      first_q     <= 1'b1;
      taken_q     <= 6'd0;
      room_q      <= 1'b1;
    end else begin
      drained_q   <= drained_q + {{ROWS_L+1{1'b0}}, row_done_i}
                               - {{ROWS_L+1{1'b0}}, row_next && pe_row_last && !blank_i};
      taken_q     <= taken + {5'd0, begins};
      room_q      <= taken < QUEUE[5:0] - 6'd2 || (taken == QUEUE[5:0] - 6'd2 && !begins);
      if (issue) begin
        done_q  <= group_last ? 17'd0 : done_q + LANES[16:0];
        first_q <= group_last;
      end
      if (row_next) begin
        t2_q <= pe_row_last ? 4'd0 : t2_q + 4'd1;
        if (pe_row_last) r_q <= r_q + 1'b1;
        if (tile_last && !blank_i) half_q <= !half_q;
      end
    end
    if (issue) begin
      left_q <= left - LANES[16:0];
      last_q <= left <= {LANES[15:0], 1'b0};
    end
  end

  // Entry r*T + t2*2^t1_log2 + t1 of the tile half; t1 is the word's number within the row. Folded,
  // a pair of row blocks shares its entries, each with its half of the word.
  wire [4:0]     block = {1'b0, t2_q[3:1], t2_q[0] && !fold_i} << t1_log2_i;
  wire [T_L-1:0] t1    = fold_i ? done_q[COLS_L-1 +: T_L] : done_q[COLS_L +: T_L];
  wire [T_L-1:0] t     = t1 + block[T_L-1:0];
  assign buffer_addr_o = {half_q, r_q, t};

  // ---- The group's way: buffer read, group select, epilogue
  localparam integer ACCS_W = LANES * `SAT_ACC_BITS;
  wire [ACCS_W-1:0] s1_group;
  generate
    if (SUBS == 1) begin : gen_whole
      assign s1_group = buffer_word_i;
      wire unused_fold = &{1'b0, fold_i};
    end else begin : gen_select
      localparam integer SUBS_L = $clog2(SUBS);
      reg [SUBS_L-1:0] s1_sub_q;
      always @(posedge clk) begin
        s1_sub_q <= done_q[LANES_L +: SUBS_L];
        if (fold_i) s1_sub_q[SUBS_L-1] <= t2_q[0];
      end
      assign s1_group = buffer_word_i[s1_sub_q*ACCS_W +: ACCS_W];
    end
  endgenerate
  reg  [ACCS_W-1:0] s2_group_q;
  always @(posedge clk) s2_group_q <= blank_i ? {ACCS_W{1'b0}} : s1_group;

  // Residual and mask beats hold several groups, of an FP32 residual half as many; a beat goes when
  // its last group or the row is issued.
  localparam integer SINGLE_LAST = HALVES / 2 - 1;
  wire [HALF_L-1:0] part        = done_q[LANES_L +: HALF_L];
  wire [HALF_L-1:0] single_part = part & SINGLE_LAST[HALF_L-1:0];
  wire              part_last   = group_last || (&part);
  wire              single_last = as_single_i && single_part == SINGLE_LAST[HALF_L-1:0];
  assign residual_ready_o = issue && use_residual_i && (part_last || single_last);
  assign mask_ready_o     = issue && use_mask_i && part_last;
  wire [LANES*16-1:0] halves  = residual_i[part*LANES*16 +: LANES*16];
  wire [LANES*32-1:0] singles = residual_i[single_part*LANES*32 +: LANES*32];
  reg  [LANES*32-1:0] residual;
  integer i;
  always @(*) begin
    residual = singles;
    for (i = 0; i < LANES; i = i + 1) begin
      if (!as_single_i) residual[i*32 +: 32] = {16'd0, halves[i*16 +: 16]};
    end
  end
  wire [LANES*32-1:0] s2_residual;
  wire [LANES*16-1:0] s2_mask;
  sat_delay #(.WIDTH(LANES*48), .CYCLES(2)) u_operands (
    .clk  (clk),
    .in_i ({residual, mask_i[part*LANES*16 +: LANES*16]}),
    .out_o({s2_residual, s2_mask})
  );
  wire [LANES*32-1:0] s3_bias;
  sat_delay #(.WIDTH(LANES*32), .CYCLES(2)) u_bias (
    .clk  (clk),
    .in_i (bias_i),
    .out_o(s3_bias)
  );

  wire [LANES*32-1:0] single;
  wire [LANES*16-1:0] half;
  wire [LANES-1:0]    single_special, half_special;
  sat_epilogue #(.LANES(LANES)) u_epilogue (
    .clk             (clk),
    .use_bias_i      (use_bias_i),
    .use_residual_i  (use_residual_i),
    .as_single_i     (as_single_i),
    .use_relu_i      (use_relu_i),
    .use_mask_i      (use_mask_i),
    .acc_i           (s2_group_q),
    .bias_i          (s3_bias),
    .residual_i      (s2_residual),
    .mask_i          (s2_mask),
    .single_o        (single),
    .half_o          (half),
    .single_special_o(single_special),
    .half_special_o  (half_special)
  );

  wire             out_row_last;
  wire [LANES-1:0] out_lanes;
  sat_valid_delay #(.WIDTH(1), .CYCLES(LATENCY)) u_valid (
    .clk  (clk),
    .rst_n(rst_n),
    .in_i (issue),
    .out_o(out_valid)
  );
  sat_delay #(.WIDTH(LANES + 1), .CYCLES(LATENCY)) u_lanes (
    .clk  (clk),
    .in_i ({group_last, lanes}),
    .out_o({out_row_last, out_lanes})
  );
  // Sums are of what FP16 holds, and special where that is.
  wire [LANES-1:0] special = (as_single_i && !use_sums_i) ? single_special : half_special;
  assign overflow_o = out_valid && (|(out_lanes & special));

  // ---- Sums of columns
  wire               sums_last, sums_req_valid;
  wire [LANES-1:0]   sums_lanes;
  wire [LANES*32-1:0] sums;
  wire [ADDR_W-1:0]  sums_addr;
  wire [16:0]        sums_beats;
  wire               sums_request = sums_req_valid && split_ready_q;
  sat_c_sums #(
    .LANES  (LANES),
    .GROUPS (COLS * T / LANES),
    .LATENCY(LATENCY),
    .ADDR_W (ADDR_W),
    .DATA_W (DATA_W)
  ) u_sums (
    .clk          (clk),
    .rst_n        (rst_n),
    .start_i      (start_i),
    .enable_i     (use_sums_i),
    .base_i       (sums_base_i),
    .stride_i     (sums_stride_i),
    .row_next_i   (row_next),
    .column_last_i(column_last),
    .cols_i       (row_cols),
    .group_i      (bias_group_o),
    .pending_o    (sums_pending),
    .c_valid_i    (out_valid),
    .c_i          (half),
    .req_valid_o  (sums_req_valid),
    .req_ready_i  (split_ready_q),
    .req_addr_o   (sums_addr),
    .req_beats_o  (sums_beats),
    .room_i       (room_q),
    .begin_o      (sums_begin),
    .valid_o      (sums_valid),
    .row_last_o   (sums_last),
    .lanes_o      (sums_lanes),
    .sums_o       (sums)
  );

  // ---- Beats out
  wire                beat_ready;
  wire [DATA_W-1:0]   beat;
  wire [DATA_W/8-1:0] strb;
  sat_pack #(.LANES(LANES), .DATA_W(DATA_W)) u_pack (
    .clk         (clk),
    .rst_n       (rst_n),
    .as_single_i (as_single_i || sums_valid),
    .valid_i     (out_valid || sums_valid),
    .row_last_i  (sums_valid ? sums_last : out_row_last),
    .lanes_i     (sums_valid ? sums_lanes : out_lanes),
    .single_i    (sums_valid ? sums : single),
    .half_i      (half),
    .beat_valid_o(beat_valid),
    .beat_o      (beat),
    .strb_o      (strb)
  );
  sat_fifo #(.WIDTH(DATA_W + DATA_W/8), .DEPTH(QUEUE)) u_queue (
    .clk        (clk),
    .rst_n      (rst_n),
    .flush_i    (1'b0),
    .in_valid_i (beat_valid),
    .in_ready_o (beat_ready),
    .in_data_i  ({strb, beat}),
    .out_valid_o(data_valid_o),
    .out_ready_i(data_ready_i),
    .out_data_o ({strb_o, data_o}),
    .count_o    (queued)
  );

  // ---- Write requests: at most 16 beats each
  reg [ADDR_W-1:0] req_addr_q;
  reg [16:0]       req_left_q;
  wire             req_fire  = req_valid_o && req_ready_i;
  wire             row_first = issue && first_q;
  assign req_valid_o = !split_ready_q;
  assign req_addr_o  = req_addr_q;
  assign req_beats_o = (req_left_q > 17'd16) ? 12'd16 : req_left_q[11:0];
  always @(posedge clk) begin
    split_ready_q <= !rst_n || (!row_first && !sums_request
                                && (split_ready_q || (req_fire && req_left_q <= 17'd16)));
    if (!rst_n) req_left_q <= 17'd0;
    else if (row_first) req_left_q <= row_beats;
    else if (sums_request) req_left_q <= sums_beats;
    else if (req_fire) req_left_q <= req_left_q - {5'd0, req_beats_o};
    if (row_first) req_addr_q <= row_addr;
    else if (sums_request) req_addr_q <= sums_addr;
    else if (req_fire) req_addr_q <= req_addr_q + {{ADDR_W-12{1'b0}}, BURST_BYTES[11:0]};
  end

  assign idle_o = walk_idle && (taken_q == 6'd0) && !beat_valid && split_ready_q &&
                  !sums_pending;

  wire unused_ok = &{1'b0, beat_ready, queued, done_q, block};

endmodule

`default_nettype wire
