// SPDX-License-Identifier: Apache-2.0
// sat_c_sums: sums of C's columns, made of C in FP16 as it leaves the epilogue: of a column tile of
// at most GROUPS groups of LANES columns at a time. Behind its last row they leave as two rows of
// FP32, SUM and DOT: a write request for each, and their groups, one every four cycles at most,
// each counted by begin_o once there is room for it. No row may be issued while pending_o.
`default_nettype none
`include "sat_assert.vh"

module sat_c_sums #(
  parameter integer LANES   = 4,    // the smaller of COLS and DATA_W/32
  parameter integer GROUPS  = 16,   // >= 2
  parameter integer LATENCY = 18,   // cycles, from a group's issue until it comes
  parameter integer ADDR_W  = 40,
  parameter integer DATA_W  = 128
) (
  input  wire                      clk,
  input  wire                      rst_n,
  // command, stable from start_i on
  input  wire                      start_i,
  input  wire                      enable_i,
  input  wire         [ADDR_W-1:0] base_i,
  input  wire               [23:0] stride_i,
  // rows as they are issued
  input  wire                      row_next_i,     // its last group, or none
  input  wire                      column_last_i,  // of the column tile
  input  wire               [16:0] cols_i,         // of the column tile
  input  wire [$clog2(GROUPS)-1:0] group_i,
  output wire                      pending_o,
  // a group of C, LATENCY after its issue
  input  wire                      c_valid_i,
  input  wire       [LANES*16-1:0] c_i,
  // write requests
  output wire                      req_valid_o,
  input  wire                      req_ready_i,
  output wire         [ADDR_W-1:0] req_addr_o,
  output wire               [16:0] req_beats_o,
  // groups of sums
  input  wire                      room_i,
  output wire                      begin_o,
  output wire                      valid_o,
  output wire                      row_last_o,
  output wire          [LANES-1:0] lanes_o,
  output wire       [LANES*32-1:0] sums_o
);

  localparam integer GROUP_W   = $clog2(GROUPS);
  localparam integer LANES_L   = $clog2(LANES);
  localparam integer SINGLES_L = $clog2(DATA_W / 32);  // FP32 values of a beat

  // ---- Rows
  wire               column_ends = row_next_i && column_last_i && enable_i;
  reg                fresh_q;  // the next row issued is the column tile's first
  reg         [16:0] last_col_q;
  wire               c_fresh, c_column_ends;
  wire [GROUP_W-1:0] c_group;

  always @(posedge clk) begin
    if (!rst_n) fresh_q <= 1'b1;
    else if (row_next_i) fresh_q <= column_last_i;
    if (column_ends) last_col_q <= cols_i - 17'd1;
  end

  sat_delay #(
    .WIDTH (GROUP_W + 1),
    .CYCLES(LATENCY)
  ) u_group (
    .clk  (clk),
    .in_i ({fresh_q, group_i}),
    .out_o({c_fresh, c_group})
  );
  sat_valid_delay #(
    .WIDTH (1),
    .CYCLES(LATENCY)
  ) u_column_ends (
    .clk  (clk),
    .rst_n(rst_n),
    .in_i (column_ends),
    .out_o(c_column_ends)
  );

  // ---- Sums
  wire       busy, dot;
  wire [1:0] reserve;

  sat_column_sums #(
    .LANES (LANES),
    .GROUPS(GROUPS)
  ) u_sums (
    .clk         (clk),
    .rst_n       (rst_n),
    .in_valid_i  (c_valid_i && enable_i),
    .in_first_i  (c_fresh),
    .in_group_i  (c_group),
    .in_x_i      (c_i),
    .in_y_i      (c_i),
    .drain_i     (c_column_ends),
    .last_group_i(last_col_q[LANES_L +: GROUP_W]),
    .busy_o      (busy),
    .room_i      ({2{room_i}}),
    .reserve_o   (reserve),
    .out_valid_o (valid_o),
    .out_dot_o   (dot),
    .out_last_o  (row_last_o),
    .out_o       (sums_o)
  );

  wire [LANES_L:0] last_lanes = {1'b0, last_col_q[LANES_L-1:0]} + {{LANES_L{1'b0}}, 1'b1};
  genvar l;
  generate
    for (l = 0; l < LANES; l = l + 1) begin : gen_lanes
      assign lanes_o[l] = !row_last_o || last_lanes > l;
    end
  endgenerate

  assign begin_o = |reserve;

  // ---- Requests
  reg              pending_q;  // sums have not all left yet
  reg        [1:0] due_q;      // requests to come: DOT, SUM
  reg [ADDR_W-1:0] addr_q;     // of the column tile's SUM
  wire             req_fire = req_valid_o && req_ready_i;

  assign pending_o   = pending_q || req_valid_o;
  assign req_valid_o = |due_q;
  assign req_addr_o  = due_q[0] ? addr_q : addr_q + {{ADDR_W-24{1'b0}}, stride_i};
  assign req_beats_o = (last_col_q >> SINGLES_L) + 17'd1;

  always @(posedge clk) begin
    if (!rst_n) begin
      pending_q <= 1'b0;
      due_q     <= 2'b00;
    end else begin
      pending_q <= column_ends || (pending_q && !(valid_o && dot && row_last_o));
      due_q     <= column_ends ? 2'b11 : req_fire ? {due_q[0], 1'b0} : due_q;
    end
    if (start_i) addr_q <= base_i;
    else if (req_fire && !due_q[0])
      addr_q <= addr_q + {{ADDR_W-19{1'b0}}, last_col_q + 17'd1, 2'b00};
  end

  wire unused_ok = &{1'b0, busy};

  `SAT_REQUIRE(issue_while_pending, rst_n && row_next_i, !pending_o)

endmodule

`default_nettype wire
