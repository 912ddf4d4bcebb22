// SPDX-License-Identifier: Apache-2.0
// sat_arbiter: round robin over N requests.
// The grant is combinational from request_i. It moves on after advance_i: the requester granted in
// that cycle then has the lowest priority. grant_o is one-hot, or zero without a request.
`default_nettype none
`include "sat_assert.vh"

module sat_arbiter #(
  parameter integer N = 4 // requesters, >= 2
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

  // Requesters above the one served last come first; if none of them asks, all are looked at.
  reg  [N-1:0] above_q;
  wire [N-1:0] preferred  = request_i & above_q;
  wire [N-1:0] candidates = (preferred != NONE) ? preferred : request_i;

  assign grant_o = candidates & (~candidates + ONE);  // its lowest bit

  integer i;
  always @(*) begin
    grant_index_o = {INDEX_W{1'b0}};
    for (i = 0; i < N; i = i + 1)
      if (grant_o[i]) grant_index_o = grant_index_o | i[INDEX_W-1:0];
  end

  always @(posedge clk) begin
    if (!rst_n) above_q <= NONE;
    else if (advance_i && grant_o != NONE) above_q <= ~(grant_o | (grant_o - ONE));
  end

  `SAT_ASSERT(one_grant, rst_n, (grant_o & (grant_o - ONE)) == NONE)
  `SAT_ASSERT(granted_asks, rst_n, (grant_o & ~request_i) == NONE)
  `SAT_ASSERT(who_asks_is_served, rst_n, grant_o != NONE || request_i == NONE)
  `SAT_ASSERT(index_of_grant, rst_n, grant_o == NONE || grant_o[grant_index_o])

endmodule

`default_nettype wire
