// SPDX-License-Identifier: Apache-2.0
// sat_pool_reader: what POOL reads, as requests to sat_feature_fetch, and what it is to do with
// that, as pieces. Per kernel position inside the map, a pixel's part of X (backward: of dY, then
// of WINNER) is asked for; positions outside vanish. A piece is a position of a window, or an empty
// one for a window that is wholly outside: {last window of its band, last piece of its window,
// first one, empty, position[3:0] (backward: P-1-p), last beat[2:0]}. One position a cycle, and one
// request. A piece is passed on when it is known whether another one of its window follows.
`default_nettype none
`include "sat_buses.vh"
`include "sat_window.vh"

module sat_pool_reader #(
  parameter integer ADDR_W = 40,  // bits, 32..40
  parameter integer DATA_W = 128  // bits, 128, 256 or 512
) (
  input  wire                          clk,
  input  wire                          rst_n,
  // command, stable from the cycle after start_i on
  input  wire                          start_i,
  input  wire                          backward_i,
  input  wire                   [23:0] images_i,
  input  wire                   [15:0] cols_i,
  input  wire                   [95:0] geometry_i,  // words 5..7 of the descriptor
  input  wire           [2*ADDR_W-1:0] base_i,      // WINNER, X
  input  wire [2*`SAT_STRIDE_BITS-1:0] stride_i,
  // requests
  output wire                          piece_valid_o,
  input  wire                          piece_ready_i,
  output wire   [`SAT_TARGET_BITS-1:0] piece_target_o,
  output wire             [ADDR_W-1:0] piece_addr_o,
  output wire                    [4:0] piece_beats_o,
  // pieces
  output wire                          out_valid_o,
  input  wire                          out_ready_i,
  output wire    [`SAT_PIECE_BITS-1:0] out_piece_o
);

  localparam integer LATENCY = `SAT_PIXEL_ADDR_LATENCY;
  localparam integer DEPTH   = 64;  // positions under way; covers the memory's latency
  localparam integer BYTE_L  = $clog2(DATA_W / 8);
  localparam integer LINE_W  = ADDR_W - BYTE_L;  // address of a beat
  localparam [`SAT_TARGET_BITS-1:0] TARGET_X      = 1 << `SAT_TARGET_X;
  localparam [`SAT_TARGET_BITS-1:0] TARGET_WINNER = 1 << `SAT_TARGET_Y;

  wire [15:0] map_h, map_w, out_h, out_w;
  wire  [7:0] pad_left, pad_top;
  wire  [3:0] kernel_w, kernel_h;
  wire  [1:0] upsample_log2, dilation_log2, step_log2;
  wire  [1:0] reserved;
  assign {pad_left, pad_top, reserved, upsample_log2, dilation_log2, step_log2, kernel_w, kernel_h,
          out_w, out_h, map_w, map_h} = geometry_i;

  // ---- Positions
  // None stops in the address pipeline: it is let in when the queues behind are sure to have room.
  // It counts until its piece is taken, or until it vanishes without one.
  wire               place_window_end, place_band_end;
  wire        [23:0] image;
  wire        [15:0] oy, ox;
  wire         [3:0] ky, kx, place_position;
  wire         [9:0] band;
  wire         [2:0] place_last_beat;
  wire               vanish;
  reg                taken_q;
  reg          [6:0] count_q;  // 0..DEPTH
  wire               enter;
  wire         [6:0] count = count_q + {6'd0, enter} - {6'd0, vanish} - {6'd0, taken_q};

  always @(posedge clk) begin
    taken_q <= rst_n && out_valid_o && out_ready_i;
    if (!rst_n) count_q <= 7'd0;
    else        count_q <= count;
  end

  sat_pool_walk #(
    .DATA_W(DATA_W)
  ) u_walk (
    .clk         (clk),
    .rst_n       (rst_n),
    .start_i     (start_i),
    .reverse_i   (backward_i),
    .images_i    (images_i),
    .cols_i      (cols_i),
    .out_h_i     (out_h),
    .out_w_i     (out_w),
    .kernel_h_i  (kernel_h),
    .kernel_w_i  (kernel_w),
    .room_i      (!count[6]),
    .valid_o     (enter),
    .image_o     (image),
    .oy_o        (oy),
    .ox_o        (ox),
    .ky_o        (ky),
    .kx_o        (kx),
    .position_o  (place_position),
    .window_end_o(place_window_end),
    .band_end_o  (place_band_end),
    .band_o      (band),
    .last_beat_o (place_last_beat)
  );

  wire         [24:0] offset = {15'd0, band} << $clog2(DATA_W / 4);  // of WINNER, in bytes
  wire [2*ADDR_W-1:0] addr;
  wire          [1:0] outsides;

  genvar k;
  generate
    for (k = 0; k < 2; k = k + 1) begin : gen_addr
      sat_pixel_addr #(
        .ADDR_W(ADDR_W)
      ) u_addr (
        .clk            (clk),
        .base_i         (base_i[ADDR_W*k +: ADDR_W]),
        .stride_i       (stride_i[24*k +: 24]),
        .map_h_i        (map_h),
        .map_w_i        (map_w),
        .step_log2_i    (step_log2),
        .dilation_log2_i(dilation_log2),
        .upsample_log2_i(upsample_log2),
        .pad_top_i      (pad_top),
        .pad_left_i     (pad_left),
        .image_i        (image),
        .oy_i           (oy),
        .ox_i           ({8'd0, ox}),
        .ky_i           (ky),
        .kx_i           (kx),
        .offset_i       (k == 0 ? offset << 2 : offset),
        .addr_o         (addr[ADDR_W*k +: ADDR_W]),
        .outside_o      (outsides[k])
      );
    end
  endgenerate

  wire       valid, window_end, band_end;
  wire [3:0] position;
  wire [2:0] last_beat;

  sat_valid_delay #(
    .WIDTH (1),
    .CYCLES(LATENCY)
  ) u_valid (
    .clk  (clk),
    .rst_n(rst_n),
    .in_i (enter),
    .out_o(valid)
  );
  sat_delay #(
    .WIDTH (9),
    .CYCLES(LATENCY)
  ) u_side (
    .clk  (clk),
    .in_i ({place_window_end, place_band_end, place_position, place_last_beat}),
    .out_o({window_end, band_end, position, last_beat})
  );

  // ---- Requests
  wire              seen = valid && !outsides[0];
  wire              request_room, piece_room;  // always, as the position was let in
  wire        [6:0] request_count, piece_count;
  wire [LINE_W-1:0] line_x, line_winner;
  wire        [2:0] request_last_beat;
  reg               winner_q;
  wire              asked = piece_valid_o && piece_ready_i;

  sat_fifo #(
    .WIDTH(2 * LINE_W + 3),
    .DEPTH(DEPTH)
  ) u_requests (
    .clk        (clk),
    .rst_n      (rst_n),
    .flush_i    (1'b0),
    .in_valid_i (seen),
    .in_ready_o (request_room),
    .in_data_i  ({addr[ADDR_W + BYTE_L +: LINE_W], addr[BYTE_L +: LINE_W], last_beat}),
    .out_valid_o(piece_valid_o),
    .out_ready_i(piece_ready_i && winner_q == backward_i),
    .out_data_o ({line_winner, line_x, request_last_beat}),
    .count_o    (request_count)
  );

  assign piece_target_o = winner_q ? TARGET_WINNER : TARGET_X;
  assign piece_addr_o   = {winner_q ? line_winner : line_x, {BYTE_L{1'b0}}};
  assign piece_beats_o  = (winner_q ? {4'd0, request_last_beat[2]} : {2'd0, request_last_beat})
                          + 5'd1;

  always @(posedge clk) begin
    if (!rst_n)     winner_q <= 1'b0;
    else if (asked) winner_q <= backward_i && !winner_q;
  end

  // ---- Pieces
  // One is held until the next position inside, or the end of its window, which sends it off in the
  // cycle after.
  reg                        held_q, closed_q, first_q, empty_q, band_end_q;
  reg                  [3:0] position_q;
  reg                  [2:0] last_beat_q;
  wire                       fresh = !held_q || closed_q;  // nothing is held of this window
  wire [`SAT_PIECE_BITS-1:0] piece, first;
  wire                       first_valid, first_ready;

  assign vanish = valid && outsides[0] && !(window_end && fresh);

  always @(posedge clk) begin
    if (!rst_n) begin
      held_q   <= 1'b0;
      closed_q <= 1'b0;
    end else begin
      held_q   <= seen || (valid && window_end) || (held_q && !closed_q);
      closed_q <= valid && window_end;
    end
    band_end_q <= band_end;
    if (seen || fresh) begin
      first_q     <= fresh;
      empty_q     <= outsides[0];
      position_q  <= position;
      last_beat_q <= last_beat;
    end
  end

  assign piece[`SAT_PIECE_BAND_LAST]   = closed_q && band_end_q;
  assign piece[`SAT_PIECE_WINDOW_LAST] = closed_q;
  assign piece[`SAT_PIECE_FIRST]       = first_q;
  assign piece[`SAT_PIECE_EMPTY]       = empty_q;
  assign piece[`SAT_PIECE_POSITION]    = position_q;
  assign piece[`SAT_PIECE_LAST_BEAT]   = last_beat_q;

  sat_fifo #(
    .WIDTH(`SAT_PIECE_BITS),
    .DEPTH(DEPTH)
  ) u_pieces (
    .clk        (clk),
    .rst_n      (rst_n),
    .flush_i    (1'b0),
    .in_valid_i (closed_q || (held_q && seen)),
    .in_ready_o (piece_room),
    .in_data_i  (piece),
    .out_valid_o(first_valid),
    .out_ready_i(first_ready),
    .out_data_o (first),
    .count_o    (piece_count)
  );

  sat_skid_buffer #(
    .WIDTH(`SAT_PIECE_BITS)
  ) u_front (
    .clk        (clk),
    .rst_n      (rst_n),
    .in_valid_i (first_valid),
    .in_ready_o (first_ready),
    .in_data_i  (first),
    .out_valid_o(out_valid_o),
    .out_ready_i(out_ready_i),
    .out_data_o (out_piece_o)
  );

  wire unused_ok = &{1'b0, reserved, addr, outsides[1], request_room, request_count, piece_room,
                     piece_count};

endmodule

`default_nettype wire
