// SPDX-License-Identifier: Apache-2.0
// sat_pool_walk: walks over all kernel positions of all windows of a POOL command: band by band of
// DATA_W/2 channels, in it image, row, column of the window, row and column in the kernel. step_i
// moves to the next. position_o numbers the positions of a window upwards, with reverse_i
// downwards.
`default_nettype none

module sat_pool_walk #(
  parameter integer DATA_W = 128  // bits, 128, 256 or 512
) (
  input  wire        clk,
  input  wire        rst_n,
  // command, stable from the cycle after start_i on
  input  wire        start_i,
  input  wire        reverse_i,
  input  wire [23:0] images_i,
  input  wire [15:0] cols_i,
  input  wire [15:0] out_h_i,
  input  wire [15:0] out_w_i,
  input  wire  [3:0] kernel_h_i,
  input  wire  [3:0] kernel_w_i,
  // position
  output wire        valid_o,
  input  wire        step_i,
  output wire [23:0] image_o,
  output wire [15:0] oy_o,
  output wire [15:0] ox_o,
  output wire  [3:0] ky_o,
  output wire  [3:0] kx_o,
  output wire  [3:0] position_o,
  output wire        window_end_o,  // the last position of its window
  output wire        band_end_o,    // of the last window
  output wire  [9:0] band_o,
  output wire  [2:0] last_beat_o    // of a pixel's part in the band
);

  localparam integer CHAN_W = $clog2(DATA_W / 2);

  localparam [15:0] BAND = DATA_W[16:1];  // channels: half of it

  reg         start_q, active_q;
  reg  [23:0] image_q;
  reg  [15:0] oy_q, ox_q, cols_left_q;
  reg   [3:0] ky_q, kx_q, position_q;
  reg   [9:0] band_q;
  reg   [3:0] last_position_q;  // 16 positions at most
  reg   [3:0] last_ky_q, last_kx_q;
  reg  [23:0] last_image_q;
  reg  [15:0] last_oy_q, last_ox_q;

  wire        kx_end    = kx_q == last_kx_q;
  wire        ky_end    = ky_q == last_ky_q;
  wire        ox_end    = ox_q == last_ox_q;
  wire        oy_end    = oy_q == last_oy_q;
  wire        image_end = image_q == last_image_q;
  wire        last_band = cols_left_q <= BAND;
  wire [CHAN_W-1:0] last_chan = (last_band ? cols_left_q[CHAN_W-1:0] : {CHAN_W{1'b0}}) - 1'b1;

  assign valid_o      = active_q;
  assign image_o      = image_q;
  assign oy_o         = oy_q;
  assign ox_o         = ox_q;
  assign ky_o         = ky_q;
  assign kx_o         = kx_q;
  assign position_o   = reverse_i ? last_position_q - position_q : position_q;
  assign window_end_o = kx_end && ky_end;
  assign band_end_o   = window_end_o && ox_end && oy_end && image_end;
  assign band_o       = band_q;
  assign last_beat_o  = last_chan[CHAN_W-1 -: 3];

  always @(posedge clk) begin
    if (!rst_n) begin
      start_q  <= 1'b0;
      active_q <= 1'b0;
    end else begin
      start_q  <= start_i;
      active_q <= start_q || (active_q && !(step_i && band_end_o && last_band));
    end
  end

  always @(posedge clk) begin
    last_position_q <= kernel_h_i * kernel_w_i - 4'd1;
    last_kx_q       <= kernel_w_i - 4'd1;
    last_ky_q       <= kernel_h_i - 4'd1;
    last_ox_q       <= out_w_i - 16'd1;
    last_oy_q       <= out_h_i - 16'd1;
    last_image_q    <= images_i - 24'd1;
    if (start_q) begin
      image_q     <= 24'd0;
      oy_q        <= 16'd0;
      ox_q        <= 16'd0;
      ky_q        <= 4'd0;
      kx_q        <= 4'd0;
      position_q  <= 4'd0;
      cols_left_q <= cols_i;
      band_q      <= 10'd0;
    end else if (step_i) begin
      position_q <= window_end_o ? 4'd0 : position_q + 4'd1;
      kx_q       <= kx_end ? 4'd0 : kx_q + 4'd1;
      if (kx_end) ky_q <= ky_end ? 4'd0 : ky_q + 4'd1;
      if (window_end_o) begin
        ox_q <= ox_end ? 16'd0 : ox_q + 16'd1;
        if (ox_end) oy_q <= oy_end ? 16'd0 : oy_q + 16'd1;
        if (ox_end && oy_end) image_q <= image_end ? 24'd0 : image_q + 24'd1;
      end
      if (band_end_o) begin
        cols_left_q <= cols_left_q - BAND;
        band_q      <= band_q + 10'd1;
      end
    end
  end

  wire unused_ok = &{1'b0, last_chan};

endmodule

`default_nettype wire
