// SPDX-License-Identifier: Apache-2.0
// sat_acc_to_fp32: 31-bit accumulator format to FP32, combinational and exact; NaN becomes
// canonical. acc_i = {sign, exp[6:0], frac[22:0]}: exp 0 zero, 1..126 the value 1.frac *
// 2^(exp-49), 127 infinity (frac 0) or NaN. Golden function: acc_to_fp32.
`default_nettype none

module sat_acc_to_fp32 (
  input  wire [30:0] acc_i,
  output wire [31:0] value_o
);

  wire [6:0] exp     = acc_i[29:23];
  wire       special = &exp;
  wire       nan     = special && (|acc_i[22:0]);
  wire [7:0] field   = special ? 8'd255 : (~|exp) ? 8'd0 : {1'b0, exp} + 8'd78;

  assign value_o = nan ? 32'h7FC00000 : {acc_i[30], field, acc_i[22:0]};

endmodule

`default_nettype wire
