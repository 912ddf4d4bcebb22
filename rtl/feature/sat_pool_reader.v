// SPDX-License-Identifier: Apache-2.0
// sat_pool_reader: what POOL reads, as requests to sat_feature_fetch, and what it is to do with
// that, as pieces. Per kernel position inside the map, a pixel's part of X (backward: of dY, then
// of WINNER) is asked for; positions outside vanish. A piece is a position of a window, or an empty
// one for a window that is wholly outside: {last window of its band, last piece of its window,
// first one, empty, position[3:0] (backward: P-1-p), last beat[2:0]}. One position a cycle
// (backward and not outside: two), and one cycle a window. A position is passed on when it is known
// whether another one follows, that is, late by one.
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
  // Through a register slice into the address pipeline, which moves unless its last item has to
  // wait.
  localparam integer PLACE_W = 83;

  wire               walk_valid, walk_ready, place_valid, place_window_end, place_band_end;
  wire [PLACE_W-1:0] walk_place;
  wire        [23:0] image;
  wire        [15:0] oy, ox;
  wire         [3:0] ky, kx, place_position;
  wire         [9:0] band;
  wire         [2:0] place_last_beat;
  wire               move;

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
    .valid_o     (walk_valid),
    .step_i      (walk_valid && walk_ready),
    .image_o     (walk_place[82:59]),
    .oy_o        (walk_place[58:43]),
    .ox_o        (walk_place[42:27]),
    .ky_o        (walk_place[26:23]),
    .kx_o        (walk_place[22:19]),
    .position_o  (walk_place[18:15]),
    .window_end_o(walk_place[14]),
    .band_end_o  (walk_place[13]),
    .band_o      (walk_place[12:3]),
    .last_beat_o (walk_place[2:0])
  );

  sat_skid_buffer #(
    .WIDTH(PLACE_W)
  ) u_place (
    .clk        (clk),
    .rst_n      (rst_n),
    .in_valid_i (walk_valid),
    .in_ready_o (walk_ready),
    .in_data_i  (walk_place),
    .out_valid_o(place_valid),
    .out_ready_i(move),
    .out_data_o ({image, oy, ox, ky, kx, place_position, place_window_end, place_band_end, band,
                  place_last_beat})
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
        .en_i           (move),
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

  reg [LATENCY-1:0]   valid_q;
  reg [LATENCY*9-1:0] side_q;  // the newest in the low bits

  always @(posedge clk) begin
    if (!rst_n)    valid_q <= {LATENCY{1'b0}};
    else if (move) valid_q <= {valid_q[LATENCY-2:0], place_valid};
    if (move)
      side_q <= {side_q[(LATENCY-1)*9-1:0],
                 place_window_end, place_band_end, place_position, place_last_beat};
  end

  wire       valid = valid_q[LATENCY-1];
  wire       window_end, band_end;
  wire [3:0] position;
  wire [2:0] last_beat;
  assign {window_end, band_end, position, last_beat} = side_q[(LATENCY-1)*9 +: 9];

  // ---- Requests
  // Of the item at the end of the pipeline. The position before it, held back, leaves with
  // its last request; after a window's end, what is held leaves as the last of the window.
  reg        held_q, held_first_q, winner_q, closing_q, band_end_q;
  reg  [3:0] held_position_q;
  reg  [2:0] last_beat_q;
  wire       queue_ready;
  wire       seen     = valid && !closing_q && !outsides[0];
  wire       asked    = piece_valid_o && piece_ready_i;
  wire       seen_end = asked && winner_q == backward_i;
  wire       done     = (valid && !closing_q && outsides[0]) || seen_end;
  wire       close    = closing_q && queue_ready;
  wire       pass     = seen_end && held_q;

  assign move           = !valid || done;
  assign piece_valid_o  = seen && (queue_ready || !held_q);
  assign piece_target_o = winner_q ? TARGET_WINNER : TARGET_X;
  assign piece_addr_o   = winner_q ? addr[ADDR_W +: ADDR_W] : addr[0 +: ADDR_W];
  assign piece_beats_o  = winner_q ? {4'd0, last_beat[2]} + 5'd1 : {2'd0, last_beat} + 5'd1;

  always @(posedge clk) begin
    if (!rst_n) begin
      held_q    <= 1'b0;
      winner_q  <= 1'b0;
      closing_q <= 1'b0;
    end else begin
      if (asked) winner_q <= backward_i && !winner_q;
      if (close)         held_q <= 1'b0;
      else if (seen_end) held_q <= 1'b1;
      closing_q <= (closing_q && !close) || (done && window_end);
    end
    if (done) begin
      last_beat_q <= last_beat;
      band_end_q  <= band_end;
    end
    if (seen_end) begin
      held_position_q <= position;
      held_first_q    <= !held_q;
    end
  end

  // ---- Pieces
  wire                 [6:0] count;
  wire [`SAT_PIECE_BITS-1:0] piece, first;
  wire                       first_valid, first_ready;
  assign piece[`SAT_PIECE_BAND_LAST]   = close && band_end_q;
  assign piece[`SAT_PIECE_WINDOW_LAST] = close;
  assign piece[`SAT_PIECE_FIRST]       = held_first_q || !held_q;
  assign piece[`SAT_PIECE_EMPTY]       = !held_q;
  assign piece[`SAT_PIECE_POSITION]    = held_position_q;
  assign piece[`SAT_PIECE_LAST_BEAT]   = last_beat_q;

  sat_fifo #(
    .WIDTH(`SAT_PIECE_BITS),
    .DEPTH(64)
  ) u_pieces (
    .clk        (clk),
    .rst_n      (rst_n),
    .flush_i    (1'b0),
    .in_valid_i (pass || close),
    .in_ready_o (queue_ready),
    .in_data_i  (piece),
    .out_valid_o(first_valid),
    .out_ready_i(first_ready),
    .out_data_o (first),
    .count_o    (count)
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

  wire unused_ok = &{1'b0, reserved, outsides[1], count};

endmodule

`default_nettype wire
