// SPDX-License-Identifier: Apache-2.0
// sat_lanes: the FP32 lanes of the vector engine: addend + scalar * factor in each, both operations
// rounded. One beat a cycle, no reset. The feature unit works on beats of FP16, in all DATA_W/16 of
// them; WUVE, which shares them, on beats of FP32, in the first half.
// Operands come from one of the two users; the feature unit's factors are FP16.
// Latency SAT_LANES_LATENCY.
`default_nettype none

module sat_lanes #(
  parameter integer DATA_W = 128  // bits of a beat, 128, 256 or 512
) (
  input  wire                clk,
  input  wire                feature_i,  // whose operands count
  // WUVE: one scalar for all lanes
  input  wire   [DATA_W-1:0] wuve_factor_i,
  input  wire         [31:0] wuve_scalar_i,
  input  wire   [DATA_W-1:0] wuve_addend_i,
  // feature unit
  input  wire   [DATA_W-1:0] feature_factor_i,
  input  wire [2*DATA_W-1:0] feature_scalar_i,
  input  wire [2*DATA_W-1:0] feature_addend_i,
  output wire [2*DATA_W-1:0] result_o
);

  genvar k;
  generate
    for (k = 0; k < DATA_W/16; k = k + 1) begin : gen_lane
      wire [31:0] widened;
      reg  [31:0] factor_q, scalar_q, addend_q;

      sat_fp16_to_fp32 u_widen (
        .half_i (feature_factor_i[16*k +: 16]),
        .value_o(widened)
      );

      if (k < DATA_W/32) begin : gen_shared
        always @(posedge clk) begin
          factor_q <= feature_i ? widened : wuve_factor_i[32*k +: 32];
          scalar_q <= feature_i ? feature_scalar_i[32*k +: 32] : wuve_scalar_i;
          addend_q <= feature_i ? feature_addend_i[32*k +: 32] : wuve_addend_i[32*k +: 32];
        end
      end else begin : gen_feature
        always @(posedge clk) begin
          factor_q <= widened;
          scalar_q <= feature_scalar_i[32*k +: 32];
          addend_q <= feature_addend_i[32*k +: 32];
        end
      end

      sat_wuve_lane u_lane (
        .clk     (clk),
        .factor_i(factor_q),
        .scalar_i(scalar_q),
        .addend_i(addend_q),
        .result_o(result_o[32*k +: 32])
      );
    end
  endgenerate

endmodule

`default_nettype wire
