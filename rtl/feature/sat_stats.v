// SPDX-License-Identifier: Apache-2.0
// sat_stats: STATS: hands a vector of DATA_W/32 channels of X and Y (or X and X) per cycle to
// sat_column_sums. After a band's last row its sums leave, while the next band waits in the queues.
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
  output wire                                   active_o,     // sums of a band leave
  output wire                             [1:0] out_valid_o,  // DOT, SUM
  output wire                      [DATA_W-1:0] out_data_o
);

  localparam integer HALF_W   = DATA_W / 2;
  localparam integer QUEUED_W = DATA_W + `SAT_QUEUED_BITS;

  wire [DATA_W-1:0] x_data = queue_data_i[`SAT_QUEUED_BITS +: DATA_W];
  wire [DATA_W-1:0] y_beat = queue_data_i[QUEUED_W + `SAT_QUEUED_BITS +: DATA_W];
  wire [DATA_W-1:0] y_data = second_i ? y_beat : x_data;

  reg  [3:0] vector_q, last_vector_q;
  reg        first_row_q;
  wire       ends_beat = vector_q[0] || queue_data_i[`SAT_QUEUED_SINGLE];
  wire       ends_row  = ends_beat && queue_data_i[`SAT_QUEUED_PIECE_LAST];
  wire       ends_rows = ends_beat && queue_data_i[`SAT_QUEUED_BAND_LAST];
  wire       take      = enable_i && !active_o && queue_valid_i[0]
                      && (queue_valid_i[1] || !second_i);

  assign queue_ready_o = {2{take && ends_beat}} & {second_i, 1'b1};

  always @(posedge clk) begin
    if (!rst_n) begin
      vector_q    <= 4'd0;
      first_row_q <= 1'b1;
    end else if (take) begin
      vector_q    <= ends_row ? 4'd0 : vector_q + 4'd1;
      first_row_q <= ends_rows || (first_row_q && !ends_row);
    end
  end

  always @(posedge clk) if (take && ends_rows) last_vector_q <= vector_q;

  wire out_valid, out_dot, out_last;

  sat_column_sums #(
    .LANES (DATA_W / 32),
    .GROUPS(16)
  ) u_sums (
    .clk         (clk),
    .rst_n       (rst_n),
    .in_valid_i  (take),
    .in_first_i  (first_row_q),
    .in_group_i  (vector_q),
    .in_x_i      (x_data[vector_q[0] ? HALF_W : 0 +: HALF_W]),
    .in_y_i      (y_data[vector_q[0] ? HALF_W : 0 +: HALF_W]),
    .drain_i     (take && ends_rows),
    .last_group_i(last_vector_q),
    .busy_o      (active_o),
    .room_i      (credit_i),
    .reserve_o   (reserve_o),
    .out_valid_o (out_valid),
    .out_dot_o   (out_dot),
    .out_last_o  (out_last),
    .out_o       (out_data_o)
  );

  assign out_valid_o = {2{out_valid}} & {out_dot, !out_dot};

  wire unused_ok = &{1'b0, queue_data_i, out_last};

endmodule

`default_nettype wire
