// SPDX-License-Identifier: Apache-2.0
// What sat_burst_split promises (proven in sat_burst_split_props.v), and any behaviour besides:
// stands for it where no more of a request's bursts matters. Bursts are of the request taken last.
`default_nettype none

module sat_burst_split #(
  parameter integer ADDR_W  = 40,
  parameter integer BEATS_W = 12,
  parameter integer DATA_W  = 128,
  parameter integer WINDOW  = 64,
  parameter integer LATE    = 0
) (
  input  wire               clk,
  input  wire               rst_n,
  input  wire               req_valid_i,
  output wire               req_ready_o,
  input  wire [ADDR_W-1:0]  req_addr_i,
  input  wire [BEATS_W-1:0] req_beats_i,
  output wire               burst_valid_o,
  input  wire               burst_ready_i,
  output wire [ADDR_W-1:0]  burst_addr_o,
  output wire [7:0]         burst_len_o
);
  localparam integer BYTE_W   = $clog2(DATA_W / 8);
  localparam integer OFFSET_W = $clog2(WINDOW);

  (* anyseq *) wire                     any_ready, any_valid;
  (* anyseq *) wire [ADDR_W-BYTE_W-1:0] any_line;
  (* anyseq *) wire [OFFSET_W-1:0]      any_len;

  assign req_ready_o   = any_ready;
  assign burst_valid_o = any_valid;
  assign burst_addr_o  = {any_line, {BYTE_W{1'b0}}};
  assign burst_len_o   = {{8-OFFSET_W{1'b0}}, any_len};

  // No burst without a request; it waits unchanged, and lies within its window.
  reg                     asked_q = 1'b0;
  reg                     waits_q = 1'b0;
  reg [ADDR_W-BYTE_W-1:0] line_q;
  reg [OFFSET_W-1:0]      len_q;

  always @(posedge clk) begin
    asked_q <= rst_n && (asked_q || (req_valid_i && any_ready));
    waits_q <= rst_n && any_valid && !burst_ready_i;
    line_q  <= any_line;
    len_q   <= any_len;
  end

  always @(*) begin
    if (any_valid) m_asked: assume (asked_q);
    if (waits_q) m_stable: assume (any_valid && any_line == line_q && any_len == len_q);
    m_window: assume ({1'b0, any_line[OFFSET_W-1:0]} + any_len < WINDOW);
  end
endmodule

`default_nettype wire
