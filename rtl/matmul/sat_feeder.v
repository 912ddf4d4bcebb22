// SPDX-License-Identifier: Apache-2.0
// sat_feeder: times the flow of both operands into the array. Time runs in slots of T cycles. A
// period of period_i slots multiplies one group of the reduction (one kept element of S per slot,
// for T outputs) and meanwhile writes the next group's A values into the other half of the PE RAMs.
// A period starts only when all it needs is in the scratchpads and, if it ends a tile, when the
// tile's results can be taken; otherwise a bubble slot passes. Tiles, and the groups of successive
// tiles, follow each other without a gap, in the order of sat_feeder_position. Read commands leave
// one cycle after they are decided; formats: sat_a_bank, sat_s_bank. What the scratchpads hold may
// belong to the next command already: rings and counts go on from command to command. The eastern
// half of a folded array is COLS/2 cycles ahead of what it otherwise sees: the first folded command
// waits that long, and its first tile is spaced from then on. T >= 4: from one decision, or the
// start, to the next there are three cycles to find out what that one needs.
`default_nettype none
`include "sat_buses.vh"

module sat_feeder #(
  parameter integer ROWS    = 8,
  parameter integer COLS    = 8,
  parameter integer T       = 8,
  parameter integer A_DEPTH = 512,
  parameter integer S_DEPTH = 4096,
  parameter integer CHUNK_K = 256,
  parameter integer LANES   = 8
) (
  input  wire                                                     clk,
  input  wire                                                     rst_n,
  // command, stable from start_i on
  input  wire                                                     start_i,
  input  wire [15:0]                                              cols_i,
  input  wire [23:0]                                              depth_i,
  input  wire [7:0]                                               k_segments_i,
  input  wire                                                     dense_i,
  input  wire [4:0]                                               n_i,
  input  wire [2:0]                                               m_log2_i,
  input  wire [2:0]                                               t1_log2_i,
  input  wire [2:0]                                               t2_log2_i,
  input  wire                                                     fold_i,
  input  wire [4:0]                                               period_i,
  input  wire [24:0]                                              kept_i,
  input  wire [23:0]                                              row_tiles_i,
  input  wire [15:0]                                              col_tiles_i,
  input  wire                                                     a_resident_i,
  input  wire                                                     s_resident_i,
  output wire                                                     idle_o,
  // what the scratchpads hold, and what they may forget
  input  wire                                                     a_commit_i,
  output wire                                                     a_taken_o,
  output wire [$clog2(A_DEPTH):0]                                 a_taken_words_o,
  output wire                                                     a_release_o,
  output wire [$clog2(A_DEPTH):0]                                 a_release_words_o,
  input  wire                                                     value_commit_i,
  input  wire                                                     index_commit_i,
  output wire                                                     s_release_o,
  output wire [$clog2(S_DEPTH):0]                                 s_release_words_o,
  // a tile's worth of output buffer has been emptied
  input  wire                                                     tile_taken_i,
  // read commands for the first row and column
  output wire [`SAT_A_CMD_BITS+$clog2(LANES)+2*$clog2(A_DEPTH)-3:0] a_cmd_o,
  output wire [`SAT_S_CMD_BITS+$clog2(S_DEPTH)-1:0]               s_cmd_o,
  // performance events: one pulse per slot
  output reg                                                      slot_active_o,
  output reg                                                      stall_a_o,
  output reg                                                      stall_s_o,
  output reg                                                      stall_drain_o
);

  localparam integer T_L     = $clog2(T);
  localparam integer A_L     = $clog2(A_DEPTH);
  localparam integer SINCE_W = $clog2(ROWS + 2) + 1;
  localparam integer MIN_GAP = ROWS + 2;
  localparam [T_L-1:0] BEFORE_LAST = ~{{T_L-1{1'b0}}, 1'b1};  // cycle of a slot

  // ---- Slot clock
  reg               running_q;
  reg [T_L-1:0]     t_q;
  reg [4:0]         slot_q;        // slot of the period
  reg               busy_q;        // a period is under way (else a bubble)
  wire slot_end   = &t_q;
  wire period_end = !busy_q || (slot_q + 5'd1 == period_i);
  reg  period_end_q;

  // ---- The array folds
  localparam integer          SETTLE_W = $clog2(COLS + 1);
  localparam [SETTLE_W-1:0]   SETTLED  = {SETTLE_W{1'b0}};
  localparam integer          EAST     = COLS / 2;
  reg                folded_q;
  reg [SETTLE_W-1:0] settle_q;
  wire settling = settle_q != SETTLED;
  always @(posedge clk) begin
    if (!rst_n) begin
      folded_q <= 1'b0;
      settle_q <= SETTLED;
    end else if (start_i) begin
      folded_q <= fold_i;
      settle_q <= (fold_i && !folded_q) ? EAST[SETTLE_W-1:0] : SETTLED;
    end else if (settling) settle_q <= settle_q - 1'b1;
  end
  wire settled_next = settle_q <= {{SETTLE_W-1{1'b0}}, 1'b1};

  // ---- The next group, whose A values are to be written
  wire           advance;
  wire           next_valid, next_half, next_first, next_ends_chunk, next_ends_tile, next_rewinds;
  wire           next_last_row, next_last_col, chunk_fresh;
  wire [16:0]    next_k, chunk_len, chunk_row_words, chunk_words;
  wire [A_L-1:0] chunk_base;
  sat_feeder_position #(.A_DEPTH(A_DEPTH), .CHUNK_K(CHUNK_K), .LANES(LANES)) u_position (
    .clk         (clk),
    .rst_n       (rst_n),
    .start_i     (start_i),
    .depth_i     (depth_i),
    .k_segments_i(k_segments_i),
    .m_log2_i    (m_log2_i),
    .t2_log2_i   (t2_log2_i),
    .row_tiles_i (row_tiles_i),
    .col_tiles_i (col_tiles_i),
    .a_resident_i(a_resident_i),
    .valid_o     (next_valid),
    .advance_i   (advance),
    .half_o      (next_half),
    .first_o     (next_first),
    .k_o         (next_k),
    .ends_chunk_o(next_ends_chunk),
    .ends_tile_o (next_ends_tile),
    .last_row_o  (next_last_row),
    .last_col_o  (next_last_col),
    .rewind_o    (next_rewinds),
    .fresh_o     (chunk_fresh),
    .base_o      (chunk_base),
    .len_o       (chunk_len),
    .row_words_o (chunk_row_words),
    .words_o     (chunk_words)
  );
  assign a_taken_o       = advance && chunk_fresh;
  assign a_taken_words_o = chunk_words[A_L:0];

  // ---- The current group, whose S values are to be read
  reg cur_valid_q, cur_first_q, cur_last_q, cur_half_q, cur_last_row_q;

  // ---- Decision at a period's end
  reg  [16:0]       a_avail_q, a_pass_q;           // chunks loaded and not yet used; used this pass
  reg  [17:0]       value_avail_q, index_avail_q;  // rows of S, likewise
  reg  [1:0]        tiles_free_q;                  // tiles the output buffer can take
  reg  [SINCE_W-1:0] since_q;                      // slots since a tile's last slot, saturating
  wire [SINCE_W-1:0] since;
  wire [17:0]         n_rows = {13'd0, n_i};
  // Slots from the last tile's last slot to this tile's, plus 1.
  reg  [SINCE_W+4:0] gap_q;
  reg         a_ok_q, s_ok_q, drain_ok_q;
  reg         decide_q, asks_q;                    // with more to do
  wire        more    = cur_valid_q || next_valid;
  wire        decides = rst_n && running_q && (t_q == BEFORE_LAST) && period_end && settled_next;
  wire        fire    = asks_q && a_ok_q && s_ok_q && drain_ok_q;
  assign      advance = fire && next_valid;
  // What is committed in a cycle counts from the next one on, what is used or comes back from the
  // second one on.
  wire [17:0] value_want = n_rows - {17'd0, value_commit_i};
  wire [17:0] index_want = n_rows - {17'd0, index_commit_i};
  always @(posedge clk) begin
    period_end_q <= period_end;
    decide_q     <= decides;
    asks_q       <= decides && more;
    gap_q        <= {5'd0, since} + {{SINCE_W{1'b0}}, n_i};
    a_ok_q       <= !next_valid || (a_avail_q != 17'd0) || a_commit_i;
    s_ok_q       <= !cur_valid_q || ((value_avail_q >= value_want) &&
                                     (dense_i || (index_avail_q >= index_want)));
    drain_ok_q   <= !(cur_valid_q && cur_last_q)
                    || (((tiles_free_q != 2'd0) || tile_taken_i)
                        && (gap_q >= MIN_GAP[SINCE_W+4:0]));
  end

  // ---- The running period
  reg  fired_q, a_rewind_q, a_used_q;
  reg  p_read_q, p_first_q, p_last_q, p_half_q, p_last_row_q;
  wire active    = busy_q && p_read_q && (slot_q < n_i);
  wire last_slot = active && p_last_q && (slot_q + 5'd1 == n_i);
  wire s_used    = fired_q && p_read_q;
  wire s_rewind  = s_used && p_last_q && s_resident_i && !p_last_row_q;
  wire [17:0] s_taken    = s_used ? n_rows : 18'd0;
  wire [17:0] s_restored = s_rewind ? kept_i[17:0] : 18'd0;  // resident: a scratchpad's rows
  assign since   = last_slot ? {{SINCE_W-1{1'b0}}, 1'b1} : (&since_q) ? since_q : since_q + 1'b1;

  always @(posedge clk) begin
    if (!rst_n) begin
      running_q   <= 1'b0;
      busy_q      <= 1'b0;
      cur_valid_q <= 1'b0;
    end else if (start_i) begin
      running_q   <= 1'b1;
      busy_q      <= 1'b0;
      cur_valid_q <= 1'b0;
    end else begin
      if (decide_q) begin
        busy_q <= fire;
        if (!more) running_q <= 1'b0;
      end
      if (fire) cur_valid_q <= next_valid;
    end
  end
  assign idle_o = !running_q;

  always @(posedge clk) begin
    if (start_i) begin
      t_q    <= {T_L{1'b0}};
      slot_q <= 5'd0;
    end else begin
      t_q <= t_q + 1'b1;
      if (slot_end) slot_q <= period_end_q ? 5'd0 : slot_q + 5'd1;
    end
    if (!rst_n) since_q <= {SINCE_W{1'b1}};
    else if (settling) since_q <= {SINCE_W{1'b0}};
    else if (slot_end && !start_i) since_q <= since;
  end

  always @(posedge clk) begin
    fired_q    <= rst_n && fire;
    a_rewind_q <= rst_n && advance && next_rewinds;
    a_used_q   <= rst_n && advance && next_ends_chunk;
    if (fire) begin
      cur_first_q    <= next_first;
      cur_last_q     <= next_ends_tile;
      cur_half_q     <= next_half;
      cur_last_row_q <= next_last_row;
      p_read_q       <= cur_valid_q;
      p_first_q      <= cur_first_q;
      p_last_q       <= cur_last_q;
      p_half_q       <= cur_half_q;
      p_last_row_q   <= cur_last_row_q;
    end
  end

  always @(posedge clk) begin
    if (!rst_n) begin
      a_avail_q     <= 17'd0;
      a_pass_q      <= 17'd0;
      value_avail_q <= 18'd0;
      index_avail_q <= 18'd0;
      tiles_free_q  <= 2'd2;
    end else begin
      a_avail_q     <= a_avail_q + {16'd0, a_commit_i}
                       + (a_rewind_q ? a_pass_q : {17{a_used_q}});
      if (start_i || a_rewind_q) a_pass_q <= 17'd0;
      else a_pass_q <= a_pass_q + {16'd0, a_used_q};
      value_avail_q <= value_avail_q + {17'd0, value_commit_i}
                       - s_taken + s_restored;
      index_avail_q <= index_avail_q + {17'd0, index_commit_i}
                       - (dense_i ? 18'd0 : s_taken - s_restored);
      tiles_free_q  <= tiles_free_q + {1'b0, tile_taken_i}
                       - {1'b0, s_used && p_last_q};
    end
  end

  // ---- Read commands and releases
  sat_feeder_a #(.ROWS(ROWS), .A_DEPTH(A_DEPTH), .LANES(LANES)) u_a (
    .clk            (clk),
    .rst_n          (rst_n),
    .m_log2_i       (m_log2_i),
    .t2_log2_i      (t2_log2_i),
    .fold_i         (fold_i),
    .fire_i         (fire),
    .valid_i        (next_valid),
    .half_i         (next_half),
    .k_i            (next_k),
    .release_i      (next_ends_chunk && (!a_resident_i || next_last_col)),
    .base_i         (chunk_base),
    .len_i          (chunk_len),
    .row_words_i    (chunk_row_words),
    .words_i        (chunk_words),
    .period_end_i   (busy_q && slot_end && period_end_q),
    .a_cmd_o        (a_cmd_o),
    .release_o      (a_release_o),
    .release_words_o(a_release_words_o)
  );
  sat_feeder_s #(.COLS(COLS), .T(T), .S_DEPTH(S_DEPTH)) u_s (
    .clk            (clk),
    .rst_n          (rst_n),
    .start_i        (start_i),
    .cols_i         (cols_i),
    .m_log2_i       (m_log2_i),
    .t1_log2_i      (t1_log2_i),
    .fold_i         (fold_i),
    .s_resident_i   (s_resident_i),
    .t_i            (t_q),
    .active_i       (active),
    .first_i        (p_first_q && (slot_q == 5'd0)),
    .last_i         (last_slot),
    .last_row_i     (p_last_row_q),
    .half_i         (p_half_q),
    .s_cmd_o        (s_cmd_o),
    .release_o      (s_release_o),
    .release_words_o(s_release_words_o)
  );

  always @(posedge clk) begin
    slot_active_o <= active && slot_end;
    stall_a_o     <= asks_q && !a_ok_q;
    stall_s_o     <= asks_q && a_ok_q && !s_ok_q;
    stall_drain_o <= asks_q && a_ok_q && s_ok_q && !drain_ok_q;
  end

  wire unused_ok = &{1'b0, kept_i};

endmodule

`default_nettype wire
