// SPDX-License-Identifier: Apache-2.0
// sat_wuve: WUVE, the weight update vector engine: momentum SGD on a 16x16 tile in passes of 64, 32
// or 16 vectors of DATA_W/32 elements.
//   scale     t = dW * inv_scale           velocity  t = momentum * V + t    (result: V)
//   decay     t = decay * W + t            weight    w = W - lr * t          (result: W)
// Each pass is one multiply, rounded, then one add, rounded, in the lanes outside (sat_lanes);
// t lives in a scratch RAM. A lone product adds -0, and x + -0 is x for every x. Without update_i
// only "weight" runs, as W = 1 * W. One vector a cycle. A vector's result is there LATENCY cycles
// after its read, less than the vectors between two passes, so there is no hazard. stall_i
// (combinational) holds a vector back.
// The tile's operands must stay until tile_ready_o. Golden function: update.
`default_nettype none
`include "sat_fp.vh"

module sat_wuve #(
  parameter integer DATA_W = 128  // bits of a vector, 128, 256 or 512
) (
  input  wire                         clk,
  input  wire                         rst_n,
  // command, stable while tiles are inside
  input  wire                         update_i,
  input  wire                         decay_en_i,
  input  wire                  [31:0] inv_scale_i,
  input  wire                  [31:0] decay_i,
  input  wire                  [31:0] momentum_i,
  input  wire                  [31:0] lr_i,
  // tile; taken when its last vector is read
  input  wire                         tile_valid_i,
  output wire                         tile_ready_o,
  input  wire                   [4:0] tile_rows_i,
  input  wire                   [4:0] tile_cols_i,
  // operand RAMs, index = {row, column / lanes}; data in the next cycle
  input  wire                         stall_i,
  output wire                         read_o,
  output wire                         read_result_o,  // what is or waits to be read gives a result
  output wire         [DATA_W/32-1:0] read_mask_o,  // its lanes that are inside the tile
  output wire [7-$clog2(DATA_W/32):0] read_index_o,
  input  wire            [DATA_W-1:0] gradient_i,
  input  wire            [DATA_W-1:0] velocity_i,
  input  wire            [DATA_W-1:0] weight_i,
  // lanes: operands of the vector read in the cycle before, and results
  output reg             [DATA_W-1:0] lane_factor_o,
  output reg                   [31:0] lane_scalar_o,
  output reg             [DATA_W-1:0] lane_addend_o,
  input  wire            [DATA_W-1:0] lane_result_i,
  // results: V and W
  output wire                         out_valid_o,
  output wire                         out_weight_o,
  output wire [7-$clog2(DATA_W/32):0] out_index_o,
  output wire         [DATA_W/32-1:0] out_mask_o,
  output wire            [DATA_W-1:0] out_data_o
);

  localparam integer LATENCY = 1 + `SAT_LANES_LATENCY;
  localparam integer LANES   = DATA_W / 32;
  localparam integer LANE_W  = $clog2(LANES);
  localparam integer INDEX_W = 8 - LANE_W;

  localparam [1:0] PASS_SCALE    = 2'd0;
  localparam [1:0] PASS_DECAY    = 2'd1;
  localparam [1:0] PASS_VELOCITY = 2'd2;
  localparam [1:0] PASS_WEIGHT   = 2'd3;

  localparam [31:0] MINUS_ZERO = 32'h80000000;
  localparam [31:0] ONE        = 32'h3F800000;

  // ---- Pass and vector to read
  reg          [1:0] pass_q;
  reg  [INDEX_W-1:0] index_q;
  wire         [1:0] pass     = update_i ? pass_q : PASS_WEIGHT;
  wire               pass_end = read_o && (&index_q);

  assign read_o        = tile_valid_i && !stall_i;
  assign read_result_o = pass[1];
  assign read_index_o  = index_q;
  assign tile_ready_o  = pass_end && (pass == PASS_WEIGHT);

  always @(posedge clk) begin
    if (!rst_n) begin
      pass_q  <= PASS_SCALE;
      index_q <= {INDEX_W{1'b0}};
    end else begin
      index_q <= index_q + {{INDEX_W-1{1'b0}}, read_o};
      if (tile_ready_o)  pass_q <= PASS_SCALE;
      else if (pass_end) pass_q <= (pass == PASS_SCALE && !decay_en_i) ? PASS_VELOCITY
                                                                       : pass + 2'd1;
    end
  end

  genvar k;
  generate
    for (k = 0; k < LANES; k = k + 1) begin : gen_mask
      wire [7:0] place = {index_q, {LANE_W{1'b0}}} + k;  // {row, column}
      assign read_mask_o[k] = ({1'b0, place[7:4]} < tile_rows_i)
                           && ({1'b0, place[3:0]} < tile_cols_i);
    end
  endgenerate

  // ---- What a vector carries along
  wire [1:0] out_pass;
  wire       result_valid;

  sat_valid_delay #(
    .CYCLES(LATENCY)
  ) u_valid (
    .clk  (clk),
    .rst_n(rst_n),
    .in_i (read_o),
    .out_o(result_valid)
  );

  sat_delay #(
    .WIDTH (2 + LANES + INDEX_W),
    .CYCLES(LATENCY)
  ) u_tag (
    .clk  (clk),
    .in_i ({pass, read_mask_o, index_q}),
    .out_o({out_pass, out_mask_o, out_index_o})
  );

  assign out_valid_o  = result_valid && out_pass[1];
  assign out_weight_o = out_pass[0];
  assign out_data_o   = lane_result_i;

  // ---- Scratch: g, then V
  wire [DATA_W-1:0] scratch;

  sat_ram_1r1w #(
    .WIDTH   (DATA_W),
    .DEPTH   (256/LANES),
    .WE_LANES(1)
  ) u_scratch (
    .clk    (clk),
    .we_i   (result_valid),
    .waddr_i(out_index_o),
    .wdata_i(out_data_o),
    .re_i   (read_o),
    .raddr_i(index_q),
    .rdata_o(scratch)
  );

  // Operands: those that come from a RAM wait for nothing but their turn. Negating lr is exact and
  // turns the subtraction into an addition.
  reg [1:0] factor_q, addend_q;

  always @(posedge clk) begin
    factor_q <= pass;
    addend_q <= pass;
    case (pass)
      PASS_SCALE:    lane_scalar_o <= inv_scale_i;
      PASS_DECAY:    lane_scalar_o <= decay_i;
      PASS_VELOCITY: lane_scalar_o <= momentum_i;
      default:       lane_scalar_o <= {~lr_i[31], lr_i[30:0]};
    endcase
    if (!update_i) begin
      factor_q      <= PASS_DECAY;
      addend_q      <= PASS_SCALE;
      lane_scalar_o <= ONE;
    end
  end

  always @(*) begin
    case (factor_q)
      PASS_SCALE:    lane_factor_o = gradient_i;
      PASS_DECAY:    lane_factor_o = weight_i;
      PASS_VELOCITY: lane_factor_o = velocity_i;
      default:       lane_factor_o = scratch;
    endcase
    case (addend_q)
      PASS_SCALE:    lane_addend_o = {LANES{MINUS_ZERO}};
      PASS_WEIGHT:   lane_addend_o = weight_i;
      default:       lane_addend_o = scratch;
    endcase
  end

endmodule

`default_nettype wire
