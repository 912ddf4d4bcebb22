// SPDX-License-Identifier: Apache-2.0
// sat_desc_slots: addresses and strides of the first SLOTS tensor slots of a descriptor, slot 0 in
// the low bits. Combinational.
`default_nettype none
`include "sat_buses.vh"
`include "sat_defs.vh"

module sat_desc_slots #(
  parameter integer SLOTS  = 7,  // 1..8
  parameter integer ADDR_W = 40  // bits, 32..40
) (
  input  wire [1023:0]                     desc_i,
  output wire [SLOTS*ADDR_W-1:0]           addr_o,
  output wire [SLOTS*`SAT_STRIDE_BITS-1:0] stride_o
);

  genvar s;
  generate
    for (s = 0; s < SLOTS; s = s + 1) begin : gen_slot
      localparam integer LSB = `SAT_DESC_SLOT_LSB + `SAT_OPERAND_BITS*s;
      wire [`SAT_OPERAND_BITS-1:0] operand = desc_i[LSB +: `SAT_OPERAND_BITS];
      wire [63:0]                  addr    = operand[`SAT_OPERAND_ADDR];
      assign addr_o[s*ADDR_W +: ADDR_W] = addr[ADDR_W-1:0];
      assign stride_o[s*`SAT_STRIDE_BITS +: `SAT_STRIDE_BITS] = operand[`SAT_OPERAND_STRIDE];
      wire unused_ok = &{1'b0, operand, addr};
    end
  endgenerate

  wire unused_ok = &{1'b0, desc_i};

endmodule

`default_nettype wire
