// SPDX-License-Identifier: Apache-2.0
// sat_feeder_s: read commands for a row of S per slot: its words in turn, once for each row block.
// If folded, a word is two column blocks of half the width, its sides.
// Rows follow each other in the ring, from command to command; a resident column tile is read again
// for each row tile. A row is released when the last column has read it for the last time.
`default_nettype none
`include "sat_buses.vh"

module sat_feeder_s #(
  parameter integer COLS    = 8,
  parameter integer T       = 8,
  parameter integer S_DEPTH = 4096
) (
  input  wire                                       clk,
  input  wire                                       rst_n,
  // command, stable from start_i on
  input  wire                                       start_i,
  input  wire [15:0]                                cols_i,
  input  wire [2:0]                                 m_log2_i,
  input  wire [2:0]                                 t1_log2_i,
  input  wire                                       fold_i,
  input  wire                                       s_resident_i,
  // slots
  input  wire [$clog2(T)-1:0]                       t_i,         // cycle of the slot
  input  wire                                       active_i,    // it multiplies
  input  wire                                       first_i,     // it is its tile's first
  input  wire                                       last_i,      // it is its tile's last
  input  wire                                       last_row_i,  // tile is the column tile's last
  input  wire                                       half_i,      // of the PE RAMs
  output reg  [`SAT_S_CMD_BITS+$clog2(S_DEPTH)-1:0] s_cmd_o,
  output wire                                       release_o,
  output wire [$clog2(S_DEPTH):0]                   release_words_o
);

  localparam integer T_L    = $clog2(T);
  localparam integer S_L    = $clog2(S_DEPTH);
  localparam integer COLS_L = $clog2(COLS);
  // A word is forgotten only when the last column has read it: ripple, plus the RAM's stages.
  localparam integer HOLD   = COLS + 2;

  // Word addresses of the current row and of the column tile's first.
  reg  [S_L-1:0] row_q, region_q;
  reg  [16:0]    cols_q;               // columns from this tile on
  wire [4:0]     span_log2 = COLS_L[4:0] + {2'd0, t1_log2_i};
  wire [16:0]    span      = 17'd1 << span_log2;
  wire [16:0]    rounded   = cols_q + COLS[16:0] - 17'd1;
  // A tile's number of words; late in the first cycle of a slot, which reads the first anyway.
  reg  [4:0]     row_words_q;
  wire [4:0]     t         = {{5-T_L{1'b0}}, t_i};
  wire [2:0]     sides     = t1_log2_i + {2'd0, fold_i};  // of a row block, log2
  reg  [4:0]     side_mask_q;
  wire [4:0]     side      = t & side_mask_q;
  wire [4:0]     t1        = side >> fold_i;
  wire [4:0]     block     = (t >> sides) << m_log2_i;
  wire [4:0]     mask      = (5'd1 << m_log2_i) - 5'd1;  // of an index
  wire           in_tile   = t1 < row_words_q;
  wire           next      = active_i && (&t_i);
  wire [S_L-1:0] after     = row_q + {{S_L-5{1'b0}}, row_words_q};

  always @(posedge clk) begin
    side_mask_q <= (5'd1 << sides) - 5'd1;
    row_words_q <= (cols_q < span) ? rounded[COLS_L +: 5] : 5'd1 << t1_log2_i;
    if (start_i) cols_q <= {1'b0, cols_i};
    else if (next && last_i && last_row_i) cols_q <= cols_q - span;
    if (!rst_n) begin
      row_q    <= {S_L{1'b0}};
      region_q <= {S_L{1'b0}};
    end else if (next) begin
      row_q <= after;
      if (last_i) begin
        if (s_resident_i && !last_row_i) row_q <= region_q;
        else region_q <= after;
      end
    end
    s_cmd_o[S_L-1:0]              <= row_q + (in_tile ? {{S_L-5{1'b0}}, t1} : {S_L{1'b0}});
    s_cmd_o[S_L+`SAT_S_CMD_MASK]  <= mask[3:0];
    s_cmd_o[S_L+`SAT_S_CMD_BLOCK] <= block[3:0];
    s_cmd_o[S_L+`SAT_S_CMD_HALF]  <= half_i;
    s_cmd_o[S_L+`SAT_S_CMD_FOLD]  <= fold_i;
    s_cmd_o[S_L+`SAT_S_CMD_SIDE]  <= fold_i && side[0];
    s_cmd_o[S_L+`SAT_S_CMD_LAST]  <= active_i && last_i;
    s_cmd_o[S_L+`SAT_S_CMD_FIRST] <= active_i && first_i;
    s_cmd_o[S_L+`SAT_S_CMD_VALID] <= rst_n && active_i;
  end

  sat_valid_delay #(.WIDTH(1), .CYCLES(HOLD)) u_release (
    .clk  (clk),
    .rst_n(rst_n),
    .in_i (next && (!s_resident_i || last_row_i)),
    .out_o(release_o)
  );
  sat_delay #(.WIDTH(S_L+1), .CYCLES(HOLD)) u_words (
    .clk  (clk),
    .in_i ({{S_L-4{1'b0}}, row_words_q}),
    .out_o(release_words_o)
  );

  wire unused_ok = &{1'b0, rounded, block[4], mask[4]};

endmodule

`default_nettype wire
