// SPDX-License-Identifier: Apache-2.0
// What sat_fifo promises of its flags, its count and of the beat that waits (proven in
// sat_fifo_props.v and by its assertions there): stands for it where what the beats hold does not
// matter.
`default_nettype none

module sat_fifo #(
  parameter integer WIDTH = 32,
  parameter integer DEPTH = 4
) (
  input  wire                     clk,
  input  wire                     rst_n,
  input  wire                     flush_i,
  input  wire                     in_valid_i,
  output wire                     in_ready_o,
  input  wire [WIDTH-1:0]         in_data_i,
  output wire                     out_valid_o,
  input  wire                     out_ready_i,
  output wire [WIDTH-1:0]         out_data_o,
  output wire [$clog2(DEPTH):0]   count_o
);
  localparam integer COUNT_W = $clog2(DEPTH) + 1;

  (* anyseq *) wire [WIDTH-1:0] any_data;
  reg                           waits_q = 1'b0;
  reg             [WIDTH-1:0]   data_q;
  reg             [COUNT_W-1:0] count_q;

  assign count_o     = count_q;
  assign in_ready_o  = count_q != DEPTH[COUNT_W-1:0];
  assign out_valid_o = count_q != {COUNT_W{1'b0}};
  assign out_data_o  = any_data;

  always @(posedge clk) begin
    count_q <= !rst_n || flush_i ? {COUNT_W{1'b0}}
               : count_q + (in_valid_i && in_ready_o) - (out_valid_o && out_ready_i);
    waits_q <= rst_n && !flush_i && out_valid_o && !out_ready_i;
    data_q  <= any_data;
  end

  always @(*) if (waits_q) m_stable: assume (any_data == data_q);
endmodule

`default_nettype wire
