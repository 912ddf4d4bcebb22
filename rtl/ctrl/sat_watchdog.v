// SPDX-License-Identifier: Apache-2.0
// sat_watchdog: hang_o rises after `limit_i` cycles without progress_i while pending_i is high, and
// stays until progress or the end of pending. A limit of zero never hangs.
`default_nettype none

module sat_watchdog #(
  parameter integer LIMIT_W = 32  // bits of the limit
) (
  input  wire               clk,
  input  wire               rst_n,
  input  wire [LIMIT_W-1:0] limit_i,
  input  wire               pending_i,
  input  wire               progress_i,
  output wire               hang_o
);

  localparam [LIMIT_W-1:0] ZERO = {LIMIT_W{1'b0}};

  reg [LIMIT_W-1:0] count_q;

  assign hang_o = pending_i && count_q >= limit_i && limit_i != ZERO;

  always @(posedge clk) begin
    if (!rst_n || !pending_i || progress_i) count_q <= ZERO;
    else if (!hang_o) count_q <= count_q + 1'b1;
  end

endmodule

`default_nettype wire
