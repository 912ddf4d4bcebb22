// SPDX-License-Identifier: Apache-2.0
// sat_out_buffer: collects the array's results, two tiles deep, one RAM per column. Each column
// writes its ROWS*T sums of a tile in arrival order, so entry r*T + t of all columns together is
// one output word, of tiles in turn in either half. row_done_o pulses when the last column has
// delivered T more sums, that is, when another PE row can be read everywhere. The feeder never lets
// a third tile arrive. Reads take one cycle.
`default_nettype none
`include "sat_buses.vh"

module sat_out_buffer #(
  parameter integer ROWS = 8,
  parameter integer COLS = 8,
  parameter integer T    = 8
) (
  input  wire                            clk,
  input  wire                            rst_n,
  input  wire [COLS*`SAT_DRAIN_BITS-1:0] drain_i,
  output reg                             row_done_o,
  input  wire [$clog2(2*ROWS*T)-1:0]     addr_i,
  output wire [COLS*`SAT_ACC_BITS-1:0]   word_o
);

  localparam integer ADDR_L = $clog2(2 * ROWS * T);
  localparam integer T_L    = $clog2(T);

  wire [COLS-1:0] row_end;
  genvar c;
  generate
    for (c = 0; c < COLS; c = c + 1) begin : gen_col
      wire [`SAT_DRAIN_BITS-1:0] drain = drain_i[c*`SAT_DRAIN_BITS +: `SAT_DRAIN_BITS];
      wire              valid = drain[`SAT_DRAIN_VALID];
      reg  [ADDR_L-1:0] write_addr_q;
      always @(posedge clk) begin
        if (!rst_n) write_addr_q <= {ADDR_L{1'b0}};
        else if (valid) write_addr_q <= write_addr_q + 1'b1;
      end
      assign row_end[c] = valid && (&write_addr_q[T_L-1:0]);
      sat_ram_1r1w #(.WIDTH(`SAT_ACC_BITS), .DEPTH(2*ROWS*T)) u_ram (
        .clk    (clk),
        .we_i   (valid),
        .waddr_i(write_addr_q),
        .wdata_i(drain[`SAT_DRAIN_ACC]),
        .re_i   (1'b1),
        .raddr_i(addr_i),
        .rdata_o(word_o[c*`SAT_ACC_BITS +: `SAT_ACC_BITS])
      );
    end
  endgenerate

  always @(posedge clk) begin
    if (!rst_n) row_done_o <= 1'b0;
    else row_done_o <= row_end[COLS-1];
  end

  wire unused_ok = &{1'b0, row_end};

endmodule

`default_nettype wire
