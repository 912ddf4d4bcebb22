// SPDX-License-Identifier: Apache-2.0
// sat_matmul_plan: derives the loop bounds of a MATMUL from its descriptor.
// start_i latches the descriptor; ready_o pulses four cycles later, when all outputs are valid.
// They hold until the next start. T outputs of a PE are split into 2^t2_log2 rows times 2^t1_log2
// columns: a tile is ROWS*2^t2_log2 by COLS*2^t1_log2. The `map` hint is clamped so that a group of
// A values fits a PE's RAM half (16 entries) and a tile is at least one memory beat wide.
// Dense is handled as groups of one (M = N = 1). Paper: interleave mapping, offline scheduling.
`default_nettype none
`include "sat_defs.vh"

module sat_matmul_plan #(
  parameter integer ROWS    = 8,
  parameter integer COLS    = 8,
  parameter integer T       = 8,
  parameter integer A_DEPTH = 512,
  parameter integer S_DEPTH = 4096,
  parameter integer CHUNK_K = 256,
  parameter integer LANES   = 8     // FP16 values of a beat
) (
  input  wire        clk,
  input  wire        rst_n,
  input  wire        start_i,
  input  wire [4:0]  n_i,
  input  wire [4:0]  m_i,
  input  wire [2:0]  map_i,
  input  wire [15:0] rows_i,
  input  wire [15:0] cols_i,
  input  wire [15:0] depth_i,
  output reg         ready_o,
  output reg  [15:0] rows_o,          // I
  output reg  [15:0] cols_o,          // J
  output reg  [15:0] depth_o,         // K
  output reg         dense_o,
  output reg  [4:0]  n_o,             // kept elements of a group, 1 if dense
  output reg  [2:0]  m_log2_o,        // 0 if dense
  output reg  [2:0]  t2_log2_o,
  output reg  [2:0]  t1_log2_o,
  output reg  [4:0]  period_o,        // slots of T cycles per group: max(N, M*2^t2/T)
  output reg  [16:0] groups_o,        // groups of a reduction
  output reg  [16:0] kept_o,          // kept elements of a reduction, Q
  output reg  [15:0] row_tiles_o,
  output reg  [15:0] col_tiles_o,
  output reg         a_resident_o,    // all of A stays in its scratchpad
  output reg         s_resident_o     // a column tile of S stays while all row tiles pass
);

  localparam integer ROWS_L  = $clog2(ROWS);
  localparam integer COLS_L  = $clog2(COLS);
  localparam integer T_L     = $clog2(T);
  localparam integer LANES_L = $clog2(LANES);
  localparam integer T1_MIN  = (COLS_L >= LANES_L) ? 0 : LANES_L - COLS_L;
  localparam integer T2_MAX  = T_L - T1_MIN;

  generate
    if ((1 << ROWS_L) != ROWS || (1 << COLS_L) != COLS || ROWS < 2 || COLS < 2) begin : gen_shape
      sat_error_rows_and_cols_must_be_powers_of_two u_error ();
    end
    if (T2_MAX < 0) begin : gen_narrow
      sat_error_t_times_cols_must_fill_a_beat u_error ();
    end
    if (CHUNK_K < 16 || A_DEPTH * LANES < 2 * T * CHUNK_K) begin : gen_a_depth
      sat_error_a_depth_must_hold_two_chunks u_error ();
    end
    if (S_DEPTH < 16 * T) begin : gen_s_depth
      sat_error_s_depth_must_hold_a_group u_error ();
    end
  endgenerate

  reg        s1_q, s2_q, s3_q;
  reg [2:0]  map_q;
  reg [17:0] a_tile_words_q;  // 8192 words of a row times 16 rows

  // Stage 1: N:M and the mapping.
  wire       dense  = n_i == m_i;
  reg  [2:0] m_log2;
  always @(*) begin
    case (m_i)
      5'd2: m_log2 = 3'd1;
      5'd4: m_log2 = 3'd2;
      5'd8: m_log2 = 3'd3;
      default: m_log2 = 3'd4;
    endcase
    if (dense) m_log2 = 3'd0;
  end
  wire [2:0] ram_max = 3'd4 - m_log2_o;
  wire [2:0] t2_log2;
  generate
    if (T2_MAX == 0) begin : gen_columns_only
      wire unused_map = &{1'b0, map_q, ram_max};
      assign t2_log2 = 3'd0;
    end else begin : gen_mapped
      wire [2:0] map_max = (ram_max < T2_MAX[2:0]) ? ram_max : T2_MAX[2:0];
      assign t2_log2 = (map_q < map_max) ? map_q : map_max;
    end
  endgenerate
  wire [4:0] a_slots = (5'd1 << (m_log2_o + t2_log2)) >> T_L;

  // Ceilings: groups of the reduction, tiles of both sides.
  wire [16:0] m_mask    = (17'd1 << m_log2_o) - 17'd1;
  wire [16:0] groups    = ({1'b0, depth_o} + m_mask) >> m_log2_o;
  wire [16:0] row_span  = 17'd1 << (ROWS_L[3:0] + {1'b0, t2_log2_o});
  wire [16:0] col_span  = 17'd1 << (COLS_L[3:0] + {1'b0, t1_log2_o});
  wire [16:0] row_tiles = ({1'b0, rows_o} + row_span - 17'd1) >> (ROWS_L[3:0] + {1'b0, t2_log2_o});
  wire [16:0] col_tiles = ({1'b0, cols_o} + col_span - 17'd1) >> (COLS_L[3:0] + {1'b0, t1_log2_o});
  wire [16:0] k_words   = ({1'b0, depth_o} + LANES[16:0] - 17'd1) >> LANES_L;

  // Residency: does the operand fit its scratchpad?
  wire [32:0] a_words = {17'd0, row_tiles_o} * {15'd0, a_tile_words_q};
  wire [24:0] s_words = {8'd0, kept_o} << t1_log2_o;

  always @(posedge clk) begin
    if (start_i) begin
      rows_o   <= rows_i;
      cols_o   <= cols_i;
      depth_o  <= depth_i;
      dense_o  <= dense;
      n_o      <= dense ? 5'd1 : n_i;
      m_log2_o <= m_log2;
      map_q    <= map_i;
    end
    if (s1_q) begin
      t2_log2_o <= t2_log2;
      t1_log2_o <= T_L[2:0] - t2_log2;
      period_o  <= (n_o > a_slots) ? n_o : a_slots;
      groups_o  <= groups;
    end
    if (s2_q) begin
      row_tiles_o    <= row_tiles[15:0];
      col_tiles_o    <= col_tiles[15:0];
      kept_o         <= groups_o * {12'd0, n_o};
      a_tile_words_q <= {1'b0, k_words} << t2_log2_o;
    end
    if (s3_q) begin
      a_resident_o <= (col_tiles_o != 16'd1) && (a_words <= {1'b0, A_DEPTH[31:0]});
      s_resident_o <= (row_tiles_o != 16'd1) && (s_words <= S_DEPTH[24:0]);
    end
  end

  always @(posedge clk) begin
    if (!rst_n) begin
      s1_q    <= 1'b0;
      s2_q    <= 1'b0;
      s3_q    <= 1'b0;
      ready_o <= 1'b0;
    end else begin
      s1_q    <= start_i;
      s2_q    <= s1_q;
      s3_q    <= s2_q;
      ready_o <= s3_q;
    end
  end

  wire unused_ok = &{1'b0, row_tiles[16], col_tiles[16]};

endmodule

`default_nettype wire
