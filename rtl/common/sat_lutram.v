// SPDX-License-Identifier: Apache-2.0
// sat_lutram: one write port, one asynchronous read port (distributed RAM).
`default_nettype none

module sat_lutram #(
  parameter integer WIDTH = 16, // bits, >= 1
  parameter integer DEPTH = 32  // words, >= 2
) (
  input  wire                     clk,
  input  wire                     we_i,
  input  wire [$clog2(DEPTH)-1:0] waddr_i,
  input  wire [WIDTH-1:0]         wdata_i,
  input  wire [$clog2(DEPTH)-1:0] raddr_i,
  output wire [WIDTH-1:0]         rdata_o
);

  (* ram_style = "distributed" *)
  reg [WIDTH-1:0] memory [0:DEPTH-1];

  assign rdata_o = memory[raddr_i];

  always @(posedge clk) if (we_i) memory[waddr_i] <= wdata_i;

endmodule

`default_nettype wire
