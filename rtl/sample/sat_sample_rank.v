// SPDX-License-Identifier: Apache-2.0
// sat_sample_rank: of each part of a vector of 16 FP16 values (2**size_log2_i neighbours) the
// largest magnitude, the first of equals, and the second largest exponent: a tournament. Latency 2,
// a vector a cycle; results stand at each pair of elements of the part.
`default_nettype none

module sat_sample_rank (
  input  wire         clk,
  input  wire   [2:0] size_log2_i,  // 1..4, stable
  input  wire [255:0] vector_i,
  output reg  [119:0] largest_o,    // 15 bits a pair
  output reg   [31:0] place_o,      // 4: its element
  output reg   [39:0] second_o      // 5: exponent field
);

  localparam integer NODE_W = 24;  // {second, place, largest}

  function automatic [NODE_W-1:0] merge(input reg [NODE_W-1:0] low, input reg [NODE_W-1:0] high);
    reg [NODE_W-1:0] winner;
    reg        [4:0] other;  // the loser's exponent
    begin
      winner = low[14:0] >= high[14:0] ? low : high;
      other  = low[14:0] >= high[14:0] ? high[14:10] : low[14:10];
      merge  = {winner[23:19] >= other ? winner[23:19] : other, winner[18:0]};
    end
  endfunction

  wire [16*NODE_W-1:0] elements;
  wire  [8*NODE_W-1:0] pairs;
  wire  [4*NODE_W-1:0] quads;
  wire  [2*NODE_W-1:0] octets;
  wire    [NODE_W-1:0] whole;
  reg   [8*NODE_W-1:0] pairs_q;
  reg   [4*NODE_W-1:0] quads_q;

  always @(posedge clk) {pairs_q, quads_q} <= {pairs, quads};

  genvar k;
  generate
    for (k = 0; k < 16; k = k + 1) begin : gen_element
      localparam [3:0] PLACE = k;
      assign elements[NODE_W*k +: NODE_W] = {5'd0, PLACE, vector_i[16*k +: 15]};
    end
    for (k = 0; k < 8; k = k + 1) begin : gen_pair
      assign pairs[NODE_W*k +: NODE_W] = merge(elements[2*NODE_W*k +: NODE_W],
                                               elements[2*NODE_W*k + NODE_W +: NODE_W]);
    end
    for (k = 0; k < 4; k = k + 1) begin : gen_quad
      assign quads[NODE_W*k +: NODE_W] = merge(pairs[2*NODE_W*k +: NODE_W],
                                               pairs[2*NODE_W*k + NODE_W +: NODE_W]);
    end
    for (k = 0; k < 2; k = k + 1) begin : gen_octet
      assign octets[NODE_W*k +: NODE_W] = merge(quads_q[2*NODE_W*k +: NODE_W],
                                                quads_q[2*NODE_W*k + NODE_W +: NODE_W]);
    end
    assign whole = merge(octets[0 +: NODE_W], octets[NODE_W +: NODE_W]);

    for (k = 0; k < 8; k = k + 1) begin : gen_part
      wire [NODE_W-1:0] node = size_log2_i == 3'd1 ? pairs_q[NODE_W*k +: NODE_W]
                             : size_log2_i == 3'd2 ? quads_q[NODE_W*(k/2) +: NODE_W]
                             : size_log2_i == 3'd3 ? octets[NODE_W*(k/4) +: NODE_W] : whole;
      always @(posedge clk)
        {second_o[5*k +: 5], place_o[4*k +: 4], largest_o[15*k +: 15]} <= node;
    end
  endgenerate

  wire unused_ok = &{1'b0, vector_i};

endmodule

`default_nettype wire
