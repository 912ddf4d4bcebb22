// SPDX-License-Identifier: Apache-2.0
// sat_feature_round: results of the lanes as FP16: ReLU if wanted (NaN and numbers above zero pass,
// else +0), rounding, two vectors to a beat. A vector either ends its beat or waits for the odd one
// after it. Latency SAT_FP32_TO_FP16_LATENCY, no back-pressure.
`default_nettype none
`include "sat_fp.vh"

module sat_feature_round #(
  parameter integer DATA_W = 128  // bits, 128, 256 or 512
) (
  input  wire              clk,
  input  wire              rst_n,
  input  wire              relu_i,
  // vectors
  input  wire              in_valid_i,
  input  wire        [2:0] in_place_i,  // ends its band, ends its beat, odd vector
  input  wire [DATA_W-1:0] in_data_i,
  // beats
  output wire              out_valid_o,
  output wire              out_band_last_o,
  output wire [DATA_W-1:0] out_data_o
);

  wire                valid, ends_beat, odd;
  wire [DATA_W/2-1:0] half;
  reg  [DATA_W/2-1:0] even_q;

  sat_valid_delay #(
    .WIDTH (1),
    .CYCLES(`SAT_FP32_TO_FP16_LATENCY)
  ) u_valid (
    .clk  (clk),
    .rst_n(rst_n),
    .in_i (in_valid_i),
    .out_o(valid)
  );
  sat_delay #(
    .WIDTH (3),
    .CYCLES(`SAT_FP32_TO_FP16_LATENCY)
  ) u_place (
    .clk  (clk),
    .in_i (in_place_i),
    .out_o({out_band_last_o, ends_beat, odd})
  );

  genvar k;
  generate
    for (k = 0; k < DATA_W/32; k = k + 1) begin : gen_lane
      wire [31:0] value = in_data_i[32*k +: 32];
      wire        nan   = (&value[30:23]) && (|value[22:0]);

      sat_fp32_to_fp16 u_round (
        .clk    (clk),
        .value_i((relu_i && value[31] && !nan) ? 32'd0 : value),
        .half_o (half[16*k +: 16])
      );
    end
  endgenerate

  always @(posedge clk) if (valid && !odd) even_q <= half;

  assign out_valid_o = valid && ends_beat;
  assign out_data_o  = {half, odd ? even_q : half};

endmodule

`default_nettype wire
