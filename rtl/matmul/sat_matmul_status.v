// SPDX-License-Identifier: Apache-2.0
// sat_matmul_status: how far the array engine is. busy_o rises after start_i and falls when
// all UNITS, once they have started, are idle. progress_o says, a cycle later, that something moved
// which may take long without the bus.
`default_nettype none

module sat_matmul_status #(
  parameter integer UNITS = 7,
  parameter integer MOVES = 4
) (
  input  wire             clk,
  input  wire             rst_n,
  input  wire             start_i,
  input  wire             work_i,      // the units start
  input  wire [UNITS-1:0] idle_i,      // low from the cycle after work_i until all is done
  input  wire [MOVES-1:0] moved_i,
  output wire             busy_o,
  output reg              progress_o
);

  reg  busy_q, working_q;   // working: units have started
  wire done = working_q && (&idle_i);
  always @(posedge clk) begin
    if (!rst_n) begin
      busy_q    <= 1'b0;
      working_q <= 1'b0;
    end else begin
      if (start_i) busy_q <= 1'b1;
      else if (done) busy_q <= 1'b0;
      working_q <= busy_q && (working_q || work_i) && !done;
    end
  end
  assign busy_o = busy_q;

  always @(posedge clk) progress_o <= |moved_i;

endmodule

`default_nettype wire
