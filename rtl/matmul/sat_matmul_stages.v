// SPDX-License-Identifier: Apache-2.0
// sat_matmul_stages: which command is where in the array engine. Two may be inside: the older one
// multiplies, or leaves, while operands of the younger one are loaded behind it. Each of three
// stages takes a command when it is done with the one before: the loaders, whose record is the plan
// itself, hence a start_i only while ready_o is high; the feeder; the store, and the loaders of its
// operands. The store begins only when the command before is complete, its writes acknowledged:
// at any time all writes, and all reads of the epilogue, belong to the oldest command.
// A phase of a convolution (sat_phases) goes the same way: next_o starts it where a command could
// start, and the command is inside until its last one is complete.
// An operand that shares memory with C of the command before is loaded when that is complete.
// progress_o says, a cycle later, that something moved which may take long without the bus.
`default_nettype none
`include "sat_assert.vh"

module sat_matmul_stages #(
  parameter integer MOVES = 4
) (
  input  wire             clk,
  input  wire             rst_n,
  // commands
  input  wire             start_i,
  input  wire             a_meets_i,      // with start_i: A shares memory with C of the one before
  input  wire             s_meets_i,      // S likewise
  input  wire             planned_i,      // the plan is made, and stays until the next start
  input  wire             more_i,         // after this phase comes another one
  input  wire             blank_i,        // of the plan: nothing is loaded and multiplied
  output wire             next_o,         // start of a phase that is not a command's first
  output wire             ready_o,
  output wire             busy_o,
  output wire             pair_o,         // two commands are inside
  // units: idle is low from the cycle after a start until all is done
  input  wire             a_idle_i,
  input  wire             s_idle_i,
  input  wire             feeder_idle_i,
  input  wire             store_idle_i,
  input  wire             wr_idle_i,
  output wire             a_start_o,
  output wire             map_start_o,    // with a_start_o: the map is a new one
  output wire             s_start_o,
  output wire             feeder_take_o,  // of the plan, one cycle before the start
  output reg              feeder_start_o,
  output wire             store_take_o,
  output reg              store_start_o,
  // what moves
  input  wire [MOVES-1:0] moved_i,
  output reg              progress_o
);

  reg busy_q, pair_q, planning_q, storing_q;  // storing: the store has the oldest one
  reg same_q, map_due_q;                      // same: both are phases of one command
  reg a_due_q, s_due_q, feeder_due_q, store_due_q;
  reg a_meets_q, s_meets_q;

  wire loaded = !planning_q && !a_due_q && !s_due_q && a_idle_i && s_idle_i;
  // What is stored has been multiplied; only the rest of a line may still be on its way to the map
  // cache. What is done alone leaves the engine free: another phase has begun by then.
  wire taken  = loaded && !feeder_due_q;
  wire done   = storing_q && !store_start_o && store_idle_i && wr_idle_i && (pair_q || taken);

  wire free   = !pair_q && taken && !store_due_q;
  wire start  = start_i || next_o;

  assign next_o        = free && busy_q && more_i;
  assign ready_o       = free && !next_o;
  assign busy_o        = busy_q;
  assign pair_o        = pair_q && !same_q;
  assign a_start_o     = a_due_q && !(a_meets_q && pair_q);
  assign map_start_o   = a_start_o && map_due_q;
  assign s_start_o     = s_due_q && !(s_meets_q && pair_q);
  assign feeder_take_o = feeder_due_q && !feeder_start_o && feeder_idle_i;
  assign store_take_o  = store_due_q && !storing_q;

  always @(posedge clk) begin
    if (!rst_n) begin
      busy_q         <= 1'b0;
      pair_q         <= 1'b0;
      planning_q     <= 1'b0;
      storing_q      <= 1'b0;
      a_due_q        <= 1'b0;
      s_due_q        <= 1'b0;
      feeder_due_q   <= 1'b0;
      store_due_q    <= 1'b0;
      feeder_start_o <= 1'b0;
      store_start_o  <= 1'b0;
    end else begin
      if (start != done) begin
        busy_q <= start || pair_q;
        pair_q <= start && busy_q;
      end
      planning_q     <= start || (planning_q && !planned_i);
      a_due_q        <= (planned_i && !blank_i) || (a_due_q && !a_start_o);
      s_due_q        <= (planned_i && !blank_i) || (s_due_q && !s_start_o);
      feeder_due_q   <= (planned_i && !blank_i) || (feeder_due_q && !feeder_take_o);
      store_due_q    <= planned_i || (store_due_q && !store_take_o);
      feeder_start_o <= feeder_take_o;
      store_start_o  <= store_take_o;
      storing_q      <= store_take_o || (storing_q && !done);
    end
    if (start) begin
      same_q    <= next_o;
      a_meets_q <= start_i && a_meets_i;
      s_meets_q <= start_i && s_meets_i;
    end
    map_due_q  <= start_i || (map_due_q && !a_start_o);
    progress_o <= |moved_i;
  end

  `SAT_REQUIRE(start_when_ready, rst_n && start_i, ready_o)

endmodule

`default_nettype wire
