// SPDX-License-Identifier: Apache-2.0
// sat_tile_loader: visits W[K][J] in tiles of 16x16, row of tiles by row of tiles, and reads each
// one's rows of dW, V and W (only W without update_i) into one of four tile buffers, up to four
// tiles ahead of use. A buffer holds 16 rows of 64 bytes (32 when the source is FP16) in words of
// DATA_W bits. With 512, a row of FP16 is half a word, beside that of a neighbouring tile.
// A loaded tile is offered with its description and freed by tile_ready_i; the words that hold
// a vector of DATA_W/32 elements are read meanwhile through the read port (registered). Responses
// are always accepted.
`default_nettype none
`include "sat_buses.vh"

module sat_tile_loader #(
  parameter integer ADDR_W = 40,  // bits, 32..40
  parameter integer DATA_W = 128  // bits, 128, 256 or 512
) (
  input  wire                          clk,
  input  wire                          rst_n,
  // command; all but the bases and strides are stable from the cycle after start_i on
  input  wire                          start_i,
  input  wire                          update_i,
  input  wire                          half_i,  // W is FP16
  input  wire                   [23:0] rows_i,
  input  wire                   [15:0] cols_i,
  input  wire           [3*ADDR_W-1:0] base_i,  // W, V, dW; valid with start_i
  input  wire [3*`SAT_STRIDE_BITS-1:0] stride_i,
  // read DMA
  output wire                          req_valid_o,
  input  wire                          req_ready_i,
  output wire             [ADDR_W-1:0] req_addr_o,
  output wire                   [11:0] req_beats_o,
  input  wire                          rsp_valid_i,
  input  wire             [DATA_W-1:0] rsp_data_i,
  // loaded tile
  output wire                          tile_valid_o,
  input  wire                          tile_ready_i,
  output wire     [`SAT_TILE_BITS-1:0] tile_o,
  input  wire                          read_i,
  input  wire  [7-$clog2(DATA_W/32):0] read_index_i,  // {row, vector}
  output wire             [DATA_W-1:0] weight_o,
  output wire             [DATA_W-1:0] velocity_o,
  output wire             [DATA_W-1:0] gradient_o
);

  localparam integer LANES   = DATA_W / 32;
  localparam integer LANE_W  = $clog2(LANES);
  localparam integer INDEX_W = 8 - LANE_W;
  localparam integer BYTE_W  = $clog2(DATA_W / 8);

  localparam [3:0] WORD = LANES[3:0];  // FP32 columns of a word; 16 is 0: then there is one a row

  localparam [1:0] TENSOR_W  = 2'd0;
  localparam [1:0] TENSOR_DW = 2'd2;

  // ---- Requests: tile, tensor (dW, V, W), row
  reg         start_q, active_q;
  reg  [23:0] rows_left_q;
  reg  [15:0] cols_left_q;
  reg         last_band_q, band_end_q;
  reg  [19:0] tile_row_q;
  reg  [11:0] tile_col_q;
  reg   [1:0] tensor_q;
  reg   [3:0] row_q;
  reg   [2:0] free_q;  // buffers no tile has been given, 0..4

  // What is left changes by tiles of 16: its low bits say how large the last one is.
  wire  [3:0] last_row  = last_band_q ? rows_left_q[3:0] - 4'd1 : 4'd15;
  wire  [3:0] last_col  = band_end_q ? cols_left_q[3:0] - 4'd1 : 4'd15;
  wire  [3:0] last_word = (half_i ? {1'b0, last_col[3:1]} : last_col) >> LANE_W;
  wire  [1:0] first     = update_i ? TENSOR_DW : TENSOR_W;
  wire        tile_first = (tensor_q == first) && ~|row_q;
  wire        row_last  = row_q == last_row;
  wire        tile_last = row_last && (tensor_q == TENSOR_W);
  wire        req_fire  = req_valid_o && req_ready_i;
  wire        take_tile = req_fire && tile_first;
  wire        tile_free = tile_valid_o && tile_ready_i;

  assign req_valid_o = active_q && (!tile_first || |free_q);
  assign req_beats_o = {8'd0, last_word} + 12'd1;

  always @(posedge clk) begin
    if (!rst_n) begin
      start_q  <= 1'b0;
      active_q <= 1'b0;
      free_q   <= 3'd4;
    end else begin
      start_q <= start_i;
      if (start_q) active_q <= 1'b1;
      else if (req_fire && tile_last && band_end_q && last_band_q) active_q <= 1'b0;
      free_q <= free_q - {2'd0, take_tile} + {2'd0, tile_free};
    end
  end

  always @(posedge clk) begin
    if (start_q) begin
      rows_left_q <= rows_i;
      cols_left_q <= cols_i;
      last_band_q <= rows_i <= 24'd16;
      band_end_q  <= cols_i <= 16'd16;
      tile_row_q  <= 20'd0;
      tile_col_q  <= 12'd0;
      tensor_q    <= first;
      row_q       <= 4'd0;
    end else if (req_fire) begin
      row_q <= row_last ? 4'd0 : row_q + 4'd1;
      if (row_last) tensor_q <= (tensor_q == TENSOR_W) ? first : tensor_q - 2'd1;
      if (tile_last) begin
        cols_left_q <= band_end_q ? cols_i : cols_left_q - 16'd16;
        band_end_q  <= band_end_q ? cols_i <= 16'd16 : cols_left_q <= 16'd32;
        tile_col_q  <= band_end_q ? 12'd0 : tile_col_q + 12'd1;
        if (band_end_q) begin
          rows_left_q <= rows_left_q - 24'd16;
          last_band_q <= rows_left_q <= 24'd32;
          tile_row_q  <= tile_row_q + 20'd1;
        end
      end
    end
  end

  wire [3*ADDR_W-1:0] row_addr;

  wire   [ADDR_W-1:0] tile_addr = row_addr[ADDR_W*tensor_q +: ADDR_W]
                                + (half_i ? {{ADDR_W-17{1'b0}}, tile_col_q, 5'd0}
                                          : {{ADDR_W-18{1'b0}}, tile_col_q, 6'd0});

  assign req_addr_o = {tile_addr[ADDR_W-1:BYTE_W], {BYTE_W{1'b0}}};

  // Responses arrive in the order of the requests; `coming` describes the tiles requested.
  wire        coming_valid;
  wire [`SAT_TILE_BITS-1:0] next, coming;
  wire        coming_ready, loaded_ready;
  wire  [2:0] coming_count, loaded_count;
  reg   [1:0] in_tensor_q, in_buffer_q, out_buffer_q;
  reg   [3:0] in_row_q;
  reg   [3:0] in_col_q;  // of FP32; of FP16 two are in its place

  wire  [4:0] in_last_col  = coming[`SAT_TILE_COLS] - 5'd1;
  wire  [3:0] in_last_word = (half_i ? {1'b0, in_last_col[3:1]} : in_last_col[3:0]) >> LANE_W;
  wire        in_word_last = in_col_q >> LANE_W == in_last_word;
  wire        in_row_last  = in_word_last && ({1'b0, in_row_q} == coming[`SAT_TILE_ROWS] - 5'd1);
  wire        in_tile_last = rsp_valid_i && in_row_last && (in_tensor_q == TENSOR_W);

  always @(posedge clk) begin
    if (!rst_n) begin
      in_row_q     <= 4'd0;
      in_col_q     <= 4'd0;
      in_buffer_q  <= 2'd0;
      out_buffer_q <= 2'd0;
    end else begin
      if (rsp_valid_i) begin
        in_col_q <= in_word_last ? 4'd0 : in_col_q + WORD;
        if (in_word_last) in_row_q <= in_row_last ? 4'd0 : in_row_q + 4'd1;
      end
      in_buffer_q  <= in_buffer_q + {1'b0, in_tile_last};
      out_buffer_q <= out_buffer_q + {1'b0, tile_free};
    end
    if (start_q) in_tensor_q <= first;
    else if (rsp_valid_i && in_row_last)
      in_tensor_q <= (in_tensor_q == TENSOR_W) ? first : in_tensor_q - 2'd1;
  end

  wire unused_ok = &{1'b0, coming_valid, coming_ready, coming_count, loaded_ready, loaded_count,
                     last_col, in_last_col, tile_addr, in_place, read_place, word_place};

  assign next[`SAT_TILE_LAST]     = last_band_q && band_end_q;
  assign next[`SAT_TILE_BAND_END] = band_end_q;
  assign next[`SAT_TILE_ROW]      = tile_row_q;
  assign next[`SAT_TILE_COL]      = tile_col_q;
  assign next[`SAT_TILE_ROWS]     = {1'b0, last_row} + 5'd1;
  assign next[`SAT_TILE_COLS]     = {1'b0, last_col} + 5'd1;

  // Neither queue overflows: four buffers bound the tiles on their way.
  sat_fifo #(
    .WIDTH(`SAT_TILE_BITS),
    .DEPTH(4)
  ) u_coming (
    .clk        (clk),
    .rst_n      (rst_n),
    .flush_i    (1'b0),
    .in_valid_i (take_tile),
    .in_ready_o (coming_ready),
    .in_data_i  (next),
    .out_valid_o(coming_valid),
    .out_ready_i(in_tile_last),
    .out_data_o (coming),
    .count_o    (coming_count)
  );

  sat_fifo #(
    .WIDTH(`SAT_TILE_BITS),
    .DEPTH(4)
  ) u_loaded (
    .clk        (clk),
    .rst_n      (rst_n),
    .flush_i    (1'b0),
    .in_valid_i (in_tile_last),
    .in_ready_o (loaded_ready),
    .in_data_i  (coming),
    .out_valid_o(tile_valid_o),
    .out_ready_i(tile_ready_i),
    .out_data_o (tile_o),
    .count_o    (loaded_count)
  );

  // Places in a tile of FP32, {row, column}.
  wire [3*DATA_W-1:0] words;
  wire          [7:0] in_place   = {in_row_q, in_col_q};
  wire          [7:0] read_place = {read_index_i, {LANE_W{1'b0}}};
  wire          [7:0] word_place = half_i ? {read_place[7:4], 1'b0, read_place[3:1]} : read_place;

  assign {gradient_o, velocity_o, weight_o} = words;

  genvar k;
  generate
    for (k = 0; k < 3; k = k + 1) begin : gen_tensor
      wire step = req_fire && (tensor_q == k);

      sat_row_pointer #(
        .ADDR_W(ADDR_W)
      ) u_pointer (
        .clk     (clk),
        .start_i (start_i),
        .base_i  (base_i[ADDR_W*k +: ADDR_W]),
        .stride_i(stride_i[`SAT_STRIDE_BITS*k +: `SAT_STRIDE_BITS]),
        .step_i  (step),
        .save_i  (step && row_last && band_end_q),
        .rewind_i(step && row_last && !band_end_q),
        .row_o   (row_addr[ADDR_W*k +: ADDR_W])
      );

      sat_ram_1r1w #(
        .WIDTH   (DATA_W),
        .DEPTH   (4 << INDEX_W),
        .WE_LANES(1)
      ) u_buffer (
        .clk    (clk),
        .we_i   (rsp_valid_i && (in_tensor_q == k)),
        .waddr_i({in_buffer_q, in_place[7:LANE_W]}),
        .wdata_i(rsp_data_i),
        .re_i   (read_i),
        .raddr_i({out_buffer_q, word_place[7:LANE_W]}),
        .rdata_o(words[DATA_W*k +: DATA_W])
      );
    end
  endgenerate

endmodule

`default_nettype wire
