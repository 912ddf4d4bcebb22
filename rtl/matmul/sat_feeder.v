// SPDX-License-Identifier: Apache-2.0
// sat_feeder: times the flow of both operands into the array. Time runs in slots of T cycles. A
// period of period_i slots multiplies one group of the reduction (one kept element of S per slot,
// for T outputs) and meanwhile writes the next group's A values into the other half of the PE RAMs.
// A period starts only when all it needs is in the scratchpads and, if it ends a tile, when the
// tile's results can be taken; otherwise a bubble slot passes. Tiles, and the groups of successive
// tiles, follow each other without a gap: column tiles, row tiles, groups. Read commands leave one
// cycle after they are decided; formats: sat_a_bank, sat_s_bank.
`default_nettype none

module sat_feeder #(
  parameter integer ROWS    = 8,
  parameter integer COLS    = 8,
  parameter integer T       = 8,
  parameter integer A_DEPTH = 512,
  parameter integer S_DEPTH = 4096,
  parameter integer CHUNK_K = 256,
  parameter integer LANES   = 8
) (
  input  wire                                        clk,
  input  wire                                        rst_n,
  // command, stable from start_i on
  input  wire                                        start_i,
  input  wire [15:0]                                 cols_i,
  input  wire [15:0]                                 depth_i,
  input  wire                                        dense_i,
  input  wire [4:0]                                  n_i,
  input  wire [2:0]                                  m_log2_i,
  input  wire [2:0]                                  t1_log2_i,
  input  wire [2:0]                                  t2_log2_i,
  input  wire [4:0]                                  period_i,
  input  wire [16:0]                                 kept_i,
  input  wire [15:0]                                 row_tiles_i,
  input  wire [15:0]                                 col_tiles_i,
  input  wire                                        a_resident_i,
  input  wire                                        s_resident_i,
  output wire                                        idle_o,
  // what the scratchpads hold, and what they may forget
  input  wire                                        a_commit_i,
  output wire                                        a_taken_o,
  output wire [$clog2(A_DEPTH):0]                    a_taken_words_o,
  output wire                                        a_release_o,
  output wire [$clog2(A_DEPTH):0]                    a_release_words_o,
  input  wire                                        value_commit_i,
  input  wire                                        index_commit_i,
  output wire                                        s_release_o,
  output wire [$clog2(S_DEPTH):0]                    s_release_words_o,
  // a tile's worth of output buffer has been emptied
  input  wire                                        tile_taken_i,
  // read commands for the first row and column
  output reg  [7+$clog2(LANES)+$clog2(A_DEPTH)-1:0]  a_cmd_o,
  output reg  [8+$clog2(S_DEPTH)-1:0]                s_cmd_o,
  // performance events: one pulse per slot
  output reg                                         slot_active_o,
  output reg                                         stall_a_o,
  output reg                                         stall_s_o,
  output reg                                         stall_drain_o
);

  localparam integer T_L     = $clog2(T);
  localparam integer A_L     = $clog2(A_DEPTH);
  localparam integer S_L     = $clog2(S_DEPTH);
  localparam integer LANES_L = $clog2(LANES);
  localparam integer COLS_L  = $clog2(COLS);
  localparam integer SINCE_W = $clog2(ROWS + 2) + 1;
  localparam integer MIN_GAP = ROWS + 2;
  // A word is forgotten only when the last row or column has read it: ripple, plus the RAM's
  // stages.
  localparam integer A_HOLD  = ROWS + 2;
  localparam integer S_HOLD  = COLS + 2;

  // ---- Slot clock -------------------------------------------------------------------------
  reg               running_q;
  reg [T_L-1:0]     t_q;
  reg [4:0]         slot_q;        // slot of the period
  reg               busy_q;        // a period is under way (else a bubble)
  wire slot_end   = &t_q;
  wire period_end = !busy_q || (slot_q + 5'd1 == period_i);
  wire decide     = running_q && slot_end && period_end;

  // ---- The next group, whose A values are to be written -----------------------------------
  reg               next_valid_q, next_first_q, next_half_q;
  reg [15:0]        next_rows_q, next_cols_q;  // row and column tiles left, this one included
  reg [16:0]        next_depth_q;              // reduction elements from this chunk on
  reg [16:0]        next_k_q;                  // first element of the group, within its chunk
  reg [A_L-1:0]     next_base_q;               // word address of its chunk
  wire [16:0] m_size         = 17'd1 << m_log2_i;
  wire [16:0] chunk_len      = (next_depth_q < CHUNK_K[16:0]) ? next_depth_q : CHUNK_K[16:0];
  wire [16:0] chunk_row      = (chunk_len + LANES[16:0] - 17'd1) >> LANES_L;
  wire [16:0] chunk_words    = chunk_row << t2_log2_i;
  wire        next_ends_chunk = next_k_q + m_size >= chunk_len;
  wire        next_ends_tile  = next_ends_chunk && (next_depth_q <= CHUNK_K[16:0]);
  wire        next_last_row   = next_rows_q == 16'd1;
  wire        next_last_col   = next_cols_q == 16'd1;
  wire        next_ends_pass  = next_ends_tile && next_last_row;

  // ---- The current group, whose S values are to be read -----------------------------------
  reg               cur_valid_q, cur_first_q, cur_last_q, cur_half_q, cur_last_row_q;

  // ---- Decision at a period's end ---------------------------------------------------------
  reg  [16:0]       a_avail_q, a_total_q;          // chunks loaded and not yet used; loaded ever
  reg  [17:0]       value_avail_q, index_avail_q;  // rows of S, likewise
  reg  [1:0]        tiles_free_q;                  // tiles the output buffer can take
  reg  [SINCE_W-1:0] since_q;                      // slots since a tile's last slot, saturating
  wire [SINCE_W-1:0] since;
  wire [17:0] n_rows   = {13'd0, n_i};
  // Slots from the last tile's last slot to this tile's, plus 1.
  wire [SINCE_W+4:0] gap = {5'd0, since} + {{SINCE_W{1'b0}}, n_i};
  wire        spaced   = gap >= MIN_GAP[SINCE_W+4:0];
  wire        a_ok     = !next_valid_q || (a_avail_q != 17'd0);
  wire        s_ok     = !cur_valid_q || ((value_avail_q >= n_rows) &&
                                          (dense_i || (index_avail_q >= n_rows)));
  wire        drain_ok = !(cur_valid_q && cur_last_q) || ((tiles_free_q != 2'd0) && spaced);
  wire        more     = cur_valid_q || next_valid_q;
  wire        fire     = decide && more && a_ok && s_ok && drain_ok;
  wire        advance  = fire && next_valid_q;
  wire        s_rewind = fire && cur_valid_q && cur_last_q && s_resident_i && !cur_last_row_q;
  wire        a_rewind = advance && next_ends_pass && a_resident_i;
  wire [17:0] s_taken    = (fire && cur_valid_q) ? n_rows : 18'd0;
  wire [17:0] s_restored = s_rewind ? {1'b0, kept_i} : 18'd0;

  // The first use of a chunk: later passes over a resident A take nothing new from the loader.
  wire        first_pass = !a_resident_i || (next_cols_q == col_tiles_i);
  assign a_taken_o       = advance && (next_k_q == 17'd0) && first_pass;
  assign a_taken_words_o = chunk_words[A_L:0];

  // ---- The running period -----------------------------------------------------------------
  reg               p_read_q, p_first_q, p_last_q, p_half_q, p_last_row_q;
  reg               p_write_q, p_write_half_q, p_release_q;
  reg [A_L-1:0]     p_base_q;      // word address of the current row block within the chunk
  reg [16:0]        p_k_q, p_len_q;
  reg [A_L-1:0]     p_row_words_q;
  reg [A_L:0]       p_words_q;
  reg [3:0]         p_index_q;     // A value of the group: t2*M + m
  wire active    = busy_q && p_read_q && (slot_q < n_i);
  wire last_slot = active && p_last_q && (slot_q + 5'd1 == n_i);
  assign since   = last_slot ? {{SINCE_W-1{1'b0}}, 1'b1} : (&since_q) ? since_q : since_q + 1'b1;

  always @(posedge clk) begin
    if (!rst_n) begin
      running_q    <= 1'b0;
      busy_q       <= 1'b0;
      cur_valid_q  <= 1'b0;
      next_valid_q <= 1'b0;
    end else if (start_i) begin
      running_q    <= 1'b1;
      busy_q       <= 1'b0;
      cur_valid_q  <= 1'b0;
      next_valid_q <= 1'b1;
    end else begin
      if (decide) begin
        busy_q <= fire;
        if (!more) running_q <= 1'b0;
      end
      if (fire) cur_valid_q <= next_valid_q;
      if (advance && next_ends_pass && next_last_col) next_valid_q <= 1'b0;
    end
  end
  assign idle_o = !running_q;

  always @(posedge clk) begin
    if (start_i) begin
      t_q     <= {T_L{1'b0}};
      slot_q  <= 5'd0;
      since_q <= {SINCE_W{1'b1}};
    end else begin
      t_q <= t_q + 1'b1;
      if (slot_end) begin
        slot_q  <= period_end ? 5'd0 : slot_q + 5'd1;
        since_q <= since;
      end
    end
  end

  always @(posedge clk) begin
    if (start_i) begin
      next_first_q <= 1'b1;
      next_half_q  <= 1'b0;
      next_rows_q  <= row_tiles_i;
      next_cols_q  <= col_tiles_i;
      next_depth_q <= {1'b0, depth_i};
      next_k_q     <= 17'd0;
      next_base_q  <= {A_L{1'b0}};
    end else if (advance) begin
      next_first_q <= next_ends_tile;
      next_half_q  <= !next_half_q;
      next_k_q     <= next_k_q + m_size;
      if (next_ends_chunk) begin
        next_k_q     <= 17'd0;
        next_base_q  <= a_rewind ? {A_L{1'b0}} : next_base_q + chunk_words[A_L-1:0];
        next_depth_q <= next_ends_tile ? {1'b0, depth_i} : next_depth_q - CHUNK_K[16:0];
      end
      if (next_ends_tile) next_rows_q <= next_last_row ? row_tiles_i : next_rows_q - 16'd1;
      if (next_ends_pass) next_cols_q <= next_cols_q - 16'd1;
    end
    if (fire) begin
      cur_first_q    <= next_first_q;
      cur_last_q     <= next_ends_tile;
      cur_half_q     <= next_half_q;
      cur_last_row_q <= next_last_row;
      p_read_q       <= cur_valid_q;
      p_first_q      <= cur_first_q;
      p_last_q       <= cur_last_q;
      p_half_q       <= cur_half_q;
      p_last_row_q   <= cur_last_row_q;
      p_release_q    <= advance && next_ends_chunk && (!a_resident_i || next_last_col);
      p_write_half_q <= next_half_q;
      p_k_q          <= next_k_q;
      p_len_q        <= chunk_len;
      p_row_words_q  <= chunk_row[A_L-1:0];
      p_words_q      <= chunk_words[A_L:0];
    end
  end

  always @(posedge clk) begin
    if (start_i) begin
      a_avail_q     <= 17'd0;
      a_total_q     <= 17'd0;
      value_avail_q <= 18'd0;
      index_avail_q <= 18'd0;
      tiles_free_q  <= 2'd2;
    end else begin
      a_avail_q     <= a_avail_q + {16'd0, a_commit_i} - {16'd0, advance && next_ends_chunk}
                       + (a_rewind ? a_total_q : 17'd0);
      a_total_q     <= a_total_q + {16'd0, a_commit_i};
      value_avail_q <= value_avail_q + {17'd0, value_commit_i}
                       - s_taken + s_restored;
      index_avail_q <= index_avail_q + {17'd0, index_commit_i}
                       - s_taken + s_restored;
      tiles_free_q  <= tiles_free_q + {1'b0, tile_taken_i}
                       - {1'b0, fire && cur_valid_q && cur_last_q};
    end
  end

  // ---- A: one value per cycle, t2*M + m in order ------------------------------------------
  wire [4:0]  group_size = 5'd1 << (m_log2_i + t2_log2_i);
  wire [16:0] m_part     = {13'd0, p_index_q} & (m_size - 17'd1);
  wire [16:0] element    = p_k_q + m_part;
  wire        block_ends = m_part + 17'd1 == m_size;
  always @(posedge clk) begin
    if (!rst_n) p_write_q <= 1'b0;
    else if (fire) p_write_q <= next_valid_q;
    else if ({1'b0, p_index_q} + 5'd1 == group_size) p_write_q <= 1'b0;
    if (fire) begin
      p_index_q <= 4'd0;
      p_base_q  <= next_base_q;
    end else if (p_write_q) begin
      p_index_q <= p_index_q + 4'd1;
      if (block_ends) p_base_q <= p_base_q + p_row_words_q;
    end
    a_cmd_o <= {p_write_q, p_write_half_q, p_index_q, element >= p_len_q,
                element[LANES_L-1:0], p_base_q + element[LANES_L +: A_L]};
    if (!rst_n) a_cmd_o[7+LANES_L+A_L-1] <= 1'b0;
  end

  // ---- S: one row per slot, re-read for each row block ------------------------------------
  // Word addresses of the current row and of the column tile's first.
  reg  [S_L-1:0] s_row_q, s_region_q;
  reg  [16:0]    s_cols_q;             // columns from this tile on
  wire [4:0]     span_log2 = COLS_L[4:0] + {2'd0, t1_log2_i};
  wire [16:0]    span      = 17'd1 << span_log2;
  wire [16:0]    tile_cols = (s_cols_q < span) ? s_cols_q : span;
  wire [16:0]    row_words = (tile_cols + COLS[16:0] - 17'd1) >> COLS_L;
  wire [4:0]     t         = {{5-T_L{1'b0}}, t_q};
  wire [4:0]     t1        = t & ((5'd1 << t1_log2_i) - 5'd1);
  wire [4:0]     block     = (t >> t1_log2_i) << m_log2_i;
  wire           in_tile   = {12'd0, t1} < row_words;
  wire           s_next    = active && slot_end;
  wire [S_L-1:0] s_after   = s_row_q + row_words[S_L-1:0];
  always @(posedge clk) begin
    if (start_i) begin
      s_row_q    <= {S_L{1'b0}};
      s_region_q <= {S_L{1'b0}};
      s_cols_q   <= {1'b0, cols_i};
    end else if (s_next) begin
      s_row_q <= s_after;
      if (last_slot) begin
        if (s_resident_i && !p_last_row_q) s_row_q <= s_region_q;
        else s_region_q <= s_after;
        if (p_last_row_q) s_cols_q <= s_cols_q - span;
      end
    end
    s_cmd_o <= {active, active && p_first_q && (slot_q == 5'd0), last_slot, p_half_q, block[3:0],
                s_row_q + (in_tile ? {{S_L-5{1'b0}}, t1} : {S_L{1'b0}})};
    if (!rst_n) s_cmd_o[8+S_L-1] <= 1'b0;
  end

  // ---- Releases ---------------------------------------------------------------------------
  sat_valid_delay #(.WIDTH(1), .CYCLES(A_HOLD)) u_a_release (
    .clk  (clk),
    .rst_n(rst_n),
    .in_i (busy_q && p_release_q && slot_end && period_end),
    .out_o(a_release_o)
  );
  sat_delay #(.WIDTH(A_L+1), .CYCLES(A_HOLD)) u_a_words (
    .clk  (clk),
    .in_i (p_words_q),
    .out_o(a_release_words_o)
  );
  sat_valid_delay #(.WIDTH(1), .CYCLES(S_HOLD)) u_s_release (
    .clk  (clk),
    .rst_n(rst_n),
    .in_i (s_next && (!s_resident_i || p_last_row_q)),
    .out_o(s_release_o)
  );
  sat_delay #(.WIDTH(S_L+1), .CYCLES(S_HOLD)) u_s_words (
    .clk  (clk),
    .in_i (row_words[S_L:0]),
    .out_o(s_release_words_o)
  );

  always @(posedge clk) begin
    slot_active_o <= s_next;
    stall_a_o     <= decide && more && !a_ok;
    stall_s_o     <= decide && more && a_ok && !s_ok;
    stall_drain_o <= decide && more && a_ok && s_ok && !drain_ok;
  end

  wire unused_ok = &{1'b0, chunk_row, chunk_words, element, row_words, block[4]};

endmodule

`default_nettype wire
