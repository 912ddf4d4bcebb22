// SPDX-License-Identifier: Apache-2.0
// sat_weight_round: FP16 weights of vectors of four FP32 results, rounded, or, with half_i, the
// source's own bits, which were read long before the lanes' result came: read_upper_i says in the
// cycle of a read which half of the word source_i, there a cycle later, has them. Latency
// SAT_FP32_TO_FP16_LATENCY, one vector a cycle. Elements that the mask leaves out are +0.
// in_special_o is combinational: an element of the mask is infinity or NaN.
`default_nettype none
`include "sat_fp.vh"

module sat_weight_round (
  input  wire         clk,
  input  wire         rst_n,
  input  wire         half_i,
  input  wire         read_upper_i,
  input  wire [127:0] source_i,
  input  wire         in_valid_i,
  input  wire   [5:0] in_index_i,
  input  wire   [3:0] in_mask_i,
  input  wire [127:0] in_data_i,
  output wire         in_special_o,
  output wire         out_valid_o,
  output wire   [5:0] out_index_o,
  output wire  [63:0] out_weights_o
);

  wire [63:0] source_half, rounded;
  wire  [3:0] mask, special;
  reg         upper_q;

  always @(posedge clk) upper_q <= read_upper_i;

  sat_delay #(
    .WIDTH (64),
    .CYCLES(`SAT_LANES_LATENCY + `SAT_FP32_TO_FP16_LATENCY)
  ) u_source (
    .clk  (clk),
    .in_i (upper_q ? source_i[127:64] : source_i[63:0]),
    .out_o(source_half)
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
    .WIDTH (10),
    .CYCLES(`SAT_FP32_TO_FP16_LATENCY)
  ) u_place (
    .clk  (clk),
    .in_i ({in_index_i, in_mask_i}),
    .out_o({out_index_o, mask})
  );

  genvar k;
  generate
    for (k = 0; k < 4; k = k + 1) begin : gen_lane
      sat_fp32_to_fp16 u_round (
        .clk    (clk),
        .value_i(in_data_i[32*k +: 32]),
        .half_o (rounded[16*k +: 16])
      );

      assign out_weights_o[16*k +: 16] = !mask[k] ? 16'd0
                                       : half_i   ? source_half[16*k +: 16]
                                                  : rounded[16*k +: 16];
      assign special[k] = in_mask_i[k] && (&in_data_i[32*k + 23 +: 8]);
    end
  endgenerate

  assign in_special_o = |special;

endmodule

`default_nettype wire
