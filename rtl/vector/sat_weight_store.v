// SPDX-License-Identifier: Apache-2.0
// sat_weight_store: writes the new V and W of each tile: takes the result vectors that hold valid
// elements (a tile's V by rows, then its W), and sends each row of a tile, 64 bytes, as one packet
// of up to 512/DATA_W beats. A vector may come whenever credit_o is high when its read is issued
// (issue_i): the queue has room for every vector under way. Packets: as in sat_store_mux.
`default_nettype none
`include "sat_assert.vh"
`include "sat_buses.vh"

module sat_weight_store #(
  parameter integer ADDR_W = 40,  // bits, 32..40
  parameter integer DATA_W = 128  // bits, 128, 256 or 512
) (
  input  wire                          clk,
  input  wire                          rst_n,
  // command: W, V
  input  wire                          start_i,
  input  wire           [2*ADDR_W-1:0] base_i,
  input  wire [2*`SAT_STRIDE_BITS-1:0] stride_i,
  // tiles in order, as in sat_tile_loader
  input  wire                          tile_valid_i,
  output wire                          tile_ready_o,
  input  wire     [`SAT_TILE_BITS-1:0] tile_i,
  // results
  output wire                          credit_o,
  input  wire                          issue_i,
  input  wire                          in_valid_i,
  input  wire             [DATA_W-1:0] in_data_i,
  // packets
  output wire                          out_valid_o,
  input  wire                          out_ready_i,
  output wire             [ADDR_W-1:0] out_addr_o,
  output wire                    [2:0] out_beats_o,
  output wire                          out_last_o,
  output wire             [DATA_W-1:0] out_data_o,
  output wire           [DATA_W/8-1:0] out_strb_o
);

  localparam integer LANES  = DATA_W / 32;
  localparam integer LANE_W = $clog2(LANES);
  localparam integer DEPTH  = 64;  // vectors; more than are under way

  localparam [3:0] WORD = LANES[3:0];  // columns of a beat; 16 is 0: then there is one a row

  reg [6:0] credit_q;
  wire      fire = out_valid_o && out_ready_i;

  assign credit_o = |credit_q;

  always @(posedge clk) begin
    if (!rst_n) credit_q <= 7'd64;  // DEPTH
    else        credit_q <= credit_q - {6'd0, issue_i} + {6'd0, fire};
  end

  wire       queue_valid, queue_ready;
  wire [6:0] queue_count;

  sat_fifo #(
    .WIDTH(DATA_W),
    .DEPTH(DEPTH)
  ) u_queue (
    .clk        (clk),
    .rst_n      (rst_n),
    .flush_i    (1'b0),
    .in_valid_i (in_valid_i),
    .in_ready_o (queue_ready),
    .in_data_i  (in_data_i),
    .out_valid_o(queue_valid),
    .out_ready_i(fire),
    .out_data_o (out_data_o),
    .count_o    (queue_count)
  );

  // Position in the tile: V (0) or W (1), row, first column of a beat.
  wire  [4:0] cols      = tile_i[`SAT_TILE_COLS];
  wire  [4:0] rows      = tile_i[`SAT_TILE_ROWS];
  wire [11:0] tile_col  = tile_i[`SAT_TILE_COL];
  wire        band_end  = tile_i[`SAT_TILE_BAND_END];
  reg         weight_q;
  reg   [3:0] row_q;
  reg   [3:0] col_q;

  wire  [4:0] last_col  = cols - 5'd1;
  wire  [3:0] last_beat = last_col[3:0] >> LANE_W;
  wire        row_last  = {1'b0, row_q} == rows - 5'd1;

  wire unused_ok = &{1'b0, queue_ready, queue_count, tile_i, last_col, last_beat};

  assign out_valid_o  = queue_valid && tile_valid_i;
  assign out_last_o   = col_q >> LANE_W == last_beat;
  assign out_beats_o  = last_beat[2:0] + 3'd1;
  assign tile_ready_o = fire && out_last_o && row_last && weight_q;

  always @(posedge clk) begin
    if (!rst_n) begin
      weight_q <= 1'b0;
      row_q    <= 4'd0;
      col_q    <= 4'd0;
    end else if (fire) begin
      col_q <= out_last_o ? 4'd0 : col_q + WORD;
      if (out_last_o) row_q <= row_last ? 4'd0 : row_q + 4'd1;
      if (out_last_o && row_last) weight_q <= !weight_q;
    end
  end

  wire [2*ADDR_W-1:0] row_addr;

  assign out_addr_o = row_addr[weight_q ? 0 : ADDR_W +: ADDR_W]
                    + {{ADDR_W-18{1'b0}}, tile_col, 6'd0};

  genvar k;
  generate
    for (k = 0; k < 2; k = k + 1) begin : gen_tensor
      wire step = fire && out_last_o && (weight_q != k);

      sat_row_pointer #(
        .ADDR_W(ADDR_W)
      ) u_pointer (
        .clk     (clk),
        .start_i (start_i),
        .base_i  (base_i[ADDR_W*k +: ADDR_W]),
        .stride_i(stride_i[`SAT_STRIDE_BITS*k +: `SAT_STRIDE_BITS]),
        .step_i  (step),
        .save_i  (step && row_last && band_end),
        .rewind_i(step && row_last && !band_end),
        .row_o   (row_addr[ADDR_W*k +: ADDR_W])
      );
    end
    for (k = 0; k < LANES; k = k + 1) begin : gen_strobe
      wire [3:0] column = col_q + k;
      assign out_strb_o[4*k +: 4] = {4{{1'b0, column} < cols}};
    end
  endgenerate

  `SAT_REQUIRE(issue_has_credit, rst_n && issue_i, credit_o)

endmodule

`default_nettype wire
