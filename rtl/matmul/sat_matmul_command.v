// SPDX-License-Identifier: Apache-2.0
// sat_matmul_command: what the units of the array engine are told of a MATMUL: the fields of its
// descriptor, and its plan. start_i comes with a checked descriptor; planned_o pulses when all
// outputs are valid (sat_matmul_plan), and they stay until the next start_i or next_i. An operand
// that is resident is loaded in one pass, else once per tile of the other one.
// A convolution over an upsampled map is done phase by phase (sat_phases): while more_o is high,
// next_i goes on to the next phase, which is planned like a command. In a phase without kernel
// positions nothing is multiplied: blank_o says so. With sums, which need a column tile to be
// complete before the next one begins, it is done as a whole.
`default_nettype none
`include "sat_buses.vh"
`include "sat_defs.vh"

module sat_matmul_command #(
  parameter integer ROWS    = 8,
  parameter integer COLS    = 8,
  parameter integer T       = 8,
  parameter integer A_DEPTH = 512,
  parameter integer S_DEPTH = 4096,
  parameter integer CHUNK_K = 256,
  parameter integer LANES   = 8,
  parameter integer ADDR_W  = 40
) (
  input  wire                          clk,
  input  wire                          rst_n,
  input  wire                          start_i,
  input  wire [1023:0]                 desc_i,
  input  wire                          next_i,
  output wire                          planned_o,
  output reg                           more_o,
  // flags
  output wire                          a_trans_o,
  output wire                          conv_o,
  output wire                          as_single_o,
  output wire                          use_bias_o,
  output wire                          use_residual_o,
  output wire                          use_relu_o,
  output wire                          use_mask_o,
  output wire                          use_sums_o,
  output wire                          blank_o,
  // tensors
  output wire [8*ADDR_W-1:0]           slot_addr_o,
  output wire [8*`SAT_STRIDE_BITS-1:0] slot_stride_o,
  // windows over the map
  output wire [15:0]                   map_h_o,
  output wire [15:0]                   map_w_o,
  output wire [15:0]                   out_h_o,
  output wire [15:0]                   out_w_o,
  output wire [3:0]                    kernel_w_o,
  output wire [1:0]                    step_log2_o,
  output wire [1:0]                    dilation_log2_o,
  output wire [1:0]                    upsample_log2_o,
  output wire [7:0]                    pad_top_o,    // signed
  output wire [7:0]                    pad_left_o,
  // plan
  output wire [23:0]                   rows_o,
  output wire [15:0]                   cols_o,
  output wire [23:0]                   depth_o,
  output wire [7:0]                    k_segments_o,
  output wire                          dense_o,
  output wire [4:0]                    n_o,
  output wire [2:0]                    m_log2_o,
  output wire [2:0]                    t2_log2_o,
  output wire [2:0]                    t1_log2_o,
  output wire                          fold_o,
  output wire [4:0]                    period_o,
  output wire [24:0]                   kept_o,
  output wire [23:0]                   row_tiles_o,
  output wire [15:0]                   col_tiles_o,
  output wire                          a_resident_o,
  output wire                          s_resident_o,
  output wire [15:0]                   a_passes_o,
  output wire [23:0]                   s_passes_o,
  // a phase's part of S and C
  output wire [`SAT_S_POSITIONS_BITS-1:0] positions_o,
  output wire [24:0]                   position_rows_o,
  output wire [39:0]                   position_values_bytes_o,
  output wire [39:0]                   position_indices_bytes_o,
  output wire [`SAT_C_ROWS_BITS-1:0]   c_rows_o
);

  localparam integer STRIDE_W = `SAT_STRIDE_BITS;
  localparam integer MAP_LSB = `SAT_DESC_FLAGS_LSB + `SAT_FLAG_MATMUL_ROW_INTERLEAVE_LSB;

  reg  [1023:0] desc_q;
  always @(posedge clk) if (start_i) desc_q <= desc_i;

  // ---- Fields
  wire [31:0] flags = desc_q[`SAT_DESC_FLAGS_LSB +: `SAT_DESC_FLAGS_BITS];
  assign a_trans_o       = flags[`SAT_FLAG_MATMUL_A_TRANS];
  assign conv_o          = flags[`SAT_FLAG_MATMUL_CONV];
  assign as_single_o     = flags[`SAT_FLAG_MATMUL_OUT_FP32];
  assign use_bias_o      = flags[`SAT_FLAG_MATMUL_BIAS];
  assign use_residual_o  = flags[`SAT_FLAG_MATMUL_RESIDUAL];
  assign use_relu_o      = flags[`SAT_FLAG_MATMUL_RELU];
  assign use_mask_o      = flags[`SAT_FLAG_MATMUL_MASK];
  assign use_sums_o      = flags[`SAT_FLAG_MATMUL_SUMS];
  assign map_h_o         = desc_q[`SAT_DESC_MAP_H_LSB +: `SAT_DESC_MAP_H_BITS];
  assign map_w_o         = desc_q[`SAT_DESC_MAP_W_LSB +: `SAT_DESC_MAP_W_BITS];
  assign step_log2_o     = desc_q[`SAT_DESC_STEP_LOG2_LSB +: `SAT_DESC_STEP_LOG2_BITS];
  sat_desc_slots #(
    .SLOTS (8),
    .ADDR_W(ADDR_W)
  ) u_slots (
    .desc_i  (desc_q),
    .addr_o  (slot_addr_o),
    .stride_o(slot_stride_o)
  );

  // ---- Phase
  wire [15:0] full_w     = desc_q[`SAT_DESC_OUT_W_LSB +: `SAT_DESC_OUT_W_BITS];
  wire [1:0]  upsample   = desc_q[`SAT_DESC_UPSAMPLE_LOG2_LSB +: `SAT_DESC_UPSAMPLE_LOG2_BITS];
  wire        split      = conv_o && !a_trans_o && !use_sums_o && (upsample != 2'd0);
  wire        last_phase;
  wire [2:0]  phase_y, phase_x;
  wire [15:0] out_h, out_w;
  wire [3:0]  kernel_h, kernel_w, hop;
  wire        phase_ready;
  sat_phases u_phases (
    .clk            (clk),
    .start_i        (start_i),
    .next_i         (next_i),
    .split_i        (split),
    .out_h_i        (desc_q[`SAT_DESC_OUT_H_LSB +: `SAT_DESC_OUT_H_BITS]),
    .out_w_i        (full_w),
    .kernel_h_i     (desc_q[`SAT_DESC_KERNEL_H_LSB +: `SAT_DESC_KERNEL_H_BITS]),
    .kernel_w_i     (desc_q[`SAT_DESC_KERNEL_W_LSB +: `SAT_DESC_KERNEL_W_BITS]),
    .step_log2_i    (desc_q[`SAT_DESC_STEP_LOG2_LSB +: `SAT_DESC_STEP_LOG2_BITS]),
    .dilation_log2_i(desc_q[`SAT_DESC_DILATION_LOG2_LSB +: `SAT_DESC_DILATION_LOG2_BITS]),
    .upsample_log2_i(upsample),
    .pad_top_i      (desc_q[`SAT_DESC_PAD_TOP_LSB +: `SAT_DESC_PAD_TOP_BITS]),
    .pad_left_i     (desc_q[`SAT_DESC_PAD_LEFT_LSB +: `SAT_DESC_PAD_LEFT_BITS]),
    .last_o         (last_phase),
    .phase_y_o      (phase_y),
    .phase_x_o      (phase_x),
    .out_h_o        (out_h),
    .out_w_o        (out_w),
    .kernel_h_o     (kernel_h),
    .kernel_w_o     (kernel_w),
    .dilation_log2_o(dilation_log2_o),
    .upsample_log2_o(upsample_log2_o),
    .pad_top_o      (pad_top_o),
    .pad_left_o     (pad_left_o),
    .hop_o          (hop),
    .positions_o    (positions_o)
  );
  assign out_h_o    = out_h;
  assign out_w_o    = out_w;
  assign kernel_w_o = kernel_w;
  assign blank_o    = split && (kernel_h == 4'd0 || kernel_w == 4'd0);
  always @(posedge clk) more_o <= !last_phase;
  sat_valid_delay #(.WIDTH(1), .CYCLES(2)) u_phase_ready (
    .clk  (clk),
    .rst_n(rst_n),
    .in_i (start_i || next_i),
    .out_o(phase_ready)
  );

  // ---- Plan
  sat_matmul_plan #(
    .ROWS   (ROWS),
    .COLS   (COLS),
    .T      (T),
    .A_DEPTH(A_DEPTH),
    .S_DEPTH(S_DEPTH),
    .CHUNK_K(CHUNK_K),
    .LANES  (LANES)
  ) u_plan (
    .clk         (clk),
    .rst_n       (rst_n),
    .start_i     (phase_ready),
    .n_i         (desc_q[`SAT_DESC_N_LSB +: `SAT_DESC_N_BITS]),
    .m_i         (desc_q[`SAT_DESC_M_LSB +: `SAT_DESC_M_BITS]),
    .map_i       (desc_q[MAP_LSB +: `SAT_FLAG_MATMUL_ROW_INTERLEAVE_BITS]),
    .conv_i      (conv_o),
    .a_trans_i   (a_trans_o),
    .split_i     (split),
    .rows_i      (desc_q[`SAT_DESC_ROWS_LSB +: `SAT_DESC_ROWS_BITS]),
    .cols_i      (desc_q[`SAT_DESC_COLS_LSB +: `SAT_DESC_COLS_BITS]),
    .depth_i     (desc_q[`SAT_DESC_DEPTH_LSB +: `SAT_DESC_DEPTH_BITS]),
    .out_h_i     (out_h),
    .out_w_i     (out_w),
    .kernel_h_i  (kernel_h),
    .kernel_w_i  (kernel_w),
    .full_w_i    (full_w),
    .spread_i    (upsample),
    .phase_y_i   (phase_y),
    .phase_x_i   (phase_x),
    .hop_i       (hop),
    .values_stride_i (slot_stride_o[`SAT_SLOT_MATMUL_S_VALUES*STRIDE_W +: STRIDE_W]),
    .indices_stride_i(slot_stride_o[`SAT_SLOT_MATMUL_S_INDICES*STRIDE_W +: STRIDE_W]),
    .ready_o     (planned_o),
    .rows_o      (rows_o),
    .cols_o      (cols_o),
    .depth_o     (depth_o),
    .k_segments_o(k_segments_o),
    .dense_o     (dense_o),
    .n_o         (n_o),
    .m_log2_o    (m_log2_o),
    .t2_log2_o   (t2_log2_o),
    .t1_log2_o   (t1_log2_o),
    .fold_o      (fold_o),
    .period_o    (period_o),
    .kept_o      (kept_o),
    .row_tiles_o (row_tiles_o),
    .col_tiles_o (col_tiles_o),
    .a_resident_o(a_resident_o),
    .s_resident_o(s_resident_o),
    .position_rows_o         (position_rows_o),
    .position_values_bytes_o (position_values_bytes_o),
    .position_indices_bytes_o(position_indices_bytes_o),
    .c_rows_o                (c_rows_o)
  );
  assign a_passes_o = a_resident_o ? 16'd1 : col_tiles_o;
  assign s_passes_o = s_resident_o ? 24'd1 : row_tiles_o;

  wire unused_ok = &{1'b0, desc_q, flags};

endmodule

`default_nettype wire
