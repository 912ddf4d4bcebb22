// SPDX-License-Identifier: Apache-2.0
// Stands for sat_desc_fetch: a start is answered once, some time later, with any descriptor or
// error, which then holds. The read port does anything.
`default_nettype none

module sat_desc_fetch #(
  parameter integer ADDR_W = 40,
  parameter integer DATA_W = 128
) (
  input  wire              clk,
  input  wire              rst_n,
  input  wire              start_i,
  input  wire [ADDR_W-1:0] addr_i,
  output wire              done_o,
  output reg  [1023:0]     desc_o,
  output reg               err_o,
  output reg  [1:0]        err_resp_o,
  output reg  [ADDR_W-1:0] err_addr_o,
  output wire              rd_req_valid_o,
  input  wire              rd_req_ready_i,
  output wire [ADDR_W-1:0] rd_req_addr_o,
  output wire [11:0]       rd_req_beats_o,
  input  wire              rd_rsp_valid_i,
  output wire              rd_rsp_ready_o,
  input  wire [DATA_W-1:0] rd_rsp_data_i,
  input  wire              rd_err_valid_i,
  input  wire [1:0]        rd_err_resp_i,
  input  wire [ADDR_W-1:0] rd_err_addr_i
);
  (* anyseq *) wire              any_done, any_err, any_req, any_ready;
  (* anyseq *) wire [1023:0]     any_desc;
  (* anyseq *) wire [1:0]        any_resp;
  (* anyseq *) wire [ADDR_W-1:0] any_addr;
  (* anyseq *) wire [11:0]       any_beats;

  reg asked_q, done_q;

  assign done_o = done_q;
  assign {rd_req_valid_o, rd_rsp_ready_o, rd_req_addr_o, rd_req_beats_o}
    = {any_req, any_ready, any_addr, any_beats};

  always @(posedge clk) begin
    asked_q <= rst_n && (start_i || (asked_q && !any_done));
    done_q  <= rst_n && asked_q && any_done;
    if (asked_q) {desc_o, err_o, err_resp_o, err_addr_o} <= {any_desc, any_err, any_resp, any_addr};
  end
endmodule

`default_nettype wire
