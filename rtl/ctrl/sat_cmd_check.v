// SPDX-License-Identifier: Apache-2.0
// sat_cmd_check: is a descriptor legal? Finds the first failing check in the order of
// docs/reference/commands.md ("Errors"). One tensor slot at a time, 5 cycles each, with one
// multiplier: at most 40 cycles, and 8 more with windows. desc_i must hold still from
// start_i to done_o. Slots come by way of two stages of registers: shape, then factors.
// Golden: checks.check.
`default_nettype none
`include "sat_assert.vh"
`include "sat_defs.vh"

module sat_cmd_check #(
  parameter integer ADDR_W = 40  // address bits, 32..40
) (
  input  wire          clk,
  input  wire          rst_n,
  input  wire          start_i,    // pulse, not with done_o
  input  wire [1023:0] desc_i,
  output reg           done_o,     // pulse; the outputs below hold until the next start
  output reg  [7:0]    code_o,     // error code, or none
  output reg           tensor_o,   // the error belongs to a tensor, else to the descriptor
  output reg  [63:0]   base_o,     // that tensor's address
  // with a legal MATMUL: A, or S, may share memory with what the MATMUL checked before writes
  output reg           a_meets_o,
  output reg           s_meets_o
);

  localparam [2:0] ST_IDLE    = 3'd0;
  localparam [2:0] ST_HEAD    = 3'd1;  // checks that need no product
  localparam [2:0] ST_WINDOWS = 3'd2;  // sizes of windows
  localparam [2:0] ST_SLOT    = 3'd3;  // of a slot in use multiply groups by N
  localparam [2:0] ST_ROWS    = 3'd4;  // number of rows
  localparam [2:0] ST_SPAN    = 3'd5;  // multiply by the stride
  localparam [2:0] ST_LAST    = 3'd6;  // address of the last byte
  localparam [2:0] ST_TENSOR  = 3'd7;  // check the slot

  // Bits of an address: the span of less than 2^24 rows of less than 2^24 bytes is below 2^48.
  localparam integer END_W = 49;

  // ---- Descriptor: sizes with the reserved upper bits of their word
  wire [10:0] flags    = desc_i[`SAT_DESC_FLAGS_LSB +: 11];  // the rest is reserved
  wire [31:0] rows     = desc_i[`SAT_DESC_ROWS_LSB +: 32];
  wire [31:0] cols     = desc_i[`SAT_DESC_COLS_LSB +: 32];
  wire [31:0] depth    = desc_i[`SAT_DESC_DEPTH_LSB +: 32];
  wire [7:0]  opcode   = desc_i[`SAT_DESC_OPCODE_LSB +: `SAT_DESC_OPCODE_BITS];
  wire [4:0]  n        = desc_i[`SAT_DESC_N_LSB +: `SAT_DESC_N_BITS];
  wire [4:0]  m        = desc_i[`SAT_DESC_M_LSB +: `SAT_DESC_M_BITS];
  wire [15:0] map_h    = desc_i[`SAT_DESC_MAP_H_LSB +: `SAT_DESC_MAP_H_BITS];
  wire [15:0] map_w    = desc_i[`SAT_DESC_MAP_W_LSB +: `SAT_DESC_MAP_W_BITS];
  wire [15:0] out_h    = desc_i[`SAT_DESC_OUT_H_LSB +: `SAT_DESC_OUT_H_BITS];
  wire [15:0] out_w    = desc_i[`SAT_DESC_OUT_W_LSB +: `SAT_DESC_OUT_W_BITS];
  wire [3:0]  kernel_h = desc_i[`SAT_DESC_KERNEL_H_LSB +: `SAT_DESC_KERNEL_H_BITS];
  wire [3:0]  kernel_w = desc_i[`SAT_DESC_KERNEL_W_LSB +: `SAT_DESC_KERNEL_W_BITS];

  wire is_matmul = opcode == `SAT_OP_MATMUL;
  wire is_fence  = opcode == `SAT_OP_FENCE;
  wire is_pool   = opcode == `SAT_OP_POOL;
  wire has_nm    = is_matmul || opcode == `SAT_OP_PRUNE || opcode == `SAT_OP_UPDATE;
  wire is_dense  = n == m;
  wire has_view  = is_pool || (is_matmul && flags[`SAT_FLAG_MATMUL_CONV]);

  // Registers see the descriptor with start_i, and are asked from the cycle after it on.
  reg is_matmul_q, is_fence_q, is_pool_q, windows_q, a_trans_q, dense_q;

  always @(posedge clk) begin
    is_matmul_q <= is_matmul;
    is_fence_q  <= is_fence;
    is_pool_q   <= is_pool;
    windows_q   <= has_view;
    a_trans_q   <= is_matmul && flags[`SAT_FLAG_MATMUL_A_TRANS];
    dense_q     <= is_dense;
  end

  // ---- The multiplier: factors, two partial products, and their sum
  reg  [2:0]  state_q, state_d;
  reg         done_d;
  reg  [24:0] mul_a_q;
  reg  [17:0] mul_b_q;
  reg  [34:0] low_q;
  reg  [25:0] high_q;
  wire [42:0] prod = {8'd0, low_q} + {high_q, 17'd0};

  always @(posedge clk) begin
    low_q  <= mul_a_q[16:0] * mul_b_q;
    high_q <= mul_a_q[24:17] * mul_b_q;
  end

  // ---- Windows
  wire        windows_done, windows_bad;
  wire [24:0] windows_mul_a, s_rows;
  wire [17:0] windows_mul_b;
  wire [23:0] pixels, result_rows;

  sat_cmd_windows u_windows (
    .clk          (clk),
    .start_i      (state_q == ST_HEAD),
    .pool_i       (is_pool_q),
    .a_trans_i    (a_trans_q),
    .dense_i      (dense_q),
    .m_i          (m),
    .images_i     (rows[23:0]),
    .channels_i   (depth[23:0]),
    .map_h_i      (map_h),
    .map_w_i      (map_w),
    .out_h_i      (out_h),
    .out_w_i      (out_w),
    .kernel_h_i   (kernel_h),
    .kernel_w_i   (kernel_w),
    .mul_a_o      (windows_mul_a),
    .mul_b_o      (windows_mul_b),
    .prod_i       (prod),
    .done_o       (windows_done),
    .bad_o        (windows_bad),
    .pixels_o     (pixels),
    .result_rows_o(result_rows),
    .s_rows_o     (s_rows)
  );

  // ---- Slots: shape of one, then factors of one; all move on until a slot in use is at hand
  reg  [2:0]  next_q, shape_slot_q, slot_q;  // whose shape is found; which is there; at hand
  reg         slot_used_q;
  wire        move = state_q < ST_SLOT || state_q == ST_TENSOR
                     || (state_q == ST_SLOT && !slot_used_q);
  wire        sizes_ready = next_q[0];  // with windows, slot 0 waits for their sizes
  wire [7:0]  used, vectors;
  wire [24:0] slot_rows;
  wire [25:0] slot_row_bytes;
  wire        slot_groups;
  wire [8*`SAT_DESC_SLOT_BITS-1:0] slots = desc_i[`SAT_DESC_SLOT_LSB +: 8*`SAT_DESC_SLOT_BITS];
  wire [95:0] slot_words = slots[slot_q*`SAT_DESC_SLOT_BITS +: 96];

  sat_cmd_shape u_shape (
    .clk        (clk),
    .opcode_i   (opcode),
    .flags_i    (flags),
    .dense_i    (is_dense),
    .rows_i     (rows[23:0]),
    .cols_i     (cols[23:0]),
    .depth_i    (depth[23:0]),
    .pixels_i   (pixels),
    .results_i  (has_view ? result_rows : rows[23:0]),
    .reduction_i(has_view ? s_rows : {1'b0, depth[23:0]}),
    .load_i     (move),
    .slot_i     (next_q),
    .used_o     (used),
    .vectors_o  (vectors),
    .rows_o     (slot_rows),
    .groups_o   (slot_groups),
    .row_bytes_o(slot_row_bytes)
  );

  // ---- Checks that need no product
  wire bad_flags;

  sat_cmd_flags u_flags (
    .clk      (clk),
    .desc_i   (desc_i),
    .used_i   (used),
    .vectors_i(vectors),
    .bad_o    (bad_flags)
  );

  reg bad_opcode_q, bad_nm_q, bad_size_q;

  wire no_window = map_h == 16'd0 || map_w == 16'd0 || out_h == 16'd0 || out_w == 16'd0
                   || kernel_h == 4'd0 || kernel_w == 4'd0;

  always @(posedge clk) begin
    bad_opcode_q <= !(has_nm || is_fence || is_pool || opcode == `SAT_OP_AFFINE
                      || opcode == `SAT_OP_STATS);
    bad_nm_q     <= has_nm && (!(m == 5'd2 || m == 5'd4 || m == 5'd8 || m == 5'd16) || n == 5'd0
                               || n > m);
    bad_size_q   <= rows == 32'd0 || rows[31:24] != 8'd0 || cols == 32'd0 || cols[31:16] != 16'd0
                    || (is_matmul && (depth == 32'd0 || depth[31:24] != 8'd0))
                    || (has_view && no_window);
  end

  wire bad_head = bad_opcode_q || bad_flags || (!is_fence_q && (bad_nm_q || bad_size_q));

  // ---- One slot: its groups of M rows times N, and N more for rows beyond them; or its rows
  reg  [25:0] row_bytes_q;
  reg  [24:0] rows_q;
  reg  [4:0]  extra_q;
  reg         groups_q, vector_q;
  reg  [24:0] groups;
  wire [3:0]  beyond = slot_rows[3:0] & (m[3:0] - 4'd1);
  wire [24:0] kept   = prod[24:0] + {20'd0, extra_q};

  always @(*) begin
    case (m)
      5'd2:    groups = {1'b0, slot_rows[24:1]};
      5'd4:    groups = {2'd0, slot_rows[24:2]};
      5'd8:    groups = {3'd0, slot_rows[24:3]};
      default: groups = {4'd0, slot_rows[24:4]};
    endcase
  end

  always @(posedge clk) begin
    if (move) begin
      shape_slot_q <= next_q;
      slot_q       <= shape_slot_q;
      slot_used_q  <= used[shape_slot_q];
      vector_q     <= vectors[shape_slot_q];
      row_bytes_q  <= slot_row_bytes;
      rows_q       <= slot_rows;
      extra_q      <= beyond != 4'd0 ? n : 5'd0;
      groups_q     <= slot_groups;
    end
    if (!rst_n) next_q <= 3'd0;
    else case (state_q)
      ST_IDLE:    next_q <= {2'd0, start_i && !has_view};
      ST_HEAD:    next_q <= {1'b0, !windows_q, 1'b0};
      ST_WINDOWS: next_q <= {1'b0, sizes_ready, !sizes_ready && windows_done};
      default:    if (move) next_q <= next_q + 3'd1;
    endcase
  end

  // A stride that is not a multiple of 64 is refused whatever the product.
  reg [31:0] stride_q;

  always @(posedge clk) begin
    if (state_q == ST_ROWS) begin
      mul_a_q <= groups_q ? kept : rows_q;
      mul_b_q <= stride_q[23:6];
    end else if (windows_q && (state_q == ST_HEAD || (state_q == ST_WINDOWS && !sizes_ready))) begin
      mul_a_q <= windows_mul_a;
      mul_b_q <= windows_mul_b;
    end else begin
      mul_a_q <= groups;
      mul_b_q <= {13'd0, n};
    end
  end

  // Last byte: base - stride + row_bytes - 1, and all rows' strides.
  reg [32:0]      shift_q;
  reg [END_W-1:0] start_q, last_q;

  always @(posedge clk) begin
    shift_q <= {7'd0, row_bytes_q} + {1'b1, ~stride_q};
    start_q <= {{END_W-40{1'b0}}, base_o[39:0]} + {{END_W-33{shift_q[32]}}, shift_q};
    if (state_q == ST_LAST) last_q <= start_q + ({8'd0, low_q, 6'd0} + {high_q, 23'd0});
  end

  reg  bad_align_q, bad_stride_q, bad_base_q;
  wire bad_range  = bad_base_q || last_q[END_W-1:ADDR_W] != 0;
  wire bad_tensor = bad_align_q || bad_stride_q || bad_range;
  wire slot_last  = slot_q == 3'd7;

  always @(posedge clk) begin
    bad_align_q  <= base_o[5:0] != 6'd0 || stride_q[5:0] != 6'd0;
    bad_stride_q <= !vector_q && (stride_q < {6'd0, row_bytes_q} || stride_q > `SAT_STRIDE_MAX);
    bad_base_q   <= base_o[63:ADDR_W] != 0;
  end

  // C and sums of the MATMUL checked last. The slots of A and S come before that of C, and that of
  // the sums is last. A slot is compared, or kept, a cycle after its check: address and last byte
  // are still there. What is compared counts a cycle later.
  reg              meet_q, compared_q, sums_q;
  reg  [2:0]       meet_slot_q, compared_slot_q;
  reg  [END_W-2:0] c_base_q, sums_base_q;
  reg  [END_W-1:0] c_last_q, sums_last_q;
  wire [END_W-1:0] base = {1'b0, base_o[END_W-2:0]};
  // Neither begins past the other's end.
  reg              below_c_q, above_c_q, below_sums_q, above_sums_q;
  wire             meets = (below_c_q && above_c_q) || (sums_q && below_sums_q && above_sums_q);

  always @(posedge clk) begin
    meet_q          <= rst_n && state_q == ST_TENSOR && is_matmul_q;
    meet_slot_q     <= slot_q;
    compared_q      <= rst_n && meet_q;
    compared_slot_q <= meet_slot_q;
    below_c_q       <= base <= c_last_q;
    above_c_q       <= {1'b0, c_base_q} <= last_q;
    below_sums_q    <= base <= sums_last_q;
    above_sums_q    <= {1'b0, sums_base_q} <= last_q;
    if (state_q == ST_HEAD) {a_meets_o, s_meets_o} <= 2'b00;
    else if (compared_q)
      case (compared_slot_q)
        `SAT_SLOT_MATMUL_A: a_meets_o <= meets;
        `SAT_SLOT_MATMUL_S_VALUES, `SAT_SLOT_MATMUL_S_INDICES: s_meets_o <= s_meets_o || meets;
        default: ;
      endcase
    if (meet_q)
      case (meet_slot_q)
        `SAT_SLOT_MATMUL_C: {c_base_q, c_last_q, sums_q} <= {base_o[END_W-2:0], last_q, 1'b0};
        `SAT_SLOT_MATMUL_SUMS:
          {sums_base_q, sums_last_q, sums_q} <= {base_o[END_W-2:0], last_q, 1'b1};
        default: ;
      endcase
  end

  always @(*) begin
    state_d = state_q;
    done_d  = 1'b0;
    case (state_q)
      ST_IDLE: if (start_i) state_d = ST_HEAD;
      ST_HEAD:
        if (bad_head || is_fence_q) begin
          state_d = ST_IDLE;
          done_d  = 1'b1;
        end else state_d = windows_q ? ST_WINDOWS : ST_SLOT;
      ST_WINDOWS:
        if (windows_bad) begin
          state_d = ST_IDLE;
          done_d  = 1'b1;
        end else if (sizes_ready) state_d = ST_SLOT;
      ST_SLOT:
        if (slot_used_q) state_d = ST_ROWS;
        else if (slot_last) begin
          state_d = ST_IDLE;
          done_d  = 1'b1;
        end
      ST_ROWS: state_d = ST_SPAN;
      ST_SPAN: state_d = ST_LAST;
      ST_LAST: state_d = ST_TENSOR;
      ST_TENSOR:
        if (bad_tensor || slot_last) begin
          state_d = ST_IDLE;
          done_d  = 1'b1;
        end else state_d = ST_SLOT;
      default: state_d = ST_IDLE;
    endcase
  end

  always @(posedge clk) begin
    if (!rst_n) begin
      state_q <= ST_IDLE;
      done_o  <= 1'b0;
    end else begin
      state_q <= state_d;
      done_o  <= done_d;
    end
  end

  always @(posedge clk) begin
    case (state_q)
      ST_HEAD: begin
        tensor_o <= 1'b0;
        code_o   <= bad_opcode_q ? `SAT_ERR_OPCODE :
                    bad_flags  ? `SAT_ERR_FLAGS :
                    is_fence_q   ? `SAT_ERR_NONE :
                    bad_nm_q     ? `SAT_ERR_NM :
                    bad_size_q   ? `SAT_ERR_SIZE : `SAT_ERR_NONE;
      end
      ST_WINDOWS: if (windows_bad) code_o <= `SAT_ERR_SIZE;
      ST_SLOT: {stride_q, base_o} <= slot_words;
      ST_TENSOR: begin
        tensor_o <= bad_tensor;
        code_o   <= bad_align_q  ? `SAT_ERR_ALIGN :
                    bad_stride_q ? `SAT_ERR_STRIDE :
                    bad_range  ? `SAT_ERR_RANGE : `SAT_ERR_NONE;
      end
      default: ;
    endcase
  end

  `SAT_REQUIRE(start_behind_done, rst_n && start_i, state_q == ST_IDLE && !done_o)

endmodule

`default_nettype wire
