// SPDX-License-Identifier: Apache-2.0
// sat_desc_slots: addresses and strides of the first SLOTS tensor slots of a descriptor, slot 0 in
// the low bits. Combinational.
`default_nettype none
`include "sat_defs.vh"

module sat_desc_slots #(
  parameter integer SLOTS  = 7,  // 1..8
  parameter integer ADDR_W = 40  // bits, 32..40
) (
  input  wire [1023:0]             desc_i,
  output wire [SLOTS*ADDR_W-1:0]   addr_o,
  output wire [SLOTS*24-1:0]       stride_o
);

  genvar s;
  generate
    for (s = 0; s < SLOTS; s = s + 1) begin : gen_slot
      localparam integer LSB = `SAT_DESC_SLOT_LSB + `SAT_DESC_SLOT_BITS*s;
      assign addr_o[s*ADDR_W +: ADDR_W] = desc_i[LSB +: ADDR_W];
      assign stride_o[s*24 +: 24]       = desc_i[LSB + 64 +: 24];
    end
  endgenerate

  wire unused_ok = &{1'b0, desc_i};

endmodule

`default_nettype wire
