// SPDX-License-Identifier: Apache-2.0
// sat_fp32_to_fp16: FP32 to FP16: round to nearest even, overflow to infinity, subnormals kept, NaN
// becomes 0x7E00. Latency `SAT_FP32_TO_FP16_LATENCY = 1, one a cycle. Golden function:
// fp32_to_fp16.
`default_nettype none

module sat_fp32_to_fp16 (
  input  wire        clk,
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
  wire  [4:0] field    = is_subnormal ? 5'd0 : exp[4:0] - 5'd17;  // exp - 113 modulo 32
  reg         sign_q, is_nan_q, is_large_q, is_tiny_q, round_up_q;
  reg   [4:0] field_q;
  reg  [10:0] kept_q;
  always @(posedge clk) begin
    sign_q     <= value_i[31];
    is_nan_q   <= is_nan;
    is_large_q <= is_large;
    is_tiny_q  <= is_tiny;
    field_q    <= field;
    kept_q     <= shifted[23:13];
    round_up_q <= shifted[12] && (shifted[13] || (|shifted[11:0]) || lost);
  end

  wire [14:0] rounded = {field_q, kept_q[9:0]} + {4'd0, kept_q[10], 10'd0} + {14'd0, round_up_q};
  assign half_o = is_nan_q   ? 16'h7E00
                : is_large_q ? {sign_q, 15'h7C00}
                : is_tiny_q  ? {sign_q, 15'd0}
                             : {sign_q, rounded};

endmodule

`default_nettype wire
