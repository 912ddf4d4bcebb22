// SPDX-License-Identifier: Apache-2.0
// sat_ram_1rw: one port (block RAM) that reads a word as it writes lanes of it: rdata_o has its old
// contents a cycle later, and holds its value while en_i is low. Nothing is written without en_i.
`default_nettype none

module sat_ram_1rw #(
  parameter integer WIDTH    = 32,  // bits, multiple of WE_LANES
  parameter integer DEPTH    = 512, // words, >= 2
  parameter integer WE_LANES = 1    // separately writable parts of a word
) (
  input  wire                     clk,
  input  wire                     en_i,
  input  wire [WE_LANES-1:0]      we_i,
  input  wire [$clog2(DEPTH)-1:0] addr_i,
  input  wire [WIDTH-1:0]         wdata_i,
  output wire [WIDTH-1:0]         rdata_o
);

  localparam integer LANE_W = WIDTH / WE_LANES;

  generate
    if (LANE_W * WE_LANES != WIDTH) begin : gen_check
      sat_error_width_must_be_a_multiple_of_we_lanes u_error ();
    end
  endgenerate

  (* ram_style = "block" *)
  reg [WIDTH-1:0] memory [0:DEPTH-1];
  reg [WIDTH-1:0] rdata_q;
  integer         lane;

  assign rdata_o = rdata_q;

  always @(posedge clk) begin
    if (en_i) begin
      for (lane = 0; lane < WE_LANES; lane = lane + 1)
        if (we_i[lane]) memory[addr_i][lane*LANE_W +: LANE_W] <= wdata_i[lane*LANE_W +: LANE_W];
      rdata_q <= memory[addr_i];
    end
  end

endmodule

`default_nettype wire
