// SPDX-License-Identifier: Apache-2.0
// sat_fp16_to_fp32: FP16 to FP32, combinational and exact; NaN becomes canonical. Golden function:
// fp16_to_fp32.
`default_nettype none

module sat_fp16_to_fp32 (
  input  wire [15:0] half_i,
  output wire [31:0] value_o
);

  wire [16:0] number;

  sat_fp16_widen u_widen (
    .half_i(half_i),
    .wide_o(number)
  );

  wire [5:0] exp     = number[15:10];
  wire       special = &exp;
  wire       nan     = special && (|number[9:0]);
  wire [7:0] field   = special ? 8'd255 : (~|exp) ? 8'd0 : {2'd0, exp} + 8'd102;

  assign value_o = nan ? 32'h7FC00000 : {number[16], field, number[9:0], 13'd0};

endmodule

`default_nettype wire
