// SPDX-License-Identifier: Apache-2.0
// sat_wuve_bench: sat_wuve with the lanes it works on.
`default_nettype none

module sat_wuve_bench #(
  parameter integer DATA_W = 128
) (
  input  wire                         clk,
  input  wire                         rst_n,
  input  wire                         update_i,
  input  wire                         decay_en_i,
  input  wire                  [31:0] inv_scale_i,
  input  wire                  [31:0] decay_i,
  input  wire                  [31:0] momentum_i,
  input  wire                  [31:0] lr_i,
  input  wire                         tile_valid_i,
  output wire                         tile_ready_o,
  input  wire                   [4:0] tile_rows_i,
  input  wire                   [4:0] tile_cols_i,
  input  wire                         stall_i,
  output wire                         read_o,
  output wire                         read_result_o,
  output wire         [DATA_W/32-1:0] read_mask_o,
  output wire [7-$clog2(DATA_W/32):0] read_index_o,
  input  wire            [DATA_W-1:0] gradient_i,
  input  wire            [DATA_W-1:0] velocity_i,
  input  wire            [DATA_W-1:0] weight_i,
  output wire                         out_valid_o,
  output wire                         out_weight_o,
  output wire [7-$clog2(DATA_W/32):0] out_index_o,
  output wire         [DATA_W/32-1:0] out_mask_o,
  output wire            [DATA_W-1:0] out_data_o
);

  wire   [DATA_W-1:0] factor, addend;
  wire [2*DATA_W-1:0] result;
  wire         [31:0] scalar;

  sat_wuve #(
    .DATA_W(DATA_W)
  ) u_wuve (
    .clk          (clk),
    .rst_n        (rst_n),
    .update_i     (update_i),
    .decay_en_i   (decay_en_i),
    .inv_scale_i  (inv_scale_i),
    .decay_i      (decay_i),
    .momentum_i   (momentum_i),
    .lr_i         (lr_i),
    .tile_valid_i (tile_valid_i),
    .tile_ready_o (tile_ready_o),
    .tile_rows_i  (tile_rows_i),
    .tile_cols_i  (tile_cols_i),
    .stall_i      (stall_i),
    .read_o       (read_o),
    .read_result_o(read_result_o),
    .read_mask_o  (read_mask_o),
    .read_index_o (read_index_o),
    .gradient_i   (gradient_i),
    .velocity_i   (velocity_i),
    .weight_i     (weight_i),
    .lane_factor_o(factor),
    .lane_scalar_o(scalar),
    .lane_addend_o(addend),
    .lane_result_i(result[0 +: DATA_W]),
    .out_valid_o  (out_valid_o),
    .out_weight_o (out_weight_o),
    .out_index_o  (out_index_o),
    .out_mask_o   (out_mask_o),
    .out_data_o   (out_data_o)
  );

  sat_lanes #(
    .DATA_W(DATA_W)
  ) u_lanes (
    .clk             (clk),
    .feature_i       (1'b0),
    .wuve_factor_i   (factor),
    .wuve_scalar_i   (scalar),
    .wuve_addend_i   (addend),
    .feature_factor_i({DATA_W{1'b0}}),
    .feature_scalar_i({2*DATA_W{1'b0}}),
    .feature_addend_i({2*DATA_W{1'b0}}),
    .result_o        (result)
  );

  wire unused_ok = &{1'b0, result};

endmodule

`default_nettype wire
