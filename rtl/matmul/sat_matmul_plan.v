// SPDX-License-Identifier: Apache-2.0
// sat_matmul_plan: derives the loop bounds of a MATMUL from its descriptor.
// start_i latches the descriptor; ready_o pulses 7 cycles later (17 with conv_i), when all outputs
// are valid; they hold until the next start. T outputs of a PE are split into
// 2^t2_log2 rows times 2^t1_log2 columns: a tile is ROWS*2^t2_log2 by COLS*2^t1_log2. The `map`
// hint is clamped so that a group of A fits a PE's RAM half (16 entries) and a tile is at least one
// memory beat wide. Where it asks for twice the rows that fit, the array is folded (fold_o): a PE
// then has half as many rows and twice as many columns of a tile of the same size.
// Dense is handled as groups of one (M = N = 1). Paper: interleave mapping, offline scheduling.
// A convolution cuts the reduction into one segment per kernel position, and groups never straddle
// segments; with a_trans_i the rows of C are those of all positions, one behind the other, and
// tiles do not mind where a position ends. With split_i the sizes are those of a phase
// (sat_phases), which needs its rows of C and of S besides. All products come from one multiplier,
// two cycles after its factors.
`default_nettype none
`include "sat_buses.vh"
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
  input  wire        conv_i,
  input  wire        a_trans_i,
  input  wire        split_i,
  input  wire [23:0] rows_i,          // I, or images
  input  wire [15:0] cols_i,
  input  wire [23:0] depth_i,         // K, or channels
  input  wire [15:0] out_h_i,
  input  wire [15:0] out_w_i,
  input  wire [3:0]  kernel_h_i,
  input  wire [3:0]  kernel_w_i,
  // of all phases, and this one's place among them
  input  wire [15:0] full_w_i,        // windows side by side
  input  wire [1:0]  spread_i,
  input  wire [2:0]  phase_y_i,
  input  wire [2:0]  phase_x_i,
  input  wire [3:0]  hop_i,
  input  wire [23:0] values_stride_i,
  input  wire [23:0] indices_stride_i,
  output reg         ready_o,
  output reg  [23:0] rows_o,          // of C
  output reg  [15:0] cols_o,          // J
  output reg  [23:0] depth_o,         // elements of a reduction segment
  output reg  [7:0]  k_segments_o,    // reduction segments
  output reg         dense_o,
  output reg  [4:0]  n_o,             // kept elements of a group, 1 if dense
  output reg  [2:0]  m_log2_o,        // 0 if dense
  output reg  [2:0]  t2_log2_o,
  output reg  [2:0]  t1_log2_o,
  output reg         fold_o,
  output reg  [4:0]  period_o,        // slots of T cycles per group: max(N, M * rows of a PE / T)
  output reg  [24:0] kept_o,          // kept elements of the whole reduction
  output reg  [23:0] row_tiles_o,
  output reg  [15:0] col_tiles_o,
  output reg         a_resident_o,    // all of A stays in its scratchpad
  output reg         s_resident_o,    // a column tile of S stays while all row tiles pass
  output reg  [24:0] position_rows_o, // of a kernel position: rows of S, with a_trans_i of C
  // of a phase
  output wire [39:0] position_values_bytes_o,
  output wire [39:0] position_indices_bytes_o,
  output wire [`SAT_C_ROWS_BITS-1:0] c_rows_o
);

  localparam integer ROWS_L  = $clog2(ROWS);
  localparam integer COLS_L  = $clog2(COLS);
  localparam integer T_L     = $clog2(T);
  localparam integer LANES_L = $clog2(LANES);
  localparam integer T1_MIN  = (COLS_L >= LANES_L) ? 0 : LANES_L - COLS_L;
  localparam integer T2_MAX  = T_L - T1_MIN;
  localparam integer FOLD    = (COLS >= LANES) ? 1 : 0;  // half of the columns still fill a beat
  // Words of a chunk are rounded up to pairs. Where whole chunks are single words, each is.
  localparam integer SINGLES = (CHUNK_K == LANES) ? 1 : 0;
  localparam integer PAIR    = 2 * LANES;

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

  // Steps; those marked * are taken with conv_i only. Each but MAP and WAIT gives the multiplier
  // two factors, and what needs the product stands three steps further on, or later.
  localparam [3:0] ST_IDLE     = 4'd0;
  localparam [3:0] ST_LINES    = 4'd1;  // * images times lines of windows
  localparam [3:0] ST_KERNEL   = 4'd2;  // * kernel positions
  localparam [3:0] ST_ORIGIN   = 4'd3;  // * first row of C
  localparam [3:0] ST_WINDOWS  = 4'd4;  // * windows
  localparam [3:0] ST_ROWS     = 4'd5;  // * rows of C with a_trans_i: channels of all positions
  localparam [3:0] ST_HOP      = 4'd6;  // * rows of C from image to image
  localparam [3:0] ST_MAP      = 4'd7;  // split of the outputs, groups of a segment
  localparam [3:0] ST_TILES    = 4'd8;  // tiles, kept elements of a segment
  localparam [3:0] ST_WORDS    = 4'd9;  // * words of a row tile of A, of all segments
  localparam [3:0] ST_WAIT     = 4'd10; // *
  localparam [3:0] ST_SEGMENTS = 4'd11; // * kept elements of all segments
  localparam [3:0] ST_VALUES   = 4'd12; // * bytes of a kernel position in S
  localparam [3:0] ST_FIT      = 4'd13; // words of all of A
  localparam [3:0] ST_INDICES  = 4'd14; // as ST_VALUES; without conv_i it means nothing

  reg [3:0]  step_q, step_d, factors_q, done_q;  // what is done, and a cycle and two after it
  reg        fit_q;
  reg        conv_q, a_trans_q, split_q;
  reg [2:0]  map_q;
  reg [15:0] out_h_q, out_w_q;
  reg [3:0]  kernel_h_q, kernel_w_q;
  reg [7:0]  positions_q;
  reg [23:0] lines_q;
  reg [15:0] full_w_q;
  reg [19:0] origin_q, image_hop_q;
  reg [1:0]  spread_q;
  reg [2:0]  phase_y_q, phase_x_q;
  reg [3:0]  hop_q;
  reg [17:0] values_lines_q, indices_lines_q;   // of 64 bytes, from row to row of S
  reg [33:0] position_values_q, position_indices_q;
  reg [3:0]  m_mask_q;        // M - 1, of a group
  reg [24:0] k_words_q;       // words of a row of A
  reg [43:0] a_words_q;
  reg [25:0] a_tile_words_q;  // at most 16 rows of 2^24 values, in 225 segments of whole words

  // ---- N:M and the mapping
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
  wire       fold = (FOLD != 0) && (t2_log2 > ram_max);
  generate
    if (T2_MAX == 0) begin : gen_columns_only
      wire unused_map = &{1'b0, map_q, ram_max};
      assign t2_log2 = 3'd0;
    end else begin : gen_mapped
      wire [2:0] fit_max = ram_max + FOLD[2:0];
      wire [2:0] map_max = (fit_max < T2_MAX[2:0]) ? fit_max : T2_MAX[2:0];
      assign t2_log2 = (map_q < map_max) ? map_q : map_max;
    end
  endgenerate
  wire [4:0] a_slots = (5'd1 << (m_log2_o + t2_log2 - {2'd0, fold})) >> T_L;

  // Ceilings: groups of a reduction segment, tiles of a row segment and of the columns.
  wire [24:0] groups    = ({1'b0, depth_o} + {21'd0, m_mask_q}) >> m_log2_o;
  wire [24:0] row_span  = 25'd1 << (ROWS_L[3:0] + {1'b0, t2_log2_o});
  wire [16:0] col_span  = 17'd1 << (COLS_L[3:0] + {1'b0, t1_log2_o});
  wire [24:0] row_tiles = ({1'b0, rows_o} + row_span - 25'd1) >> (ROWS_L[3:0] + {1'b0, t2_log2_o});
  wire [16:0] col_tiles = ({1'b0, cols_o} + col_span - 17'd1) >> (COLS_L[3:0] + {1'b0, t1_log2_o});
  wire [24:0] k_words   = ({1'b0, depth_o} + LANES[24:0] - 25'd1) >> LANES_L;
  wire [24:0] k_pairs   = (SINGLES != 0) ? k_words << 1 :
                          (({1'b0, depth_o} + PAIR[24:0] - 25'd1) >> (LANES_L + 1)) << 1;

  reg  [25:0] mul_a, mul_a_q;
  reg  [17:0] mul_b, mul_b_q;
  reg  [34:0] low_q;
  reg  [26:0] high_q;
  wire [43:0] prod = {9'd0, low_q} + {high_q, 17'd0};  // of the step in done_q
  always @(posedge clk) begin
    mul_a_q <= mul_a;
    mul_b_q <= mul_b;
    low_q   <= mul_a_q[16:0] * mul_b_q;
    high_q  <= mul_a_q[25:17] * mul_b_q;
  end

  always @(*) begin
    mul_a  = {1'b0, kept_o};
    mul_b  = {10'd0, k_segments_o};
    step_d = step_q + 4'd1;
    case (step_q)
      ST_IDLE: step_d = !start_i ? ST_IDLE : conv_i ? ST_LINES : ST_MAP;
      ST_LINES: begin
        mul_a = {2'd0, rows_o};
        mul_b = {2'd0, out_h_q};
      end
      ST_KERNEL: begin
        mul_a = {22'd0, kernel_h_q};
        mul_b = {14'd0, kernel_w_q};
      end
      ST_ORIGIN: begin
        mul_a = {23'd0, phase_y_q};
        mul_b = {2'd0, full_w_q};
      end
      ST_WINDOWS: begin
        mul_a = {2'd0, lines_q};
        mul_b = {2'd0, out_w_q};
      end
      ST_ROWS: begin
        mul_a = {2'd0, depth_o};
        mul_b = {10'd0, positions_q};
      end
      ST_HOP: begin
        mul_a = {22'd0, hop_q};
        mul_b = {2'd0, full_w_q};
      end
      ST_TILES: begin
        mul_b = {13'd0, n_o};
        if (!conv_q) step_d = ST_FIT;
      end
      ST_WORDS: mul_a = a_tile_words_q;
      ST_VALUES: begin
        mul_a = {1'b0, position_rows_o};
        mul_b = values_lines_q;
      end
      ST_FIT: begin
        mul_a = a_tile_words_q;
        mul_b = {2'd0, row_tiles_o[15:0]};
      end
      ST_INDICES: begin
        mul_a  = {1'b0, position_rows_o};
        mul_b  = indices_lines_q;
        step_d = ST_IDLE;
      end
      ST_MAP, ST_WAIT: ;
      default: ;
    endcase
  end
  wire [28:0] s_words = {4'd0, kept_o} << t1_log2_o;

  always @(posedge clk) begin
    case (step_q)
      ST_IDLE: if (start_i) begin
        conv_q          <= conv_i;
        a_trans_q       <= a_trans_i;
        split_q         <= split_i;
        map_q           <= map_i;
        rows_o          <= rows_i;
        cols_o          <= cols_i;
        depth_o         <= depth_i;
        out_h_q         <= out_h_i;
        out_w_q         <= out_w_i;
        kernel_h_q      <= kernel_h_i;
        kernel_w_q      <= kernel_w_i;
        full_w_q        <= full_w_i;
        spread_q        <= spread_i;
        phase_y_q       <= phase_y_i;
        phase_x_q       <= phase_x_i;
        hop_q           <= hop_i;
        values_lines_q  <= values_stride_i[23:6];
        indices_lines_q <= indices_stride_i[23:6];
        k_segments_o    <= 8'd1;
        position_rows_o <= {1'b0, conv_i ? depth_i : rows_i};  // of C; of S when counted
        dense_o         <= dense;
        n_o             <= dense ? 5'd1 : n_i;
        m_log2_o        <= m_log2;
        m_mask_q        <= dense ? 4'd0 : m_i[3:0] - 4'd1;
      end
      ST_MAP: begin
        t2_log2_o <= t2_log2;
        t1_log2_o <= T_L[2:0] - t2_log2;
        fold_o    <= fold;
        period_o  <= (n_o > a_slots) ? n_o : a_slots;
        kept_o    <= groups;
        k_words_q <= (t2_log2 == 3'd0) ? k_pairs : k_words;
      end
      ST_TILES: begin
        row_tiles_o    <= row_tiles[23:0];
        col_tiles_o    <= col_tiles[15:0];
        a_tile_words_q <= {1'b0, k_words_q} << t2_log2_o;
      end
      default: ;
    endcase
    case (done_q)
      ST_LINES:  lines_q <= prod[23:0];
      ST_KERNEL: begin
        positions_q <= prod[7:0];
        if (!a_trans_q) k_segments_o <= prod[7:0];
      end
      ST_ORIGIN: origin_q <= prod[19:0] + {17'd0, phase_x_q};
      ST_WINDOWS:
        if (a_trans_q) depth_o <= prod[23:0];
        else rows_o <= prod[23:0];
      ST_ROWS:   if (a_trans_q) rows_o <= prod[23:0];
      ST_HOP:    image_hop_q <= prod[19:0];
      ST_TILES: begin
        kept_o <= prod[24:0];
        if (conv_q && !a_trans_q) position_rows_o <= prod[24:0];
      end
      ST_WORDS:    a_tile_words_q     <= prod[25:0];
      ST_SEGMENTS: kept_o             <= prod[24:0];
      ST_VALUES:   position_values_q  <= prod[33:0];
      ST_FIT:      a_words_q          <= prod;
      ST_INDICES:  position_indices_q <= prod[33:0];
      default: ;
    endcase
    if (fit_q) begin
      a_resident_o <= (col_tiles_o != 16'd1) && (row_tiles_o[23:16] == 8'd0)
                      && (a_words_q <= {12'd0, A_DEPTH[31:0]});
      s_resident_o <= (row_tiles_o != 24'd1) && (s_words <= S_DEPTH[28:0]);
    end
  end

  always @(posedge clk) begin
    if (!rst_n) begin
      {step_q, factors_q, done_q} <= {3{ST_IDLE}};
      {fit_q, ready_o}            <= 2'd0;
    end else begin
      step_q    <= step_d;
      factors_q <= step_q;
      done_q    <= factors_q;
      fit_q     <= done_q == ST_FIT;
      ready_o   <= fit_q;
    end
  end

  assign position_values_bytes_o  = {position_values_q, 6'd0};
  assign position_indices_bytes_o = {position_indices_q, 6'd0};
  assign c_rows_o[`SAT_C_ROWS_SPREAD]    = split_q ? spread_q : 2'd0;
  assign c_rows_o[`SAT_C_ROWS_ORIGIN]    = split_q ? origin_q : 20'd0;
  assign c_rows_o[`SAT_C_ROWS_OUT_W]     = full_w_q;
  assign c_rows_o[`SAT_C_ROWS_LINE_W]    = split_q ? out_w_q : 16'd0;
  assign c_rows_o[`SAT_C_ROWS_LINES]     = out_h_q;
  assign c_rows_o[`SAT_C_ROWS_IMAGE_HOP] = image_hop_q;

  wire unused_ok = &{1'b0, row_tiles[24], col_tiles[16], values_stride_i[5:0],
                     indices_stride_i[5:0]};

endmodule

`default_nettype wire
