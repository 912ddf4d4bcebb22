// SPDX-License-Identifier: Apache-2.0
// sat_weight_round: FP16 weights of vectors of DATA_W/32 FP32 results, rounded, or, with half_i,
// the source's own bits, which were read long before the lanes' result came: read_upper_i says in
// the cycle of a read which half of the word source_i, there a cycle later, has them. Latency
// SAT_FP32_TO_FP16_LATENCY, one vector a cycle. Elements that the mask leaves out are +0.
// in_special_o is combinational: an element of the mask is infinity or NaN.
`default_nettype none
`include "sat_fp.vh"

module sat_weight_round #(
  parameter integer DATA_W = 128  // bits of a vector, 128, 256 or 512
) (
  input  wire                         clk,
  input  wire                         rst_n,
  input  wire                         half_i,
  input  wire                         read_upper_i,
  input  wire            [DATA_W-1:0] source_i,
  input  wire                         in_valid_i,
  input  wire [7-$clog2(DATA_W/32):0] in_index_i,
  input  wire         [DATA_W/32-1:0] in_mask_i,
  input  wire            [DATA_W-1:0] in_data_i,
  output wire                         in_special_o,
  output wire                         out_valid_o,
  output wire [7-$clog2(DATA_W/32):0] out_index_o,
  output wire          [DATA_W/2-1:0] out_weights_o
);

  localparam integer LANES   = DATA_W / 32;
  localparam integer INDEX_W = 8 - $clog2(LANES);
  localparam integer HALF_W  = DATA_W / 2;

  wire [HALF_W-1:0] source_half, rounded;
  wire  [LANES-1:0] mask, special;
  reg               upper_q;

  always @(posedge clk) upper_q <= read_upper_i;

  sat_delay #(
    .WIDTH (HALF_W),
    .CYCLES(`SAT_LANES_LATENCY + `SAT_FP32_TO_FP16_LATENCY)
  ) u_source (
    .clk  (clk),
    .in_i (upper_q ? source_i[HALF_W +: HALF_W] : source_i[0 +: HALF_W]),
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
    .WIDTH (INDEX_W + LANES),
    .CYCLES(`SAT_FP32_TO_FP16_LATENCY)
  ) u_place (
    .clk  (clk),
    .in_i ({in_index_i, in_mask_i}),
    .out_o({out_index_o, mask})
  );

  genvar k;
  generate
    for (k = 0; k < LANES; k = k + 1) begin : gen_lane
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
