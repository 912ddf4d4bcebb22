// SPDX-License-Identifier: Apache-2.0
// sat_feeder_a: read commands for a group of A, one value per cycle, t2*M + m in order, from the
// cycle after fire_i on; if folded, two: those of a pair of row blocks. Elements past the chunk's
// end give +0. The chunk is released when the period in which its last group is written has ended
// and the last row has read it. Where a word lies: sat_a_loader.
`default_nettype none
`include "sat_buses.vh"

module sat_feeder_a #(
  parameter integer ROWS    = 8,
  parameter integer A_DEPTH = 512,
  parameter integer LANES   = 8
) (
  input  wire                                                     clk,
  input  wire                                                     rst_n,
  // command
  input  wire [2:0]                                               m_log2_i,
  input  wire [2:0]                                               t2_log2_i,
  input  wire                                                     fold_i,
  // a period begins, with this group
  input  wire                                                     fire_i,
  input  wire                                                     valid_i,    // there is a group
  input  wire                                                     half_i,
  input  wire [16:0]                                              k_i,
  input  wire                                                     release_i,  // chunk's last use
  input  wire [$clog2(A_DEPTH)-1:0]                               base_i,
  input  wire [16:0]                                              len_i,
  input  wire [16:0]                                              row_words_i,
  input  wire [16:0]                                              words_i,
  // the period ends
  input  wire                                                     period_end_i,
  output reg  [`SAT_A_CMD_BITS+$clog2(LANES)+2*$clog2(A_DEPTH)-3:0] a_cmd_o,
  output wire                                                     release_o,
  output wire [$clog2(A_DEPTH):0]                                 release_words_o
);

  localparam integer A_L     = $clog2(A_DEPTH);
  localparam integer LANES_L = $clog2(LANES);
  localparam integer ROW_L   = A_L - 1;              // address in one of a bank's two RAMs
  localparam integer CMD     = LANES_L + 2 * ROW_L;  // where the fields of the command begin
  // A word is forgotten only when the last row has read it: ripple, plus the RAM's stages.
  localparam integer HOLD    = ROWS + 2;

  reg            write_q, half_q, release_q, odd_q;
  reg  [3:0]     index_q;      // A value of the group: t2*M + m
  reg  [16:0]    k_q, len_q;
  reg  [16:0]    element_q;    // of the chunk
  reg  [A_L-1:0] base_q;       // word address of the current row block; odd_q: its number is
  reg  [A_L-1:0] next_q;       // of the row block behind it
  reg  [A_L-1:0] row_words_q;
  reg  [A_L:0]   words_q;
  wire [4:0]  group_size = 5'd1 << (m_log2_i + t2_log2_i - {2'd0, fold_i});
  wire [4:0]  m_size     = 5'd1 << m_log2_i;
  wire [3:0]  m_mask     = m_size[3:0] - 4'd1;
  wire        block_ends = (index_q & m_mask) == m_mask;
  wire [A_L-1:0] step    = fold_i ? row_words_q << 1 : row_words_q;
  wire [A_L-1:0] word    = base_q + element_q[LANES_L +: A_L];
  wire [A_L-1:0] paired  = next_q + element_q[LANES_L +: A_L];
  wire        swap       = word[0] ^ (odd_q && !row_words_q[0]);

  always @(posedge clk) begin
    if (!rst_n) write_q <= 1'b0;
    else if (fire_i) write_q <= valid_i;
    else if ({1'b0, index_q} + 5'd1 == group_size) write_q <= 1'b0;
    if (fire_i) begin
      half_q      <= half_i;
      index_q     <= 4'd0;
      k_q         <= k_i;
      element_q   <= k_i;
      len_q       <= len_i;
      release_q   <= valid_i && release_i;
      odd_q       <= 1'b0;
      base_q      <= base_i;
      next_q      <= base_i + row_words_i[A_L-1:0];
      row_words_q <= row_words_i[A_L-1:0];
      words_q     <= words_i[A_L:0];
    end else if (write_q) begin
      index_q   <= index_q + 4'd1;
      element_q <= block_ends ? k_q : element_q + 17'd1;
      if (block_ends) begin
        odd_q  <= !odd_q && !fold_i;
        base_q <= base_q + step;
        next_q <= next_q + step;
      end
    end
    a_cmd_o[CMD-1:0]              <= {element_q[LANES_L-1:0],
                                      swap ? {word[A_L-1:1], paired[A_L-1:1]}
                                           : {paired[A_L-1:1], word[A_L-1:1]}};
    a_cmd_o[CMD+`SAT_A_CMD_FOLD]  <= fold_i;
    a_cmd_o[CMD+`SAT_A_CMD_SWAP]  <= swap;
    a_cmd_o[CMD+`SAT_A_CMD_ZERO]  <= element_q >= len_q;
    a_cmd_o[CMD+`SAT_A_CMD_ADDR]  <= {half_q, index_q};
    a_cmd_o[CMD+`SAT_A_CMD_WRITE] <= rst_n && write_q;
  end

  sat_valid_delay #(.WIDTH(1), .CYCLES(HOLD)) u_release (
    .clk  (clk),
    .rst_n(rst_n),
    .in_i (period_end_i && release_q),
    .out_o(release_o)
  );
  sat_delay #(.WIDTH(A_L+1), .CYCLES(HOLD)) u_words (
    .clk  (clk),
    .in_i (words_q),
    .out_o(release_words_o)
  );

  wire unused_ok = &{1'b0, element_q, row_words_i, words_i, paired[0], m_size[4]};

endmodule

`default_nettype wire
