// SPDX-License-Identifier: Apache-2.0
// sat_sore_emit: emits the kept elements of one vector of 16 in index order, EMIT a cycle: slot e
// gives those that load_slots_i marks as its own, in turn. A vector is taken when load_ready_o is
// high: idle, or the last elements of the one before leave. Since every group of M keeps exactly N,
// all vectors of a command take equally many cycles, and an element's number among the kept ones,
// EMIT * out_rank_o + e, is its row of the compressed tile. load_ready_o depends on out_ready_i.
`default_nettype none

module sat_sore_emit #(
  parameter integer EMIT = 1  // 1, 2 or 4
) (
  input  wire               clk,
  input  wire               rst_n,
  // command, stable while vectors are inside
  input  wire         [3:0] last_rank_i,
  // vector; per slot the mask of its elements, in the first one last_rank_i + 1
  input  wire               load_valid_i,
  output wire               load_ready_o,
  input  wire       [255:0] load_vector_i,
  input  wire [16*EMIT-1:0] load_slots_i,
  input  wire               load_last_i,
  // kept elements; the first slot is always used
  output wire    [EMIT-1:0] out_valid_o,
  input  wire               out_ready_i,
  output wire [16*EMIT-1:0] out_value_o,
  output wire  [4*EMIT-1:0] out_position_o,
  output wire         [3:0] out_rank_o,
  output wire               out_end_o,   // last elements of the vector
  output wire               out_last_o   // last elements of the vector that had load_last_i
);

  // Masks of the elements that are at the output, and of those still to come.
  reg [16*EMIT-1:0] now_q, rest_q;
  reg       [255:0] vector_q;
  reg         [3:0] rank_q;
  reg               valid_q, end_q, last_q;

  wire load = load_valid_i && load_ready_o;
  wire fire = valid_q && out_ready_i;

  assign out_rank_o   = rank_q;
  assign out_end_o    = end_q;
  assign out_last_o   = end_q && last_q;
  assign load_ready_o = !valid_q || (end_q && out_ready_i);

  always @(posedge clk) begin
    if (!rst_n)    valid_q <= 1'b0;
    else if (load) valid_q <= 1'b1;
    else if (fire) valid_q <= !end_q;
  end

  always @(posedge clk) begin
    if (load) begin
      vector_q <= load_vector_i;
      last_q   <= load_last_i;
      rank_q   <= 4'd0;
      end_q    <= last_rank_i == 4'd0;
    end else if (fire) begin
      rank_q   <= rank_q + 4'd1;
      end_q    <= rank_q + 4'd1 == last_rank_i;
    end
  end

  genvar e, k;
  generate
    for (e = 0; e < EMIT; e = e + 1) begin : gen_slot
      // While a vector is inside, rest_q is what follows; at its end a new one may come.
      wire     [15:0] waiting = (!valid_q || end_q) ? load_slots_i[16*e +: 16]
                                                    : rest_q[16*e +: 16];
      wire     [15:0] lowest  = waiting & (~waiting + 16'd1);
      wire     [15:0] now     = now_q[16*e +: 16];
      wire [16*17-1:0] chain;  // AND-OR of the values

      always @(posedge clk) if (load || fire) begin
        now_q[16*e +: 16]  <= lowest;
        rest_q[16*e +: 16] <= waiting & ~lowest;
      end

      assign chain[15:0] = 16'd0;
      for (k = 0; k < 16; k = k + 1) begin : gen_element
        assign chain[16*(k+1) +: 16] = chain[16*k +: 16] | ({16{now[k]}} & vector_q[16*k +: 16]);
      end

      assign out_valid_o[e]           = valid_q && (e == 0 || (|now));
      assign out_value_o[16*e +: 16]  = chain[16*16 +: 16];
      assign out_position_o[4*e +: 4] = {|(now & 16'hFF00), |(now & 16'hF0F0),
                                         |(now & 16'hCCCC), |(now & 16'hAAAA)};
    end
  endgenerate

endmodule

`default_nettype wire
