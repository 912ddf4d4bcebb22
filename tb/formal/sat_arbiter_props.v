// SPDX-License-Identifier: Apache-2.0
// Properties of sat_arbiter: no requester that keeps asking sees N grants go to others. That there
// is one grant, to a requester, is asserted inside.
`default_nettype none

module sat_arbiter_props #(
  parameter integer N = 4
) (
  input wire         clk,
  input wire         rst_n,
  input wire [N-1:0] request_i,
  input wire         advance_i
);
  localparam integer INDEX_W = $clog2(N);

  wire [N-1:0] grant;

  sat_arbiter #(
    .N(N)
  ) u_arbiter (
    .clk          (clk),
    .rst_n        (rst_n),
    .request_i    (request_i),
    .advance_i    (advance_i),
    .grant_o      (grant),
    .grant_index_o()
  );

  reg started_q = 1'b0;
  always @(posedge clk) started_q <= 1'b1;

  always @(*) if (!started_q) m_reset_first: assume (!rst_n);

  genvar g;
  generate
    for (g = 0; g < N; g = g + 1) begin : gen_requester
      // Grants that went to others while this one has been asking without a break.
      reg [INDEX_W:0] passed_q;

      always @(posedge clk)
        if (!rst_n || !request_i[g] || (advance_i && grant[g])) passed_q <= {INDEX_W+1{1'b0}};
        else if (advance_i) passed_q <= passed_q + 1'b1;

      // No labels here: Yosys would give the copies one name.
      always @(*) if (started_q) assert (passed_q < N);

`ifdef COVER
      // Must fail: the longest wait happens.
      always @(*) if (started_q) assert (!(passed_q == N - 1 && grant[g]));
`endif
    end
  endgenerate
endmodule

`default_nettype wire
