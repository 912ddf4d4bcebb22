// SPDX-License-Identifier: Apache-2.0
// sat_aux_loader: streams a C shaped matrix (residual or mask), FP16 or FP32, to the epilogue.
// Its rows are fetched in the order of sat_row_walk, ahead of use as far as the beat queue allows.
// Each row of a tile begins with a fresh beat. Idle (and its queue empty) unless started.
`default_nettype none
`include "sat_buses.vh"

module sat_aux_loader #(
  parameter integer ROWS   = 8,
  parameter integer COLS   = 8,
  parameter integer T      = 8,
  parameter integer ADDR_W = 40,
  parameter integer DATA_W = 128
) (
  input  wire              clk,
  input  wire              rst_n,
  // command, stable from start_i on
  input  wire              start_i,
  input  wire              trans_i,
  input  wire [ADDR_W-1:0] base_i,
  input  wire [23:0]       stride_i,
  input  wire              as_single_i,
  input  wire [23:0]       rows_i,
  input  wire [15:0]       cols_i,
  input  wire [23:0]       row_tiles_i,
  input  wire [15:0]       col_tiles_i,
  input  wire [2:0]        t1_log2_i,
  input  wire [2:0]        t2_log2_i,
  input  wire [`SAT_C_ROWS_BITS-1:0] c_rows_i,
  // read DMA client
  output wire              req_valid_o,
  input  wire              req_ready_i,
  output wire [ADDR_W-1:0] req_addr_o,
  output wire [11:0]       req_beats_o,
  input  wire              rsp_valid_i,
  output wire              rsp_ready_o,
  input  wire [DATA_W-1:0] rsp_data_i,
  // beats
  output wire              beat_valid_o,
  input  wire              beat_ready_i,
  output wire [DATA_W-1:0] beat_o
);

  localparam integer LANES     = DATA_W / 16;
  localparam integer ROW_BEATS = (COLS * T) / LANES;      // of the widest tile, FP16
  localparam integer DEPTH     = (ROW_BEATS < 16) ? 32 : 2 * ROW_BEATS;
  localparam integer DEPTH_L   = $clog2(DEPTH);

  wire        row_valid, row_ready, row_skip;
  wire [4:0]  walk_unused;
  wire [16:0] row_cols_unused, beats;
  sat_row_walk #(.ROWS(ROWS), .COLS(COLS), .ADDR_W(ADDR_W), .DATA_W(DATA_W)) u_walk (
    .clk          (clk),
    .rst_n        (rst_n),
    .start_i      (start_i),
    .trans_i      (trans_i),
    .base_i       (base_i),
    .stride_i     (stride_i),
    .as_single_i  (as_single_i),
    .rows_i       (rows_i),
    .cols_i       (cols_i),
    .row_tiles_i  (row_tiles_i),
    .col_tiles_i  (col_tiles_i),
    .t1_log2_i    (t1_log2_i),
    .t2_log2_i    (t2_log2_i),
    .c_rows_i     (c_rows_i),
    .idle_o       (walk_unused[3]),
    .valid_o      (row_valid),
    .ready_i      (row_ready),
    .addr_o       (req_addr_o),
    .cols_o       (row_cols_unused),
    .beats_o      (beats),
    .few_o        (walk_unused[4]),
    .skip_o       (row_skip),
    .pe_row_last_o(walk_unused[0]),
    .tile_last_o  (walk_unused[1]),
    .column_last_o(walk_unused[2])
  );

  // Beats are asked for only when the queue can take them.
  reg  [DEPTH_L:0] room_q;
  wire             fits     = beats[DEPTH_L:0] <= room_q;
  wire             req_fire = req_valid_o && req_ready_i;
  assign req_valid_o = row_valid && !row_skip && fits;
  assign req_beats_o = beats[11:0];
  assign row_ready   = row_skip || (fits && req_ready_i);
  always @(posedge clk) begin
    if (start_i) room_q <= DEPTH[DEPTH_L:0];
    else
      room_q <= room_q + {{DEPTH_L{1'b0}}, beat_valid_o && beat_ready_i}
                       - (req_fire ? beats[DEPTH_L:0] : {DEPTH_L+1{1'b0}});
  end

  wire [DEPTH_L:0] count_unused;
  sat_fifo #(.WIDTH(DATA_W), .DEPTH(DEPTH)) u_beats (
    .clk        (clk),
    .rst_n      (rst_n),
    .flush_i    (start_i),
    .in_valid_i (rsp_valid_i),
    .in_ready_o (rsp_ready_o),
    .in_data_i  (rsp_data_i),
    .out_valid_o(beat_valid_o),
    .out_ready_i(beat_ready_i),
    .out_data_o (beat_o),
    .count_o    (count_unused)
  );

  wire unused_ok = &{1'b0, count_unused, walk_unused, row_cols_unused, beats};

endmodule

`default_nettype wire
