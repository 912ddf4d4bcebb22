// SPDX-License-Identifier: Apache-2.0
// sat_sample_weights: what the elements of each part weigh, added up: their magnitudes in units of
// 2**(exponent - 27), truncated, where exponent is the largest of a part that keeps one and the
// second largest of one that keeps two. The largest of two stands alone where it weighs no less
// than all others; else it counts among them. Latency 8, a vector a cycle; what belongs to a part
// stands at each of its pairs of elements, which sat_sample_rank describes.
`default_nettype none

module sat_sample_weights (
  input  wire         clk,
  // command, stable
  input  wire   [2:0] size_log2_i,
  input  wire   [7:0] two_i,        // the part keeps two
  // vector and its ranks
  input  wire [255:0] vector_i,
  input  wire [119:0] largest_i,
  input  wire  [31:0] place_i,
  input  wire  [39:0] second_i,
  // of an element the sum of the weights up to it, of a part the sum of all
  output reg  [287:0] above_o,      // 18 bits each
  output reg  [143:0] total_o,
  output wire  [39:0] exponent_o,
  output reg    [7:0] pick_two_o,
  output wire  [15:0] alone_o       // elements
);

  function automatic [4:0] field(input reg [4:0] exponent);
    field = (exponent == 5'd0) ? 5'd1 : exponent;  // of a subnormal that of the least normal
  endfunction

  // ---- Weights: how far each is shifted, then the shifts
  reg [16*13-1:0] sig_q, weight_q;
  reg   [16*5-1:0] right_q;
  reg   [8*11-1:0] heavy_sig_q;
  reg    [8*3-1:0] left_q;
  reg  [8*18-1:0] heavy_q;   // the largest's
  reg       [39:0] exponent_q;
  reg       [31:0] shift_place_q, place_q;
  genvar k, l;
  generate
    for (k = 0; k < 8; k = k + 1) begin : gen_exponent
      wire [14:0] largest  = largest_i[15*k +: 15];
      wire  [4:0] own      = field(largest[14:10]);
      wire  [4:0] exponent = two_i[k] ? field(second_i[5*k +: 5]) : own;
      wire  [4:0] left     = own - exponent;
      wire  [2:0] shift    = left > 5'd5 ? 3'd5 : left[2:0];  // 5 outweighs all others
      wire [10:0] sig      = {|largest[14:10], largest[9:0]};

      always @(posedge clk) begin
        exponent_q[5*k +: 5]    <= exponent;
        heavy_sig_q[11*k +: 11] <= sig;
        left_q[3*k +: 3]        <= shift;
        heavy_q[18*k +: 18]     <= {5'd0, heavy_sig_q[11*k +: 11], 2'd0} << left_q[3*k +: 3];
      end
    end
    for (k = 0; k < 16; k = k + 1) begin : gen_weight
      localparam [3:0] PLACE = k;
      wire [14:0] magnitude = vector_i[16*k +: 15];
      wire  [4:0] right     = gen_exponent[k/2].exponent - field(magnitude[14:10]);
      wire        left_out  = two_i[k/2] && place_i[4*(k/2) +: 4] == PLACE;
      wire [12:0] weight    = {|magnitude[14:10], magnitude[9:0], 2'd0};

      always @(posedge clk) begin
        sig_q[13*k +: 13]    <= left_out ? 13'd0 : weight;
        right_q[5*k +: 5]    <= right;
        weight_q[13*k +: 13] <= sig_q[13*k +: 13] >> right_q[5*k +: 5];
      end
    end
  endgenerate
  always @(posedge clk) {place_q, shift_place_q} <= {shift_place_q, place_i};

  // ---- Sums within the part, without the largest of two: level l joins parts of 2**l
  wire [16*17-1:0] leaves;
  reg  [4*16*17-1:0] level_q;  // from level 1 on
  generate
    for (k = 0; k < 16; k = k + 1) begin : gen_sum
      assign leaves[17*k +: 17] = {4'd0, weight_q[13*k +: 13]};
      for (l = 1; l <= 4; l = l + 1) begin : gen_level
        localparam [2:0] L = l;
        localparam integer LEFT = (k >> l << l) + (1 << (l - 1)) - 1;  // last of the left half
        wire        joins = (k >> (l - 1)) % 2 == 1 && size_log2_i >= L;
        wire [16:0] mine, left;
        if (l == 1) begin : gen_first
          assign {mine, left} = {leaves[17*k +: 17], leaves[17*LEFT +: 17]};
        end else begin : gen_next
          assign mine = level_q[16*17*(l-2) + 17*k +: 17];
          assign left = level_q[16*17*(l-2) + 17*LEFT +: 17];
        end
        always @(posedge clk) level_q[16*17*(l-1) + 17*k +: 17] <= mine + (joins ? left : 17'd0);
      end
    end
  endgenerate

  wire [16*17-1:0] sum = level_q[3*16*17 +: 16*17];
  wire  [8*18-1:0] heavy;
  wire      [31:0] place;

  sat_delay #(
    .WIDTH (8*18 + 32),
    .CYCLES(4)
  ) u_sums (
    .clk  (clk),
    .in_i ({place_q, heavy_q}),
    .out_o({place, heavy})
  );

  // ---- Does the largest stand alone?
  reg       [7:0] alone_q, pick_two_q;
  reg [16*17-1:0] sum_q;
  reg  [8*17-1:0] rest_q, heavier_q;
  reg      [31:0] largest_place_q;
  generate
    for (k = 0; k < 8; k = k + 1) begin : gen_alone
      wire [16:0] rest  = size_log2_i == 3'd1 ? sum[17*(2*k + 1) +: 17]
                        : size_log2_i == 3'd2 ? sum[17*(k/2*4 + 3) +: 17]
                        : size_log2_i == 3'd3 ? sum[17*(k/4*8 + 7) +: 17] : sum[17*15 +: 17];
      wire        alone = heavy[18*k +: 18] >= {1'b0, rest};

      always @(posedge clk) begin
        alone_q[k]            <= two_i[k] && alone;
        pick_two_q[k]         <= two_i[k] && !alone;
        rest_q[17*k +: 17]    <= rest;
        heavier_q[17*k +: 17] <= heavy[18*k +: 17];  // all of it where it does not stand alone
      end
    end
  endgenerate
  always @(posedge clk) {sum_q, largest_place_q} <= {sum, place};

  // ---- The sums, with the largest where it is one among others
  reg [15:0] alone_element_q;
  generate
    for (k = 0; k < 16; k = k + 1) begin : gen_above
      localparam [3:0] PLACE = k;
      wire [3:0] at     = largest_place_q[4*(k/2) +: 4];
      wire       behind = {1'b0, PLACE} - {1'b0, at} < 5'd16;  // or there
      always @(posedge clk) begin
        above_o[18*k +: 18] <= {1'b0, sum_q[17*k +: 17]}
            + ((pick_two_q[k/2] && behind) ? {1'b0, heavier_q[17*(k/2) +: 17]} : 18'd0);
        alone_element_q[k]  <= alone_q[k/2] && PLACE == at;
      end
    end
    for (k = 0; k < 8; k = k + 1) begin : gen_total
      always @(posedge clk)
        total_o[18*k +: 18] <= {1'b0, rest_q[17*k +: 17]}
                             + (pick_two_q[k] ? {1'b0, heavier_q[17*k +: 17]} : 18'd0);
    end
  endgenerate
  always @(posedge clk) pick_two_o <= pick_two_q;

  assign alone_o = alone_element_q;

  wire unused_ok = &{1'b0, vector_i};

  sat_delay #(
    .WIDTH (40),
    .CYCLES(7)
  ) u_exponent (
    .clk  (clk),
    .in_i (exponent_q),
    .out_o(exponent_o)
  );

endmodule

`default_nettype wire
