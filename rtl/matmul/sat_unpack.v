// SPDX-License-Identifier: Apache-2.0
// sat_unpack: regroups the memory beats of one row into scratchpad words.
// A row is row_units_i units long, a unit being the smaller of beat and word, and begins at unit
// row_start_i of its first beat (always 0 where a word is a whole beat or more). The last word of a
// row may be incomplete; its missing part is undefined. Words are taken without back-pressure.
// row_valid_i must be high, row_* stable, from the row's first beat to its last word (row_done_o).
`default_nettype none
`include "sat_assert.vh"

module sat_unpack #(
  parameter integer BEAT_W  = 128,  // bits, power of two
  parameter integer WORD_W  = 128,  // bits, power of two
  parameter integer COUNT_W = 8     // bits of a unit count
) (
  input  wire               clk,
  input  wire               rst_n,
  // row description
  input  wire               row_valid_i,
  input  wire [COUNT_W-1:0] row_start_i,
  input  wire [COUNT_W-1:0] row_units_i,
  output wire               row_done_o,
  // beats in
  input  wire               beat_valid_i,
  output wire               beat_ready_o,
  input  wire [BEAT_W-1:0]  beat_i,
  // words out
  output wire               word_valid_o,
  output wire [WORD_W-1:0]  word_o,
  output wire [COUNT_W-1:0] word_index_o
);

  reg  [COUNT_W-1:0] unit_q, upto_q;  // units of this row already delivered; with this one
  wire               fire = row_valid_i && beat_valid_i;
  wire               last = upto_q == row_units_i;
  assign row_done_o = fire && last;

  always @(posedge clk) begin
    if (!rst_n || (fire && last)) begin
      unit_q <= {COUNT_W{1'b0}};
      upto_q <= {{COUNT_W-1{1'b0}}, 1'b1};
    end else if (fire) begin
      unit_q <= upto_q;
      upto_q <= upto_q + 1'b1;
    end
  end

  generate
    if (WORD_W < BEAT_W) begin : gen_split
      // One word per cycle out of the waiting beat.
      localparam integer SUB_W = $clog2(BEAT_W / WORD_W);
      wire [COUNT_W-1:0] place = row_start_i + unit_q;
      wire [SUB_W-1:0]   sub   = place[SUB_W-1:0];
      assign word_valid_o = fire;
      assign word_o       = beat_i[sub*WORD_W +: WORD_W];
      assign word_index_o = unit_q;
      assign beat_ready_o = row_valid_i && (last || (&sub));
      wire unused_ok = &{1'b0, place};
    end else if (WORD_W == BEAT_W) begin : gen_same
      assign word_valid_o = fire;
      assign word_o       = beat_i;
      assign word_index_o = unit_q;
      assign beat_ready_o = row_valid_i;
      wire unused_ok = &{1'b0, row_start_i};
    end else begin : gen_merge
      // Beats collect until the word or the row is complete.
      localparam integer RATIO = WORD_W / BEAT_W;
      localparam integer SUB_W = $clog2(RATIO);
      reg  [WORD_W-BEAT_W-1:0] held_q;
      wire [SUB_W-1:0]         sub = unit_q[SUB_W-1:0];
      reg  [WORD_W-1:0]        word;
      always @(*) begin
        word = {{BEAT_W{1'b0}}, held_q};
        word[sub*BEAT_W +: BEAT_W] = beat_i;
      end
      always @(posedge clk) if (fire && !(&sub)) held_q[sub*BEAT_W +: BEAT_W] <= beat_i;
      assign word_valid_o = fire && (last || (&sub));
      assign word_o       = word;
      assign word_index_o = {{SUB_W{1'b0}}, unit_q[COUNT_W-1:SUB_W]};
      assign beat_ready_o = row_valid_i;
      wire unused_ok = &{1'b0, row_start_i};
    end
  endgenerate

  `SAT_REQUIRE(row_stays_described, rst_n && unit_q != {COUNT_W{1'b0}}, row_valid_i)

endmodule

`default_nettype wire
