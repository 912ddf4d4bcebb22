// SPDX-License-Identifier: Apache-2.0
// What sat_c_store writes: every request lies in the beats of a row of C, whatever the size; as
// many beats follow as are requested, and their strobes are the bytes of the row.
// Addresses are sums of the base, multiples of the stride and offsets in a row. With base 0 and
// stride 2^18, which no offset reaches, an address is {row, offset}, and the statement is about
// both numbers. Not the scattered rows of a phase (c_rows_i), and no blank_i. 2x2 PEs, one shape of tile. Strobes are looked at on their way
// into the queue (sat_fifo keeps the order).
// Data is free. Without sums of columns: sat_column_sums is cut, and silent as long as it is not
// told to drain. Labels as in sat_wr_dma_props.v.
`default_nettype none
`include "sat_buses.vh"
`include "sat_fp.vh"

module sat_c_store_props #(
  parameter integer ROWS   = 2,
  parameter integer COLS   = 2,
  parameter integer T      = 8,
  parameter integer T1     = 2,  // tiles of ROWS * T / 2^T1 rows and COLS * 2^T1 columns
  parameter integer LANES  = 2,
  parameter integer ADDR_W = 40,
  parameter integer DATA_W = 128
) (
  input wire                  clk,
  input wire                  rst_n,
  // Command, taken with start_i
  input wire                  start_i,
  input wire                  as_single_i,
  input wire            [2:0] uses_i,     // bias, residual, mask
  input wire           [15:0] rows_i,
  input wire           [15:0] cols_i,
  input wire                  trans_i,
  // Surroundings
  input wire                  row_done_i,
  input wire [COLS*31-1:0]    buffer_word_i,
  input wire            [2:0] operands_i,
  input wire                  req_ready_i,
  input wire                  data_ready_i
);
  localparam integer STRIDE_L = 18;
  localparam integer ROW_W    = ADDR_W - STRIDE_L;

  // The command, stable from its start on.
  reg         single_q;
  reg   [2:0] uses_q;
  reg  [15:0] rows_q, cols_q;
  reg         trans_q;
  wire        trans    = start_i ? trans_i : trans_q;
  wire        single   = start_i ? as_single_i : single_q;
  wire  [2:0] uses     = start_i ? uses_i : uses_q;
  wire [15:0] rows     = start_i ? rows_i : rows_q;
  wire [15:0] cols     = start_i ? cols_i : cols_q;
  wire  [1:0] t1       = T1;
  wire  [1:0] t2       = 2'd3 - t1;  // T is 8

  always @(posedge clk)
    {single_q, uses_q, rows_q, cols_q, trans_q} <= {single, uses, rows, cols, trans};

  // As sat_matmul_plan counts: rows of a tile are ROWS * 2^t2, columns COLS * 2^t1.
  wire [16:0] row_span  = 17'd2 << t2;
  wire [16:0] col_span  = 17'd2 << t1;
  wire [16:0] row_tiles = ({1'b0, rows} + row_span - 17'd1) >> ({1'b0, t2} + 3'd1);
  wire [16:0] col_tiles = ({1'b0, cols} + col_span - 17'd1) >> ({1'b0, t1} + 3'd1);

  wire              idle, overflow, tile_taken, req_valid, data_valid, bias_next, residual_ready,
                    mask_ready;
  wire [ADDR_W-1:0] req_addr;
  wire       [11:0] req_beats;

  sat_c_store #(
    .ROWS  (ROWS),
    .COLS  (COLS),
    .T     (T),
    .LANES (LANES),
    .ADDR_W(ADDR_W),
    .DATA_W(DATA_W)
  ) u_store (
    .clk             (clk),
    .rst_n           (rst_n),
    .start_i         (start_i),
    .trans_i         (trans),
    .blank_i         (1'b0),
    .base_i          ({ADDR_W{1'b0}}),
    .stride_i        (24'd1 << STRIDE_L),
    .sums_base_i     ({ADDR_W{1'b0}}),
    .sums_stride_i   (24'd0),
    .as_single_i     (single),
    .use_bias_i      (uses[0]),
    .use_residual_i  (uses[1]),
    .use_relu_i      (1'b0),
    .use_mask_i      (uses[2]),
    .use_sums_i      (1'b0),
    .rows_i          ({8'd0, rows}),
    .cols_i          (cols),
    .row_tiles_i     ({8'd0, row_tiles[15:0]}),
    .col_tiles_i     (col_tiles[15:0]),
    .t1_log2_i       ({1'b0, t1}),
    .t2_log2_i       ({1'b0, t2}),
    .fold_i          (1'b0),  // only the buffer's address depends on it
    .c_rows_i        ({`SAT_C_ROWS_BITS{1'b0}}),
    .idle_o          (idle),
    .overflow_o      (overflow),
    .row_done_i      (row_done_i),
    .buffer_addr_o   (),
    .buffer_word_i   (buffer_word_i),
    .tile_taken_o    (tile_taken),
    .bias_ready_i    (operands_i[0]),
    .bias_next_o     (bias_next),
    .bias_group_o    (),
    .bias_i          ({LANES*32{1'b0}}),
    .residual_valid_i(operands_i[1]),
    .residual_ready_o(residual_ready),
    .residual_i      ({DATA_W{1'b0}}),
    .mask_valid_i    (operands_i[2]),
    .mask_ready_o    (mask_ready),
    .mask_i          ({DATA_W{1'b0}}),
    .req_valid_o     (req_valid),
    .req_ready_i     (req_ready_i),
    .req_addr_o      (req_addr),
    .req_beats_o     (req_beats),
    .data_valid_o    (data_valid),
    .data_ready_i    (data_ready_i),
    .data_o          (),
    .strb_o          ()
  );

  // Groups of columns on their way from issue to queue, the newest first: the row's columns in this
  // tile, those before the group, and whether there is a group.
  localparam integer LATENCY = 2 + `SAT_EPILOGUE_LATENCY;
  (* hierconn *) wire               \u_store.issue ;
  (* hierconn *) wire        [16:0] \u_store.row_cols ;
  (* hierconn *) wire        [16:0] \u_store.done_q ;
  (* hierconn *) wire               \u_store.beat_valid ;
  (* hierconn *) wire        [15:0] \u_store.strb ;
  (* hierconn *) wire               \u_store.sums_valid ;
  (* hierconn *) wire               \u_store.sums_begin ;
  wire [16:0] row_cols   = \u_store.row_cols ;
  wire [16:0] done       = \u_store.done_q ;
  wire        beat_valid = \u_store.beat_valid ;
  wire [15:0] strb       = \u_store.strb ;
  reg   [7:0] way_q [0:LATENCY];  // the last one is beside the beat
  integer     w;

  always @(posedge clk) begin
    way_q[0] <= {row_cols[3:0], done[3:0]};
    for (w = 0; w < LATENCY; w = w + 1) way_q[w+1] <= way_q[w];
  end

  wire  [3:0] beat_cols = way_q[LATENCY][7:4];
  wire  [3:0] beat_at   = way_q[LATENCY][3:0] & (single ? 4'hC : 4'h8);
  integer     b;

  // Beats requested but not yet sent.
  reg  [19:0] debt_q;

  always @(posedge clk)
    if (!rst_n) debt_q <= 20'd0;
    else debt_q <= debt_q + (req_valid && req_ready_i ? req_beats : 20'd0)
                          - {19'd0, data_valid && data_ready_i};

  // Rows of C; bytes of the beats that hold a row.
  wire  [18:0] row_bytes = single ? ({1'b0, cols, 2'b0} + 19'd15) & ~19'd15
                                  : ({2'b0, cols, 1'b0} + 19'd15) & ~19'd15;
  wire  [ROW_W-1:0] req_row    = req_addr[ADDR_W-1:STRIDE_L];
  wire       [18:0] req_offset = {1'b0, req_addr[STRIDE_L-1:0]};

  reg started_q = 1'b0;
  reg alive_q, start_q, idle_q;
  always @(posedge clk) {started_q, alive_q, start_q, idle_q} <= {1'b1, rst_n, start_i, idle};

  always @(*) begin
    if (!started_q) m_reset_first: assume (!rst_n && !start_i);
    else begin
      // A command starts when the one before is done.
      if (start_i) m_start: assume (idle);
      // The command check: at least one row and column, C's tiles are counted in 16 bits.
      m_sizes: assume (rows != 16'd0 && cols != 16'd0);
`ifndef PROVE
      m_small: assume (rows < 16'd8 && cols < 16'd32);  // enough to see what must be refuted
`endif
      m_sums:  assume (!\u_store.sums_valid && !\u_store.sums_begin );

      if (req_valid) begin
        a_row:  assert (req_row < rows);
        a_beats: assert (req_beats <= 12'd16 && req_addr[3:0] == 4'd0);
        a_cols: assert (req_beats != 12'd0
                        && req_offset + {3'd0, req_beats, 4'd0} <= row_bytes);
      end
      // Done only when nothing is left to be requested or sent.
      if (idle) a_idle: assert (!req_valid && !data_valid && debt_q == 20'd0);
      if (!alive_q) a_reset: assert (idle);
      else a_stays: assert (start_q ? !idle : !idle_q || idle);
      // A byte is written if and only if it is the row's.
      if (beat_valid)
        for (b = 0; b < 16; b = b + 1)
          assert (strb[b] == (beat_at + (single ? b / 4 : b / 2) < beat_cols));
    end
  end

`ifdef PROVE
  // ---- Invariants: a planted fault must be seen without them --------------------------------
  (* hierconn *) wire              \u_store.u_walk.walking_q ;
  (* hierconn *) wire              \u_store.u_walk.fire ;
  (* hierconn *) wire              \u_store.u_walk.tile_last ;
  (* hierconn *) wire              \u_store.u_walk.column_last ;
  (* hierconn *) wire       [23:0] \u_store.u_walk.row_tiles_q ;
  (* hierconn *) wire       [15:0] \u_store.u_walk.col_tiles_q ;
  (* hierconn *) wire              \u_store.u_walk.last_tile_q ;
  (* hierconn *) wire       [16:0] \u_store.u_walk.cols_left_q ;
  (* hierconn *) wire              \u_store.u_walk.r_q ;
  (* hierconn *) wire        [3:0] \u_store.u_walk.t2_q ;
  (* hierconn *) wire              \u_store.u_walk.t2_last_q ;
  (* hierconn *) wire       [24:0] \u_store.u_walk.number ;
  (* hierconn *) wire       [24:0] \u_store.u_walk.row_q ;
  (* hierconn *) wire       [24:0] \u_store.u_walk.line_row_q ;
  (* hierconn *) wire       [24:0] \u_store.u_walk.hop_q ;
  (* hierconn *) wire       [15:0] \u_store.u_walk.line_left_q ;
  (* hierconn *) wire       [15:0] \u_store.u_walk.lines_left_q ;
  (* hierconn *) wire              \u_store.u_walk.line_end_q ;
  (* hierconn *) wire              \u_store.u_walk.image_end_q ;
  (* hierconn *) wire [ADDR_W-1:0] \u_store.u_walk.column_addr_q ;
  (* hierconn *) wire              \u_store.u_walk.s1_valid_q ;
  (* hierconn *) wire [ADDR_W-1:0] \u_store.u_walk.s1_addr ;
  (* hierconn *) wire       [16:0] \u_store.u_walk.s1_cols_q ;
  (* hierconn *) wire        [3:0] \u_store.u_walk.s1_note_q ;
  (* hierconn *) wire              \u_store.u_walk.s2_valid_q ;
  (* hierconn *) wire [ADDR_W-1:0] \u_store.u_walk.s2_addr_q ;
  (* hierconn *) wire       [16:0] \u_store.u_walk.s2_cols_q ;
  (* hierconn *) wire       [16:0] \u_store.u_walk.s2_beats_q ;
  (* hierconn *) wire        [3:0] \u_store.u_walk.s2_note_q ;
  (* hierconn *) wire       [16:0] \u_store.req_left_q ;
  wire        walking     = \u_store.u_walk.walking_q ;
  wire        step        = \u_store.u_walk.fire ;
  wire        column_last = \u_store.u_walk.column_last ;
  wire [16:0] cols_left   = \u_store.u_walk.cols_left_q ;
  wire [16:0] req_left    = \u_store.req_left_q ;

  // Where the walk is: the tile's first row and column.
  reg  [16:0] tile_q, col_q;

  always @(posedge clk) begin
    if (start_i) {tile_q, col_q} <= {17'd0, 17'd0};
    else if (step && column_last) {tile_q, col_q} <= {17'd0, col_q + col_span};
    else if (step && \u_store.u_walk.tile_last ) tile_q <= tile_q + row_span;
  end

  wire [18:0] offset = single ? {col_q, 2'b0} : {1'b0, col_q, 1'b0};

  // And its row: place r * 2^t2 + t2_q of the tile, of a transposed one t2_q * ROWS + r.
  wire        r           = \u_store.u_walk.r_q ;
  wire  [3:0] t2_q        = \u_store.u_walk.t2_q ;
  wire [24:0] row         = \u_store.u_walk.row_q ;
  wire  [4:0] blocks      = 5'd1 << t2;
  wire [16:0] at          = trans ? {12'd0, t2_q, r} : ({16'd0, r} << t2) + {13'd0, t2_q};
  wire [16:0] rows_left   = {1'b0, rows} - tile_q;

  always @(*) if (started_q && walking && !start_i) begin
    i_rows:    assert (tile_q < {1'b0, rows});
    i_cols:    assert (cols_left != 17'd0 && {1'b0, cols_left} + col_q == cols);
    i_row_tiles: assert (\u_store.u_walk.row_tiles_q  == (rows_left + row_span - 17'd1)
                                                          >> ({1'b0, t2} + 3'd1));
    i_col_tiles: assert (\u_store.u_walk.col_tiles_q  == (cols_left + col_span - 17'd1)
                                                          >> ({1'b0, t1} + 3'd1));
    i_last:    assert (\u_store.u_walk.last_tile_q  == (\u_store.u_walk.row_tiles_q  == 24'd1));
    i_t2:      assert (t2_q < blocks && \u_store.u_walk.t2_last_q  == (t2_q + 5'd1 == blocks));
    i_offset:  assert (offset < 1 << STRIDE_L && offset[3:0] == 4'd0);
    i_column:  assert (\u_store.u_walk.column_addr_q  == offset);
    i_number:  assert (\u_store.u_walk.number  == tile_q + at);
    if (trans) begin
      i_line:  assert (\u_store.u_walk.line_row_q  == tile_q + r
                       && \u_store.u_walk.line_left_q  == blocks - t2_q
                       && \u_store.u_walk.line_end_q  == \u_store.u_walk.t2_last_q );
      i_lines: assert (\u_store.u_walk.lines_left_q  == 16'd2 - r
                       && \u_store.u_walk.image_end_q  == r
                       && \u_store.u_walk.hop_q  == (r ? 2 * blocks - 25'd1 : 25'd1));
    end else begin
      i_row:   assert (row == \u_store.u_walk.number );
      i_line_never_ends: assert (!\u_store.u_walk.line_end_q );
    end
  end

  // Rows on their way through the multiplier: of C, from a column of a tile on.
  (* hierconn *) wire       [29:0] \u_store.u_walk.s1_low_q ;
  (* hierconn *) wire       [29:0] \u_store.u_walk.s1_high_q ;
  (* hierconn *) wire [ADDR_W-1:0] \u_store.u_walk.s1_column_q ;
  wire       [29:0] s1_low    = \u_store.u_walk.s1_low_q ;
  wire       [29:0] s1_high   = \u_store.u_walk.s1_high_q ;
  wire [ADDR_W-1:0] s1_column = \u_store.u_walk.s1_column_q ;
  wire [ADDR_W-1:0] s1_addr  = \u_store.u_walk.s1_addr ;
  wire       [16:0] s1_cols  = \u_store.u_walk.s1_cols_q ;
  wire              s1_skip  = \u_store.u_walk.s1_note_q [3];
  wire [ADDR_W-1:0] s2_addr  = \u_store.u_walk.s2_addr_q ;
  wire       [16:0] s2_cols  = \u_store.u_walk.s2_cols_q ;
  wire              s2_skip  = \u_store.u_walk.s2_note_q [3];
  wire       [18:0] s1_end   = {1'b0, s1_addr[STRIDE_L-1:0]}
                               + (single ? {s1_cols, 2'b0} : {1'b0, s1_cols, 1'b0});
  wire       [18:0] s2_end   = {1'b0, s2_addr[STRIDE_L-1:0]}
                               + (single ? {s2_cols, 2'b0} : {1'b0, s2_cols, 1'b0});
  wire       [16:0] beats    = single ? (row_cols + 17'd3) >> 2 : (row_cols + 17'd7) >> 3;
  wire       [18:0] c_end    = single ? {1'b0, cols, 2'b0} : {2'b0, cols, 1'b0};
  always @(*) if (started_q && !start_i) begin
    // The address has no carries: a low and a high half of the row, and the offset.
    if (\u_store.u_walk.s1_valid_q ) begin
      i_low:    assert (s1_low[29:STRIDE_L+6] == 6'd0 && s1_low[STRIDE_L-7:0] == 12'd0);
      i_high:   assert (s1_high[29:STRIDE_L+6] == 6'd0 && s1_high[STRIDE_L-7:0] == 12'd0);
      i_across: assert (s1_column[ADDR_W-1:STRIDE_L] == {ROW_W{1'b0}});
      i_s1: assert (s1_cols != 17'd0 && s1_cols <= col_span
                    && (s1_skip || (s1_addr[ADDR_W-1:STRIDE_L] < rows && s1_end <= c_end
                                    && s1_addr[3:0] == 4'd0)));
    end
    if (\u_store.u_walk.s2_valid_q )
      i_s2: assert (s2_cols != 17'd0 && s2_cols <= col_span && \u_store.u_walk.s2_beats_q  == beats
                    && (s2_skip || (s2_addr[ADDR_W-1:STRIDE_L] < rows && s2_end <= c_end
                                    && s2_addr[3:0] == 4'd0)));
  end

  // Groups under way, the oldest first: each has its place in its beat, and some end one.
  (* hierconn *) wire   [LATENCY-1:0] \u_store.u_valid.genblk1.gen_shift.bits_q ;
  (* hierconn *) wire [3*LATENCY-1:0] \u_store.u_lanes.genblk1.gen_shift.data_q ;
  (* hierconn *) wire           [1:0] \u_store.u_pack.place_q ;
  (* hierconn *) wire          [15:0] \u_store.u_pack.held_strb_q ;
  (* hierconn *) wire           [5:0] \u_store.taken_q ;
  (* hierconn *) wire           [5:0] \u_store.queued ;
  (* hierconn *) wire                 \u_store.row_skip ;
  (* hierconn *) wire                 \u_store.sums_pending ;
  (* hierconn *) wire                 \u_store.room_q ;
  (* hierconn *) wire                 \u_store.row_few ;
  (* hierconn *) wire                 \u_store.first_q ;
  (* hierconn *) wire                 \u_store.last_q ;
  (* hierconn *) wire          [16:0] \u_store.left_q ;
  (* hierconn *) wire                 \u_store.split_ready_q ;
  wire   [LATENCY-1:0] groups = \u_store.u_valid.genblk1.gen_shift.bits_q ;
  wire [3*LATENCY-1:0] lanes  = \u_store.u_lanes.genblk1.gen_shift.data_q ;
  wire           [1:0] packed = \u_store.u_pack.place_q ;
  wire           [5:0] queued = \u_store.queued ;
  wire           [5:0] count  = \u_store.taken_q  - queued;
  reg            [1:0] place;
  reg            [5:0] group_count, end_count;
  reg                  fits;
  integer              g;

  always @(*) begin
    place = packed;
    {group_count, end_count} = 12'd0;
    fits = 1'b1;
    for (g = LATENCY - 1; g >= 0; g = g - 1)
      if (groups[g]) begin
        fits = fits && way_q[g][3:0] < way_q[g][7:4] && way_q[g][7:4] <= 4'd8
               && place == (single ? {way_q[g][1], 1'b0} : way_q[g][2:1]) && !way_q[g][0]
               && lanes[3*g +: 2] == {way_q[g][7:4] - way_q[g][3:0] != 4'd1, 1'b1}
               && lanes[3*g+2] == (way_q[g][7:4] - way_q[g][3:0] <= 4'd2);
        group_count = group_count + 6'd1;
        if (lanes[3*g+2] || (single ? place[1] : &place)) begin
          place     = 2'd0;
          end_count = end_count + 6'd1;
        end else place = place + (single ? 2'd2 : 2'd1);
      end
  end

  always @(*) if (started_q) begin
    i_groups: assert (fits && count == group_count && {2'b0, count} + queued + beat_valid <= 8'd32);
    i_room:   assert (\u_store.room_q  == (\u_store.taken_q  < 6'd31));
    i_few:    assert (!\u_store.u_walk.s2_valid_q  || \u_store.row_few  == (row_cols <= 17'd2));
    i_first:  assert (\u_store.first_q  == (done == 17'd0));
    i_group:  assert (done == 17'd0 || (\u_store.left_q  == row_cols - done
                                        && \u_store.last_q  == (row_cols - done <= 17'd2)));
    i_split:  assert (\u_store.split_ready_q  == (req_left == 17'd0));
    i_sums:   assert (!\u_store.sums_pending );
    i_place:  assert (place == (single ? {done[1], 1'b0} : done[2:1]) && !done[0]);
    i_done:   assert (done == 17'd0 || (\u_store.u_walk.s2_valid_q  && done < row_cols && !\u_store.row_skip ));
    i_held:   assert (\u_store.u_pack.held_strb_q  == (packed == 2'd0 ? \u_store.u_pack.held_strb_q
                      : packed == 2'd1 ? 16'h000F : packed == 2'd2 ? 16'h00FF : 16'h0FFF));
    i_single: assert (!single || !packed[0]);
    i_debt:   assert (debt_q + req_left == (done == 17'd0 ? 17'd0
                      : beats - (single ? done >> 2 : done >> 3))
                                                   + end_count + beat_valid + queued);
  end

  // What is left of a row's requests.
  always @(*) if (started_q && req_left != 17'd0 && !start_i)
    i_left: assert (req_row < rows && req_left <= row_bytes[18:4]
                    && req_offset + {req_left, 4'd0} <= row_bytes);
  always @(*) if (started_q) i_aligned: assert (req_left == 17'd0 || req_addr[3:0] == 4'd0);
`endif

`ifdef COVER
  // Must fail: a request for the only row of a second tile.
  always @(*)
    if (started_q) c_second: assert (!(req_valid && rows == row_span + 17'd1 && req_row == row_span));
`endif
endmodule

`default_nettype wire
