// SPDX-License-Identifier: Apache-2.0
// What sat_c_sums, with the control of sat_column_sums inside, writes of a column tile: a request
// for its columns in row 0 and one in row 1, then every group of SUM and of DOT, once, in order,
// with the lanes that hold columns; groups begin when there is room; nothing is pending only when
// all of that has left. Elements never meet sums on their way out.
// With base 0 and stride 2^18 an address is {row, offset}, as in sat_c_store_props.v. Any number of
// columns; tiles of up to 16. Arithmetic is cut. Labels as in sat_wr_dma_props.v.
`default_nettype none
`include "sat_fp.vh"

module sat_c_sums_props #(
  parameter integer LANES   = 2,
  parameter integer GROUPS  = 8,
  parameter integer LATENCY = 3,
  parameter integer ADDR_W  = 40,
  parameter integer DATA_W  = 128
) (
  input wire                clk,
  input wire                rst_n,
  input wire                start_i,
  input wire                enable_i,  // taken with start_i
  input wire                issue_i,
  input wire                row_next_i,
  input wire                column_last_i,
  input wire         [16:0] cols_i,
  input wire          [2:0] group_i,
  input wire                req_ready_i,
  input wire                room_i
);
  localparam integer STRIDE_L = 18;
  localparam integer OUT      = 3 + `SAT_EXACT_TO_FP32_LATENCY;  // cycles of a group of sums

  reg                enable_q, command_q;
  wire               enable = start_i ? enable_i : enable_q;
  reg  [LATENCY-1:0] issued_q;  // the newest is the lowest, as in sat_valid_delay
  wire               pending, req_valid, begins, valid, row_last;
  wire  [ADDR_W-1:0] req_addr;
  wire        [16:0] req_beats;
  wire   [LANES-1:0] lanes;

  always @(posedge clk) begin
    enable_q  <= enable;
    command_q <= rst_n && (command_q || start_i);
    issued_q  <= rst_n ? {issued_q[LATENCY-2:0], issue_i} : {LATENCY{1'b0}};
  end

  sat_c_sums #(
    .LANES  (LANES),
    .GROUPS (GROUPS),
    .LATENCY(LATENCY),
    .ADDR_W (ADDR_W),
    .DATA_W (DATA_W)
  ) u_sums (
    .clk          (clk),
    .rst_n        (rst_n),
    .start_i      (start_i),
    .enable_i     (enable),
    .base_i       ({ADDR_W{1'b0}}),
    .stride_i     (24'd1 << STRIDE_L),
    .row_next_i   (row_next_i),
    .column_last_i(column_last_i),
    .cols_i       (cols_i),
    .group_i      (group_i),
    .pending_o    (pending),
    .c_valid_i    (issued_q[LATENCY-1]),
    .c_i          ({LANES*16{1'b0}}),
    .req_valid_o  (req_valid),
    .req_ready_i  (req_ready_i),
    .req_addr_o   (req_addr),
    .req_beats_o  (req_beats),
    .room_i       (room_i),
    .begin_o      (begins),
    .valid_o      (valid),
    .row_last_o   (row_last),
    .lanes_o      (lanes),
    .sums_o       ()
  );

  // The column tile whose rows are issued begins at column next_q; the last one whose sums have
  // become due has cols_q columns from at_q on. Of these: requests made, groups that have left, and
  // begun.
  wire        ends = row_next_i && column_last_i && enable;
  reg  [16:0] next_q, at_q;
  reg   [4:0] cols_q;
  reg   [1:0] requests_q;
  reg   [4:0] groups_q, begun_q;
  wire  [3:0] row_groups = cols_q[4:1] + {3'd0, cols_q[0]};
  wire  [4:0] groups     = {row_groups, 1'b0};
  wire  [3:0] of_row     = groups_q[3:0] - (groups_q >= {1'b0, row_groups} ? row_groups : 4'd0);
  wire  [4:0] column     = {of_row, 1'b0};

  always @(posedge clk) begin
    if (!rst_n) {requests_q, groups_q, begun_q, cols_q, at_q, next_q} <= 51'd0;
    else if (start_i) {requests_q, groups_q, begun_q, cols_q, at_q, next_q} <= 51'd0;
    else if (ends) begin
      {requests_q, groups_q, begun_q} <= 12'd0;
      {cols_q, at_q, next_q} <= {cols_i[4:0], next_q, next_q + cols_i};
    end else begin
      requests_q <= requests_q + {1'b0, req_valid && req_ready_i};
      groups_q   <= groups_q + {4'd0, valid};
      begun_q    <= begun_q + {4'd0, begins};
    end
  end

  (* hierconn *) wire \u_sums.busy ;
  (* hierconn *) wire \u_sums.c_column_ends ;
  wire busy  = \u_sums.busy ;
  wire drain = \u_sums.c_column_ends ;

  reg started_q = 1'b0;
  reg ends_q, alive_q;
  always @(posedge clk) {started_q, alive_q, ends_q} <= {1'b1, rst_n, ends};

  always @(*) begin
    if (!started_q) m_reset_first: assume (!rst_n && !start_i);
    else begin
      if (!rst_n) m_reset: assume (!start_i);
      m_cols:    assume (cols_i != 17'd0 && cols_i <= 17'd16 && next_q + cols_i < 17'h10000);
      // Rows are a command's; neither while sums are pending.
      if (pending) m_pending: assume (!issue_i && !row_next_i && !start_i);
      if (start_i || !command_q) m_start: assume (!issue_i && !row_next_i);

      if (req_valid) begin
        a_row:   assert (req_addr[ADDR_W-1:STRIDE_L] == requests_q && requests_q < 2'd2);
        a_cols:  assert (req_addr[STRIDE_L-1:0] == {at_q[15:0], 2'b00}
                         && req_beats == (cols_q + 5'd3) >> 2);
      end
      if (valid) begin
        a_count: assert (groups_q < groups && groups_q < begun_q);
        a_last:  assert (row_last == (column + 5'd2 >= cols_q));
        a_lanes: assert (lanes == {column + 5'd1 < cols_q, 1'b1});
      end
      if (begins) a_room: assert (room_i);
      if (!enable) a_quiet: assert (!req_valid && !begins && !valid && !pending);
      if (alive_q && ends_q) a_pending: assert (pending);
      // Done only when all has left.
      if (!pending) a_done: assert ((requests_q == 2'd2 && groups_q == groups)
                                    || (requests_q == 2'd0 && groups == 5'd0));
      a_no_element: assert (!(busy && enable && issued_q[LATENCY-1]));
      a_drain:      assert (!(busy && drain));
    end
  end

`ifndef FAULT
  // ---- Invariants: a planted fault must be seen without them --------------------------------
  (* hierconn *) wire                \u_sums.pending_q ;
  (* hierconn *) wire          [1:0] \u_sums.due_q ;
  (* hierconn *) wire   [ADDR_W-1:0] \u_sums.addr_q ;
  (* hierconn *) wire         [16:0] \u_sums.last_col_q ;
  (* hierconn *) wire  [LATENCY-1:0] \u_sums.u_column_ends.genblk1.gen_shift.bits_q ;
  (* hierconn *) wire                \u_sums.u_sums.dot_q ;
  (* hierconn *) wire          [2:0] \u_sums.u_sums.group_out_q ;
  (* hierconn *) wire                \u_sums.u_sums.lane_q ;
  (* hierconn *) wire          [2:0] \u_sums.u_sums.wait_q ;
  (* hierconn *) wire      [OUT-1:0] \u_sums.u_sums.u_valid.genblk1.gen_shift.bits_q ;
  (* hierconn *) wire    [2*OUT-1:0] \u_sums.u_sums.u_place.genblk1.gen_shift.data_q ;
  wire               all_due  = \u_sums.pending_q ;
  wire         [1:0] due      = \u_sums.due_q ;
  wire  [ADDR_W-1:0] addr     = \u_sums.addr_q ;
  wire [LATENCY-1:0] ends_way = \u_sums.u_column_ends.genblk1.gen_shift.bits_q ;
  wire               dot      = \u_sums.u_sums.dot_q ;
  wire         [2:0] group    = \u_sums.u_sums.group_out_q ;
  wire               lane     = \u_sums.u_sums.lane_q ;
  wire     [OUT-1:0] leaving  = \u_sums.u_sums.u_valid.genblk1.gen_shift.bits_q ;
  wire   [2*OUT-1:0] places   = \u_sums.u_sums.u_place.genblk1.gen_shift.data_q ;
  // Groups of sums that have been converted, or will have been with this one.
  wire         [4:0] made     = busy ? (dot ? {1'b0, row_groups} : 5'd0) + {2'd0, group}
                              : |ends_way ? 5'd0 : groups;
  reg          [4:0] at;
  reg                fits;
  integer            g;

  always @(*) begin
    at   = groups_q;
    fits = 1'b1;
    for (g = OUT - 1; g >= 0; g = g - 1)
      if (leaving[g]) begin
        fits = fits && at < groups
               && places[2*g +: 2] == {at >= {1'b0, row_groups},
                                       at + 5'd1 == row_groups || at + 5'd1 == groups};
        at   = at + 5'd1;
      end
  end

  always @(*) if (started_q) begin
    i_due:    assert (due != 2'b01 && (groups == 5'd0 ? due == 2'b00
                      : requests_q == (due == 2'b11 ? 2'd0 : due == 2'b10 ? 2'd1 : 2'd2)));
    i_none:   assert (groups != 5'd0 || (requests_q == 2'd0 && groups_q == 5'd0 && begun_q == 5'd0
                                         && !all_due));
    i_cols:   assert (cols_q <= 5'd16 && (cols_q == 5'd0 || \u_sums.last_col_q == cols_q - 5'd1));
    i_column: assert (next_q == at_q + cols_q && at_q <= next_q && next_q < 17'h10000);
    i_addr:   assert (!command_q || addr == {due == 2'b00 ? next_q[15:0] : at_q[15:0], 2'b00});
    i_way:    assert (fits && at == made);
    i_place:  assert (busy || (!dot && group == 3'd0 && !lane));
    i_group:  assert ({1'b0, group} < row_groups || (group == 3'd0 && !busy));
    i_begun:  assert (begun_q == made + {4'd0, busy && lane});
    i_wait:   assert (\u_sums.u_sums.wait_q == 3'd0 || (busy && !dot && group == 3'd0 && !lane));
    i_phase:  assert (all_due ? (|ends_way) + busy + (!busy && ~|ends_way && |leaving) == 2'd1
                              : ~|ends_way && !busy && ~|leaving);
    i_ends:   assert (~|(ends_way & (ends_way - 1'b1)));
    i_behind: assert (all_due ? ~|(issued_q & (ends_way == {LATENCY{1'b0}} ? {LATENCY{1'b1}}
                                               : ends_way - 1'b1)) : 1'b1);
    i_quiet:  assert (enable_q || !pending);
  end
`endif

`ifdef COVER
  // Must fail: no second column tile is written.
  always @(*) if (started_q) c_second: assert (!(req_valid && at_q != 17'd0));
`endif
endmodule

`default_nettype wire
