// SPDX-License-Identifier: Apache-2.0
// sat_uspe_lzc: leading zeros of a 28-bit sum, combinational: the first nibble that is not zero,
// and the first one within it, found side by side. count_o is undefined (28..31) when zero_o is
// high.
`default_nettype none

module sat_uspe_lzc (
  input  wire [27:0] value_i,
  output wire [4:0]  count_o,
  output wire        zero_o
);

  // Nibble g counts from the top.
  wire [6:0] some;
  wire [7:0] high, low;   // place of its first one
  genvar g;
  generate
    for (g = 0; g < 7; g = g + 1) begin : gen_nibble
      wire [3:0] nibble = value_i[(6-g)*4 +: 4];
      assign some[g] = |nibble;
      assign high[g] = !(nibble[3] || nibble[2]);
      assign low[g]  = !nibble[3] && (nibble[2] || !nibble[1]);
    end
  endgenerate
  assign high[7] = 1'b0;
  assign low[7]  = 1'b0;

  wire       in_low  = !(|some[3:0]);  // not in the upper four
  wire       in_pair = in_low ? !(|some[5:4]) : !(|some[1:0]);
  wire       in_odd  = in_low ? (in_pair ? !some[6] : !some[4]) : (in_pair ? !some[2] : !some[0]);
  wire [2:0] first   = {in_low, in_pair, in_odd};

  assign count_o = {first, high[first], low[first]};
  assign zero_o  = &first;

endmodule

`default_nettype wire
