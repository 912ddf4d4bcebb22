// SPDX-License-Identifier: Apache-2.0
// LANES accumulators side by side, in fields of 32 bits, so that one clock tests many additions.
`default_nettype none

module uspe_acc_lanes #(
  parameter integer T     = 8,
  parameter integer LANES = 16
) (
  input  wire                clk,
  input  wire                first_next_i,
  input  wire [LANES*32-1:0] product_i,  // {sign, exp, significand, special, nan}
  output wire [LANES*32-1:0] result_o
);

  genvar l;
  generate
    for (l = 0; l < LANES; l = l + 1) begin : gen_lane
      sat_uspe_acc #(.T(T)) u_acc (
        .clk         (clk),
        .first_next_i(first_next_i),
        .p_sign_i    (product_i[l*32+31]),
        .p_exp_i     (product_i[l*32+24 +: 7]),
        .p_mant_i    (product_i[l*32+2 +: 22]),
        .p_special_i (product_i[l*32+1]),
        .p_nan_i     (product_i[l*32]),
        .result_o    (result_o[l*32 +: 31])
      );
      assign result_o[l*32+31] = 1'b0;
    end
  endgenerate

endmodule

`default_nettype wire
