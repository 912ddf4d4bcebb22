// SPDX-License-Identifier: Apache-2.0
// Properties of sat_skid_buffer: a queue of at most two beats. The handshake is asserted inside.
`default_nettype none

module sat_skid_buffer_props #(
  parameter integer WIDTH = 2
) (
  input wire             clk,
  input wire             rst_n,
  input wire             in_valid_i,
  input wire [WIDTH-1:0] in_data_i,
  input wire             out_ready_i
);
  wire             in_ready, out_valid;
  wire [WIDTH-1:0] out_data;

  sat_skid_buffer #(
    .WIDTH(WIDTH)
  ) u_buffer (
    .clk        (clk),
    .rst_n      (rst_n),
    .in_valid_i (in_valid_i),
    .in_ready_o (in_ready),
    .in_data_i  (in_data_i),
    .out_valid_o(out_valid),
    .out_ready_i(out_ready_i),
    .out_data_o (out_data)
  );

  wire in_fire  = in_valid_i && in_ready;
  wire out_fire = out_valid && out_ready_i;

  // The model: a queue of two, the oldest beat first.
  reg             started_q = 1'b0;
  reg       [1:0] inside_q;
  reg [WIDTH-1:0] first_q, second_q;
  reg             stalled_q;  // for the cover

  always @(posedge clk) begin
    started_q <= 1'b1;
    stalled_q <= rst_n && out_valid && !out_ready_i;
    inside_q  <= rst_n ? inside_q + {1'b0, in_fire} - {1'b0, out_fire} : 2'd0;
    if (out_fire) first_q <= second_q;
    if (in_fire) begin
      if (inside_q == {1'b0, out_fire}) first_q <= in_data_i;
      else second_q <= in_data_i;
    end
  end

  always @(*) begin
    if (!started_q) m_reset_first: assume (!rst_n);
    else begin
      a_capacity:  assert (inside_q <= 2'd2);
      a_in_ready:  assert (in_ready == (inside_q != 2'd2));
      a_out_valid: assert (out_valid == (inside_q != 2'd0));
      if (inside_q != 2'd0) a_oldest_first: assert (out_data == first_q);
    end
  end

`ifdef COVER
  // Must fail: two different beats fill the buffer while its output stalls.
  always @(*)
    if (started_q) c_full: assert (!(inside_q == 2'd2 && first_q != second_q && stalled_q));
`endif
endmodule

`default_nettype wire
