// SPDX-License-Identifier: Apache-2.0
// sat_sample_rank: of each part of a vector of 16 FP16 values (2**size_log2_i neighbours) the
// largest magnitude, the first of equals, and the second largest exponent: a tournament, a round a
// cycle. Latency 4, a vector a cycle; results stand at each pair of elements of the part.
`default_nettype none

module sat_sample_rank (
  input  wire         clk,
  input  wire   [2:0] size_log2_i,  // 1..4, stable
  input  wire [255:0] vector_i,
  output wire [119:0] largest_o,    // 15 bits a pair
  output wire  [31:0] place_o,      // 4: its element
  output wire  [39:0] second_o      // 5: exponent field
);

  localparam integer NODE_W = 24;  // {second, place, largest}

  // The second of whoever wins, or the loser's exponent: both are found beside the winner.
  function automatic [NODE_W-1:0] merge(input reg [NODE_W-1:0] low, input reg [NODE_W-1:0] high);
    reg [4:0] low_second, high_second;
    begin
      low_second  = low[23:19] >= high[14:10] ? low[23:19] : high[14:10];
      high_second = high[23:19] >= low[14:10] ? high[23:19] : low[14:10];
      merge = low[14:0] >= high[14:0] ? {low_second, low[18:0]} : {high_second, high[18:0]};
    end
  endfunction

  wire [16*NODE_W-1:0] elements;
  reg   [8*NODE_W-1:0] pairs_q, quads_q, octets_q, whole_q;  // or what has no more rounds

  genvar k;
  generate
    for (k = 0; k < 16; k = k + 1) begin : gen_element
      localparam [3:0] PLACE = k;
      assign elements[NODE_W*k +: NODE_W] = {5'd0, PLACE, vector_i[16*k +: 15]};
    end
    for (k = 0; k < 8; k = k + 1) begin : gen_pair
      localparam integer PAIR  = NODE_W * k;
      localparam integer QUAD  = NODE_W * (k / 2 * 2);
      localparam integer OCTET = NODE_W * (k / 4 * 4);

      always @(posedge clk) begin
        pairs_q[PAIR +: NODE_W]  <= merge(elements[2*PAIR +: NODE_W],
                                          elements[2*PAIR + NODE_W +: NODE_W]);
        quads_q[PAIR +: NODE_W]  <= size_log2_i < 3'd2 ? pairs_q[PAIR +: NODE_W]
                                  : merge(pairs_q[QUAD +: NODE_W],
                                          pairs_q[QUAD + NODE_W +: NODE_W]);
        octets_q[PAIR +: NODE_W] <= size_log2_i < 3'd3 ? quads_q[PAIR +: NODE_W]
                                  : merge(quads_q[OCTET +: NODE_W],
                                          quads_q[OCTET + 2*NODE_W +: NODE_W]);
        whole_q[PAIR +: NODE_W]  <= size_log2_i < 3'd4 ? octets_q[PAIR +: NODE_W]
                                  : merge(octets_q[0 +: NODE_W], octets_q[4*NODE_W +: NODE_W]);
      end
      assign {second_o[5*k +: 5], place_o[4*k +: 4], largest_o[15*k +: 15]}
          = whole_q[PAIR +: NODE_W];
    end
  endgenerate

  wire unused_ok = &{1'b0, vector_i};

endmodule

`default_nettype wire
