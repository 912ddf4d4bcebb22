// SPDX-License-Identifier: Apache-2.0
// sat_feature_rows: what AFFINE and STATS read, as requests to sat_feature_fetch: band by band of
// DATA_W/2 channels, the band's part of the parameters (AFFINE: alpha, beta with `second`, gamma),
// then of all rows, X and with `second` Y in turn. The parameters of at most two bands are out:
// band_done_i tells that those of one are used up.
`default_nettype none
`include "sat_buses.vh"

module sat_feature_rows #(
  parameter integer ADDR_W = 40,  // bits, 32..40
  parameter integer DATA_W = 128  // bits, 128, 256 or 512
) (
  input  wire                          clk,
  input  wire                          rst_n,
  // command; flags and sizes are stable from the cycle after start_i on
  input  wire                          start_i,
  input  wire                          affine_i,
  input  wire                          second_i,
  input  wire                   [23:0] rows_i,
  input  wire                   [15:0] cols_i,
  input  wire           [5*ADDR_W-1:0] base_i,    // gamma, beta, alpha, Y, X; valid with start_i
  input  wire [2*`SAT_STRIDE_BITS-1:0] stride_i,  // Y, X; valid with start_i
  input  wire                          band_done_i,
  // requests
  output wire                          piece_valid_o,
  input  wire                          piece_ready_i,
  output wire   [`SAT_TARGET_BITS-1:0] piece_target_o,
  output wire             [ADDR_W-1:0] piece_addr_o,
  output wire                    [4:0] piece_beats_o,
  output wire                    [1:0] piece_marks_o
);

  localparam integer LANE_W = $clog2(DATA_W / 32);  // of vectors: 16 in a band, 8 beats of FP16
  localparam integer CHAN_W = LANE_W + 4;

  localparam [15:0] BAND = DATA_W[16:1];  // channels: half of it

  localparam [`SAT_TARGET_BITS-1:0] TARGET_X     = 1 << `SAT_TARGET_X;
  localparam [`SAT_TARGET_BITS-1:0] TARGET_Y     = 1 << `SAT_TARGET_Y;
  localparam [`SAT_TARGET_BITS-1:0] TARGET_ALPHA = 1 << `SAT_TARGET_ALPHA;
  localparam [`SAT_TARGET_BITS-1:0] TARGET_BETA  = 1 << `SAT_TARGET_BETA;
  localparam [`SAT_TARGET_BITS-1:0] TARGET_GAMMA = 1 << `SAT_TARGET_GAMMA;

  reg         start_q, active_q;
  reg  [`SAT_TARGET_BITS-1:0] target_q;  // one-hot
  reg  [23:0] rows_left_q;
  reg  [15:0] cols_left_q;
  reg   [9:0] band_q;
  reg   [1:0] ahead_q;   // bands whose parameters are out, 0..2

  wire        last_band  = cols_left_q <= BAND;
  wire [CHAN_W-1:0] last_chan = (last_band ? cols_left_q[CHAN_W-1:0] : {CHAN_W{1'b0}}) - 1'b1;
  wire        [3:0] last_vector = last_chan[LANE_W +: 4];
  wire        last_row   = rows_left_q == 24'd1;
  wire [`SAT_TARGET_BITS-1:0] first      = affine_i ? TARGET_ALPHA : TARGET_X;
  wire        is_param   = target_q[`SAT_TARGET_ALPHA] || target_q[`SAT_TARGET_BETA]
                           || target_q[`SAT_TARGET_GAMMA];
  wire        fire       = piece_valid_o && piece_ready_i;
  wire        row_fire   = fire && (second_i ? target_q[`SAT_TARGET_Y] : target_q[`SAT_TARGET_X]);
  wire        band_fire  = row_fire && last_row;
  wire        new_params = fire && target_q[`SAT_TARGET_ALPHA];

  reg  [`SAT_TARGET_BITS-1:0] following;
  always @(*) begin
    case (target_q)
      TARGET_ALPHA: following = second_i ? TARGET_BETA : TARGET_GAMMA;
      TARGET_BETA:  following = TARGET_GAMMA;
      TARGET_GAMMA: following = TARGET_X;
      default:      following = band_fire ? first
                              : (second_i && target_q[`SAT_TARGET_X]) ? TARGET_Y : TARGET_X;
    endcase
  end

  assign piece_valid_o  = active_q && !(target_q[`SAT_TARGET_ALPHA] && ahead_q[1]);
  assign piece_target_o = target_q;
  assign piece_beats_o  = is_param ? {1'b0, last_vector} + 5'd1
                                    : {2'd0, last_vector[3:1]} + 5'd1;
  assign piece_marks_o  = {last_row, !last_vector[0]};

  always @(posedge clk) begin
    if (!rst_n) begin
      start_q  <= 1'b0;
      active_q <= 1'b0;
      ahead_q  <= 2'd0;
    end else begin
      start_q  <= start_i;
      active_q <= start_q || (active_q && !(band_fire && last_band));
      ahead_q  <= ahead_q + {1'b0, new_params} - {1'b0, band_done_i};
    end
  end

  always @(posedge clk) begin
    if (start_q) begin
      target_q    <= first;
      rows_left_q <= rows_i;
      cols_left_q <= cols_i;
      band_q      <= 10'd0;
    end else if (fire) begin
      target_q <= following;
      if (row_fire) rows_left_q <= last_row ? rows_i : rows_left_q - 24'd1;
      if (band_fire) begin
        cols_left_q <= cols_left_q - BAND;
        band_q      <= band_q + 10'd1;
      end
    end
  end

  // A band is DATA_W bytes of a row of FP16, twice that of a row of FP32.
  wire [2*ADDR_W-1:0] row_addr;
  reg  [3*ADDR_W-1:0] param_base_q;

  always @(posedge clk) if (start_i) param_base_q <= base_i[2*ADDR_W +: 3*ADDR_W];

  genvar k;
  generate
    for (k = 0; k < 2; k = k + 1) begin : gen_row
      sat_row_pointer #(
        .ADDR_W(ADDR_W)
      ) u_pointer (
        .clk     (clk),
        .start_i (start_i),
        .base_i  (base_i[ADDR_W*k +: ADDR_W]),
        .stride_i(stride_i[`SAT_STRIDE_BITS*k +: `SAT_STRIDE_BITS]),
        .step_i  (row_fire),
        .save_i  (1'b0),
        .rewind_i(band_fire),
        .row_o   (row_addr[ADDR_W*k +: ADDR_W])
      );
    end
  endgenerate

  wire [ADDR_W-1:0] base = target_q[`SAT_TARGET_X] ? row_addr[0 +: ADDR_W]
                         : target_q[`SAT_TARGET_Y] ? row_addr[ADDR_W +: ADDR_W]
                         : target_q[`SAT_TARGET_ALPHA] ? param_base_q[0 +: ADDR_W]
                         : target_q[`SAT_TARGET_BETA] ? param_base_q[ADDR_W +: ADDR_W]
                                       : param_base_q[2*ADDR_W +: ADDR_W];

  wire [ADDR_W-1:0] offset = {{ADDR_W-14-LANE_W{1'b0}}, band_q, {LANE_W+4{1'b0}}};  // in channels

  assign piece_addr_o = base + (is_param ? offset << 2 : offset << 1);

  wire unused_ok = &{1'b0, last_chan};

endmodule

`default_nettype wire
