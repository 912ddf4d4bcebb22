// SPDX-License-Identifier: Apache-2.0
// sat_pool_max: POOL forward: running maximum and its position for the channels of a band, piece by
// piece of a window (sat_pool_reader), a beat a cycle. With a window's last piece, its beats of
// OUT and WINNER leave. Golden function: max_pool.
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
  // beats of WINNER, OUT; there has to be a place for each of them
  input  wire                 [1:0] credit_i,
  output wire                 [1:0] out_valid_o,
  output wire                       out_band_last_o,
  output wire        [2*DATA_W-1:0] out_data_o
);

  localparam integer LANES = DATA_W / 16;

  wire       window_last = piece_i[`SAT_PIECE_WINDOW_LAST];
  wire       first       = piece_i[`SAT_PIECE_FIRST];
  wire       empty       = piece_i[`SAT_PIECE_EMPTY];
  wire [3:0] position    = piece_i[`SAT_PIECE_POSITION];
  wire [2:0] last_beat   = piece_i[`SAT_PIECE_LAST_BEAT];
  assign out_band_last_o = piece_i[`SAT_PIECE_BAND_LAST];

  reg  [2:0] beat_q;
  wire       last = beat_q == last_beat;
  wire       step = enable_i && piece_valid_i && (queue_valid_i || empty)
                 && (!window_last || (&credit_i));

  assign piece_ready_o = step && last;
  assign queue_ready_o = step && !empty;
  assign out_valid_o   = {2{step && window_last}} & {last || (&beat_q[1:0]), 1'b1};

  always @(posedge clk) begin
    if (!rst_n)    beat_q <= 3'd0;
    else if (step) beat_q <= last ? 3'd0 : beat_q + 3'd1;
  end

  // Per channel: {position, value} of the largest so far. Ascending keys order the values.
  wire [20*LANES-1:0] best, next;
  wire  [4*LANES-1:0] winners;

  sat_lutram #(
    .WIDTH(20*LANES),
    .DEPTH(8)
  ) u_best (
    .clk    (clk),
    .we_i   (step),
    .waddr_i(beat_q),
    .wdata_i(next),
    .raddr_i(beat_q),
    .rdata_o(best)
  );

  genvar k;
  generate
    for (k = 0; k < LANES; k = k + 1) begin : gen_channel
      wire [15:0] value     = queue_data_i[16*k +: 16];
      wire [15:0] best_value;
      wire  [3:0] best_position;
      assign {best_position, best_value} = best[20*k +: 20];
      wire [15:0] key       = {!value[15], value[14:0] ^ {15{value[15]}}};
      wire [15:0] best_key  = {!best_value[15], best_value[14:0] ^ {15{best_value[15]}}};
      wire        wins      = first || key > best_key;

      assign next[20*k +: 20] = empty ? 20'd0
                              : wins  ? {position, value} : {best_position, best_value};
      assign out_data_o[16*k +: 16] = next[20*k +: 16];
      assign winners[4*k +: 4]      = next[20*k + 16 +: 4];
    end
  endgenerate

  // A beat of WINNER is made of up to four beats' positions.
  reg [12*LANES-1:0] gathered_q;

  generate
    for (k = 0; k < 3; k = k + 1) begin : gen_gather
      always @(posedge clk)
        if (step && beat_q[1:0] == k) gathered_q[4*LANES*k +: 4*LANES] <= winners;
      assign out_data_o[DATA_W + 4*LANES*k +: 4*LANES] =
          (beat_q[1:0] > k) ? gathered_q[4*LANES*k +: 4*LANES] : winners;
    end
  endgenerate

  assign out_data_o[DATA_W + 12*LANES +: 4*LANES] = winners;

endmodule

`default_nettype wire
