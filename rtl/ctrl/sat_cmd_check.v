// SPDX-License-Identifier: Apache-2.0
// sat_cmd_check: is a descriptor legal? Finds the first failing check in the order of
// docs/commands.md ("Errors"). One tensor slot at a time, 5 cycles each, with one multiplier: at
// most 40 cycles. desc_i must hold still from start_i to done_o. Golden: the checks of the command
// model in golden/sat_golden.
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
  output reg  [63:0]   base_o      // that tensor's address
);
  localparam [2:0] ST_IDLE   = 3'd0;
  localparam [2:0] ST_HEAD   = 3'd1;  // checks that need no tensor
  localparam [2:0] ST_SLOT   = 3'd2;  // take a slot's fields
  localparam [2:0] ST_GROUPS = 3'd3;  // multiply groups by N
  localparam [2:0] ST_ROWS   = 3'd4;  // number of rows
  localparam [2:0] ST_SPAN   = 3'd5;  // multiply by the stride
  localparam [2:0] ST_TENSOR = 3'd6;  // check the slot

  // Bits of the end address: the span of 65535 rows of less than 2^24 bytes is below 2^40.
  localparam integer END_W = 42;
  localparam [END_W-1:0] SPACE = {{END_W-1{1'b0}}, 1'b1} << ADDR_W;

  // Flags that a command may set
  localparam [31:0] FLAGS_MATMUL = (32'd1 << `SAT_FLAG_MATMUL_A_TRANS)
      | (32'd1 << `SAT_FLAG_MATMUL_OUT_FP32) | (32'd1 << `SAT_FLAG_MATMUL_BIAS)
      | (32'd1 << `SAT_FLAG_MATMUL_RESIDUAL) | (32'd1 << `SAT_FLAG_MATMUL_RELU)
      | (32'd1 << `SAT_FLAG_MATMUL_MASK)
      | (((32'd1 << `SAT_FLAG_MATMUL_MAP_BITS) - 32'd1) << `SAT_FLAG_MATMUL_MAP_LSB);
  localparam [31:0] FLAGS_PRUNE = (32'd1 << `SAT_FLAG_PRUNE_FF) | (32'd1 << `SAT_FLAG_PRUNE_BP)
      | (32'd1 << `SAT_FLAG_PRUNE_SRC_FP16);
  localparam [31:0] FLAGS_UPDATE = (32'd1 << `SAT_FLAG_UPDATE_FF) | (32'd1 << `SAT_FLAG_UPDATE_BP)
      | (32'd1 << `SAT_FLAG_UPDATE_DECAY) | (32'd1 << `SAT_FLAG_UPDATE_SKIP_ON_OVERFLOW);
  localparam [31:0] FLAGS_FENCE = 32'd1 << `SAT_FLAG_FENCE_IRQ;

  // Descriptor: sizes with the reserved upper half of their word
  wire [31:8] head   = desc_i[31:8];
  wire [31:0] flags  = desc_i[`SAT_DESC_FLAGS_LSB +: 32];
  wire [31:0] rows   = desc_i[`SAT_DESC_ROWS_LSB +: 32];
  wire [31:0] cols   = desc_i[`SAT_DESC_COLS_LSB +: 32];
  wire [31:0] depth  = desc_i[`SAT_DESC_DEPTH_LSB +: 32];
  wire [7:0]  opcode = desc_i[`SAT_DESC_OPCODE_LSB +: `SAT_DESC_OPCODE_BITS];
  wire [4:0]  n      = desc_i[`SAT_DESC_N_LSB +: `SAT_DESC_N_BITS];
  wire [4:0]  m      = desc_i[`SAT_DESC_M_LSB +: `SAT_DESC_M_BITS];

  wire is_matmul = opcode == `SAT_OP_MATMUL;
  wire is_prune  = opcode == `SAT_OP_PRUNE;
  wire is_update = opcode == `SAT_OP_UPDATE;
  wire is_fence  = opcode == `SAT_OP_FENCE;

  // Slots
  reg  [2:0]  slot_q;
  wire [7:0]  used;
  wire [15:0] slot_rows;
  wire [17:0] slot_row_bytes;
  wire        slot_groups, slot_vector;
  wire [95:0] slot_words = desc_i[`SAT_DESC_SLOT_LSB + slot_q*`SAT_DESC_SLOT_BITS +: 96];

  sat_cmd_shape u_shape (
    .opcode_i   (opcode),
    .flags_i    (flags[10:0]),
    .dense_i    (n == m),
    .rows_i     (rows[15:0]),
    .cols_i     (cols[15:0]),
    .depth_i    (depth[15:0]),
    .slot_i     (slot_q),
    .used_o     (used),
    .rows_o     (slot_rows),
    .groups_o   (slot_groups),
    .vector_o   (slot_vector),
    .row_bytes_o(slot_row_bytes)
  );

  // Reserved and unused bits: MATMUL uses word 4, UPDATE words 4..7 (5 with `decay` only).
  reg  [31:0] flags_allowed;
  reg         words_clear, slots_clear;
  integer     s;

  always @(*) begin
    flags_allowed = 32'd0;
    words_clear   = 1'b1;
    if (is_matmul) begin
      flags_allowed = FLAGS_MATMUL;
      words_clear   = desc_i[255:160] == 96'd0;
    end else if (is_prune) begin
      flags_allowed = FLAGS_PRUNE;
      words_clear   = desc_i[255:128] == 128'd0;
    end else if (is_update) begin
      flags_allowed = FLAGS_UPDATE;
      words_clear   = flags[`SAT_FLAG_UPDATE_DECAY] || desc_i[191:160] == 32'd0;
    end else begin
      flags_allowed = FLAGS_FENCE;
      words_clear   = desc_i[255:64] == 192'd0 && head[31:8] == 24'd0;
    end
    slots_clear = 1'b1;
    for (s = 0; s < 8; s = s + 1)
      if (desc_i[`SAT_DESC_SLOT_LSB + s*`SAT_DESC_SLOT_BITS +: 96] != 96'd0 && !used[s])
        slots_clear = 1'b0;
  end

  localparam integer BIAS_STRIDE_LSB =
      `SAT_DESC_SLOT_LSB + `SAT_SLOT_MATMUL_BIAS * `SAT_DESC_SLOT_BITS + 64;

  wire bias_stride = is_matmul && desc_i[BIAS_STRIDE_LSB +: 32] != 32'd0;
  wire no_copies   = is_prune && !flags[`SAT_FLAG_PRUNE_FF] && !flags[`SAT_FLAG_PRUNE_BP];

  wire bad_opcode = !(is_matmul || is_prune || is_update || is_fence);
  wire bad_flags  = {head[31:25], head[23:21], head[15:13]} != 13'd0
                    || (flags & ~flags_allowed) != 32'd0 || !words_clear || !slots_clear
                    || bias_stride || no_copies;
  wire bad_nm     = !(m == 5'd2 || m == 5'd4 || m == 5'd8 || m == 5'd16) || n == 5'd0 || n > m;
  wire bad_size   = rows == 32'd0 || rows[31:16] != 16'd0 || cols == 32'd0 || cols[31:16] != 16'd0
                    || (is_matmul && (depth == 32'd0 || depth[31:16] != 16'd0));

  // One slot: registers, then groups = ceil(rows / M) and the multiplier
  reg  [31:0] stride_q;
  reg  [17:0] row_bytes_q;
  reg  [15:0] rows_q, last_row_q;
  reg         groups_q, vector_q;
  reg  [39:0] prod_q;
  reg  [2:0]  state_q, state_d;

  wire [16:0] padded = {1'b0, rows_q} + {12'd0, m} - 17'd1;
  reg  [15:0] groups;

  always @(*) begin
    case (m)
      5'd2:    groups = padded[16:1];
      5'd4:    groups = {1'b0, padded[16:2]};
      5'd8:    groups = {2'd0, padded[16:3]};
      default: groups = {3'd0, padded[16:4]};
    endcase
  end

  wire        span_step = state_q == ST_SPAN;
  wire [15:0] mul_a     = span_step ? last_row_q : groups;
  wire [23:0] mul_b     = span_step ? stride_q[23:0] : {19'd0, n};

  always @(posedge clk) prod_q <= mul_a * mul_b;

  wire [END_W-1:0] tensor_end = {2'd0, base_o[39:0]} + {2'd0, prod_q}
                                + {{END_W-18{1'b0}}, row_bytes_q};

  wire bad_align  = base_o[5:0] != 6'd0 || stride_q[5:0] != 6'd0;
  wire bad_stride = !vector_q && (stride_q < {14'd0, row_bytes_q} || stride_q > `SAT_STRIDE_MAX);
  wire bad_range  = base_o[63:ADDR_W] != 0 || tensor_end > SPACE;
  wire bad_tensor = bad_align || bad_stride || bad_range;

  wire slot_used = used[slot_q];
  wire slot_last = slot_q == 3'd7;
  wire bad_head  = bad_opcode || bad_flags || (!is_fence && (bad_nm || bad_size));

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
        end else state_d = ST_SLOT;
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
      ST_SLOT: begin
        base_o      <= slot_words[63:0];
        stride_q    <= slot_words[95:64];
        row_bytes_q <= slot_row_bytes;
        rows_q      <= slot_rows;
        groups_q    <= slot_groups;
        vector_q    <= slot_vector;
        if (!slot_used) slot_q <= slot_q + 3'd1;
      end
      ST_ROWS: last_row_q <= (groups_q ? prod_q[15:0] : rows_q) - 16'd1;
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
