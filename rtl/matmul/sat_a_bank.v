// SPDX-License-Identifier: Apache-2.0
// sat_a_bank: the part of A's scratchpad that feeds one array row. A read command {write enable, PE
// address[4:0], zero, lane, word address} becomes one write into the row's PE RAMs three cycles
// later: word, lane, conversion to the wide format. The command itself goes on to the next row one
// cycle later, which gives the array its skew. zero replaces the value by +0 (padding of the
// reduction). Reset is needed by the write enable only.
`default_nettype none

module sat_a_bank #(
  parameter integer A_DEPTH = 512,
  parameter integer LANES   = 8
) (
  input  wire                                        clk,
  input  wire                                        rst_n,
  // scratchpad write port
  input  wire [LANES-1:0]                            write_lane_i,
  input  wire [$clog2(A_DEPTH)-1:0]                  write_addr_i,
  input  wire [LANES*16-1:0]                         write_word_i,
  // read commands, from the row above and on to the row below
  input  wire [7+$clog2(LANES)+$clog2(A_DEPTH)-1:0]  cmd_i,
  output reg  [7+$clog2(LANES)+$clog2(A_DEPTH)-1:0]  cmd_o,
  // into the array
  output wire [22:0]                                 west_o
);

  localparam integer LANES_L = $clog2(LANES);
  localparam integer ADDR_L  = $clog2(A_DEPTH);

  wire               valid;
  wire [4:0]         pe_addr;
  wire               zero;
  wire [LANES_L-1:0] lane;
  wire [ADDR_L-1:0]  addr;
  assign {valid, pe_addr, zero, lane, addr} = cmd_i;

  always @(posedge clk) begin
    cmd_o <= cmd_i;
    if (!rst_n) cmd_o[7+LANES_L+ADDR_L-1] <= 1'b0;
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

  wire [5:0]         s1_ctrl;
  reg                s1_zero_q;
  reg  [LANES_L-1:0] s1_lane_q;
  reg  [15:0]        s2_half_q;
  always @(posedge clk) begin
    s1_zero_q <= zero;
    s1_lane_q <= lane;
    s2_half_q <= s1_zero_q ? 16'd0 : word[s1_lane_q*16 +: 16];
  end

  wire [16:0] wide;
  sat_fp16_widen u_widen (
    .half_i(s2_half_q),
    .wide_o(wide)
  );

  reg [16:0] s3_wide_q;
  always @(posedge clk) s3_wide_q <= wide;
  sat_valid_delay #(.WIDTH(1), .CYCLES(3)) u_valid (
    .clk  (clk),
    .rst_n(rst_n),
    .in_i (valid),
    .out_o(s1_ctrl[5])
  );
  sat_delay #(.WIDTH(5), .CYCLES(3)) u_addr (
    .clk  (clk),
    .in_i (pe_addr),
    .out_o(s1_ctrl[4:0])
  );
  assign west_o = {s1_ctrl, s3_wide_q};

endmodule

`default_nettype wire
