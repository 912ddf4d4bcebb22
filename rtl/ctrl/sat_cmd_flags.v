// SPDX-License-Identifier: Apache-2.0
// sat_cmd_flags: the FLAGS check of a descriptor of known opcode: reserved bits and words, unused
// slots, strides of vectors, PRUNE without anything to write. Combinational.
`default_nettype none
`include "sat_defs.vh"
module sat_cmd_flags (
  input  wire [1023:0] desc_i,
  input  wire [7:0]    used_i,     // slots in use, from sat_cmd_shape
  input  wire [7:0]    vectors_i,  // slots that hold a vector, likewise
  output wire          bad_o
);
  localparam [31:0] FLAGS_MATMUL = (32'd1 << `SAT_FLAG_MATMUL_A_TRANS)
      | (32'd1 << `SAT_FLAG_MATMUL_OUT_FP32) | (32'd1 << `SAT_FLAG_MATMUL_BIAS)
      | (32'd1 << `SAT_FLAG_MATMUL_RESIDUAL) | (32'd1 << `SAT_FLAG_MATMUL_RELU)
      | (32'd1 << `SAT_FLAG_MATMUL_MASK) | (32'd1 << `SAT_FLAG_MATMUL_CONV)
      | (((32'd1 << `SAT_FLAG_MATMUL_MAP_BITS) - 32'd1) << `SAT_FLAG_MATMUL_MAP_LSB);
  localparam [31:0] FLAGS_PRUNE = (32'd1 << `SAT_FLAG_PRUNE_FF) | (32'd1 << `SAT_FLAG_PRUNE_BP)
      | (32'd1 << `SAT_FLAG_PRUNE_SRC_FP16);
  localparam [31:0] FLAGS_UPDATE = (32'd1 << `SAT_FLAG_UPDATE_FF) | (32'd1 << `SAT_FLAG_UPDATE_BP)
      | (32'd1 << `SAT_FLAG_UPDATE_DECAY) | (32'd1 << `SAT_FLAG_UPDATE_SKIP_ON_OVERFLOW);
  localparam [31:0] FLAGS_FENCE  = 32'd1 << `SAT_FLAG_FENCE_IRQ;
  localparam [31:0] FLAGS_AFFINE = (32'd1 << `SAT_FLAG_AFFINE_SECOND)
      | (32'd1 << `SAT_FLAG_AFFINE_RELU);
  localparam [31:0] FLAGS_STATS  = 32'd1 << `SAT_FLAG_STATS_SECOND;
  localparam [31:0] FLAGS_POOL   = 32'd1 << `SAT_FLAG_POOL_BACKWARD;

  localparam [31:0] ALL = {32{1'b1}};

  // A field's bits within its word.
  function automatic [31:0] bits_of(input integer lsb, input integer bits);
    bits_of = ((32'd1 << bits) - 32'd1) << (lsb % 32);
  endfunction

  // Word 7 where there are windows.
  localparam [31:0] WINDOW_BITS = bits_of(`SAT_DESC_KERNEL_H_LSB, `SAT_DESC_KERNEL_H_BITS)
      | bits_of(`SAT_DESC_KERNEL_W_LSB, `SAT_DESC_KERNEL_W_BITS)
      | bits_of(`SAT_DESC_STEP_LOG2_LSB, `SAT_DESC_STEP_LOG2_BITS)
      | bits_of(`SAT_DESC_DILATION_LOG2_LSB, `SAT_DESC_DILATION_LOG2_BITS)
      | bits_of(`SAT_DESC_UPSAMPLE_LOG2_LSB, `SAT_DESC_UPSAMPLE_LOG2_BITS)
      | bits_of(`SAT_DESC_PAD_TOP_LSB, `SAT_DESC_PAD_TOP_BITS)
      | bits_of(`SAT_DESC_PAD_LEFT_LSB, `SAT_DESC_PAD_LEFT_BITS);

  wire [7:0] opcode  = desc_i[`SAT_DESC_OPCODE_LSB +: `SAT_DESC_OPCODE_BITS];
  wire       conv    = desc_i[`SAT_DESC_FLAGS_LSB + `SAT_FLAG_MATMUL_CONV];
  wire       decay   = desc_i[`SAT_DESC_FLAGS_LSB + `SAT_FLAG_UPDATE_DECAY];
  wire       nothing = !desc_i[`SAT_DESC_FLAGS_LSB + `SAT_FLAG_PRUNE_FF]
                       && !desc_i[`SAT_DESC_FLAGS_LSB + `SAT_FLAG_PRUNE_BP];

  // Bits that the command may set, of the flags and of words 0 and 2..7, word 2 lowest.
  reg [31:0]  flags_allowed;
  reg [191:0] words_allowed;
  reg         nm_allowed, overlap_allowed;

  always @(*) begin
    flags_allowed   = 32'd0;
    words_allowed   = {128'd0, ALL, ALL};
    nm_allowed      = 1'b0;
    overlap_allowed = 1'b1;
    case (opcode)
      `SAT_OP_MATMUL: begin
        flags_allowed = FLAGS_MATMUL;
        words_allowed = {conv ? {WINDOW_BITS, ALL, ALL} : 96'd0, ALL, ALL, ALL};
        nm_allowed    = 1'b1;
      end
      `SAT_OP_PRUNE: begin
        flags_allowed = FLAGS_PRUNE;
        nm_allowed    = 1'b1;
      end
      `SAT_OP_UPDATE: begin
        flags_allowed = FLAGS_UPDATE;
        words_allowed = {ALL, ALL, {32{decay}}, ALL, ALL, ALL};
        nm_allowed    = 1'b1;
      end
      `SAT_OP_AFFINE: flags_allowed = FLAGS_AFFINE;
      `SAT_OP_STATS:  flags_allowed = FLAGS_STATS;
      `SAT_OP_POOL: begin
        flags_allowed = FLAGS_POOL;
        words_allowed = {WINDOW_BITS, ALL, ALL, 32'd0, ALL, ALL};
      end
      default: begin
        flags_allowed   = FLAGS_FENCE;
        words_allowed   = 192'd0;
        overlap_allowed = 1'b0;
      end
    endcase
  end

  wire [31:0] head_allowed = bits_of(`SAT_DESC_OPCODE_LSB, `SAT_DESC_OPCODE_BITS)
      | (nm_allowed ? bits_of(`SAT_DESC_N_LSB, `SAT_DESC_N_BITS)
                      | bits_of(`SAT_DESC_M_LSB, `SAT_DESC_M_BITS) : 32'd0)
      | (overlap_allowed ? bits_of(`SAT_DESC_OVERLAP_LSB, `SAT_DESC_OVERLAP_BITS) : 32'd0);

  reg [767:0] slots_allowed;
  integer     s;

  always @(*) begin
    for (s = 0; s < 8; s = s + 1)
      slots_allowed[s*`SAT_DESC_SLOT_BITS +: `SAT_DESC_SLOT_BITS] =
          {{32{used_i[s] && !vectors_i[s]}}, {64{used_i[s]}}};
  end

  wire [1023:0] allowed = {slots_allowed, words_allowed, flags_allowed, head_allowed};

  assign bad_o = (desc_i & ~allowed) != 1024'd0 || (opcode == `SAT_OP_PRUNE && nothing);
endmodule
`default_nettype wire
