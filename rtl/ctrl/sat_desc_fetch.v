// SPDX-License-Identifier: Apache-2.0
// sat_desc_fetch: reads one descriptor over a read DMA port. A bus error on the way does not stop
// the read; it is reported with the result. desc_o holds until the next start.
`default_nettype none

module sat_desc_fetch #(
  parameter integer ADDR_W = 40,  // address bits
  parameter integer DATA_W = 128  // bus bits, divides 1024
) (
  input  wire              clk,
  input  wire              rst_n,
  input  wire              start_i,     // pulse, not while a descriptor is being read
  input  wire [ADDR_W-1:0] addr_i,
  output reg               done_o,      // pulse; the outputs below are valid from here on
  output reg  [1023:0]     desc_o,
  output reg               err_o,       // first bus error, if any
  output reg  [1:0]        err_resp_o,
  output reg  [ADDR_W-1:0] err_addr_o,
  // Read DMA client port, and errors of its beats
  output reg               rd_req_valid_o,
  input  wire              rd_req_ready_i,
  output reg  [ADDR_W-1:0] rd_req_addr_o,
  output wire [11:0]       rd_req_beats_o,
  input  wire              rd_rsp_valid_i,
  output wire              rd_rsp_ready_o,
  input  wire [DATA_W-1:0] rd_rsp_data_i,
  input  wire              rd_err_valid_i,
  input  wire [1:0]        rd_err_resp_i,
  input  wire [ADDR_W-1:0] rd_err_addr_i
);

  localparam integer BEATS  = 1024 / DATA_W;
  localparam integer BEAT_W = $clog2(BEATS);

  localparam [31:0] BEATS_WORD = BEATS;

  reg [BEAT_W-1:0] beat_q;

  assign rd_req_beats_o = BEATS_WORD[11:0];
  assign rd_rsp_ready_o = 1'b1;

  always @(posedge clk) begin
    if (!rst_n) begin
      rd_req_valid_o <= 1'b0;
      beat_q         <= {BEAT_W{1'b0}};
      done_o         <= 1'b0;
      err_o          <= 1'b0;
    end else begin
      done_o <= rd_rsp_valid_i && beat_q == {BEAT_W{1'b1}};
      if (start_i) rd_req_valid_o <= 1'b1;
      else if (rd_req_ready_i) rd_req_valid_o <= 1'b0;
      if (rd_rsp_valid_i) beat_q <= beat_q + 1'b1;
      if (start_i) err_o <= 1'b0;
      else if (rd_err_valid_i) err_o <= 1'b1;
    end
  end

  always @(posedge clk) begin
    if (start_i) rd_req_addr_o <= addr_i;
    if (rd_rsp_valid_i) desc_o <= {rd_rsp_data_i, desc_o[1023:DATA_W]};
    if (rd_err_valid_i && !err_o) begin
      err_resp_o <= rd_err_resp_i;
      err_addr_o <= rd_err_addr_i;
    end
  end

endmodule

`default_nettype wire
