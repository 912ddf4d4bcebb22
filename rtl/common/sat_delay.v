// SPDX-License-Identifier: Apache-2.0
// sat_delay: data delayed by CYCLES clocks, without reset (maps to shift-register LUTs).
`default_nettype none

module sat_delay #(
  parameter integer WIDTH  = 1,  // bits, >= 1
  parameter integer CYCLES = 1   // >= 0; 0 is a wire
) (
  input  wire             clk,
  input  wire [WIDTH-1:0] in_i,
  output wire [WIDTH-1:0] out_o
);

  generate
    if (CYCLES == 0) begin : gen_wire
      wire unused_ok = &{1'b0, clk};
      assign out_o = in_i;
    end else if (CYCLES == 1) begin : gen_register
      reg [WIDTH-1:0] data_q;
      assign out_o = data_q;
      always @(posedge clk) data_q <= in_i;
    end else begin : gen_shift
      // The newest word is in the low bits.
      reg [CYCLES*WIDTH-1:0] data_q;
      assign out_o = data_q[(CYCLES-1)*WIDTH +: WIDTH];
      always @(posedge clk) data_q <= {data_q[(CYCLES-1)*WIDTH-1:0], in_i};
    end
  endgenerate

endmodule

`default_nettype wire
