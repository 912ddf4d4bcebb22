// SPDX-License-Identifier: Apache-2.0
// sat_fp16_widen: FP16 to the 17-bit internal operand format, combinational and exact: subnormals
// normalised. wide_o = {sign, exp[5:0], frac[9:0]}: exp 0 zero, 1..40 the value 1.frac *
// 2^(exp-25), 63 infinity (frac 0) or NaN (frac 0x200). Golden function: fp16_widen.
`default_nettype none

module sat_fp16_widen (
  input  wire [15:0] half_i,
  output wire [16:0] wide_o
);

  // Normalise the fraction coarse to fine; its leading zeros lower the exponent from 10.
  wire [9:0] by_eight = ~|half_i[9:2] ? {half_i[1:0], 8'd0} : half_i[9:0];
  wire [9:0] by_four  = ~|by_eight[9:6] ? {by_eight[5:0], 4'd0} : by_eight;
  wire [9:0] by_two   = ~|by_four[9:8] ? {by_four[7:0], 2'd0} : by_four;
  wire [8:0] below    = by_two[9] ? by_two[8:0] : {by_two[7:0], 1'b0};
  wire [3:0] zeros    = {~|half_i[9:2], ~|by_eight[9:6], ~|by_four[9:8], ~by_two[9]};

  wire       subnormal = ~|half_i[14:10];
  wire       special   = &half_i[14:10];
  wire       zero      = ~|half_i[14:0];
  wire [5:0] exp       = zero      ? 6'd0
                       : subnormal ? 6'd10 - {2'd0, zeros}
                       : special   ? 6'd63
                                   : {1'b0, half_i[14:10]} + 6'd10;
  wire [9:0] frac      = subnormal ? {below, 1'b0}
                       : special   ? {|half_i[9:0], 9'd0}
                                   : half_i[9:0];

  assign wide_o = {half_i[15], exp, frac};

endmodule

`default_nettype wire
