// SPDX-License-Identifier: Apache-2.0
// sat_skid_buffer: two-entry valid/ready register slice.
// Latency 1, throughput 1 per cycle. in_ready_o is a register: no combinational path crosses the
// module. Reset clears valid bits only.
`default_nettype none
`include "sat_assert.vh"

module sat_skid_buffer #(
  parameter integer WIDTH = 32  // payload bits, >= 1
) (
  input  wire             clk,
  input  wire             rst_n,
  input  wire             in_valid_i,
  output wire             in_ready_o,
  input  wire [WIDTH-1:0] in_data_i,
  output wire             out_valid_o,
  input  wire             out_ready_i,
  output wire [WIDTH-1:0] out_data_o
);

  // main feeds the output; skid holds the beat accepted in the cycle the output stalled.
  reg [WIDTH-1:0] main_data_q, skid_data_q;
  reg             main_valid_q, skid_valid_q;

  wire in_fire   = in_valid_i && in_ready_o;
  wire main_free = out_ready_i || !main_valid_q;

  assign in_ready_o  = !skid_valid_q;
  assign out_valid_o = main_valid_q;
  assign out_data_o  = main_data_q;

  always @(posedge clk) begin
    if (!rst_n) begin
      main_valid_q <= 1'b0;
      skid_valid_q <= 1'b0;
    end else begin
      if (main_free) main_valid_q <= in_fire || skid_valid_q;
      skid_valid_q <= !main_free && (in_fire || skid_valid_q);
    end
  end

  always @(posedge clk) begin
    if (main_free) main_data_q <= skid_valid_q ? skid_data_q : in_data_i;
    if (in_fire) skid_data_q <= in_data_i;
  end

  `SAT_ASSERT(skid_behind_main, rst_n, main_valid_q || !skid_valid_q)
  `SAT_REQUIRE_STREAM(check_in, rst_n, WIDTH, in_valid_i, in_ready_o, in_data_i)
  `SAT_STREAM(check_out, rst_n, WIDTH, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
