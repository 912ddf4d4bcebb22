// SPDX-License-Identifier: Apache-2.0
// sat_feature_fetch: read side of the feature unit: passes requests for pieces of rows to the read
// DMA and leads their beats to the X queue, the Y queue, or, as they come, to the parameters of
// AFFINE. A request goes out only when its queue has room for all of it, so responses are always
// taken. A queued beat is {data, last piece of a band, last of its piece, without a second vector};
// the first and third mark come from the request and count for the last beat of a piece only.
`default_nettype none
`include "sat_assert.vh"
`include "sat_buses.vh"

module sat_feature_fetch #(
  parameter integer ADDR_W = 40,  // bits, 32..40
  parameter integer DATA_W = 128  // bits, 128, 256 or 512
) (
  input  wire                                   clk,
  input  wire                                   rst_n,
  // requests
  input  wire                                   piece_valid_i,
  output wire                                   piece_ready_o,
  input  wire            [`SAT_TARGET_BITS-1:0] piece_target_i,  // one-hot
  input  wire                      [ADDR_W-1:0] piece_addr_i,
  input  wire                             [4:0] piece_beats_i,  // X, Y: 1..8; parameters: 1..16
  input  wire                             [1:0] piece_marks_i,  // band's last, no second vector
  // read DMA
  output wire                                   req_valid_o,
  input  wire                                   req_ready_i,
  output wire                      [ADDR_W-1:0] req_addr_o,
  output wire                            [11:0] req_beats_o,
  input  wire                                   rsp_valid_i,
  input  wire                      [DATA_W-1:0] rsp_data_i,
  // parameters
  output wire                             [2:0] param_valid_o,  // one-hot: gamma, beta, alpha
  output wire                             [3:0] param_index_o,
  output wire                                   param_last_o,
  // queues: Y, X
  output wire                             [1:0] queue_valid_o,
  input  wire                             [1:0] queue_ready_i,
  output wire [2*(DATA_W+`SAT_QUEUED_BITS)-1:0] queue_data_o
);

  localparam integer DEPTH    = 64;  // beats of a queue; covers the memory's latency
  localparam integer QUEUED_W = DATA_W + `SAT_QUEUED_BITS;
  localparam integer NOTE_W   = `SAT_TARGET_BITS + 6;

  // A register slice keeps the making of requests apart from the look for room.
  wire              wanted;
  wire [`SAT_TARGET_BITS-1:0] target;
  wire        [4:0] beats;
  wire        [1:0] marks;
  wire              fire = req_valid_o && req_ready_i;

  sat_skid_buffer #(
    .WIDTH(12 + ADDR_W)
  ) u_pieces (
    .clk        (clk),
    .rst_n      (rst_n),
    .in_valid_i (piece_valid_i),
    .in_ready_o (piece_ready_o),
    .in_data_i  ({piece_target_i, piece_beats_i, piece_marks_i, piece_addr_i}),
    .out_valid_o(wanted),
    .out_ready_i(fire),
    .out_data_o ({target, beats, marks, req_addr_o})
  );

  // What has been asked for. The oldest is in registers before its first beat comes.
  wire       next_valid, next_ready, note_valid, note_ready;
  wire [NOTE_W-1:0] next_note;
  wire [`SAT_TARGET_BITS-1:0] note_target;
  wire [3:0] note_last;
  wire [1:0] note_marks;
  wire [6:0] note_count;
  wire [1:0] room;
  wire [4:0] before_last = beats - 5'd1;
  reg  [3:0] beat_q;
  wire       last        = beat_q == note_last;

  assign req_valid_o = wanted && note_ready && (room[0] || !target[`SAT_TARGET_X])
                    && (room[1] || !target[`SAT_TARGET_Y]);
  assign req_beats_o = {7'd0, beats};

  sat_fifo #(
    .WIDTH(NOTE_W),
    .DEPTH(64)
  ) u_notes (
    .clk        (clk),
    .rst_n      (rst_n),
    .flush_i    (1'b0),
    .in_valid_i (fire),
    .in_ready_o (note_ready),
    .in_data_i  ({marks, target, before_last[3:0]}),
    .out_valid_o(next_valid),
    .out_ready_i(next_ready),
    .out_data_o (next_note),
    .count_o    (note_count)
  );

  sat_skid_buffer #(
    .WIDTH(NOTE_W)
  ) u_note (
    .clk        (clk),
    .rst_n      (rst_n),
    .in_valid_i (next_valid),
    .in_ready_o (next_ready),
    .in_data_i  (next_note),
    .out_valid_o(note_valid),
    .out_ready_i(rsp_valid_i && last),
    .out_data_o ({note_marks, note_target, note_last})
  );

  always @(posedge clk) begin
    if (!rst_n)           beat_q <= 4'd0;
    else if (rsp_valid_i) beat_q <= last ? 4'd0 : beat_q + 4'd1;
  end

  assign param_valid_o = {note_target[`SAT_TARGET_GAMMA], note_target[`SAT_TARGET_BETA],
                          note_target[`SAT_TARGET_ALPHA]} & {3{rsp_valid_i}};
  assign param_index_o = beat_q;
  assign param_last_o  = last;

  wire [`SAT_QUEUED_BITS-1:0] queued;
  assign queued[`SAT_QUEUED_BAND_LAST]  = last && note_marks[1];
  assign queued[`SAT_QUEUED_PIECE_LAST] = last;
  assign queued[`SAT_QUEUED_SINGLE]     = last && note_marks[0];

  genvar q;
  generate
    for (q = 0; q < 2; q = q + 1) begin : gen_queue
      wire       queue_room;  // always, as the request was allowed
      wire [6:0] queue_count;
      wire [QUEUED_W-1:0] first;
      wire                stored, slice_ready;
      wire                leave = stored && slice_ready;
      reg  [6:0] free_q;      // beats that nothing has been asked for
      wire [6:0] taken = (fire && target[q]) ? {2'd0, beats} : 7'd0;

      assign room[q] = free_q >= {2'd0, beats};

      always @(posedge clk) begin
        if (!rst_n) free_q <= 7'd64;  // DEPTH
        else        free_q <= free_q - taken + {6'd0, leave};
      end

      sat_fifo #(
        .WIDTH(QUEUED_W),
        .DEPTH(DEPTH)
      ) u_queue (
        .clk        (clk),
        .rst_n      (rst_n),
        .flush_i    (1'b0),
        .in_valid_i (rsp_valid_i && note_target[q]),
        .in_ready_o (queue_room),
        .in_data_i  ({rsp_data_i, queued}),
        .out_valid_o(stored),
        .out_ready_i(slice_ready),
        .out_data_o (first),
        .count_o    (queue_count)
      );

      // Units decide by the marks of the beat at the front what they take: it is in registers.
      sat_skid_buffer #(
        .WIDTH(QUEUED_W)
      ) u_front (
        .clk        (clk),
        .rst_n      (rst_n),
        .in_valid_i (stored),
        .in_ready_o (slice_ready),
        .in_data_i  (first),
        .out_valid_o(queue_valid_o[q]),
        .out_ready_i(queue_ready_i[q]),
        .out_data_o (queue_data_o[QUEUED_W*q +: QUEUED_W])
      );

      wire unused_ok = &{1'b0, queue_room, queue_count};
    end
  endgenerate

  wire unused_ok = &{1'b0, note_valid, note_count, before_last[4]};

  `SAT_REQUIRE(beat_after_its_note, rst_n && rsp_valid_i, note_valid)

endmodule

`default_nettype wire
