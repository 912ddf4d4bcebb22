// SPDX-License-Identifier: Apache-2.0
// sat_pool_max: POOL forward: running maximum and its position for the channels of a band, piece by
// piece of a window (sat_pool_reader), a beat a cycle. With a window's last piece, its beats of OUT
// and WINNER leave, two cycles after their places have been reserved. Golden function: max_pool.
`default_nettype none
`include "sat_buses.vh"

module sat_pool_max #(
  parameter integer DATA_W = 128  // bits, 128, 256 or 512
) (
  input  wire                       clk,
  input  wire                       rst_n,
  input  wire                       enable_i,  // the command is POOL, forward
  // pieces
  input  wire                       piece_valid_i,
  output wire                       piece_ready_o,
  input  wire [`SAT_PIECE_BITS-1:0] piece_i,
  // X
  input  wire                       queue_valid_i,
  output wire                       queue_ready_o,
  input  wire          [DATA_W-1:0] queue_data_i,
  // places for beats of WINNER, OUT
  input  wire                 [1:0] credit_i,
  output wire                 [1:0] reserve_o,
  // these beats, two cycles later
  output wire                 [1:0] out_valid_o,
  output wire                       out_band_last_o,
  output wire        [2*DATA_W-1:0] out_data_o
);

  localparam integer LANES = DATA_W / 16;

  // ---- Steps: a beat of a piece
  wire       window_last = piece_i[`SAT_PIECE_WINDOW_LAST];
  wire       empty       = piece_i[`SAT_PIECE_EMPTY];
  wire [2:0] last_beat   = piece_i[`SAT_PIECE_LAST_BEAT];

  reg  [2:0] beat_q;
  wire       last = beat_q == last_beat;
  wire       step = enable_i && piece_valid_i && (queue_valid_i || empty)
                 && (!window_last || (&credit_i));

  assign piece_ready_o = step && last;
  assign queue_ready_o = step && !empty;
  assign reserve_o     = {2{step && window_last}} & {last || (&beat_q[1:0]), 1'b1};

  always @(posedge clk) begin
    if (!rst_n)    beat_q <= 3'd0;
    else if (step) beat_q <= last ? 3'd0 : beat_q + 3'd1;
  end

  reg              s1_step_q, s1_band_last_q, s1_first_q;
  reg        [1:0] s1_leaves_q, s2_leaves_q;
  reg        [2:0] s1_beat_q, s2_beat_q;
  reg        [3:0] s1_position_q;
  reg [DATA_W-1:0] s1_keys_q;
  reg              s2_step_q, s2_band_last_q;

  always @(posedge clk) begin
    s1_step_q      <= rst_n && step;
    s1_leaves_q    <= {2{rst_n}} & reserve_o;
    s1_band_last_q <= piece_i[`SAT_PIECE_BAND_LAST];
    s1_first_q     <= piece_i[`SAT_PIECE_FIRST] || empty;
    s1_position_q  <= empty ? 4'd0 : piece_i[`SAT_PIECE_POSITION];
    s1_beat_q      <= beat_q;
    s2_step_q      <= rst_n && s1_step_q;
    s2_leaves_q    <= {2{rst_n}} & s1_leaves_q;
    s2_band_last_q <= s1_band_last_q;
    s2_beat_q      <= s1_beat_q;
  end

  // ---- Maxima
  // Per channel: {position, key} of the largest so far. Keys are ordered as the values are.
  wire [20*LANES-1:0] best, next;
  reg  [20*LANES-1:0] next_q;
  wire  [4*LANES-1:0] winners;

  always @(posedge clk) next_q <= next;

  sat_lutram #(
    .WIDTH(20*LANES),
    .DEPTH(8)
  ) u_best (
    .clk    (clk),
    .we_i   (s1_step_q),
    .waddr_i(s1_beat_q),
    .wdata_i(next),
    .raddr_i(s1_beat_q),
    .rdata_o(best)
  );

  genvar k;
  generate
    for (k = 0; k < LANES; k = k + 1) begin : gen_channel
      wire [15:0] value = empty ? 16'd0 : queue_data_i[16*k +: 16];
      wire [15:0] key   = s1_keys_q[16*k +: 16];
      wire        wins  = s1_first_q || key > best[20*k +: 16];
      wire [15:0] found = next_q[20*k +: 16];

      always @(posedge clk) s1_keys_q[16*k +: 16] <= {!value[15], value[14:0] ^ {15{value[15]}}};

      assign next[20*k +: 20]       = wins ? {s1_position_q, key} : best[20*k +: 20];
      assign out_data_o[16*k +: 16] = {!found[15], found[14:0] ^ {15{!found[15]}}};
      assign winners[4*k +: 4]      = next_q[20*k + 16 +: 4];
    end
  endgenerate

  // ---- Beats
  // One of WINNER is made of up to four beats' positions.
  reg [12*LANES-1:0] gathered_q;

  generate
    for (k = 0; k < 3; k = k + 1) begin : gen_gather
      always @(posedge clk)
        if (s2_step_q && s2_beat_q[1:0] == k) gathered_q[4*LANES*k +: 4*LANES] <= winners;
      assign out_data_o[DATA_W + 4*LANES*k +: 4*LANES] =
          (s2_beat_q[1:0] > k) ? gathered_q[4*LANES*k +: 4*LANES] : winners;
    end
  endgenerate

  assign out_data_o[DATA_W + 12*LANES +: 4*LANES] = winners;
  assign out_valid_o     = s2_leaves_q;
  assign out_band_last_o = s2_band_last_q;

  wire unused_ok = &{1'b0, s2_beat_q[2]};

endmodule

`default_nettype wire
