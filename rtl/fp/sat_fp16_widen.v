// SPDX-License-Identifier: Apache-2.0
// sat_fp16_widen: FP16 to a format with a wider exponent, by default the 17-bit internal operand
// format, combinational and exact: subnormals normalised. wide_o = {sign, exp, frac[9:0]}: exp 0
// zero, from 1 on the value 1.frac * 2^(exp - 15 - SHIFT), all ones infinity (frac 0) or NaN (frac
// 0x200). Golden function: fp16_widen.
`default_nettype none

module sat_fp16_widen #(
  parameter integer EXP_W = 6,  // bits of the exponent, >= 6
  parameter integer SHIFT = 10  // of the exponent's bias, >= 10
) (
  input  wire [15:0]       half_i,
  output wire [EXP_W+10:0] wide_o
);

  // Normalise the fraction coarse to fine; its leading zeros lower the exponent from SHIFT.
  wire [9:0] by_eight = ~|half_i[9:2] ? {half_i[1:0], 8'd0} : half_i[9:0];
  wire [9:0] by_four  = ~|by_eight[9:6] ? {by_eight[5:0], 4'd0} : by_eight;
  wire [9:0] by_two   = ~|by_four[9:8] ? {by_four[7:0], 2'd0} : by_four;
  wire [8:0] below    = by_two[9] ? by_two[8:0] : {by_two[7:0], 1'b0};
  wire [3:0] zeros    = {~|half_i[9:2], ~|by_eight[9:6], ~|by_four[9:8], ~by_two[9]};

  wire       subnormal = ~|half_i[14:10];
  wire       special   = &half_i[14:10];
  wire       zero      = ~|half_i[14:0];
  wire [9:0] frac      = subnormal ? {below, 1'b0}
                       : special   ? {|half_i[9:0], 9'd0}
                                   : half_i[9:0];

  wire [EXP_W-1:0] exp = zero      ? {EXP_W{1'b0}}
                       : subnormal ? SHIFT[EXP_W-1:0] - {{EXP_W-4{1'b0}}, zeros}
                       : special   ? {EXP_W{1'b1}}
                                   : SHIFT[EXP_W-1:0] + {{EXP_W-5{1'b0}}, half_i[14:10]};

  assign wide_o = {half_i[15], exp, frac};

endmodule

`default_nettype wire
