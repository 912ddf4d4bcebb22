// SPDX-License-Identifier: Apache-2.0
// sat_cmd_shape: which tensor slots a command uses and what each must hold, from docs/commands.md.
// Combinational. The shape outputs are those of slot_i, and mean nothing for an unused slot.
`default_nettype none
`include "sat_defs.vh"
module sat_cmd_shape (
  input  wire [7:0]  opcode_i,
  input  wire [10:0] flags_i,
  input  wire        dense_i,     // N = M
  input  wire [15:0] rows_i,
  input  wire [15:0] cols_i,
  input  wire [15:0] depth_i,
  // of a command with windows
  input  wire [15:0] pixels_i,
  input  wire [15:0] result_rows_i,
  input  wire [16:0] s_rows_i,
  input  wire [2:0]  slot_i,
  output reg  [7:0]  used_o,      // per slot
  output reg  [7:0]  vectors_o,   // per slot: one row, stride zero
  output reg  [16:0] rows_o,      // of the slot's tensor, before compression
  output reg         groups_o,    // rows are compressed N:M
  output reg  [17:0] row_bytes_o
);
  localparam [1:0] ELEM_INDEX = 2'd0;  // 4 bits
  localparam [1:0] ELEM_FP16  = 2'd1;
  localparam [1:0] ELEM_FP32  = 2'd2;

  wire is_update = opcode_i == `SAT_OP_UPDATE;
  wire conv      = flags_i[`SAT_FLAG_MATMUL_CONV];
  wire a_trans   = flags_i[`SAT_FLAG_MATMUL_A_TRANS];

  reg [15:0] cols;
  reg [1:0]  elem;

  always @(*) begin
    used_o    = 8'h00;
    vectors_o = 8'h00;
    rows_o    = {1'b0, rows_i};
    cols      = cols_i;
    groups_o  = 1'b0;
    elem      = ELEM_FP16;
    if (opcode_i == `SAT_OP_MATMUL) begin
      used_o[`SAT_SLOT_MATMUL_A]         = 1'b1;
      used_o[`SAT_SLOT_MATMUL_S_VALUES]  = 1'b1;
      used_o[`SAT_SLOT_MATMUL_S_INDICES] = !dense_i;
      used_o[`SAT_SLOT_MATMUL_C]         = 1'b1;
      used_o[`SAT_SLOT_MATMUL_BIAS]      = flags_i[`SAT_FLAG_MATMUL_BIAS];
      used_o[`SAT_SLOT_MATMUL_RESIDUAL]  = flags_i[`SAT_FLAG_MATMUL_RESIDUAL];
      used_o[`SAT_SLOT_MATMUL_MASK]      = flags_i[`SAT_FLAG_MATMUL_MASK];
      vectors_o[`SAT_SLOT_MATMUL_BIAS]   = 1'b1;
      if (conv) rows_o = {1'b0, result_rows_i};
      case (slot_i)
        `SAT_SLOT_MATMUL_A: begin
          rows_o = {1'b0, conv ? pixels_i : a_trans ? depth_i : rows_i};
          cols   = a_trans && !conv ? rows_i : depth_i;
        end
        `SAT_SLOT_MATMUL_S_VALUES: begin
          rows_o   = conv ? s_rows_i : {1'b0, depth_i};
          groups_o = !dense_i;
        end
        `SAT_SLOT_MATMUL_S_INDICES: begin
          rows_o   = conv ? s_rows_i : {1'b0, depth_i};
          groups_o = 1'b1;
          elem     = ELEM_INDEX;
        end
        `SAT_SLOT_MATMUL_C: elem = flags_i[`SAT_FLAG_MATMUL_OUT_FP32] ? ELEM_FP32 : ELEM_FP16;
        default: ;
      endcase
    end else if (opcode_i == `SAT_OP_PRUNE || is_update) begin
      used_o[`SAT_SLOT_UPDATE_W]          = 1'b1;
      used_o[`SAT_SLOT_UPDATE_V]          = is_update;
      used_o[`SAT_SLOT_UPDATE_DW]         = is_update;
      used_o[`SAT_SLOT_UPDATE_FF_VALUES]  = flags_i[`SAT_FLAG_UPDATE_FF];
      used_o[`SAT_SLOT_UPDATE_FF_INDICES] = flags_i[`SAT_FLAG_UPDATE_FF] && !dense_i;
      used_o[`SAT_SLOT_UPDATE_BP_VALUES]  = flags_i[`SAT_FLAG_UPDATE_BP];
      used_o[`SAT_SLOT_UPDATE_BP_INDICES] = flags_i[`SAT_FLAG_UPDATE_BP] && !dense_i;
      case (slot_i)
        `SAT_SLOT_UPDATE_FF_VALUES: groups_o = !dense_i;
        `SAT_SLOT_UPDATE_FF_INDICES: begin
          groups_o = 1'b1;
          elem     = ELEM_INDEX;
        end
        `SAT_SLOT_UPDATE_BP_VALUES: begin
          rows_o   = {1'b0, cols_i};
          cols     = rows_i;
          groups_o = !dense_i;
        end
        `SAT_SLOT_UPDATE_BP_INDICES: begin
          rows_o   = {1'b0, cols_i};
          cols     = rows_i;
          groups_o = 1'b1;
          elem     = ELEM_INDEX;
        end
        default: elem = !is_update && flags_i[`SAT_FLAG_PRUNE_SRC_FP16] ? ELEM_FP16 : ELEM_FP32;
      endcase
    end else if (opcode_i == `SAT_OP_AFFINE) begin
      used_o[`SAT_SLOT_AFFINE_X]        = 1'b1;
      used_o[`SAT_SLOT_AFFINE_Y]        = flags_i[`SAT_FLAG_AFFINE_SECOND];
      used_o[`SAT_SLOT_AFFINE_OUT]      = 1'b1;
      used_o[`SAT_SLOT_AFFINE_ALPHA]    = 1'b1;
      used_o[`SAT_SLOT_AFFINE_BETA]     = flags_i[`SAT_FLAG_AFFINE_SECOND];
      used_o[`SAT_SLOT_AFFINE_GAMMA]    = 1'b1;
      vectors_o[`SAT_SLOT_AFFINE_ALPHA] = 1'b1;
      vectors_o[`SAT_SLOT_AFFINE_BETA]  = 1'b1;
      vectors_o[`SAT_SLOT_AFFINE_GAMMA] = 1'b1;
    end else if (opcode_i == `SAT_OP_STATS) begin
      used_o[`SAT_SLOT_STATS_X]      = 1'b1;
      used_o[`SAT_SLOT_STATS_Y]      = flags_i[`SAT_FLAG_STATS_SECOND];
      used_o[`SAT_SLOT_STATS_SUM]    = 1'b1;
      used_o[`SAT_SLOT_STATS_DOT]    = 1'b1;
      vectors_o[`SAT_SLOT_STATS_SUM] = 1'b1;
      vectors_o[`SAT_SLOT_STATS_DOT] = 1'b1;
    end else if (opcode_i == `SAT_OP_POOL) begin
      used_o[`SAT_SLOT_POOL_X]      = 1'b1;
      used_o[`SAT_SLOT_POOL_OUT]    = 1'b1;
      used_o[`SAT_SLOT_POOL_WINNER] = 1'b1;
      rows_o = {1'b0, result_rows_i};
      case (slot_i)
        `SAT_SLOT_POOL_X: rows_o = {1'b0, pixels_i};
        `SAT_SLOT_POOL_WINNER: begin
          if (flags_i[`SAT_FLAG_POOL_BACKWARD]) rows_o = {1'b0, pixels_i};
          elem = ELEM_INDEX;
        end
        default: ;
      endcase
    end
    if (vectors_o[slot_i]) begin
      rows_o = 17'd1;
      elem   = ELEM_FP32;
    end
  end

  wire [16:0] cols_rounded = {1'b0, cols} + 17'd1;

  always @(*) begin
    case (elem)
      ELEM_INDEX: row_bytes_o = {2'b00, cols_rounded[16:1]};
      ELEM_FP32:  row_bytes_o = {cols, 2'b00};
      default:    row_bytes_o = {1'b0, cols, 1'b0};
    endcase
  end

  wire unused_ok = &{1'b0, flags_i, cols_rounded[0]};
endmodule
`default_nettype wire
