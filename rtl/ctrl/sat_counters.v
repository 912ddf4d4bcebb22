// SPDX-License-Identifier: Apache-2.0
// sat_counters: performance counters read as two 32-bit words.
// Each cycle counter c grows by its increment; restart_i makes that cycle the first one counted.
// Reading a low word (latch_i) keeps the upper bits for the read of the high word that follows.
`default_nettype none

module sat_counters #(
  parameter integer COUNTERS = 11, // 2..16
  parameter integer COUNT_W  = 48, // bits of a counter, 33..64
  parameter integer INC_W    = 5   // bits of an increment
) (
  input  wire                      clk,
  input  wire                      rst_n,
  input  wire                      restart_i,
  input  wire [COUNTERS*INC_W-1:0] increment_i,
  input  wire                      latch_i,
  input  wire [3:0]                select_i,
  output wire [31:0]               low_o,   // combinational from select_i
  output wire [31:0]               high_o   // of the counter latched last
);

  localparam integer HIGH_W = COUNT_W - 32;

  wire [COUNTERS*COUNT_W-1:0] counts;
  wire [COUNT_W-1:0]          selected = counts[select_i*COUNT_W +: COUNT_W];
  reg  [HIGH_W-1:0]           high_q;

  assign low_o  = selected[31:0];
  assign high_o = {{32-HIGH_W{1'b0}}, high_q};

  always @(posedge clk) begin
    if (!rst_n) high_q <= {HIGH_W{1'b0}};
    else if (latch_i) high_q <= selected[COUNT_W-1:32];
  end

  genvar c;
  generate
    for (c = 0; c < COUNTERS; c = c + 1) begin : gen_counter
      reg [COUNT_W-1:0] count_q;
      assign counts[c*COUNT_W +: COUNT_W] = count_q;
      always @(posedge clk) begin
        if (!rst_n) count_q <= {COUNT_W{1'b0}};
        else
          count_q <= (restart_i ? {COUNT_W{1'b0}} : count_q)
                     + {{COUNT_W-INC_W{1'b0}}, increment_i[c*INC_W +: INC_W]};
      end
    end
  endgenerate

endmodule

`default_nettype wire
