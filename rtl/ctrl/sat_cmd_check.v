// SPDX-License-Identifier: Apache-2.0
// sat_cmd_check: is a descriptor legal? Finds the first failing check in the order of
// docs/reference/commands.md ("Errors"). One tensor slot at a time, 5 cycles each, with one
// multiplier: at most 40 cycles, and 8 more with windows. desc_i must hold still from
// start_i to done_o. Golden: checks.check.
`default_nettype none
`include "sat_defs.vh"

module sat_cmd_check #(
  parameter integer ADDR_W = 40  // address bits, 32..40
) (
  input  wire          clk,
  input  wire          rst_n,
  input  wire          start_i,    // pulse
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
  localparam [2:0] ST_SLOT    = 3'd3;  // take a slot's fields
  localparam [2:0] ST_GROUPS  = 3'd4;  // multiply groups by N
  localparam [2:0] ST_ROWS    = 3'd5;  // number of rows
  localparam [2:0] ST_SPAN    = 3'd6;  // multiply by the stride
  localparam [2:0] ST_TENSOR  = 3'd7;  // check the slot

  // Bits of the end address: the span of less than 2^24 rows of less than 2^24 bytes is below 2^48.
  localparam integer END_W = 49;
  localparam [END_W-1:0] SPACE = {{END_W-1{1'b0}}, 1'b1} << ADDR_W;

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
  wire windows   = is_pool || (is_matmul && flags[`SAT_FLAG_MATMUL_CONV]);
  wire dense     = n == m;

  // ---- Windows
  reg  [2:0]  state_q, state_d;
  reg  [42:0] prod_q;
  wire        windows_done, windows_bad;
  wire [24:0] windows_mul_a, s_rows;
  wire [17:0] windows_mul_b;
  wire [23:0] pixels, result_rows;

  sat_cmd_windows u_windows (
    .clk          (clk),
    .start_i      (state_q == ST_HEAD),
    .pool_i       (is_pool),
    .a_trans_i    (is_matmul && flags[`SAT_FLAG_MATMUL_A_TRANS]),
    .dense_i      (dense),
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
    .prod_i       (prod_q),
    .done_o       (windows_done),
    .bad_o        (windows_bad),
    .pixels_o     (pixels),
    .result_rows_o(result_rows),
    .s_rows_o     (s_rows)
  );

  // ---- Slots
  reg  [2:0]  slot_q;
  wire [7:0]  used, vectors;
  wire [24:0] slot_rows;
  wire [25:0] slot_row_bytes;
  wire        slot_groups;
  wire [95:0] slot_words = desc_i[`SAT_DESC_SLOT_LSB + slot_q*`SAT_DESC_SLOT_BITS +: 96];

  sat_cmd_shape u_shape (
    .opcode_i   (opcode),
    .flags_i    (flags),
    .dense_i    (dense),
    .rows_i     (rows[23:0]),
    .cols_i     (cols[23:0]),
    .depth_i    (depth[23:0]),
    .pixels_i   (pixels),
    .results_i  (windows ? result_rows : rows[23:0]),
    .reduction_i(windows ? s_rows : {1'b0, depth[23:0]}),
    .slot_i     (slot_q),
    .used_o     (used),
    .vectors_o  (vectors),
    .rows_o     (slot_rows),
    .groups_o   (slot_groups),
    .row_bytes_o(slot_row_bytes)
  );

  // ---- Checks that need no product
  wire bad_flags;

  sat_cmd_flags u_flags (
    .desc_i   (desc_i),
    .used_i   (used),
    .vectors_i(vectors),
    .bad_o    (bad_flags)
  );

  wire bad_opcode = !(has_nm || is_fence || is_pool || opcode == `SAT_OP_AFFINE
                      || opcode == `SAT_OP_STATS);
  wire bad_nm     = has_nm && (!(m == 5'd2 || m == 5'd4 || m == 5'd8 || m == 5'd16) || n == 5'd0
                               || n > m);
  wire no_window  = map_h == 16'd0 || map_w == 16'd0 || out_h == 16'd0 || out_w == 16'd0
                    || kernel_h == 4'd0 || kernel_w == 4'd0;
  wire bad_size   = rows == 32'd0 || rows[31:24] != 8'd0 || cols == 32'd0 || cols[31:16] != 16'd0
                    || (is_matmul && (depth == 32'd0 || depth[31:24] != 8'd0))
                    || (windows && no_window);

  // ---- One slot: registers, then groups = ceil(rows / M) and the multiplier
  reg  [31:0] stride_q;
  reg  [25:0] row_bytes_q;
  reg  [24:0] rows_q;
  reg  [23:0] last_row_q;
  reg         groups_q, vector_q;

  wire [24:0] padded = rows_q + {20'd0, m} - 25'd1;
  reg  [23:0] groups;

  always @(*) begin
    case (m)
      5'd2:    groups = padded[24:1];
      5'd4:    groups = {1'b0, padded[24:2]};
      5'd8:    groups = {2'd0, padded[24:3]};
      default: groups = {3'd0, padded[24:4]};
    endcase
  end

  // A stride that is not a multiple of 64 is refused whatever the product.
  reg  [24:0] mul_a;
  reg  [17:0] mul_b;

  always @(*) begin
    case (state_q)
      ST_WINDOWS: begin
        mul_a = windows_mul_a;
        mul_b = windows_mul_b;
      end
      ST_SPAN: begin
        mul_a = {1'b0, last_row_q};
        mul_b = stride_q[23:6];
      end
      default: begin
        mul_a = {1'b0, groups};
        mul_b = {13'd0, n};
      end
    endcase
  end

  always @(posedge clk) prod_q <= mul_a * mul_b;

  wire [END_W-1:0] tensor_end = {{END_W-40{1'b0}}, base_o[39:0]} + {prod_q, 6'd0}
                                + {{END_W-26{1'b0}}, row_bytes_q};

  wire bad_align  = base_o[5:0] != 6'd0 || stride_q[5:0] != 6'd0;
  wire bad_stride = !vector_q && (stride_q < {6'd0, row_bytes_q} || stride_q > `SAT_STRIDE_MAX);
  wire bad_range  = base_o[63:ADDR_W] != 0 || tensor_end > SPACE;
  wire bad_tensor = bad_align || bad_stride || bad_range;

  wire slot_used = used[slot_q];
  wire slot_last = slot_q == 3'd7;
  wire bad_head  = bad_opcode || bad_flags || (!is_fence && (bad_nm || bad_size));

  // C and sums of the MATMUL checked last; without sums these end at 0. The slots of A and S come
  // before that of C, and that of the sums is last.
  reg  [END_W-2:0] c_base_q, sums_base_q;
  reg  [END_W-1:0] c_end_q, sums_end_q;
  wire [END_W-1:0] base = {1'b0, base_o[END_W-2:0]};
  wire meets = (base < c_end_q && {1'b0, c_base_q} < tensor_end)
               || (base < sums_end_q && {1'b0, sums_base_q} < tensor_end);

  always @(posedge clk) begin
    if (state_q == ST_HEAD) {a_meets_o, s_meets_o} <= 2'b00;
    else if (state_q == ST_TENSOR && is_matmul)
      case (slot_q)
        `SAT_SLOT_MATMUL_A: a_meets_o <= meets;
        `SAT_SLOT_MATMUL_S_VALUES, `SAT_SLOT_MATMUL_S_INDICES: s_meets_o <= s_meets_o || meets;
        `SAT_SLOT_MATMUL_C: begin
          {c_base_q, c_end_q} <= {base_o[END_W-2:0], tensor_end};
          sums_end_q          <= {END_W{1'b0}};
        end
        `SAT_SLOT_MATMUL_SUMS: {sums_base_q, sums_end_q} <= {base_o[END_W-2:0], tensor_end};
        default: ;
      endcase
  end

  reg done_d;

  always @(*) begin
    state_d = state_q;
    done_d  = 1'b0;
    case (state_q)
      ST_IDLE: if (start_i) state_d = ST_HEAD;
      ST_HEAD:
        if (bad_head || is_fence) begin
          state_d = ST_IDLE;
          done_d  = 1'b1;
        end else state_d = windows ? ST_WINDOWS : ST_SLOT;
      ST_WINDOWS:
        if (windows_bad) begin
          state_d = ST_IDLE;
          done_d  = 1'b1;
        end else if (windows_done) state_d = ST_SLOT;
      ST_SLOT:
        if (slot_used) state_d = ST_GROUPS;
        else if (slot_last) begin
          state_d = ST_IDLE;
          done_d  = 1'b1;
        end
      ST_GROUPS: state_d = ST_ROWS;
      ST_ROWS:   state_d = ST_SPAN;
      ST_SPAN:   state_d = ST_TENSOR;
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
        slot_q   <= 3'd0;
        tensor_o <= 1'b0;
        code_o   <= bad_opcode ? `SAT_ERR_OPCODE :
                    bad_flags  ? `SAT_ERR_FLAGS :
                    is_fence   ? `SAT_ERR_NONE :
                    bad_nm     ? `SAT_ERR_NM :
                    bad_size   ? `SAT_ERR_SIZE : `SAT_ERR_NONE;
      end
      ST_WINDOWS: if (windows_bad) code_o <= `SAT_ERR_SIZE;
      ST_SLOT: begin
        base_o      <= slot_words[63:0];
        stride_q    <= slot_words[95:64];
        row_bytes_q <= slot_row_bytes;
        rows_q      <= slot_rows;
        groups_q    <= slot_groups;
        vector_q    <= vectors[slot_q];
        if (!slot_used) slot_q <= slot_q + 3'd1;
      end
      ST_ROWS: last_row_q <= (groups_q ? prod_q[23:0] : rows_q[23:0]) - 24'd1;
      ST_TENSOR: begin
        slot_q   <= slot_q + 3'd1;
        tensor_o <= bad_tensor;
        code_o   <= bad_align  ? `SAT_ERR_ALIGN :
                    bad_stride ? `SAT_ERR_STRIDE :
                    bad_range  ? `SAT_ERR_RANGE : `SAT_ERR_NONE;
      end
      default: ;
    endcase
  end

  wire unused_ok = &{1'b0, padded[0]};

endmodule

`default_nettype wire
