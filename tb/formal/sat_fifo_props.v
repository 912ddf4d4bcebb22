// SPDX-License-Identifier: Apache-2.0
// Properties of sat_fifo: it behaves as a queue. One beat, chosen freely, is followed through it:
// it leaves after exactly as many beats as were inside when it entered, and unchanged. Bounds and
// handshake are asserted inside.
`default_nettype none

module sat_fifo_props #(
  parameter integer WIDTH = 2,
  parameter integer DEPTH = 4
) (
  input wire             clk,
  input wire             rst_n,
  input wire             flush_i,
  input wire             in_valid_i,
  input wire [WIDTH-1:0] in_data_i,
  input wire             out_ready_i,
  input wire             follow_i   // the beat that enters now is the one to follow
);
  localparam integer COUNT_W = $clog2(DEPTH) + 1;

  wire               in_ready, out_valid;
  wire   [WIDTH-1:0] out_data;
  wire [COUNT_W-1:0] count;

  sat_fifo #(
    .WIDTH(WIDTH),
    .DEPTH(DEPTH)
  ) u_fifo (
    .clk        (clk),
    .rst_n      (rst_n),
    .flush_i    (flush_i),
    .in_valid_i (in_valid_i),
    .in_ready_o (in_ready),
    .in_data_i  (in_data_i),
    .out_valid_o(out_valid),
    .out_ready_i(out_ready_i),
    .out_data_o (out_data),
    .count_o    (count)
  );

  wire in_fire  = in_valid_i && in_ready;
  wire out_fire = out_valid && out_ready_i;
  wire clear    = !rst_n || flush_i;

  // The model: how many beats are inside, and how many leave before the followed one.
  reg               started_q = 1'b0;
  reg [COUNT_W-1:0] inside_q, ahead_q;
  reg               following_q;
  reg   [WIDTH-1:0] followed_q;

  always @(posedge clk) begin
    started_q <= 1'b1;
    if (clear) begin
      inside_q    <= {COUNT_W{1'b0}};
      following_q <= 1'b0;
    end else begin
      inside_q <= inside_q + {{COUNT_W-1{1'b0}}, in_fire} - {{COUNT_W-1{1'b0}}, out_fire};
      if (following_q && out_fire) begin
        ahead_q     <= ahead_q - 1'b1;
        following_q <= ahead_q != {COUNT_W{1'b0}};
      end else if (!following_q && in_fire && follow_i) begin
        ahead_q     <= inside_q - {{COUNT_W-1{1'b0}}, out_fire};
        following_q <= 1'b1;
        followed_q  <= in_data_i;
      end
    end
  end

  always @(*) begin
    if (!started_q) m_reset_first: assume (!rst_n);
    else begin
      a_count:     assert (count == inside_q);
      a_in_ready:  assert (in_ready == (inside_q != DEPTH[COUNT_W-1:0]));
      a_out_valid: assert (out_valid == (inside_q != {COUNT_W{1'b0}}));
      if (following_q) begin
        a_still_inside: assert (ahead_q < inside_q);
        if (ahead_q == {COUNT_W{1'b0}}) a_same_data: assert (out_data == followed_q);
      end
    end
  end

`ifdef COVER
  // Must fail: the followed beat enters last in a queue that is then full.
  always @(*) if (started_q) c_full: assert (!(following_q && ahead_q == DEPTH - 1));
`endif
endmodule

`default_nettype wire
