// SPDX-License-Identifier: Apache-2.0
// Stands for sat_cmd_check: a start is answered once, some time later, with any verdict.
`default_nettype none
`include "sat_defs.vh"

module sat_cmd_check #(
  parameter integer ADDR_W = 40
) (
  input  wire          clk,
  input  wire          rst_n,
  input  wire          start_i,
  input  wire [1023:0] desc_i,
  output reg           done_o,
  output reg  [7:0]    code_o,
  output reg           tensor_o,
  output reg  [63:0]   base_o,
  output wire          a_meets_o,
  output wire          s_meets_o
);
  (* anyseq *) wire        any_done, any_tensor;
  (* anyseq *) wire [7:0]  any_code;
  (* anyseq *) wire [63:0] any_base;
  (* anyseq *) wire [1:0]  any_meets;

  reg asked_q;

  assign {a_meets_o, s_meets_o} = any_meets;

  always @(posedge clk) begin
    asked_q <= rst_n && (start_i || (asked_q && !any_done));
    done_o  <= rst_n && asked_q && any_done;
    if (asked_q) {code_o, tensor_o, base_o} <= {any_code, any_tensor, any_base};
  end

  always @(*) if (done_o) m_code: assume (code_o <= `SAT_ERR_RANGE);
endmodule

`default_nettype wire
