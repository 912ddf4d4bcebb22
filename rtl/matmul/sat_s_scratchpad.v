// SPDX-License-Identifier: Apache-2.0
// sat_s_scratchpad: one sat_s_bank per array column, the read command rippling from column to
// column. Values and indices have separate write ports but share word addresses. Command format,
// latency and skew: sat_s_bank.
`default_nettype none
`include "sat_buses.vh"

module sat_s_scratchpad #(
  parameter integer COLS    = 8,
  parameter integer S_DEPTH = 4096
) (
  input  wire                                       clk,
  input  wire                                       rst_n,
  input  wire                                       value_we_i,
  input  wire [$clog2(S_DEPTH)-1:0]                 value_addr_i,
  input  wire [COLS*16-1:0]                         value_word_i,
  input  wire                                       index_we_i,
  input  wire [$clog2(S_DEPTH)-1:0]                 index_addr_i,
  input  wire [COLS*4-1:0]                          index_word_i,
  input  wire [`SAT_S_CMD_BITS+$clog2(S_DEPTH)-1:0] cmd_i,
  output wire [COLS*`SAT_NORTH_BITS-1:0]            north_o
);

  localparam integer CMD_W = `SAT_S_CMD_BITS + $clog2(S_DEPTH);

  wire [(COLS+1)*CMD_W-1:0] cmd;
  assign cmd[CMD_W-1:0] = cmd_i;

  genvar c;
  generate
    for (c = 0; c < COLS; c = c + 1) begin : gen_bank
      sat_s_bank #(.S_DEPTH(S_DEPTH)) u_bank (
        .clk         (clk),
        .rst_n       (rst_n),
        .value_we_i  (value_we_i),
        .value_addr_i(value_addr_i),
        .value_i     (value_word_i[c*16 +: 16]),
        .index_we_i  (index_we_i),
        .index_addr_i(index_addr_i),
        .index_i     (index_word_i[c*4 +: 4]),
        .cmd_i       (cmd[c*CMD_W +: CMD_W]),
        .cmd_o       (cmd[(c+1)*CMD_W +: CMD_W]),
        .north_o     (north_o[c*`SAT_NORTH_BITS +: `SAT_NORTH_BITS])
      );
    end
  endgenerate

  wire unused_ok = &{1'b0, cmd[COLS*CMD_W +: CMD_W]};

endmodule

`default_nettype wire
