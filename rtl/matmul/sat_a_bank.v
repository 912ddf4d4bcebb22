// SPDX-License-Identifier: Apache-2.0
// sat_a_bank: the part of A's scratchpad that feeds one array row. A read command (A_CMD of
// spec/buses.yaml, lane, word address) becomes one write into the row's PE RAMs three cycles later:
// word, lane, conversion to the wide format. The command itself goes on to the next row one cycle
// later, which gives the array its skew. `zero` makes the value +0 (padding of the reduction).
// Reset is needed by the write enable only.
`default_nettype none
`include "sat_buses.vh"

module sat_a_bank #(
  parameter integer A_DEPTH = 512,
  parameter integer LANES   = 8
) (
  input  wire                                                     clk,
  input  wire                                                     rst_n,
  // scratchpad write port
  input  wire [LANES-1:0]                                         write_lane_i,
  input  wire [$clog2(A_DEPTH)-1:0]                               write_addr_i,
  input  wire [LANES*16-1:0]                                      write_word_i,
  // read commands, from the row above and on to the row below
  input  wire [`SAT_A_CMD_BITS+$clog2(LANES)+$clog2(A_DEPTH)-1:0] cmd_i,
  output reg  [`SAT_A_CMD_BITS+$clog2(LANES)+$clog2(A_DEPTH)-1:0] cmd_o,
  // into the array
  output wire [`SAT_WEST_BITS-1:0]                                west_o
);

  localparam integer LANES_L = $clog2(LANES);
  localparam integer ADDR_L  = $clog2(A_DEPTH);

  localparam integer CMD     = LANES_L + ADDR_L;  // where the fields of the command begin

  wire [LANES_L-1:0] lane;
  wire [ADDR_L-1:0]  addr;
  assign {lane, addr} = cmd_i[CMD-1:0];

  always @(posedge clk) begin
    cmd_o <= cmd_i;
    if (!rst_n) cmd_o[CMD+`SAT_A_CMD_WRITE] <= 1'b0;
  end

  wire [LANES*16-1:0] word;
  sat_ram_1r1w #(.WIDTH(LANES*16), .DEPTH(A_DEPTH), .WE_LANES(LANES)) u_ram (
    .clk    (clk),
    .we_i   (write_lane_i),
    .waddr_i(write_addr_i),
    .wdata_i(write_word_i),
    .re_i   (1'b1),
    .raddr_i(addr),
    .rdata_o(word)
  );

  reg                s1_zero_q;
  reg  [LANES_L-1:0] s1_lane_q;
  reg  [15:0]        s2_half_q;
  always @(posedge clk) begin
    s1_zero_q <= cmd_i[CMD+`SAT_A_CMD_ZERO];
    s1_lane_q <= lane;
    s2_half_q <= s1_zero_q ? 16'd0 : word[s1_lane_q*16 +: 16];
  end

  wire [`SAT_WIDE_BITS-1:0] wide;
  sat_fp16_widen u_widen (
    .half_i(s2_half_q),
    .wide_o(wide)
  );

  reg [`SAT_WIDE_BITS-1:0] s3_wide_q;
  always @(posedge clk) s3_wide_q <= wide;
  sat_valid_delay #(.WIDTH(1), .CYCLES(3)) u_valid (
    .clk  (clk),
    .rst_n(rst_n),
    .in_i (cmd_i[CMD+`SAT_A_CMD_WRITE]),
    .out_o(west_o[`SAT_WEST_WRITE])
  );
  sat_delay #(.WIDTH(5), .CYCLES(3)) u_addr (
    .clk  (clk),
    .in_i (cmd_i[CMD+`SAT_A_CMD_ADDR]),
    .out_o(west_o[`SAT_WEST_ADDR])
  );
  assign west_o[`SAT_WEST_WIDE] = s3_wide_q;

endmodule

`default_nettype wire
