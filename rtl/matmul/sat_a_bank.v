// SPDX-License-Identifier: Apache-2.0
// sat_a_bank: the part of A's scratchpad that feeds one array row: two RAMs, each with half of the
// words, so that two can be written, and two read, in a cycle. A read command (A_CMD of
// spec/buses.yaml, lane, an address in each RAM) becomes one write into the row's PE RAMs four
// cycles later: word, in the RAM's own output register, lane, conversion to the wide format. If
// folded, the other RAM's word is for the eastern half of the row (center_o). The command itself
// goes on to the next row one cycle later, which gives the array its skew. `zero` makes the value
// +0 (padding of the reduction). Reset is needed by the write enable only.
`default_nettype none
`include "sat_buses.vh"

module sat_a_bank #(
  parameter integer A_DEPTH = 512,
  parameter integer LANES   = 8
) (
  input  wire                                                       clk,
  input  wire                                                       rst_n,
  // scratchpad write port: RAM 1 above RAM 0
  input  wire [2*LANES-1:0]                                         write_lane_i,
  input  wire [2*$clog2(A_DEPTH)-3:0]                               write_addr_i,
  input  wire [2*LANES*16-1:0]                                      write_word_i,
  // read commands, from the row above and on to the row below
  input  wire [`SAT_A_CMD_BITS+$clog2(LANES)+2*$clog2(A_DEPTH)-3:0] cmd_i,
  output reg  [`SAT_A_CMD_BITS+$clog2(LANES)+2*$clog2(A_DEPTH)-3:0] cmd_o,
  // into the array
  output wire [`SAT_WEST_BITS-1:0]                                  west_o,
  output wire [`SAT_WEST_BITS-1:0]                                  center_o
);

  localparam integer LANES_L = $clog2(LANES);
  localparam integer ROW_L   = $clog2(A_DEPTH) - 1;
  localparam integer CMD     = LANES_L + 2 * ROW_L;  // where the fields of the command begin

  always @(posedge clk) begin
    cmd_o <= cmd_i;
    if (!rst_n) cmd_o[CMD+`SAT_A_CMD_WRITE] <= 1'b0;
  end

  wire [LANES_L-1:0] s2_lane;
  wire               s3_zero, s3_swap;
  sat_delay #(.WIDTH(LANES_L), .CYCLES(2)) u_lane (
    .clk  (clk),
    .in_i (cmd_i[2*ROW_L +: LANES_L]),
    .out_o(s2_lane)
  );
  sat_delay #(.WIDTH(2), .CYCLES(3)) u_choice (
    .clk  (clk),
    .in_i ({cmd_i[CMD+`SAT_A_CMD_ZERO], cmd_i[CMD+`SAT_A_CMD_SWAP]}),
    .out_o({s3_zero, s3_swap})
  );

  // What each RAM gives; edge 0 is the array's west edge, edge 1 its middle.
  reg  [31:0] s3_half_q;
  genvar x;
  generate
    for (x = 0; x < 2; x = x + 1) begin : gen_ram
      wire [LANES*16-1:0] word;
      sat_ram_1r1w #(.WIDTH(LANES*16), .DEPTH(A_DEPTH/2), .WE_LANES(LANES)) u_ram (
        .clk    (clk),
        .we_i   (write_lane_i[x*LANES +: LANES]),
        .waddr_i(write_addr_i[x*ROW_L +: ROW_L]),
        .wdata_i(write_word_i[x*LANES*16 +: LANES*16]),
        .re_i   (1'b1),
        .raddr_i(cmd_i[x*ROW_L +: ROW_L]),
        .rdata_o(word)
      );
      reg [LANES*16-1:0] s2_word_q;
      always @(posedge clk) begin
        s2_word_q             <= word;
        s3_half_q[x*16 +: 16] <= s2_word_q[s2_lane*16 +: 16];
      end
    end
  endgenerate

  wire [2*`SAT_WIDE_BITS-1:0] s4_wide;
  generate
    for (x = 0; x < 2; x = x + 1) begin : gen_edge
      wire [15:0]               half = s3_swap != (x == 1) ? s3_half_q[31:16] : s3_half_q[15:0];
      reg  [`SAT_WIDE_BITS-1:0] s4_wide_q;
      wire [`SAT_WIDE_BITS-1:0] wide;
      sat_fp16_widen u_widen (
        .half_i(half),
        .wide_o(wide)
      );
      always @(posedge clk) s4_wide_q <= s3_zero ? {`SAT_WIDE_BITS{1'b0}} : wide;
      assign s4_wide[x*`SAT_WIDE_BITS +: `SAT_WIDE_BITS] = s4_wide_q;
    end
  endgenerate

  wire       s4_write, s4_fold;
  wire [4:0] s4_addr;
  sat_valid_delay #(.WIDTH(1), .CYCLES(4)) u_valid (
    .clk  (clk),
    .rst_n(rst_n),
    .in_i (cmd_i[CMD+`SAT_A_CMD_WRITE]),
    .out_o(s4_write)
  );
  sat_delay #(.WIDTH(6), .CYCLES(4)) u_addr (
    .clk  (clk),
    .in_i ({cmd_i[CMD+`SAT_A_CMD_FOLD], cmd_i[CMD+`SAT_A_CMD_ADDR]}),
    .out_o({s4_fold, s4_addr})
  );
  assign west_o   = {s4_write, s4_addr, s4_wide[0 +: `SAT_WIDE_BITS]};
  assign center_o = {s4_write && s4_fold, s4_addr, s4_wide[`SAT_WIDE_BITS +: `SAT_WIDE_BITS]};

endmodule

`default_nettype wire
