// SPDX-License-Identifier: Apache-2.0
// sat_column_sums: exact sums over the rows of x and of x*y for GROUPS groups of LANES columns,
// rounded once to FP32. A group of a row comes per cycle, rows and groups in any order; the first
// of each group begins its sums anew. drain_i, with or after the last one, makes the sums leave:
// SUM of groups 0 to last_group_i, then DOT. A group of sums takes SLICE cycles and begins when
// room_i has its bit set; reserve_o says so. While busy_o no element may come.
// Golden function: stats.
`default_nettype none
`include "sat_fp.vh"
`include "sat_assert.vh"

module sat_column_sums #(
  parameter integer LANES  = 4,   // a power of two
  parameter integer GROUPS = 16   // >= 2
) (
  input  wire                      clk,
  input  wire                      rst_n,
  // elements
  input  wire                      in_valid_i,
  input  wire                      in_first_i,
  input  wire [$clog2(GROUPS)-1:0] in_group_i,
  input  wire       [LANES*16-1:0] in_x_i,
  input  wire       [LANES*16-1:0] in_y_i,
  // sums
  input  wire                      drain_i,
  input  wire [$clog2(GROUPS)-1:0] last_group_i,  // stable while busy_o
  output wire                      busy_o,        // until the last group of sums has begun
  input  wire                [1:0] room_i,        // DOT, SUM
  output wire                [1:0] reserve_o,
  output wire                      out_valid_o,
  output wire                      out_dot_o,
  output wire                      out_last_o,    // of SUM or of DOT
  output wire       [LANES*32-1:0] out_o
);

  localparam integer GROUP_W = $clog2(GROUPS);
  localparam integer SLICE   = (LANES < 4) ? LANES : 4;  // lanes that share a conversion
  localparam integer LANE_W  = (SLICE < 2) ? 1 : $clog2(SLICE);
  localparam [LANE_W-1:0] LAST_LANE = SLICE[LANE_W-1:0] - 1'b1;

  // ---- Elements: controls of stages 5 to 7 of sat_exact_lane
  wire                 s3_add, s3_first, ready;
  wire   [GROUP_W-1:0] s3_group;
  reg            [2:0] add_q, first_q;
  reg  [3*GROUP_W-1:0] group_q;
  reg    [GROUP_W-1:0] group_out_q;

  sat_valid_delay #(.WIDTH(1), .CYCLES(3)) u_add (
    .clk  (clk),
    .rst_n(rst_n),
    .in_i (in_valid_i),
    .out_o(s3_add)
  );
  sat_delay #(.WIDTH(GROUP_W + 1), .CYCLES(3)) u_group (
    .clk  (clk),
    .in_i ({in_first_i, in_group_i}),
    .out_o({s3_first, s3_group})
  );

  always @(posedge clk) begin
    add_q   <= {3{rst_n}} & {add_q[1:0], s3_add};
    first_q <= {first_q[1:0], s3_first};
    group_q <= ready ? {3{group_out_q}} : {group_q[2*GROUP_W-1:0], s3_group};
  end

  // ---- Sums: dot, group, lane, as soon as no element is under way
  reg               busy_q, dot_q;
  reg         [2:0] wait_q;
  reg  [LANE_W-1:0] lane_q;
  wire              begins     = ~|lane_q;
  wire              step       = ready && (!begins || (dot_q ? room_i[1] : room_i[0]));
  wire              lane_last  = lane_q == LAST_LANE;
  wire              group_last = group_out_q == last_group_i;

  assign ready     = busy_q && (~|wait_q);
  assign busy_o    = busy_q;
  assign reserve_o = {2{step && begins}} & {dot_q, !dot_q};

  always @(posedge clk) begin
    if (!rst_n) begin
      busy_q      <= 1'b0;
      dot_q       <= 1'b0;
      wait_q      <= 3'd0;
      group_out_q <= {GROUP_W{1'b0}};
      lane_q      <= {LANE_W{1'b0}};
    end else if (drain_i) begin
      busy_q <= 1'b1;
      wait_q <= 3'd5;  // the last element has its group in stage 7 while `ready` comes
    end else if (step) begin
      lane_q <= lane_q + 1'b1;
      if (lane_last) begin
        group_out_q <= group_last ? {GROUP_W{1'b0}} : group_out_q + 1'b1;
        dot_q       <= dot_q ^ group_last;
        busy_q      <= !(group_last && dot_q);
      end
    end else if (|wait_q) begin
      wait_q <= wait_q - 3'd1;
    end
  end

  // ---- A lane's sums, converted one after the other
  // Their group lies before the RAMs a cycle later.
  reg              s1_dot_q;
  reg [LANE_W-1:0] s1_lane_q;

  always @(posedge clk) begin
    s1_dot_q  <= dot_q;
    s1_lane_q <= lane_q;
  end

  genvar s, l;
  generate
    for (s = 0; s < LANES / SLICE; s = s + 1) begin : gen_slice
      wire [107*SLICE-1:0] totals;  // {special, total in units of 2^-48}
      reg          [106:0] total_q;
      wire          [31:0] value;
      reg   [32*SLICE-1:0] values_q;

      for (l = 0; l < SLICE; l = l + 1) begin : gen_lane
        wire  [64:0] sum;
        wire [104:0] dot;
        wire   [1:0] sum_special, dot_special;

        sat_exact_lane #(
          .GROUPS(GROUPS)
        ) u_lane (
          .clk          (clk),
          .x_i          (in_x_i[16*(SLICE*s + l) +: 16]),
          .y_i          (in_y_i[16*(SLICE*s + l) +: 16]),
          .add_i        (add_q),
          .first_i      (first_q),
          .group_i      (group_q),
          .sum_o        (sum),
          .sum_special_o(sum_special),
          .dot_o        (dot),
          .dot_special_o(dot_special)
        );

        assign totals[107*l +: 107] = s1_dot_q ? {dot_special, dot}
                                               : {sum_special, {16{sum[64]}}, sum, 24'd0};
      end

      always @(posedge clk) total_q <= totals[107*s1_lane_q +: 107];

      sat_exact_to_fp32 u_convert (
        .clk      (clk),
        .total_i  (total_q[104:0]),
        .special_i(total_q[106:105]),
        .value_o  (value)
      );

      // The newest value is the highest.
      always @(posedge clk) values_q <= {value, values_q[32*SLICE-1:32]};

      assign out_o[32*SLICE*s +: 32*SLICE] = values_q;
    end
  endgenerate

  // Group, selection, conversion, collection.
  sat_valid_delay #(.WIDTH(1), .CYCLES(3 + `SAT_EXACT_TO_FP32_LATENCY)) u_valid (
    .clk  (clk),
    .rst_n(rst_n),
    .in_i (step && lane_last),
    .out_o(out_valid_o)
  );
  sat_delay #(.WIDTH(2), .CYCLES(3 + `SAT_EXACT_TO_FP32_LATENCY)) u_place (
    .clk  (clk),
    .in_i ({dot_q, group_last}),
    .out_o({out_dot_o, out_last_o})
  );

  `SAT_REQUIRE(no_element_while_busy, rst_n && in_valid_i, !busy_q)
  `SAT_REQUIRE(drained_once, rst_n && drain_i, !busy_q)

endmodule

`default_nettype wire
