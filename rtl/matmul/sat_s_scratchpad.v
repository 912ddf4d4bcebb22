// SPDX-License-Identifier: Apache-2.0
// sat_s_scratchpad: one sat_s_bank per array column, the read command rippling from column to
// column. Values and indices have separate write ports but share word addresses. Command format,
// latency and skew: sat_s_bank. A folded command begins in both halves of the array at once; both
// get the weights of one side of the word.
`default_nettype none
`include "sat_assert.vh"
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

  localparam integer ADDR_L  = $clog2(S_DEPTH);
  localparam integer CMD_W   = `SAT_S_CMD_BITS + ADDR_L;
  localparam integer NORTH_W = `SAT_NORTH_BITS;
  localparam integer EAST    = COLS / 2;  // first column of the eastern half

  // Into bank c, and out of it.
  wire [COLS*CMD_W-1:0]   cmd, passed;
  wire [COLS*NORTH_W-1:0] north;
  wire [COLS-1:0]         fold, side;
  wire [CMD_W-1:0]        rippled = passed[(EAST-1)*CMD_W +: CMD_W];
  wire                    starts  = cmd_i[ADDR_L+`SAT_S_CMD_FOLD] && cmd_i[ADDR_L+`SAT_S_CMD_VALID];
  // A folded command ends at the middle, flags and all.
  wire                    ends    = rippled[ADDR_L+`SAT_S_CMD_FOLD];
  wire [CMD_W-1:0]        east    = starts ? cmd_i : ends ? {CMD_W{1'b0}} : rippled;

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
        .cmd_o       (passed[c*CMD_W +: CMD_W]),
        .north_o     (north[c*NORTH_W +: NORTH_W]),
        .fold_o      (fold[c]),
        .side_o      (side[c])
      );
      if (c == 0) begin : gen_first
        assign cmd[CMD_W-1:0] = cmd_i;
      end else if (c == EAST) begin : gen_east
        assign cmd[c*CMD_W +: CMD_W] = east;
      end else begin : gen_next
        assign cmd[c*CMD_W +: CMD_W] = passed[(c-1)*CMD_W +: CMD_W];
      end
      // The other column of its pair has the other side of the word.
      localparam integer OTHER = (c < EAST) ? c + EAST : c - EAST;
      wire turned = fold[c] && (side[c] != (c >= EAST));
      assign north_o[c*NORTH_W +: NORTH_W] = turned ? north[OTHER*NORTH_W +: NORTH_W]
                                                    : north[c*NORTH_W +: NORTH_W];
    end
  endgenerate

  wire unused_ok = &{1'b0, passed[(COLS-1)*CMD_W +: CMD_W]};

  `SAT_ASSERT(halves_do_not_meet, rst_n && starts,
              ends || !rippled[ADDR_L+`SAT_S_CMD_VALID])

endmodule

`default_nettype wire
