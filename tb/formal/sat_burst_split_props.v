// SPDX-License-Identifier: Apache-2.0
// Properties of sat_burst_split: the bursts are the requested beats, each once and in order. One
// requested beat, chosen freely, is followed. That a burst stays in its window, and stays until it
// is taken, is asserted inside.
`default_nettype none

module sat_burst_split_props #(
  parameter integer LINE_W  = 5,  // address in beats
  parameter integer BEATS_W = 4,
  parameter integer WINDOW  = 4,
`ifdef LATE
  parameter integer LATE    = 1
`else
  parameter integer LATE    = 0
`endif
) (
  input wire               clk,
  input wire               rst_n,
  input wire               req_valid_i,
  input wire  [LINE_W-1:0] req_line_i,
  input wire [BEATS_W-1:0] req_beats_i,
  input wire               burst_ready_i,
  input wire               follow_i,  // the beat follow_beat_i of the request taken now is followed
  input wire [BEATS_W-1:0] follow_beat_i
);
  wire              req_ready, burst_valid;
  wire [LINE_W:0]   burst_addr;
  wire        [7:0] burst_len;

  sat_burst_split #(
    .ADDR_W (LINE_W + 1),
    .BEATS_W(BEATS_W),
    .DATA_W (16),
    .WINDOW (WINDOW),
    .LATE   (LATE)
  ) u_split (
    .clk          (clk),
    .rst_n        (rst_n),
    .req_valid_i  (req_valid_i),
    .req_ready_o  (req_ready),
    .req_addr_i   ({req_line_i, 1'b0}),
    .req_beats_i  (req_beats_i),
    .burst_valid_o(burst_valid),
    .burst_ready_i(burst_ready_i),
    .burst_addr_o (burst_addr),
    .burst_len_o  (burst_len)
  );

  wire              req_fire   = req_valid_i && req_ready;
  wire              burst_fire = burst_valid && burst_ready_i;
  wire [LINE_W-1:0] burst_line = burst_addr[LINE_W:1];
  wire [BEATS_W:0]  sent       = burst_fire ? burst_len[BEATS_W-1:0] + 1'b1 : {BEATS_W+1{1'b0}};

  // Beats requested and not sent; of these, those before the followed one.
  reg               started_q = 1'b0;
  reg   [BEATS_W:0] inside_q, ahead_q;
  reg               following_q;
  reg  [LINE_W-1:0] followed_q;

  always @(posedge clk) begin
    started_q <= 1'b1;
    if (!rst_n) begin
      inside_q    <= {BEATS_W+1{1'b0}};
      following_q <= 1'b0;
    end else begin
      inside_q <= inside_q + (req_fire ? {1'b0, req_beats_i} : {BEATS_W+1{1'b0}}) - sent;
      if (following_q) begin
        following_q <= ahead_q >= sent;
        ahead_q     <= ahead_q - sent;
      end else if (req_fire && follow_i && follow_beat_i < req_beats_i) begin
        following_q <= 1'b1;
        ahead_q     <= inside_q - sent + {1'b0, follow_beat_i};
        followed_q  <= req_line_i + follow_beat_i;
      end
    end
  end

  always @(*) begin
    if (!started_q) m_reset_first: assume (!rst_n);
    else begin
      m_beats: assume (req_beats_i != {BEATS_W{1'b0}});
      a_valid: assert (burst_valid == (inside_q != {BEATS_W+1{1'b0}}));
      if (burst_valid) a_asked: assert (!burst_addr[0] && {1'b0, burst_len} < inside_q);
      // One request at a time: a burst belongs to the request that was taken last.
      if (req_fire) a_one_request: assert (inside_q == sent);
      if (following_q) begin
        a_inside: assert (ahead_q < inside_q);
        if (burst_valid && ahead_q <= burst_len)
          a_place: assert (burst_line + ahead_q == followed_q);
      end
    end
  end

`ifdef COVER
  // Must fail: the last beat of a request, alone in its window.
  always @(*)
    if (started_q) c_third: assert (!(following_q && burst_valid && ahead_q == 0 && inside_q == 1
                                      && burst_line == 5'd12));
`endif
endmodule

`default_nettype wire
