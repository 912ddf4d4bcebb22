// SPDX-License-Identifier: Apache-2.0
// sat_tile_queues: gives the description of each tile that begins to all SINKS that want it, up to
// four ahead of their use. A tile begins when the one before has ended, room_i is high and no queue
// is full; begun_o is high from that cycle to tile_end_i. done_o is low from the cycle
// after start_i until every sink that wants tiles has finished the command's last; a sink is ready
// for a tile when it has finished with it. wanted_i is stable from the cycle after start_i on.
`default_nettype none
`include "sat_buses.vh"

module sat_tile_queues #(
  parameter integer SINKS = 4
) (
  input  wire                            clk,
  input  wire                            rst_n,
  input  wire                            start_i,
  input  wire                [SINKS-1:0] wanted_i,
  // tiles (sat_tile_loader)
  input  wire                            tile_valid_i,
  input  wire       [`SAT_TILE_BITS-1:0] tile_i,
  input  wire                            tile_end_i,
  input  wire                            room_i,
  output wire                            begin_o,
  output wire                            begun_o,
  // sinks
  output wire                [SINKS-1:0] sink_valid_o,
  input  wire                [SINKS-1:0] sink_ready_i,
  output wire [`SAT_TILE_BITS*SINKS-1:0] sink_tile_o,
  output wire                            done_o
);

  wire [SINKS-1:0] ready;
  reg  [SINKS-1:0] done_q;
  reg              begun_q;

  assign begin_o = tile_valid_i && !begun_q && room_i && (&ready);
  assign begun_o = begun_q || begin_o;
  assign done_o  = &done_q;

  always @(posedge clk) begin
    if (!rst_n) begun_q <= 1'b0;
    else        begun_q <= begun_o && !tile_end_i;
  end

  genvar k;
  generate
    for (k = 0; k < SINKS; k = k + 1) begin : gen_sink
      wire [2:0] count;
      wire       unused_ok = &{1'b0, count};

      sat_fifo #(
        .WIDTH(`SAT_TILE_BITS),
        .DEPTH(4)
      ) u_tiles (
        .clk        (clk),
        .rst_n      (rst_n),
        .flush_i    (1'b0),
        .in_valid_i (begin_o && wanted_i[k]),
        .in_ready_o (ready[k]),
        .in_data_i  (tile_i),
        .out_valid_o(sink_valid_o[k]),
        .out_ready_i(sink_ready_i[k]),
        .out_data_o (sink_tile_o[`SAT_TILE_BITS*k +: `SAT_TILE_BITS]),
        .count_o    (count)
      );

      always @(posedge clk) begin
        if (!rst_n)       done_q[k] <= 1'b1;
        else if (start_i) done_q[k] <= 1'b0;
        else if (!wanted_i[k] ||
                 (sink_ready_i[k] && sink_tile_o[`SAT_TILE_BITS*k + `SAT_TILE_LAST]))
          done_q[k] <= 1'b1;
      end
    end
  endgenerate

endmodule

`default_nettype wire
