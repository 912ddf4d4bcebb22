// SPDX-License-Identifier: Apache-2.0
// sat_sore: SORE, the sparse online reduction engine: takes vectors of 16 FP16 values, columns of a
// tile for W_FF (in_bp_i = 0) or rows for W_BP (in_bp_i = 1), and emits each one's kept elements.
// One selection network serves both directions; each direction has its own emitter, so that both
// write one element a cycle. N = M keeps all. FF has the low parts of the outputs, BP the high.
// A vector's keys are compared as it comes; a cycle later the kept ones are counted on the way into
// the emitter. in_ready_o depends on out_ready_i.
// Golden functions: compress_ff, compress_bp.
`default_nettype none

module sat_sore (
  input  wire         clk,
  input  wire         rst_n,
  // command, stable while vectors are inside
  input  wire   [4:0] n_i,
  input  wire   [2:0] m_log2_i,
  // vectors
  input  wire         in_valid_i,
  output wire         in_ready_o,
  input  wire         in_bp_i,
  input  wire         in_last_i,   // last vector of its direction in the tile
  input  wire [255:0] in_vector_i,
  // kept elements: value, index within the group of M, row of the compressed tile
  output wire   [1:0] out_valid_o,
  input  wire   [1:0] out_ready_i,
  output wire  [31:0] out_value_o,
  output wire   [7:0] out_index_o,
  output wire   [7:0] out_rank_o,
  output wire   [1:0] out_end_o,   // last element of a vector
  output wire   [1:0] out_last_o   // last element of the tile
);

  // One vector waits between the comparisons and its emitter.
  reg  [255:0] vector_q;
  reg          valid_q, bp_q, last_q;
  wire   [1:0] load_ready;
  wire         load = valid_q && (bp_q ? load_ready[1] : load_ready[0]);
  assign in_ready_o = !valid_q || load;

  always @(posedge clk) begin
    if (!rst_n) valid_q <= 1'b0;
    else if (in_ready_o) valid_q <= in_valid_i;
  end
  always @(posedge clk) begin
    if (in_ready_o) begin
      vector_q <= in_vector_i;
      bp_q     <= in_bp_i;
      last_q   <= in_last_i;
    end
  end

  wire [16*15-1:0] keys;
  wire      [15:0] keep;
  wire       [3:0] index_mask = ~(4'hF << m_log2_i);

  genvar g;
  generate
    for (g = 0; g < 16; g = g + 1) begin : gen_key
      assign keys[15*g +: 15] = in_vector_i[16*g +: 15];
    end
  endgenerate

  sat_nm_select #(
    .M_MAX (16),
    .KEY_W (15),
    .STAGES(1)
  ) u_select (
    .clk     (clk),
    .enable_i(in_ready_o),
    .keys_i  (keys),
    .m_log2_i(m_log2_i),
    .n_i     (n_i),
    .keep_o  (keep)
  );

  generate
    for (g = 0; g < 2; g = g + 1) begin : gen_direction
      wire [3:0] position;

      assign out_index_o[4*g +: 4] = position & index_mask;

      sat_sore_emit u_emit (
        .clk           (clk),
        .rst_n         (rst_n),
        .load_valid_i  (valid_q && bp_q == g),
        .load_ready_o  (load_ready[g]),
        .load_vector_i (vector_q),
        .load_keep_i   (keep),
        .load_last_i   (last_q),
        .out_valid_o   (out_valid_o[g]),
        .out_ready_i   (out_ready_i[g]),
        .out_value_o   (out_value_o[16*g +: 16]),
        .out_position_o(position),
        .out_rank_o    (out_rank_o[4*g +: 4]),
        .out_end_o     (out_end_o[g]),
        .out_last_o    (out_last_o[g])
      );
    end
  endgenerate

endmodule

`default_nettype wire
