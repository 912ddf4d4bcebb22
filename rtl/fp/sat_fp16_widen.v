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

  // A subnormal's leading one decides its exponent and where its fraction begins.
  reg [EXP_W-1:0] low_exp, power;
  reg       [9:0] low_frac;
  reg             leads;
  integer         k;
  always @(*) begin
    low_exp  = {EXP_W{1'b0}};
    low_frac = 10'd0;
    power    = SHIFT[EXP_W-1:0] - {{EXP_W-4{1'b0}}, 4'd9};
    for (k = 0; k < 10; k = k + 1) begin
      leads    = half_i[9:0] >> k == 10'd1;
      low_exp  = low_exp | ({EXP_W{leads}} & power);
      low_frac = low_frac | ({10{leads}} & (half_i[9:0] << (10 - k)));
      power    = power + 1'b1;
    end
  end

  wire       subnormal = ~|half_i[14:10];
  wire       special   = &half_i[14:10];
  wire [9:0] frac      = subnormal ? low_frac
                       : special   ? {|half_i[9:0], 9'd0}
                                   : half_i[9:0];

  wire [EXP_W-1:0] exp = subnormal ? low_exp
                       : special   ? {EXP_W{1'b1}}
                                   : SHIFT[EXP_W-1:0] + {{EXP_W-5{1'b0}}, half_i[14:10]};

  assign wide_o = {half_i[15], exp, frac};

endmodule

`default_nettype wire
