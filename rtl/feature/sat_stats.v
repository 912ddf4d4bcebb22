// SPDX-License-Identifier: Apache-2.0
// sat_stats: STATS on the lanes: per vector of DATA_W/32 channels sum = 1*x + sum and dot = x*y +
// dot, on 8 partial sums each, which the rows take in turn: between two uses of one lie at least 16
// operations, more than the lanes' latency. After a band's last row three levels of a tree add the
// partial sums in place, each level when the one before has left the lanes; the last one gives SUM
// and DOT. Partial sums of rows that do not exist are +0. Even and odd ones have a RAM each, so
// that the tree reads two at a time. One operation a cycle; operands leave one cycle after they are
// looked at.
// Golden function: stats.
`default_nettype none
`include "sat_buses.vh"

module sat_stats #(
  parameter integer DATA_W = 128  // bits, 128, 256 or 512
) (
  input  wire                                   clk,
  input  wire                                   rst_n,
  input  wire                                   enable_i,  // the command is STATS
  input  wire                                   second_i,
  // queues of sat_feature_fetch: Y, X
  input  wire                             [1:0] queue_valid_i,
  output wire                             [1:0] queue_ready_o,
  input  wire [2*(DATA_W+`SAT_QUEUED_BITS)-1:0] queue_data_i,
  // places for a beat of the result: DOT, SUM
  input  wire                             [1:0] credit_i,
  output wire                             [1:0] reserve_o,
  // operation, one cycle later
  output wire                                   op_valid_o,
  output wire                    [DATA_W/2-1:0] factor_o,
  output wire                      [DATA_W-1:0] scalar_o,
  output wire                      [DATA_W-1:0] addend_o,
  output wire                             [8:0] tag_o,  // is a result, place: {dot, number, vector}
  // its result; SUM and DOT take those that are
  input  wire                                   result_valid_i,
  input  wire                             [8:0] result_tag_i,
  input  wire                      [DATA_W-1:0] result_i
);

  localparam integer LANES    = DATA_W / 32;
  localparam integer HALF_W   = DATA_W / 2;
  localparam integer QUEUED_W = DATA_W + `SAT_QUEUED_BITS;

  localparam [15:0] ONE = 16'h3C00;
  localparam [31:0] ONE_SINGLE = 32'h3F800000;

  // ---- Rows: sum, then dot of a vector
  wire [DATA_W-1:0] x_data = queue_data_i[`SAT_QUEUED_BITS +: DATA_W];
  wire [DATA_W-1:0] y_beat = queue_data_i[QUEUED_W + `SAT_QUEUED_BITS +: DATA_W];
  wire [DATA_W-1:0] y_data = second_i ? y_beat : x_data;

  reg        tree_q;       // the band's rows are done
  reg        dot_q;
  reg  [3:0] vector_q;
  reg  [3:0] row_q;        // modulo 8; bit 3: there were 8 rows already
  wire       ends_beat = dot_q && (vector_q[0] || queue_data_i[`SAT_QUEUED_SINGLE]);
  wire       ends_row  = ends_beat && queue_data_i[`SAT_QUEUED_PIECE_LAST];
  wire       ends_rows = ends_beat && queue_data_i[`SAT_QUEUED_BAND_LAST];
  wire       take      = enable_i && !tree_q && queue_valid_i[0] && (queue_valid_i[1] || !second_i);

  assign queue_ready_o = {2{take && ends_beat}} & {second_i, 1'b1};

  // ---- Tree: level, then sum or dot, vector, pair of partial sums
  reg  [1:0] level_q;
  reg  [1:0] pair_q;
  reg  [3:0] last_vector_q;
  reg  [3:0] wait_q;       // until the lanes are empty
  wire       final_level = level_q[1];
  wire       last_pair   = pair_q == (2'd3 >> level_q);
  wire       last_vector = vector_q == last_vector_q;
  wire       level_end   = last_pair && last_vector && dot_q;
  wire       step        = tree_q && (~|wait_q)
                        && (!final_level || (dot_q ? credit_i[1] : credit_i[0]));

  assign reserve_o = {2{step && final_level}} & {dot_q, !dot_q};

  always @(posedge clk) begin
    if (!rst_n) begin
      tree_q   <= 1'b0;
      dot_q    <= 1'b0;
      vector_q <= 4'd0;
      row_q    <= 4'd0;
      level_q  <= 2'd0;
      pair_q   <= 2'd0;
      wait_q   <= 4'd0;
    end else if (take) begin
      dot_q <= !dot_q;
      if (dot_q)    vector_q <= ends_row ? 4'd0 : vector_q + 4'd1;
      if (ends_row) row_q    <= {row_q[3] | (&row_q[2:0]), row_q[2:0] + 3'd1};
      tree_q <= ends_rows;
      wait_q <= 4'd15;
    end else if (step) begin
      pair_q <= last_pair ? 2'd0 : pair_q + 2'd1;
      if (last_pair) begin
        vector_q <= last_vector ? 4'd0 : vector_q + 4'd1;
        dot_q    <= dot_q ^ last_vector;
      end
      if (level_end) begin
        level_q <= final_level ? 2'd0 : level_q + 2'd1;
        wait_q  <= 4'd15;
      end
      if (level_end && final_level) begin
        tree_q <= 1'b0;
        row_q  <= 4'd0;
      end
    end else if (tree_q && (|wait_q)) begin
      wait_q <= wait_q - 4'd1;
    end
  end

  always @(posedge clk) if (take && ends_rows) last_vector_q <= vector_q;

  // Partial sums: a RAM of even and one of odd ones, by {dot, number / 2, vector}.
  wire [DATA_W-1:0] stored_even, stored_odd;
  wire              write   = result_valid_i && enable_i && !result_tag_i[8];
  wire        [6:0] address = {dot_q, tree_q ? pair_q : row_q[2:1], vector_q};

  sat_ram_1r1w #(
    .WIDTH   (DATA_W),
    .DEPTH   (128),
    .WE_LANES(1)
  ) u_even (
    .clk    (clk),
    .we_i   (write && !result_tag_i[4]),
    .waddr_i({result_tag_i[7:5], result_tag_i[3:0]}),
    .wdata_i(result_i),
    .re_i   (take || step),
    .raddr_i(address),
    .rdata_o(stored_even)
  );
  sat_ram_1r1w #(
    .WIDTH   (DATA_W),
    .DEPTH   (128),
    .WE_LANES(1)
  ) u_odd (
    .clk    (clk),
    .we_i   (write && result_tag_i[4]),
    .waddr_i({result_tag_i[7:5], result_tag_i[3:0]}),
    .wdata_i(result_i),
    .re_i   (take || step),
    .raddr_i(address),
    .rdata_o(stored_odd)
  );

  // Operands. A tree's level adds 1 * odd to even. It reads what the level before has written; at
  // the first one, and among the first 8 rows, what has not been written is +0.
  wire         all_exist = row_q[3] || (tree_q && (|level_q));
  reg          valid_q, in_tree_q, by_y_q, odd_q, even_exists_q, odd_exists_q;
  reg    [8:0] tag_q;
  reg  [HALF_W-1:0] x_q, y_q;
  wire [DATA_W-1:0] even = even_exists_q ? stored_even : {DATA_W{1'b0}};
  wire [DATA_W-1:0] odd  = odd_exists_q ? stored_odd : {DATA_W{1'b0}};
  wire [DATA_W-1:0] y_single;

  always @(posedge clk) begin
    valid_q       <= rst_n && (take || step);
    in_tree_q     <= tree_q;
    by_y_q        <= dot_q;
    odd_q         <= row_q[0];
    even_exists_q <= all_exist || (tree_q && {pair_q, 1'b0} < row_q[2:0]);
    odd_exists_q  <= all_exist || (tree_q && {pair_q, 1'b1} < row_q[2:0]);
    tag_q         <= {tree_q && final_level,
                      dot_q, tree_q ? {1'b0, pair_q} : row_q[2:0], vector_q};
    x_q           <= x_data[vector_q[0] ? HALF_W : 0 +: HALF_W];
    y_q           <= y_data[vector_q[0] ? HALF_W : 0 +: HALF_W];
  end

  genvar k;
  generate
    for (k = 0; k < LANES; k = k + 1) begin : gen_lane
      sat_fp16_to_fp32 u_widen (
        .half_i (y_q[16*k +: 16]),
        .value_o(y_single[32*k +: 32])
      );
    end
  endgenerate

  assign op_valid_o = valid_q;
  assign factor_o   = in_tree_q ? {LANES{ONE}} : x_q;
  assign scalar_o   = in_tree_q ? odd : by_y_q ? y_single : {LANES{ONE_SINGLE}};
  assign addend_o   = (!in_tree_q && odd_q) ? odd : even;
  assign tag_o      = tag_q;

  wire unused_ok = &{1'b0, queue_data_i};

endmodule

`default_nettype wire
