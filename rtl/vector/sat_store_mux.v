// SPDX-License-Identifier: Apache-2.0
// sat_store_mux: sends packets of SOURCES sources through one write DMA port, source 0 first,
// packet by packet and without a gap. A packet is its beats, the last one marked; address and
// number of beats stay the same for all of them. Ready to the sources is combinational.
`default_nettype none
`include "sat_assert.vh"
`include "sat_buses.vh"

module sat_store_mux #(
  parameter integer SOURCES = 3,   // >= 2
  parameter integer ADDR_W  = 40,  // bits, 32..40
  parameter integer DATA_W  = 128  // bits
) (
  input  wire                                      clk,
  input  wire                                      rst_n,
  // packets
  input  wire                        [SOURCES-1:0] in_valid_i,
  output wire                        [SOURCES-1:0] in_ready_o,
  input  wire                 [SOURCES*ADDR_W-1:0] in_addr_i,
  input  wire [SOURCES*`SAT_PACKET_BEATS_BITS-1:0] in_beats_i,
  input  wire                        [SOURCES-1:0] in_last_i,
  input  wire                 [SOURCES*DATA_W-1:0] in_data_i,
  input  wire               [SOURCES*DATA_W/8-1:0] in_strb_i,
  // write DMA
  output wire                                      req_valid_o,
  input  wire                                      req_ready_i,
  output wire                         [ADDR_W-1:0] req_addr_o,
  output wire                               [11:0] req_beats_o,
  output wire                                      data_valid_o,
  input  wire                                      data_ready_i,
  output wire                         [DATA_W-1:0] data_o,
  output wire                       [DATA_W/8-1:0] strb_o
);

  localparam integer BEATS_W = `SAT_PACKET_BEATS_BITS;
  localparam integer STRB_W  = DATA_W / 8;
  localparam integer WIDTH   = ADDR_W + BEATS_W + 1 + DATA_W + STRB_W;

  // A source once chosen keeps the port until its packet has left.
  reg  [SOURCES-1:0] grant_q;
  reg                locked_q, req_sent_q, data_sent_q;

  wire [SOURCES-1:0] grant = locked_q ? grant_q : in_valid_i & (~in_valid_i + 1'b1);
  wire               valid = |(grant & in_valid_i);

  // AND-OR multiplexer over the sources.
  wire [(SOURCES+1)*WIDTH-1:0] chain;
  wire           [BEATS_W-1:0] beats;
  wire                         last;

  assign chain[0 +: WIDTH] = {WIDTH{1'b0}};
  assign {req_addr_o, beats, last, data_o, strb_o} = chain[SOURCES*WIDTH +: WIDTH];
  assign req_beats_o = {7'd0, beats};

  genvar s;
  generate
    for (s = 0; s < SOURCES; s = s + 1) begin : gen_source
      assign chain[(s+1)*WIDTH +: WIDTH] = chain[s*WIDTH +: WIDTH] | ({WIDTH{grant[s]}}
        & {in_addr_i[s*ADDR_W +: ADDR_W], in_beats_i[s*BEATS_W +: BEATS_W], in_last_i[s],
           in_data_i[s*DATA_W +: DATA_W], in_strb_i[s*STRB_W +: STRB_W]});
      `SAT_REQUIRE_STREAM(check_in, rst_n, WIDTH, in_valid_i[s], in_ready_o[s],
                          {in_addr_i[s*ADDR_W +: ADDR_W], in_beats_i[s*BEATS_W +: BEATS_W],
                           in_last_i[s], in_data_i[s*DATA_W +: DATA_W],
                           in_strb_i[s*STRB_W +: STRB_W]})
    end
  endgenerate

  // The last beat waits, once taken, for the request to be taken too.
  wire req_done  = req_sent_q || (req_valid_o && req_ready_i);
  wire data_done = data_sent_q || (data_valid_o && data_ready_i);
  wire advance   = valid && data_done && (!last || req_done);

  assign req_valid_o  = valid && !req_sent_q;
  assign data_valid_o = valid && !data_sent_q;
  assign in_ready_o   = grant & {SOURCES{advance}};

  always @(posedge clk) begin
    if (!rst_n) begin
      locked_q    <= 1'b0;
      req_sent_q  <= 1'b0;
      data_sent_q <= 1'b0;
    end else if (valid) begin
      locked_q    <= !(advance && last);
      req_sent_q  <= req_done && !(advance && last);
      data_sent_q <= data_done && !advance;
    end
    grant_q <= grant;
  end

endmodule

`default_nettype wire
