// SPDX-License-Identifier: Apache-2.0
// sat_vector_command: what the units of the vector engine are told of a command. start_i comes with
// a checked descriptor; start_o or feature_start_o in the same cycle says who begins: PRUNE and
// UPDATE visit tiles, all else belongs to the feature unit, and an UPDATE that is skipped begins
// nothing. Bases and strides are valid with start_i only, the rest from the cycle after it.
`default_nettype none
`include "sat_buses.vh"
`include "sat_defs.vh"

module sat_vector_command #(
  parameter integer ADDR_W = 40  // bits, 32..40
) (
  input  wire                          clk,
  input  wire                          start_i,
  input  wire                 [1023:0] desc_i,
  input  wire                          overflow_latch_i,
  // with start_i
  output wire                          start_o,
  output wire                          feature_start_o,
  output wire           [7*ADDR_W-1:0] base_o,
  output wire [7*`SAT_STRIDE_BITS-1:0] stride_o,
  // from the next cycle on
  output reg                           feature_o,
  output reg                           update_o,
  output reg                           half_o,  // the source is FP16
  output reg                           decay_en_o,
  output reg                           ff_o,
  output reg                           bp_o,
  output reg                           sample_o,
  output reg                    [31:0] layer_o,
  output reg                     [4:0] n_o,
  output reg                     [2:0] m_log2_o,
  output reg                    [23:0] rows_o,
  output reg                    [15:0] cols_o,
  output reg                    [31:0] inv_scale_o,
  output reg                    [31:0] decay_o,
  output reg                    [31:0] momentum_o,
  output reg                    [31:0] lr_o
);

  wire  [4:0] flags   = desc_i[`SAT_DESC_FLAGS_LSB +: 5];
  wire  [4:0] m       = desc_i[`SAT_DESC_M_LSB +: `SAT_DESC_M_BITS];
  wire  [7:0] opcode  = desc_i[`SAT_DESC_OPCODE_LSB +: `SAT_DESC_OPCODE_BITS];
  wire        update  = opcode == `SAT_OP_UPDATE;
  wire        skip    = update && flags[`SAT_FLAG_UPDATE_SKIP_ON_OVERFLOW] && overflow_latch_i;
  wire        feature = !update && opcode != `SAT_OP_PRUNE;

  assign start_o         = start_i && !skip && !feature;
  assign feature_start_o = start_i && feature;

  always @(posedge clk) if (start_i) feature_o <= feature;

  always @(posedge clk) if (start_o) begin
    update_o    <= update;
    half_o      <= !update && flags[`SAT_FLAG_PRUNE_SRC_FP16];
    decay_en_o  <= flags[`SAT_FLAG_UPDATE_DECAY];
    ff_o        <= flags[`SAT_FLAG_UPDATE_FF];  // PRUNE has the same bits for ff and bp
    bp_o        <= flags[`SAT_FLAG_UPDATE_BP];
    sample_o    <= !update && flags[`SAT_FLAG_PRUNE_SAMPLE];
    layer_o     <= desc_i[`SAT_DESC_LAYER_LSB +: `SAT_DESC_LAYER_BITS];
    n_o         <= desc_i[`SAT_DESC_N_LSB +: `SAT_DESC_N_BITS];
    m_log2_o    <= {m[4], m[3] | m[2], m[3] | m[1]};
    rows_o      <= desc_i[`SAT_DESC_ROWS_LSB +: `SAT_DESC_ROWS_BITS];
    cols_o      <= desc_i[`SAT_DESC_COLS_LSB +: `SAT_DESC_COLS_BITS];
    inv_scale_o <= desc_i[`SAT_DESC_INV_SCALE_LSB +: `SAT_DESC_INV_SCALE_BITS];
    decay_o     <= desc_i[`SAT_DESC_DECAY_LSB +: `SAT_DESC_DECAY_BITS];
    momentum_o  <= desc_i[`SAT_DESC_MOMENTUM_LSB +: `SAT_DESC_MOMENTUM_BITS];
    lr_o        <= desc_i[`SAT_DESC_LR_LSB +: `SAT_DESC_LR_BITS];
  end

  sat_desc_slots #(
    .SLOTS (7),
    .ADDR_W(ADDR_W)
  ) u_slots (
    .desc_i  (desc_i),
    .addr_o  (base_o),
    .stride_o(stride_o)
  );

  wire unused_ok = &{1'b0, desc_i, m[0]};

endmodule

`default_nettype wire
