// SPDX-License-Identifier: Apache-2.0
// sat_row_pointer: address of a matrix row while tiles are visited: step_i moves to the next row,
// save_i remembers where that leads, rewind_i returns to the remembered row instead. start_i loads
// both.
`default_nettype none

module sat_row_pointer #(
  parameter integer ADDR_W = 40  // bits, 32..40
) (
  input  wire              clk,
  input  wire              start_i,
  input  wire [ADDR_W-1:0] base_i,
  input  wire       [23:0] stride_i,
  input  wire              step_i,
  input  wire              save_i,
  input  wire              rewind_i,
  output wire [ADDR_W-1:0] row_o
);

  reg [ADDR_W-1:0] row_q, saved_q;
  reg       [23:0] stride_q;

  wire [ADDR_W-1:0] following = row_q + {{ADDR_W-24{1'b0}}, stride_q};

  assign row_o = row_q;

  always @(posedge clk) begin
    if (start_i)       row_q <= base_i;
    else if (rewind_i) row_q <= saved_q;
    else if (step_i)   row_q <= following;
    if (start_i)       saved_q <= base_i;
    else if (save_i)   saved_q <= following;
    if (start_i)       stride_q <= stride_i;
  end

endmodule

`default_nettype wire
