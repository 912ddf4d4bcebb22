// SPDX-License-Identifier: Apache-2.0
// sat_fp_lzc: leading zeros of 4*NIBBLES bits, combinational: the first nonzero nibble, then the
// bit inside it. All bits zero gives 4*NIBBLES - 1 (the callers never use it then).
`default_nettype none

module sat_fp_lzc #(
  parameter integer NIBBLES = 7  // 2..8
) (
  input  wire [4*NIBBLES-1:0] bits_i,
  output wire           [4:0] zeros_o
);

  // At step k the higher nibbles are searched; a nonzero nibble overrides what lies below it.
  wire [5*NIBBLES-1:0] best;

  genvar k;
  generate
    for (k = 0; k < NIBBLES; k = k + 1) begin : gen_nibble
      localparam integer ABOVE = NIBBLES - 1 - k;
      wire [3:0] nibble = bits_i[4*k +: 4];
      wire [1:0] offset = {~|nibble[3:2], ~nibble[3] & (nibble[2] | ~nibble[1])};
      if (k == 0) begin : gen_lowest
        wire unused_ok = &{1'b0, nibble[0]};
        assign best[0 +: 5] = {ABOVE[2:0], offset};
      end else begin : gen_higher
        assign best[5*k +: 5] = (|nibble) ? {ABOVE[2:0], offset} : best[5*(k-1) +: 5];
      end
    end
  endgenerate

  assign zeros_o = best[5*(NIBBLES-1) +: 5];

endmodule

`default_nettype wire
