// SPDX-License-Identifier: Apache-2.0
// sat_exact_limb: some bits of the sums of GROUPS columns, in a RAM that is read, added to and
// written in one cycle, so the same column may come again in the next one. The carry leaves a cycle
// later, for the limb above, whose operands come a cycle later too.
`default_nettype none

module sat_exact_limb #(
  parameter integer WIDTH  = 35,  // bits, >= 1
  parameter integer GROUPS = 16   // >= 2
) (
  input  wire                      clk,
  input  wire                      add_i,
  input  wire                      first_i,   // the sum begins
  input  wire [$clog2(GROUPS)-1:0] group_i,
  input  wire          [WIDTH-1:0] addend_i,
  input  wire                      carry_i,
  output reg                       carry_o,
  output wire          [WIDTH-1:0] total_o    // of group_i, combinational, without the addend
);

  // One adder: a place below the lowest one takes the carry.
  wire [WIDTH-1:0] old = first_i ? {WIDTH{1'b0}} : total_o;
  wire [WIDTH+1:0] sum = {1'b0, old, 1'b1} + {1'b0, addend_i, carry_i};

  sat_lutram #(
    .WIDTH(WIDTH),
    .DEPTH(GROUPS)
  ) u_ram (
    .clk    (clk),
    .we_i   (add_i),
    .waddr_i(group_i),
    .wdata_i(sum[WIDTH:1]),
    .raddr_i(group_i),
    .rdata_o(total_o)
  );

  always @(posedge clk) carry_o <= sum[WIDTH+1];

  wire unused_ok = &{1'b0, sum[0]};

endmodule

`default_nettype wire
