// SPDX-License-Identifier: Apache-2.0
// sat_ram_1r1w: one write port with lane enables, one registered read port (block RAM).
// Read latency 1; rdata_o holds its value while re_i is low. Reading the word that is being written
// in the same cycle gives anything (with assertions the complement of its old contents): not every
// RAM can do better.
`default_nettype none

module sat_ram_1r1w #(
  parameter integer WIDTH    = 32,  // bits, multiple of WE_LANES
  parameter integer DEPTH    = 512, // words, >= 2
  parameter integer WE_LANES = 1    // separately writable parts of a word
) (
  input  wire                     clk,
  input  wire [WE_LANES-1:0]      we_i,
  input  wire [$clog2(DEPTH)-1:0] waddr_i,
  input  wire [WIDTH-1:0]         wdata_i,
  input  wire                     re_i,
  input  wire [$clog2(DEPTH)-1:0] raddr_i,
  output wire [WIDTH-1:0]         rdata_o
);

  localparam integer LANE_W = WIDTH / WE_LANES;

  generate
    if (LANE_W * WE_LANES != WIDTH) begin : gen_check
      sat_error_width_must_be_a_multiple_of_we_lanes u_error ();
    end
  endgenerate

  (* ram_style = "block", no_rw_check *)
  reg [WIDTH-1:0] memory [0:DEPTH-1];
  reg [WIDTH-1:0] rdata_q;
  integer         lane;

  always @(posedge clk) begin
    for (lane = 0; lane < WE_LANES; lane = lane + 1)
      if (we_i[lane]) memory[waddr_i][lane*LANE_W +: LANE_W] <= wdata_i[lane*LANE_W +: LANE_W];
  end

  always @(posedge clk) if (re_i) rdata_q <= memory[raddr_i];

`ifdef SAT_ASSERTIONS
  reg met_q;
  always @(posedge clk) if (re_i) met_q <= |we_i && raddr_i == waddr_i;
  assign rdata_o = met_q === 1'b1 ? ~rdata_q : rdata_q;
`else
  assign rdata_o = rdata_q;
`endif

endmodule

`default_nettype wire
