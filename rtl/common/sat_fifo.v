// SPDX-License-Identifier: Apache-2.0
// sat_fifo: first-in first-out queue in distributed RAM, first word falls through.
// Latency 1, throughput 1 per cycle at any fill. in_ready_o and out_valid_o are functions of
// registers only. flush_i empties it like a reset; a beat offered in that cycle is lost.
`default_nettype none
`include "sat_assert.vh"

module sat_fifo #(
  parameter integer WIDTH = 32, // payload bits, >= 1
  parameter integer DEPTH = 4   // entries, power of two, >= 2
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

  localparam integer PTR_W = $clog2(DEPTH);

  generate
    if (DEPTH < 2 || (1 << PTR_W) != DEPTH) begin : gen_check
      sat_error_fifo_depth_must_be_a_power_of_two u_error ();
    end
  endgenerate

  localparam [PTR_W:0] ONE  = {{PTR_W{1'b0}}, 1'b1};
  localparam [PTR_W:0] LAST = DEPTH[PTR_W:0] - ONE;

  // One more bit than an address: full and empty differ in it.
  reg [PTR_W:0] write_ptr_q, read_ptr_q;
  reg           full_q, filled_q;

  wire in_fire  = in_valid_i && in_ready_o;
  wire out_fire = out_valid_o && out_ready_i;

  assign count_o     = write_ptr_q - read_ptr_q;
  assign in_ready_o  = !full_q;
  assign out_valid_o = filled_q;

  // Whether a beat moves is known late, and enters in the last step; a free place may be written in
  // any cycle.
  always @(posedge clk) begin
    if (!rst_n || flush_i) begin
      write_ptr_q <= {PTR_W+1{1'b0}};
      read_ptr_q  <= {PTR_W+1{1'b0}};
      full_q      <= 1'b0;
      filled_q    <= 1'b0;
    end else begin
      if (in_fire) write_ptr_q <= write_ptr_q + ONE;
      if (out_fire) read_ptr_q <= read_ptr_q + ONE;
      full_q   <= !out_fire && (full_q || (in_valid_i && count_o == LAST));
      filled_q <= in_fire || (filled_q && !(out_fire && count_o == ONE));
    end
  end

  sat_lutram #(
    .WIDTH(WIDTH),
    .DEPTH(DEPTH)
  ) u_memory (
    .clk    (clk),
    .we_i   (in_ready_o),
    .waddr_i(write_ptr_q[PTR_W-1:0]),
    .wdata_i(in_data_i),
    .raddr_i(read_ptr_q[PTR_W-1:0]),
    .rdata_o(out_data_o)
  );

  `SAT_ASSERT(count_within_depth, rst_n, count_o <= DEPTH[PTR_W:0])
  `SAT_ASSERT(flags_tell_count, rst_n, full_q == (count_o == DEPTH[PTR_W:0])
                                       && filled_q == (count_o != {PTR_W+1{1'b0}}))
  `SAT_ASSERT(no_overflow, rst_n, !in_fire || count_o != DEPTH[PTR_W:0])
  `SAT_ASSERT(no_underflow, rst_n, !out_fire || count_o != {PTR_W+1{1'b0}})
  `SAT_REQUIRE_STREAM(check_in, rst_n && !flush_i, WIDTH, in_valid_i, in_ready_o, in_data_i)
  `SAT_STREAM(check_out, rst_n && !flush_i, WIDTH, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
