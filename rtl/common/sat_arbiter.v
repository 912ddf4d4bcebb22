// SPDX-License-Identifier: Apache-2.0
// sat_arbiter: round robin over N requests, but for one before and one behind the others.
// The grant is combinational from request_i. It moves on after advance_i: the requester granted in
// that cycle then has the lowest priority. grant_o is one-hot, or zero without a request.
`default_nettype none
`include "sat_assert.vh"

module sat_arbiter #(
  parameter integer N        = 4, // requesters, >= 2
  parameter integer FIRST    = N, // one that is always served at once; N or more: none
  parameter integer YIELDING = N  // one that is served while no other asks; N or more: none
) (
  input  wire                 clk,
  input  wire                 rst_n,
  input  wire [N-1:0]         request_i,
  input  wire                 advance_i,
  output wire [N-1:0]         grant_o,
  output reg  [$clog2(N)-1:0] grant_index_o
);

  localparam integer INDEX_W = $clog2(N);

  localparam [N-1:0] NONE = {N{1'b0}};
  localparam [N-1:0] ONE  = {{N-1{1'b0}}, 1'b1};

  localparam [N-1:0] FIRST_BIT    = ONE << FIRST;
  localparam [N-1:0] YIELDING_BIT = ONE << YIELDING;

  // Requesters above the one served last come first; if none of them asks, all are looked at. Both
  // are found side by side, and without a carry: requests come late in a cycle.
  reg  [N-1:0] above_q;
  wire         first     = (request_i & FIRST_BIT) != NONE;
  wire         yielding  = (request_i & YIELDING_BIT) != NONE;
  wire [N-1:0] equal     = request_i & ~(FIRST_BIT | YIELDING_BIT);
  wire [N-1:0] preferred = equal & above_q;
  reg  [N-1:0] lowest, lowest_preferred, above;

  integer i, j, k;

  always @(*) begin
    lowest           = equal;
    lowest_preferred = preferred;
    for (i = 1; i < N; i = i + 1)
      for (j = 0; j < i; j = j + 1) begin
        if (equal[j]) lowest[i] = 1'b0;
        if (preferred[j]) lowest_preferred[i] = 1'b0;
      end
  end

  assign grant_o = first               ? FIRST_BIT
                 : (preferred != NONE) ? lowest_preferred
                 : (equal != NONE)     ? lowest
                 : yielding            ? YIELDING_BIT : NONE;

  always @(*) begin
    grant_index_o = {INDEX_W{1'b0}};
    above         = NONE;
    for (k = 0; k < N; k = k + 1) begin
      if (grant_o[k]) grant_index_o = grant_index_o | k[INDEX_W-1:0];
      above = above | ({N{grant_o[k]}} & (~ONE << k));
    end
  end

  always @(posedge clk) begin
    if (!rst_n) above_q <= NONE;
    else if (advance_i && grant_o != NONE) above_q <= above;
  end

  `SAT_ASSERT(one_grant, rst_n, (grant_o & (grant_o - ONE)) == NONE)
  `SAT_ASSERT(granted_asks, rst_n, (grant_o & ~request_i) == NONE)
  `SAT_ASSERT(who_asks_is_served, rst_n, grant_o != NONE || request_i == NONE)
  `SAT_ASSERT(index_of_grant, rst_n, grant_o == NONE || grant_o[grant_index_o])

endmodule

`default_nettype wire
