// SPDX-License-Identifier: Apache-2.0
// FP32 to FP16, combinational: round to nearest even, overflow to infinity, subnormals kept,
// NaN becomes 0x7E00. Golden function: fp32_to_fp16.
`default_nettype none

module sat_fp32_to_fp16 (
  input  wire [31:0] value_i,
  output wire [15:0] half_o
);

  wire  [7:0] exp = value_i[30:23];
  wire [23:0] sig = {1'b1, value_i[22:0]};

  // Below exponent 113 the result is subnormal, shifted right by 113 - exp; below 102 all is lost.
  wire        is_nan       = (&exp) && (|value_i[22:0]);
  wire        is_large     = exp >= 8'd143;
  wire        is_subnormal = exp < 8'd113;
  wire        is_tiny      = exp < 8'd102;
  wire  [3:0] shift        = is_subnormal ? 4'd1 - exp[3:0] : 4'd0;  // 113 - exp modulo 16
  wire [23:0] shifted      = sig >> shift;
  wire        lost         = |(sig & ~(24'hFFFFFF << shift));

  // The hidden bit, bit 23, adds one to the exponent field; so may the rounding.
  wire        round_up = shifted[12] && (shifted[13] || (|shifted[11:0]) || lost);
  wire  [4:0] field    = is_subnormal ? 5'd0 : exp[4:0] - 5'd17;  // exp - 113 modulo 32
  wire [14:0] rounded  = {field, shifted[22:13]} + {4'd0, shifted[23], 10'd0} + {14'd0, round_up};

  assign half_o = is_nan   ? 16'h7E00
                : is_large ? {value_i[31], 15'h7C00}
                : is_tiny  ? {value_i[31], 15'd0}
                           : {value_i[31], rounded};

endmodule

`default_nettype wire
