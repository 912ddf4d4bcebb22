// SPDX-License-Identifier: Apache-2.0
// sat_pool_sum: POOL backward on the lanes: per piece of a window (sat_pool_reader) and vector of
// DATA_W/32 channels sum = sum + dY where WINNER says so, else + 0, which changes nothing as a sum
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
  output wire        [DATA_W/2-1:0] factor_o,
  output wire          [DATA_W-1:0] addend_o,  // the scalar is 1
  output wire                 [7:0] tag_o,  // vector, result, ends band, beat, odd
  // its result
  input  wire                       result_valid_i,
  input  wire                 [7:0] result_tag_i,
  input  wire          [DATA_W-1:0] result_i
);

  localparam integer LANES  = DATA_W / 32;
  localparam integer HALF_W = DATA_W / 2;

  // Cycles from a piece's beginning until the next one may read the sums.
  localparam [3:0] DISTANCE = `SAT_LANES_LATENCY;

  wire       band_last   = piece_i[`SAT_PIECE_BAND_LAST];
  wire       window_last = piece_i[`SAT_PIECE_WINDOW_LAST];
  wire       first       = piece_i[`SAT_PIECE_FIRST];
  wire       empty       = piece_i[`SAT_PIECE_EMPTY];
  wire [3:0] position    = piece_i[`SAT_PIECE_POSITION];
  wire [2:0] last_beat   = piece_i[`SAT_PIECE_LAST_BEAT];

  reg  [3:0] vector_q;
  reg  [3:0] wait_q;
  wire       odd  = vector_q[0];
  wire       last = vector_q == {last_beat, 1'b1};
  wire       step = enable_i && piece_valid_i && (empty || (&queue_valid_i))
                 && (first || (|vector_q) || (~|wait_q))
                 && (!window_last || credit_i || odd);

  assign piece_ready_o = step && last;
  assign queue_ready_o = {2{step && !empty}} & {last || (&vector_q[2:0]), odd};
  assign reserve_o     = step && window_last && !odd;

  always @(posedge clk) begin
    if (!rst_n) begin
      vector_q <= 4'd0;
      wait_q   <= 4'd0;
    end else begin
      if (step) vector_q <= last ? 4'd0 : vector_q + 4'd1;
      if (step && ~|vector_q) wait_q <= DISTANCE;
      else if (|wait_q)       wait_q <= wait_q - 4'd1;
    end
  end

  // Operands.
  reg                valid_q, first_q;
  reg          [7:0] tag_q;
  reg   [HALF_W-1:0] factor_q;
  wire [4*LANES-1:0] winners = queue_data_i[DATA_W + 4*LANES*vector_q[2:0] +: 4*LANES];
  wire  [HALF_W-1:0] values  = queue_data_i[odd ? HALF_W : 0 +: HALF_W];
  wire  [HALF_W-1:0] routed;
  wire  [DATA_W-1:0] sums;

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
    tag_q    <= {vector_q, window_last, band_last, odd, odd};
    factor_q <= routed;
  end

  sat_lutram #(
    .WIDTH(DATA_W),
    .DEPTH(16)
  ) u_sums (
    .clk    (clk),
    .we_i   (result_valid_i && enable_i && !result_tag_i[3]),
    .waddr_i(result_tag_i[7:4]),
    .wdata_i(result_i),
    .raddr_i(tag_q[7:4]),
    .rdata_o(sums)
  );

  assign op_valid_o = valid_q;
  assign factor_o   = factor_q;
  assign addend_o   = first_q ? {DATA_W{1'b0}} : sums;
  assign tag_o      = tag_q;

  wire unused_ok = &{1'b0, result_tag_i[2:0]};

endmodule

`default_nettype wire
