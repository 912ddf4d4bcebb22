// SPDX-License-Identifier: Apache-2.0
// sat_pack: collects groups of LANES FP32 or FP16 values into memory beats with byte strobes.
// A row begins with a fresh beat and row_last_i ends its last one, complete or not. Latency 1.
`default_nettype none

module sat_pack #(
  parameter integer LANES  = 4,    // values of a group, at most DATA_W/32
  parameter integer DATA_W = 128
) (
  input  wire                clk,
  input  wire                rst_n,
  input  wire                as_single_i,
  input  wire                valid_i,
  input  wire                row_last_i,
  input  wire [LANES-1:0]    lanes_i,     // which values count
  input  wire [LANES*32-1:0] single_i,
  input  wire [LANES*16-1:0] half_i,
  output reg                 beat_valid_o,
  output reg  [DATA_W-1:0]   beat_o,
  output reg  [DATA_W/8-1:0] strb_o
);

  localparam integer HALVES  = DATA_W / (LANES * 16);   // FP16 groups of a beat
  localparam integer PLACE_W = $clog2(HALVES);

  reg [PLACE_W-1:0]    place_q;    // of the group in the beat, counted in FP16 groups
  reg [LANES*4-1:0]    single_strb;
  reg [LANES*2-1:0]    half_strb;
  integer              l;
  always @(*) begin
    for (l = 0; l < LANES; l = l + 1) begin
      single_strb[l*4 +: 4] = {4{lanes_i[l]}};
      half_strb[l*2 +: 2]   = {2{lanes_i[l]}};
    end
  end

  wire [PLACE_W:0]   one       = {{PLACE_W{1'b0}}, 1'b1};
  wire [PLACE_W:0]   next      = {1'b0, place_q} + (as_single_i ? one << 1 : one);
  wire               fresh     = place_q == {PLACE_W{1'b0}};
  wire               beat_ends = row_last_i || next[PLACE_W];

  // The beat under construction.
  reg  [DATA_W-1:0]   held_q;
  reg  [DATA_W/8-1:0] held_strb_q;
  wire [DATA_W-1:0]   group  = as_single_i ? {{DATA_W-LANES*32{1'b0}}, single_i}
                                           : {{DATA_W-LANES*16{1'b0}}, half_i};
  wire [DATA_W-1:0]   placed = group << (place_q * (LANES*16));
  wire [DATA_W/8-1:0] group_strb  = as_single_i ? {{DATA_W/8-LANES*4{1'b0}}, single_strb}
                                                : {{DATA_W/8-LANES*2{1'b0}}, half_strb};
  wire [DATA_W/8-1:0] placed_strb = group_strb << (place_q * (LANES*2));

  wire [DATA_W-1:0]   beat = (fresh ? {DATA_W{1'b0}} : held_q) | placed;
  wire [DATA_W/8-1:0] strb = (fresh ? {DATA_W/8{1'b0}} : held_strb_q) | placed_strb;

  always @(posedge clk) begin
    if (!rst_n) begin
      place_q      <= {PLACE_W{1'b0}};
      beat_valid_o <= 1'b0;
    end else begin
      beat_valid_o <= valid_i && beat_ends;
      if (valid_i) place_q <= beat_ends ? {PLACE_W{1'b0}} : next[PLACE_W-1:0];
    end
    if (valid_i) begin
      held_q      <= beat;
      held_strb_q <= strb;
    end
    beat_o <= beat;
    strb_o <= strb;
  end

endmodule

`default_nettype wire
