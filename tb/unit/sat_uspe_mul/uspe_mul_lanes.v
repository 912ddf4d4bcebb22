// SPDX-License-Identifier: Apache-2.0
// LANES multipliers side by side, in fields of 32 bits, so that one clock tests many products.
`default_nettype none

module uspe_mul_lanes #(
  parameter integer LANES = 32
) (
  input  wire                clk,
  input  wire [LANES-1:0]    valid_i,
  input  wire [LANES*32-1:0] a_i,
  input  wire [LANES*32-1:0] w_i,
  output wire [LANES*32-1:0] product_o  // {sign, exp, significand, special, nan}
);

  genvar l;
  generate
    for (l = 0; l < LANES; l = l + 1) begin : gen_lane
      sat_uspe_mul u_mul (
        .clk      (clk),
        .valid_i  (valid_i[l]),
        .a_i      (a_i[l*32 +: 17]),
        .w_i      (w_i[l*32 +: 17]),
        .sign_o   (product_o[l*32+31]),
        .exp_o    (product_o[l*32+24 +: 7]),
        .mant_o   (product_o[l*32+2 +: 22]),
        .special_o(product_o[l*32+1]),
        .nan_o    (product_o[l*32])
      );
    end
  endgenerate

endmodule

`default_nettype wire
