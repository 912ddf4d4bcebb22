// SPDX-License-Identifier: Apache-2.0
// sat_s_bank: the part of S's scratchpad that feeds one array column. A read command (S_CMD of
// spec/buses.yaml, word address) becomes one weight for the column four cycles later: the value in
// the wide format, and the PE RAM address made of the row block and the kept weight's index within
// its group (masked by the command to log2(M) bits, so to nothing when dense). The command goes on
// to the next column one cycle later. Reset clears valid only.
// fold_o, of a valid command only, and side_o leave with the weight.
`default_nettype none
`include "sat_buses.vh"

module sat_s_bank #(
  parameter integer S_DEPTH = 4096
) (
  input  wire                                       clk,
  input  wire                                       rst_n,
  // scratchpad write ports
  input  wire                                       value_we_i,
  input  wire [$clog2(S_DEPTH)-1:0]                 value_addr_i,
  input  wire [15:0]                                value_i,
  input  wire                                       index_we_i,
  input  wire [$clog2(S_DEPTH)-1:0]                 index_addr_i,
  input  wire [3:0]                                 index_i,
  // read commands, from the column to the west and on to the east
  input  wire [`SAT_S_CMD_BITS+$clog2(S_DEPTH)-1:0] cmd_i,
  output reg  [`SAT_S_CMD_BITS+$clog2(S_DEPTH)-1:0] cmd_o,
  // into the array
  output wire [`SAT_NORTH_BITS-1:0]                 north_o,
  output wire                                       fold_o,
  output wire                                       side_o
);

  localparam integer ADDR_L = $clog2(S_DEPTH);

  always @(posedge clk) begin
    cmd_o <= cmd_i;
    if (!rst_n) cmd_o[ADDR_L+`SAT_S_CMD_VALID] <= 1'b0;
  end

  wire [15:0] s1_half;
  wire [3:0]  s1_index;
  sat_ram_1r1w #(.WIDTH(16), .DEPTH(S_DEPTH)) u_values (
    .clk    (clk),
    .we_i   (value_we_i),
    .waddr_i(value_addr_i),
    .wdata_i(value_i),
    .re_i   (1'b1),
    .raddr_i(cmd_i[ADDR_L-1:0]),
    .rdata_o(s1_half)
  );
  sat_ram_1r1w #(.WIDTH(4), .DEPTH(S_DEPTH)) u_indices (
    .clk    (clk),
    .we_i   (index_we_i),
    .waddr_i(index_addr_i),
    .wdata_i(index_i),
    .re_i   (1'b1),
    .raddr_i(cmd_i[ADDR_L-1:0]),
    .rdata_o(s1_index)
  );

  reg  [15:0] s2_half_q, s3_half_q;
  reg  [3:0]  s2_index_q, s3_index_q;
  wire [`SAT_WIDE_BITS-1:0] wide;
  sat_fp16_widen u_widen (
    .half_i(s3_half_q),
    .wide_o(wide)
  );
  wire [3:0]  s2_mask, s3_block;
  reg  [3:0]  s4_addr_q;
  reg  [`SAT_WIDE_BITS-1:0] s4_wide_q;
  always @(posedge clk) begin
    {s3_half_q, s2_half_q} <= {s2_half_q, s1_half};
    s2_index_q             <= s1_index;
    s3_index_q             <= s2_index_q & s2_mask;
    s4_addr_q              <= s3_block | s3_index_q;
    s4_wide_q              <= wide;
  end

  wire s4_half;
  sat_valid_delay #(.WIDTH(1), .CYCLES(4)) u_valid (
    .clk  (clk),
    .rst_n(rst_n),
    .in_i (cmd_i[ADDR_L+`SAT_S_CMD_VALID]),
    .out_o(north_o[`SAT_NORTH_VALID])
  );
  sat_delay #(.WIDTH(5), .CYCLES(4)) u_flags (
    .clk  (clk),
    .in_i ({cmd_i[ADDR_L+`SAT_S_CMD_FOLD] && cmd_i[ADDR_L+`SAT_S_CMD_VALID],
            cmd_i[ADDR_L+`SAT_S_CMD_SIDE],
            cmd_i[ADDR_L+`SAT_S_CMD_FIRST], cmd_i[ADDR_L+`SAT_S_CMD_LAST],
            cmd_i[ADDR_L+`SAT_S_CMD_HALF]}),
    .out_o({fold_o, side_o, north_o[`SAT_NORTH_FIRST], north_o[`SAT_NORTH_LAST], s4_half})
  );
  sat_delay #(.WIDTH(4), .CYCLES(2)) u_mask (
    .clk  (clk),
    .in_i (cmd_i[ADDR_L+`SAT_S_CMD_MASK]),
    .out_o(s2_mask)
  );
  sat_delay #(.WIDTH(4), .CYCLES(3)) u_block (
    .clk  (clk),
    .in_i (cmd_i[ADDR_L+`SAT_S_CMD_BLOCK]),
    .out_o(s3_block)
  );
  assign north_o[`SAT_NORTH_ADDR] = {s4_half, s4_addr_q};
  assign north_o[`SAT_NORTH_WIDE] = s4_wide_q;

endmodule

`default_nettype wire
