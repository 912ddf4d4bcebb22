// SPDX-License-Identifier: Apache-2.0
// sat_fp16_to_fp32: FP16 to FP32, combinational and exact; NaN becomes canonical. Golden function:
// fp16_to_fp32.
`default_nettype none

module sat_fp16_to_fp32 (
  input  wire [15:0] half_i,
  output wire [31:0] value_o
);

  wire [18:0] wide;

  sat_fp16_widen #(
    .EXP_W(8),
    .SHIFT(112)
  ) u_widen (
    .half_i(half_i),
    .wide_o(wide)
  );

  wire nan = (&wide[17:10]) && wide[9];

  assign value_o = nan ? 32'h7FC00000 : {wide, 13'd0};

endmodule

`default_nettype wire
