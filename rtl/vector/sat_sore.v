// SPDX-License-Identifier: Apache-2.0
// sat_sore: SORE, the sparse online reduction engine: takes vectors of 16 FP16 values, columns of a
// tile for W_FF (in_bp_i = 0) or rows for W_BP (in_bp_i = 1), and emits each one's kept elements.
// One selection network serves both directions, a vector a cycle; each direction has its own
// emitter, so that both give EMIT elements a cycle. N = M keeps all. FF has the low parts of the
// outputs, BP the high.
// A vector passes four stages: comparisons, counts, the kept ones, who of them leaves through which
// slot of the emitter. They move together. in_ready_o depends on out_ready_i.
// Golden functions: compress_ff, compress_bp.
`default_nettype none

module sat_sore #(
  parameter integer EMIT = 1  // elements, 1, 2 or 4
) (
  input  wire               clk,
  input  wire               rst_n,
  // command, stable while vectors are inside
  input  wire         [4:0] n_i,
  input  wire         [2:0] m_log2_i,
  // vectors
  input  wire               in_valid_i,
  output wire               in_ready_o,
  input  wire               in_bp_i,
  input  wire               in_last_i,   // last vector of its direction in the tile
  input  wire       [255:0] in_vector_i,
  // kept elements: value, index within the group of M; EMIT * rank + e is the row of the
  // compressed tile of the element in slot e. The first slot is always used
  output wire  [2*EMIT-1:0] out_valid_o,
  input  wire         [1:0] out_ready_i,
  output wire [32*EMIT-1:0] out_value_o,
  output wire  [8*EMIT-1:0] out_index_o,
  output wire         [7:0] out_rank_o,
  output wire         [1:0] out_end_o,   // last elements of a vector
  output wire         [1:0] out_last_o   // last elements of the tile
);

  localparam integer STAGES = 4;
  localparam integer SIDE_W = 258;

  // The newest vector is in the low bits.
  reg        [STAGES-1:0] valid_q;
  reg [STAGES*SIDE_W-1:0] side_q;
  wire              [1:0] load_ready;
  wire                    valid = valid_q[STAGES-1];
  wire                    bp, last;
  wire            [255:0] vector;
  wire                    move = !valid || (bp ? load_ready[1] : load_ready[0]);

  assign {bp, last, vector} = side_q[(STAGES-1)*SIDE_W +: SIDE_W];
  assign in_ready_o         = move;

  always @(posedge clk) begin
    if (!rst_n)    valid_q <= {STAGES{1'b0}};
    else if (move) valid_q <= {valid_q[STAGES-2:0], in_valid_i};
  end
  always @(posedge clk)
    if (move) side_q <= {side_q[(STAGES-1)*SIDE_W-1:0], in_bp_i, in_last_i, in_vector_i};

  wire [16*15-1:0] keys;
  wire      [15:0] keep;
  wire       [3:0] index_mask = ~(4'hF << m_log2_i);
  // Each of the 16/M groups keeps N.
  wire       [4:0] kept       = n_i << (3'd4 - m_log2_i);
  wire       [4:0] last_kept  = kept - 5'd1;
  reg        [3:0] last_rank_q;

  always @(posedge clk) last_rank_q <= last_kept[3:0] >> $clog2(EMIT);

  genvar g, e;
  generate
    for (g = 0; g < 16; g = g + 1) begin : gen_key
      assign keys[15*g +: 15] = in_vector_i[16*g +: 15];
    end
  endgenerate

  sat_nm_select #(
    .M_MAX (16),
    .KEY_W (15),
    .STAGES(2)
  ) u_select (
    .clk     (clk),
    .enable_i(move),
    .keys_i  (keys),
    .m_log2_i(m_log2_i),
    .n_i     (n_i),
    .keep_o  (keep)
  );

  // The kept elements leave through the slots in turn.
  reg       [15:0] keep_q;
  reg [16*EMIT-1:0] slots_q;

  always @(posedge clk) if (move) keep_q <= keep;

  generate
    for (g = 0; g < 16; g = g + 1) begin : gen_element
      reg [1:0] earlier;  // kept elements before it, modulo 4
      integer   k;
      always @(*) begin
        earlier = 2'd0;
        for (k = 0; k < g; k = k + 1) earlier = earlier + {1'b0, keep_q[k]};
      end
      for (e = 0; e < EMIT; e = e + 1) begin : gen_slot
        localparam [1:0] SLOT = e;
        localparam [1:0] MASK = EMIT[1:0] - 2'd1;
        always @(posedge clk)
          if (move) slots_q[16*e + g] <= keep_q[g] && ((earlier ^ SLOT) & MASK) == 2'd0;
      end
    end

    for (g = 0; g < 2; g = g + 1) begin : gen_direction
      wire [4*EMIT-1:0] position;

      assign out_index_o[4*EMIT*g +: 4*EMIT] = position & {EMIT{index_mask}};

      sat_sore_emit #(
        .EMIT(EMIT)
      ) u_emit (
        .clk           (clk),
        .rst_n         (rst_n),
        .last_rank_i   (last_rank_q),
        .load_valid_i  (valid && bp == g),
        .load_ready_o  (load_ready[g]),
        .load_vector_i (vector),
        .load_slots_i  (slots_q),
        .load_last_i   (last),
        .out_valid_o   (out_valid_o[EMIT*g +: EMIT]),
        .out_ready_i   (out_ready_i[g]),
        .out_value_o   (out_value_o[16*EMIT*g +: 16*EMIT]),
        .out_position_o(position),
        .out_rank_o    (out_rank_o[4*g +: 4]),
        .out_end_o     (out_end_o[g]),
        .out_last_o    (out_last_o[g])
      );
    end
  endgenerate

  wire unused_ok = &{1'b0, last_kept};

endmodule

`default_nettype wire
