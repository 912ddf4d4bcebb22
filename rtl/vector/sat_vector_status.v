// SPDX-License-Identifier: Apache-2.0
// sat_vector_status: how far the vector engine is. busy_o rises after start_i and falls when all of
// idle_i is high, at the earliest a cycle later. progress_o says, a cycle later, that something
// moved which needs no bus; overflow_o that an element of a result was infinity or NaN.
`default_nettype none

module sat_vector_status (
  input  wire       clk,
  input  wire       rst_n,
  input  wire       start_i,
  input  wire [2:0] idle_i,     // low from the cycle after start_i until all is done
  input  wire [3:0] moved_i,
  input  wire [2:0] special_i,
  output reg        busy_o,
  output reg        progress_o,
  output reg        overflow_o
);

  always @(posedge clk) begin
    if (!rst_n)       busy_o <= 1'b0;
    else if (start_i) busy_o <= 1'b1;
    else if (&idle_i) busy_o <= 1'b0;
    progress_o <= |moved_i;
    overflow_o <= rst_n && (|special_i);
  end

endmodule

`default_nettype wire
