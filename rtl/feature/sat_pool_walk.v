// SPDX-License-Identifier: Apache-2.0
// sat_pool_walk: walks over all kernel positions of all windows of a POOL command: band by band of
// DATA_W/2 channels, in it image, row, column of the window, row and column in the kernel. A
// position is there for a cycle, one after room_i. position_o numbers the positions of a window
// upwards, with reverse_i downwards.
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
  input  wire        room_i,        // for a position in the next cycle
  output wire        valid_o,
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
  localparam integer KX = 0, KY = 1, OX = 2, OY = 3, IMAGE = 4;

  reg         start_q, active_q, valid_q;
  reg  [23:0] image_q;
  reg  [15:0] oy_q, ox_q, cols_left_q;
  reg   [3:0] ky_q, kx_q, position_q;
  reg   [9:0] band_q;
  reg   [3:0] last_position_q;  // 16 positions at most

  // Which counters are at their ends is found a step ahead: where they are before_*_q now, or where
  // they start again, if they have one value only.
  reg   [4:0] end_q, one_q;
  reg   [3:0] before_ky_q, before_kx_q;
  reg  [23:0] before_image_q;
  reg  [15:0] before_oy_q, before_ox_q;
  reg         last_band_q;
  wire  [4:0] one = {images_i == 24'd1, out_h_i == 16'd1, out_w_i == 16'd1, kernel_h_i == 4'd1,
                     kernel_w_i == 4'd1};
  wire        line_end = window_end_o && end_q[OX];
  wire [CHAN_W-1:0] last_chan = (last_band_q ? cols_left_q[CHAN_W-1:0] : {CHAN_W{1'b0}}) - 1'b1;

  assign valid_o      = valid_q;
  assign image_o      = image_q;
  assign oy_o         = oy_q;
  assign ox_o         = ox_q;
  assign ky_o         = ky_q;
  assign kx_o         = kx_q;
  assign position_o   = reverse_i ? last_position_q - position_q : position_q;
  assign window_end_o = end_q[KX] && end_q[KY];
  assign band_end_o   = &end_q;
  assign band_o       = band_q;
  assign last_beat_o  = last_chan[CHAN_W-1 -: 3];

  wire        active  = start_q || (active_q && !(valid_q && band_end_o && last_band_q));

  always @(posedge clk) begin
    if (!rst_n) begin
      start_q  <= 1'b0;
      active_q <= 1'b0;
      valid_q  <= 1'b0;
    end else begin
      start_q  <= start_i;
      active_q <= active;
      valid_q  <= active && room_i;
    end
  end

  always @(posedge clk) begin
    last_position_q <= kernel_h_i * kernel_w_i - 4'd1;
    one_q           <= one;
    before_kx_q     <= kernel_w_i - 4'd2;
    before_ky_q     <= kernel_h_i - 4'd2;
    before_ox_q     <= out_w_i - 16'd2;
    before_oy_q     <= out_h_i - 16'd2;
    before_image_q  <= images_i - 24'd2;
    if (start_q) begin
      image_q     <= 24'd0;
      oy_q        <= 16'd0;
      ox_q        <= 16'd0;
      ky_q        <= 4'd0;
      kx_q        <= 4'd0;
      end_q       <= one;
      position_q  <= 4'd0;
      cols_left_q <= cols_i;
      last_band_q <= cols_i <= BAND;
      band_q      <= 10'd0;
    end else if (valid_q) begin
      position_q <= window_end_o ? 4'd0 : position_q + 4'd1;
      kx_q       <= end_q[KX] ? 4'd0 : kx_q + 4'd1;
      end_q[KX]  <= end_q[KX] ? one_q[KX] : kx_q == before_kx_q;
      if (end_q[KX]) begin
        ky_q      <= end_q[KY] ? 4'd0 : ky_q + 4'd1;
        end_q[KY] <= end_q[KY] ? one_q[KY] : ky_q == before_ky_q;
      end
      if (window_end_o) begin
        ox_q      <= end_q[OX] ? 16'd0 : ox_q + 16'd1;
        end_q[OX] <= end_q[OX] ? one_q[OX] : ox_q == before_ox_q;
      end
      if (line_end) begin
        oy_q      <= end_q[OY] ? 16'd0 : oy_q + 16'd1;
        end_q[OY] <= end_q[OY] ? one_q[OY] : oy_q == before_oy_q;
      end
      if (line_end && end_q[OY]) begin
        image_q      <= end_q[IMAGE] ? 24'd0 : image_q + 24'd1;
        end_q[IMAGE] <= end_q[IMAGE] ? one_q[IMAGE] : image_q == before_image_q;
      end
      if (band_end_o) begin
        cols_left_q <= cols_left_q - BAND;
        last_band_q <= cols_left_q <= {BAND[14:0], 1'b0};
        band_q      <= band_q + 10'd1;
      end
    end
  end

  wire unused_ok = &{1'b0, last_chan};

endmodule

`default_nettype wire
