// SPDX-License-Identifier: Apache-2.0
// sat_sore_emit: emits the kept elements of one vector of 16 in index order, one a cycle.
// A vector is taken when load_ready_o is high: idle, or the last element of the one before leaves.
// out_rank_o counts the kept elements 0, 1, ...: since every group of M keeps exactly N, it is the
// row of the compressed tile. load_ready_o depends on out_ready_i. Reset clears the mask only.
`default_nettype none

module sat_sore_emit (
  input  wire         clk,
  input  wire         rst_n,
  // vector and the mask of its kept elements (not zero)
  input  wire         load_valid_i,
  output wire         load_ready_o,
  input  wire [255:0] load_vector_i,
  input  wire  [15:0] load_keep_i,
  input  wire         load_last_i,
  // kept elements
  output wire         out_valid_o,
  input  wire         out_ready_i,
  output wire  [15:0] out_value_o,
  output wire   [3:0] out_position_o,
  output wire   [3:0] out_rank_o,
  output wire         out_end_o,   // last element of the vector
  output wire         out_last_o   // last element of the vector that had load_last_i
);

  reg [255:0] vector_q;
  reg  [15:0] keep_q;
  reg   [3:0] rank_q;
  reg         last_q;

  wire [15:0] rest   = keep_q & (keep_q - 16'd1);
  wire [15:0] lowest = keep_q & ~rest;
  wire        load   = load_valid_i && load_ready_o;
  wire        fire   = out_valid_o && out_ready_i;

  assign out_position_o = {|(lowest & 16'hFF00), |(lowest & 16'hF0F0),
                           |(lowest & 16'hCCCC), |(lowest & 16'hAAAA)};
  assign out_value_o    = vector_q[16*out_position_o +: 16];
  assign out_rank_o     = rank_q;
  assign out_valid_o    = |keep_q;
  assign out_end_o      = ~|rest;
  assign out_last_o     = out_end_o && last_q;
  assign load_ready_o   = !out_valid_o || (out_end_o && out_ready_i);

  always @(posedge clk) begin
    if (!rst_n)    keep_q <= 16'd0;
    else if (load) keep_q <= load_keep_i;
    else if (fire) keep_q <= rest;
  end

  always @(posedge clk) begin
    if (load) begin
      vector_q <= load_vector_i;
      last_q   <= load_last_i;
      rank_q   <= 4'd0;
    end else if (fire) begin
      rank_q   <= rank_q + 4'd1;
    end
  end

endmodule

`default_nettype wire
