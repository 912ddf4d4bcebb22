// SPDX-License-Identifier: Apache-2.0
// sat_pool_sum: POOL backward on the lanes: per piece of a window (sat_pool_reader) and beat of
// DATA_W/16 channels sum = sum + dY where WINNER says so, else + 0, which changes nothing as a sum
// is never -0. The window's last piece gives the results. A piece that is not its window's first
// waits until the sums of the piece before have left the lanes. Operands leave one cycle after they
// are looked at. Golden function: max_pool_backward (rounding to FP16 is outside).
`default_nettype none
`include "sat_buses.vh"
`include "sat_fp.vh"

module sat_pool_sum #(
  parameter integer DATA_W = 128  // bits, 128, 256 or 512
) (
  input  wire                       clk,
  input  wire                       rst_n,
  input  wire                       enable_i,  // the command is POOL, backward
  // pieces
  input  wire                       piece_valid_i,
  output wire                       piece_ready_o,
  input  wire [`SAT_PIECE_BITS-1:0] piece_i,
  // WINNER, dY
  input  wire                 [1:0] queue_valid_i,
  output wire                 [1:0] queue_ready_o,
  input  wire        [2*DATA_W-1:0] queue_data_i,
  // place for a beat of the result
  input  wire                       credit_i,
  output wire                       reserve_o,
  // operation, one cycle later
  output wire                       op_valid_o,
  output wire          [DATA_W-1:0] factor_o,
  output wire        [2*DATA_W-1:0] addend_o,  // the scalar is 1
  output wire                 [4:0] tag_o,  // beat, result, ends its band
  // its result
  input  wire                       result_valid_i,
  input  wire                 [4:0] result_tag_i,
  input  wire        [2*DATA_W-1:0] result_i
);

  localparam integer LANES = DATA_W / 16;

  // Cycles from a beat until that of the next piece may read its sum; none goes faster than one by
  // one, so it counts from the last one on.
  localparam [3:0] DISTANCE = `SAT_LANES_LATENCY;

  wire       band_last   = piece_i[`SAT_PIECE_BAND_LAST];
  wire       window_last = piece_i[`SAT_PIECE_WINDOW_LAST];
  wire       first       = piece_i[`SAT_PIECE_FIRST];
  wire       empty       = piece_i[`SAT_PIECE_EMPTY];
  wire [3:0] position    = piece_i[`SAT_PIECE_POSITION];
  wire [2:0] last_beat   = piece_i[`SAT_PIECE_LAST_BEAT];

  reg  [2:0] beat_q;
  reg  [3:0] wait_q;
  reg        free_q;  // within a piece, or wait_q is 0
  wire       last = beat_q == last_beat;
  wire       step = enable_i && piece_valid_i && (empty || (&queue_valid_i))
                 && (first || free_q) && (!window_last || credit_i);

  // A beat of WINNER is for four of dY.
  assign piece_ready_o = step && last;
  assign queue_ready_o = {2{step && !empty}} & {last || (&beat_q[1:0]), 1'b1};
  assign reserve_o     = step && window_last;

  always @(posedge clk) begin
    if (!rst_n) begin
      beat_q <= 3'd0;
      wait_q <= 4'd0;
      free_q <= 1'b1;
    end else begin
      if (step) beat_q <= last ? 3'd0 : beat_q + 3'd1;
      if (step && last) wait_q <= DISTANCE - {1'b0, last_beat};
      else if (|wait_q) wait_q <= wait_q - 4'd1;
      free_q <= !(step && last) && (step || free_q || (~|wait_q[3:1]));
    end
  end

  // Operands.
  reg                 valid_q, first_q;
  reg           [4:0] tag_q;
  reg    [DATA_W-1:0] factor_q;
  wire  [4*LANES-1:0] winners = queue_data_i[DATA_W + 4*LANES*beat_q[1:0] +: 4*LANES];
  wire   [DATA_W-1:0] values  = queue_data_i[0 +: DATA_W];
  wire   [DATA_W-1:0] routed;
  wire [2*DATA_W-1:0] sums;

  genvar k;
  generate
    for (k = 0; k < LANES; k = k + 1) begin : gen_lane
      assign routed[16*k +: 16] = (empty || winners[4*k +: 4] != position)
                                ? 16'd0 : values[16*k +: 16];
    end
  endgenerate

  always @(posedge clk) begin
    valid_q  <= rst_n && step;
    first_q  <= first;
    tag_q    <= {beat_q, window_last, band_last};
    factor_q <= routed;
  end

  sat_lutram #(
    .WIDTH(2 * DATA_W),
    .DEPTH(8)
  ) u_sums (
    .clk    (clk),
    .we_i   (result_valid_i && enable_i && !result_tag_i[1]),
    .waddr_i(result_tag_i[4:2]),
    .wdata_i(result_i),
    .raddr_i(tag_q[4:2]),
    .rdata_o(sums)
  );

  assign op_valid_o = valid_q;
  assign factor_o   = factor_q;
  assign addend_o   = first_q ? {2*DATA_W{1'b0}} : sums;
  assign tag_o      = tag_q;

  wire unused_ok = &{1'b0, result_tag_i[0]};

endmodule

`default_nettype wire
