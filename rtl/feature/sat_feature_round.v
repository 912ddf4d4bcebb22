// SPDX-License-Identifier: Apache-2.0
// sat_feature_round: results of the lanes, those of a beat at a time, as FP16: rounding, then ReLU
// if wanted (NaN and numbers above zero pass, else +0), the same as the other way round.
// Latency SAT_FP32_TO_FP16_LATENCY, no back-pressure.
`default_nettype none
`include "sat_fp.vh"

module sat_feature_round #(
  parameter integer DATA_W = 128  // bits, 128, 256 or 512
) (
  input  wire                clk,
  input  wire                rst_n,
  input  wire                relu_i,  // stable from the first result to the last beat
  // results
  input  wire                in_valid_i,
  input  wire                in_band_last_i,
  input  wire [2*DATA_W-1:0] in_data_i,
  // beats
  output wire                out_valid_o,
  output wire                out_band_last_o,
  output wire   [DATA_W-1:0] out_data_o
);

  sat_valid_delay #(
    .WIDTH (1),
    .CYCLES(`SAT_FP32_TO_FP16_LATENCY)
  ) u_valid (
    .clk  (clk),
    .rst_n(rst_n),
    .in_i (in_valid_i),
    .out_o(out_valid_o)
  );
  sat_delay #(
    .WIDTH (1),
    .CYCLES(`SAT_FP32_TO_FP16_LATENCY)
  ) u_band_last (
    .clk  (clk),
    .in_i (in_band_last_i),
    .out_o(out_band_last_o)
  );

  genvar k;
  generate
    for (k = 0; k < DATA_W/16; k = k + 1) begin : gen_lane
      wire [15:0] half;

      sat_fp32_to_fp16 u_round (
        .clk    (clk),
        .value_i(in_data_i[32*k +: 32]),
        .half_o (half)
      );

      // No NaN has a sign here: ReLU keeps them.
      assign out_data_o[16*k +: 16] = (relu_i && half[15]) ? 16'd0 : half;
    end
  endgenerate

endmodule

`default_nettype wire
