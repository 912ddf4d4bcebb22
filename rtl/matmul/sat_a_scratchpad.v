// SPDX-License-Identifier: Apache-2.0
// sat_a_scratchpad: one sat_a_bank per array row, the read command rippling from row to row. A
// write puts one or two memory beats into one bank, or (write_trans_i) a value of its own into the
// same lane of each. Command format, latency and skew: sat_a_bank.
`default_nettype none
`include "sat_buses.vh"

module sat_a_scratchpad #(
  parameter integer ROWS    = 8,
  parameter integer A_DEPTH = 512,
  parameter integer LANES   = 8
) (
  input  wire                                                       clk,
  input  wire                                                       rst_n,
  // RAM 1 above RAM 0
  input  wire [2*ROWS-1:0]                                          write_bank_i,
  input  wire [LANES-1:0]                                           write_lane_i,
  input  wire [2*$clog2(A_DEPTH)-3:0]                               write_addr_i,
  input  wire                                                       write_trans_i,
  input  wire [2*LANES*16-1:0]                                      write_beat_i,
  input  wire [ROWS*16-1:0]                                         write_column_i,
  input  wire [`SAT_A_CMD_BITS+$clog2(LANES)+2*$clog2(A_DEPTH)-3:0] cmd_i,
  output wire [ROWS*`SAT_WEST_BITS-1:0]                             west_o,
  output wire [ROWS*`SAT_WEST_BITS-1:0]                             center_o
);

  localparam integer CMD_W = `SAT_A_CMD_BITS + $clog2(LANES) + 2 * $clog2(A_DEPTH) - 2;

  wire [(ROWS+1)*CMD_W-1:0] cmd;
  assign cmd[CMD_W-1:0] = cmd_i;

  genvar r;
  generate
    for (r = 0; r < ROWS; r = r + 1) begin : gen_bank
      sat_a_bank #(.A_DEPTH(A_DEPTH), .LANES(LANES)) u_bank (
        .clk         (clk),
        .rst_n       (rst_n),
        .write_lane_i({write_lane_i & {LANES{write_bank_i[ROWS+r]}},
                       write_lane_i & {LANES{write_bank_i[r]}}}),
        .write_addr_i(write_addr_i),
        .write_word_i(write_trans_i ? {2*LANES{write_column_i[r*16 +: 16]}} : write_beat_i),
        .cmd_i       (cmd[r*CMD_W +: CMD_W]),
        .cmd_o       (cmd[(r+1)*CMD_W +: CMD_W]),
        .west_o      (west_o[r*`SAT_WEST_BITS +: `SAT_WEST_BITS]),
        .center_o    (center_o[r*`SAT_WEST_BITS +: `SAT_WEST_BITS])
      );
    end
  endgenerate

  wire unused_ok = &{1'b0, cmd[ROWS*CMD_W +: CMD_W]};

endmodule

`default_nettype wire
