// SPDX-License-Identifier: Apache-2.0
// sat_feature_writer: one output tensor of the feature unit: takes its beats, band by band of
// DATA_W/2 channels and in it row by row, and sends a row's part of a band as one packet
// (sat_store_mux) of up to 16 beats, once it is complete. The strobes leave exactly the bytes of
// the tensor; the unused nibble at the end of an odd row is zero.
// A beat may come if credit_o was high when its place was reserved. done_o: everything is sent.
// special_o: an infinity or NaN was among the numbers sent in the cycle before.
`default_nettype none
`include "sat_assert.vh"

module sat_feature_writer #(
  parameter integer ADDR_W = 40,  // bits, 32..40
  parameter integer DATA_W = 128  // bits, 128, 256 or 512
) (
  input  wire                clk,
  input  wire                rst_n,
  // command; the format and cols_i are stable from the cycle after start_i on
  input  wire                start_i,
  input  wire                single_i,  // FP32
  input  wire                nibble_i,  // 4 bits; neither: FP16
  input  wire         [15:0] cols_i,
  input  wire   [ADDR_W-1:0] base_i,  // valid with start_i
  input  wire         [23:0] stride_i,
  output wire                done_o,
  output reg                 special_o,
  // beats
  output wire                credit_o,
  input  wire                reserve_i,
  input  wire                in_valid_i,
  input  wire                in_band_last_i,  // of the last row of a band
  input  wire   [DATA_W-1:0] in_data_i,
  // packets
  output wire                out_valid_o,
  input  wire                out_ready_i,
  output wire   [ADDR_W-1:0] out_addr_o,
  output wire          [4:0] out_beats_o,
  output wire                out_last_o,
  output wire   [DATA_W-1:0] out_data_o,
  output wire [DATA_W/8-1:0] out_strb_o
);

  localparam integer DEPTH  = 32;  // beats: two of the longest packets
  localparam integer CHAN_W = $clog2(DATA_W / 2);
  localparam integer BYTE_W = $clog2(DATA_W / 8);

  localparam [15:0] BAND = DATA_W[16:1];  // channels: half of it

  reg  [5:0] credit_q;
  reg        some_q;      // is it above 0?
  wire       fire = out_valid_o && out_ready_i;

  assign credit_o = some_q;

  always @(posedge clk) begin
    if (!rst_n) begin
      credit_q <= 6'd32;  // DEPTH
      some_q   <= 1'b1;
    end else begin
      credit_q <= credit_q - {5'd0, reserve_i} + {5'd0, fire};
      some_q   <= fire || (|credit_q[5:1]) || (credit_q[0] && !reserve_i);
    end
  end

  wire              queue_ready, queue_valid, band_last;
  wire        [5:0] queue_count;
  wire [DATA_W-1:0] data;

  sat_fifo #(
    .WIDTH(DATA_W + 1),
    .DEPTH(DEPTH)
  ) u_queue (
    .clk        (clk),
    .rst_n      (rst_n),
    .flush_i    (1'b0),
    .in_valid_i (in_valid_i),
    .in_ready_o (queue_ready),
    .in_data_i  ({in_band_last_i, in_data_i}),
    .out_valid_o(queue_valid),
    .out_ready_i(fire),
    .out_data_o ({band_last, data}),
    .count_o    (queue_count)
  );

  // Band, and beat of the packet. A band has 16, 8 or 2 beats of a row.
  reg         start_q, active_q, begun_q;
  reg  [15:0] cols_left_q;
  reg   [9:0] band_q;
  reg   [3:0] beat_q;

  wire              last_band = cols_left_q <= BAND;
  wire [CHAN_W-1:0] last_chan = (last_band ? cols_left_q[CHAN_W-1:0] : {CHAN_W{1'b0}}) - 1'b1;
  wire [CHAN_W+1:0] last_byte = single_i ? {last_chan, 2'b11}
                              : nibble_i ? {3'd0, last_chan[CHAN_W-1:1]} : {1'b0, last_chan, 1'b1};
  // The same of the band from its second cycle on.
  reg               known_q, last_band_q, half_byte_q;
  reg  [CHAN_W+1:0] last_byte_q;
  wire        [3:0] last_beat = last_byte_q[BYTE_W +: 4];
  wire              row_fire  = fire && out_last_o;
  wire              band_fire = row_fire && band_last;

  // Once complete, a packet stays so until its last beat has left; another one may be behind it.
  wire complete = queue_count > {2'd0, last_beat} + {5'd0, row_fire};

  assign out_valid_o = begun_q;
  assign out_beats_o = {1'b0, last_beat} + 5'd1;
  assign out_last_o  = beat_q == last_beat;
  assign done_o      = !start_q && !active_q;

  always @(posedge clk) begin
    if (!rst_n) begin
      start_q  <= 1'b0;
      active_q <= 1'b0;
      begun_q  <= 1'b0;
      beat_q   <= 4'd0;
    end else begin
      start_q  <= start_i;
      active_q <= start_q || (active_q && !(band_fire && last_band_q));
      begun_q  <= known_q && !band_fire && ((begun_q && !row_fire) || complete);
      if (fire) beat_q <= out_last_o ? 4'd0 : beat_q + 4'd1;
    end
  end

  always @(posedge clk) begin
    known_q     <= rst_n && active_q && !band_fire;
    last_band_q <= last_band;
    half_byte_q <= nibble_i && !last_chan[0];
    last_byte_q <= last_byte;
  end

  always @(posedge clk) begin
    if (start_q) begin
      cols_left_q <= cols_i;
      band_q      <= 10'd0;
    end else if (band_fire) begin
      cols_left_q <= cols_left_q - BAND;
      band_q      <= band_q + 10'd1;
    end
  end

  wire [ADDR_W-1:0] row_addr;

  sat_row_pointer #(
    .ADDR_W(ADDR_W)
  ) u_pointer (
    .clk     (clk),
    .start_i (start_i),
    .base_i  (base_i),
    .stride_i(stride_i),
    .step_i  (row_fire),
    .save_i  (1'b0),
    .rewind_i(band_fire),
    .row_o   (row_addr)
  );

  wire [ADDR_W-1:0] offset = {{ADDR_W-9-CHAN_W{1'b0}}, band_q, {CHAN_W-1{1'b0}}};  // in nibbles

  assign out_addr_o = row_addr + (single_i ? offset << 3 : nibble_i ? offset : offset << 2);

  // Strobes, and what is special among the bytes that count: a number counts with its last byte.
  localparam [DATA_W/8-1:0] ALL = {DATA_W/8{1'b1}};

  wire [DATA_W/8-1:0] special;
  wire   [BYTE_W-1:0] end_byte = last_byte_q[BYTE_W-1:0];

  assign out_strb_o = ALL >> (out_last_o ? ~end_byte : {BYTE_W{1'b0}});

  genvar k;
  generate
    for (k = 0; k < DATA_W/8; k = k + 1) begin : gen_byte
      wire half = half_byte_q && out_last_o && end_byte == k;

      assign out_data_o[8*k +: 8] = data[8*k +: 8] & (half ? 8'h0F : 8'hFF);
      if (k % 4 == 3) begin : gen_single
        assign special[k] = out_strb_o[k]
                         && (single_i ? &data[8*k-1 +: 8] : &data[8*k+2 +: 5]);
      end else if (k % 2 == 1) begin : gen_half
        assign special[k] = out_strb_o[k] && !single_i && (&data[8*k+2 +: 5]);
      end else begin : gen_none
        assign special[k] = 1'b0;
      end
    end
  endgenerate

  always @(posedge clk) special_o <= rst_n && fire && !nibble_i && (|special);

  wire unused_ok = &{1'b0, queue_ready, queue_valid};

  `SAT_REQUIRE(reserve_has_credit, rst_n && reserve_i, |credit_q)

endmodule

`default_nettype wire
