// SPDX-License-Identifier: Apache-2.0
// sat_sample_masks: what a sample keeps of each vector of 16 FP16 values: elements as they are, and
// elements drawn at random with the value that their part gets; the others are dropped. A part
// (2**size_log2_i neighbours) that holds an infinity or a NaN, or nothing to draw from, stays as it
// is. Latency 15, a vector a cycle. What belongs to a part stands at each of its pairs
// of elements. Golden function: sample.
`default_nettype none

module sat_sample_masks (
  input  wire         clk,
  // command, stable
  input  wire   [2:0] size_log2_i,  // 1..4
  input  wire   [7:0] two_i,        // the part keeps two
  // vector, and random bits, 16 for each quad of its elements
  input  wire  [63:0] random_i,
  input  wire [255:0] vector_i,
  output wire  [15:0] kept_o,
  output wire  [15:0] drawn_o,
  output wire [119:0] value_o       // FP16 without sign
);

  localparam integer RANK    = 4;   // latencies
  localparam integer WEIGHTS = 8;
  localparam integer PICK    = 3;

  wire [255:0] vector;
  wire  [63:0] draw;
  wire [119:0] largest;
  wire  [31:0] place;
  wire  [39:0] second, exponent;
  wire [287:0] above;
  wire [143:0] total;
  wire   [7:0] pick_two, special, special_made, empty;
  wire  [15:0] alone, alone_made;

  sat_sample_rank u_rank (
    .clk        (clk),
    .size_log2_i(size_log2_i),
    .vector_i   (vector_i),
    .largest_o  (largest),
    .place_o    (place),
    .second_o   (second)
  );

  sat_delay #(
    .WIDTH (256),
    .CYCLES(RANK)
  ) u_vector (
    .clk  (clk),
    .in_i (vector_i),
    .out_o(vector)
  );

  sat_sample_weights u_weights (
    .clk        (clk),
    .size_log2_i(size_log2_i),
    .two_i      (two_i),
    .vector_i   (vector),
    .largest_i  (largest),
    .place_i    (place),
    .second_i   (second),
    .above_o    (above),
    .total_o    (total),
    .exponent_o (exponent),
    .pick_two_o (pick_two),
    .alone_o    (alone)
  );

  sat_delay #(
    .WIDTH (64),
    .CYCLES(RANK + WEIGHTS - 1)
  ) u_draw (
    .clk  (clk),
    .in_i (random_i),
    .out_o(draw)
  );

  sat_sample_pick u_pick (
    .clk        (clk),
    .size_log2_i(size_log2_i),
    .random_i   (draw),
    .above_i    (above),
    .total_i    (total),
    .exponent_i (exponent),
    .two_i      (pick_two),
    .drawn_o    (drawn_o),
    .value_o    (value_o),
    .empty_o    (empty)
  );

  sat_delay #(
    .WIDTH (8),
    .CYCLES(WEIGHTS + PICK)
  ) u_special (
    .clk  (clk),
    .in_i (special),
    .out_o(special_made)
  );

  sat_delay #(
    .WIDTH (16),
    .CYCLES(PICK)
  ) u_alone (
    .clk  (clk),
    .in_i (alone),
    .out_o(alone_made)
  );

  genvar k;
  generate
    for (k = 0; k < 8; k = k + 1) begin : gen_special
      assign special[k] = &largest[15*k + 10 +: 5];
    end
    for (k = 0; k < 16; k = k + 1) begin : gen_kept
      assign kept_o[k] = alone_made[k] || special_made[k/2] || empty[k/2];
    end
  endgenerate

endmodule

`default_nettype wire
