// SPDX-License-Identifier: Apache-2.0
// sat_uspe_drain: holds the T finished sums of a PE and sends them down the column's result chain.
// The buffer is a shift register of T words: a capture and an emission both shift it, so the oldest
// word is always at its end and a new tile may be captured while the old one still leaves. token_i
// starts an emission of T words in the next cycle; token_o follows T + 1 cycles after token_i.
// Reset clears valid bits and the emission, not the words.
`default_nettype none
`include "sat_buses.vh"

module sat_uspe_drain #(
  parameter integer T = 8  // words
) (
  input  wire                       clk,
  input  wire                       rst_n,
  input  wire                       capture_i,
  input  wire [`SAT_ACC_BITS-1:0]   result_i,
  input  wire [`SAT_DRAIN_BITS-1:0] drain_i,
  output wire [`SAT_DRAIN_BITS-1:0] drain_o,
  input  wire                       token_i,
  output reg                        token_o,
  output wire                       captured_o
);

  localparam integer COUNT_W = $clog2(T);
  localparam integer ACC_W   = `SAT_ACC_BITS;

  reg [T*ACC_W-1:0] buffer_q;
  reg            emit_q, capture_q;
  reg [COUNT_W-1:0] count_q;
  wire emit_end = emit_q && (count_q == T[COUNT_W-1:0] - 1'b1);

  always @(posedge clk) begin
    if (capture_i || emit_q) buffer_q <= {buffer_q[(T-1)*ACC_W-1:0], result_i};
  end

  always @(posedge clk) begin
    if (!rst_n) begin
      emit_q  <= 1'b0;
      count_q <= {COUNT_W{1'b0}};
    end else begin
      if (token_i) emit_q <= 1'b1;
      else if (emit_end) emit_q <= 1'b0;
      if (emit_q) count_q <= count_q + 1'b1;
    end
  end

  reg [ACC_W-1:0] chain_q;
  reg        chain_valid_q;
  always @(posedge clk) begin
    chain_q <= emit_q ? buffer_q[T*ACC_W-1 -: ACC_W] : drain_i[`SAT_DRAIN_ACC];
    if (!rst_n) begin
      chain_valid_q <= 1'b0;
      token_o       <= 1'b0;
      capture_q     <= 1'b0;
    end else begin
      chain_valid_q <= emit_q || drain_i[`SAT_DRAIN_VALID];
      token_o       <= emit_end;
      capture_q     <= capture_i;
    end
  end
  assign drain_o[`SAT_DRAIN_VALID] = chain_valid_q;
  assign drain_o[`SAT_DRAIN_ACC]   = chain_q;
  assign captured_o = capture_q && !capture_i;

endmodule

`default_nettype wire
