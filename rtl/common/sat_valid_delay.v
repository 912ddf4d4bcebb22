// SPDX-License-Identifier: Apache-2.0
// sat_valid_delay: control bits delayed by CYCLES clocks; reset clears all of them.
`default_nettype none

module sat_valid_delay #(
  parameter integer WIDTH  = 1,  // bits, >= 1
  parameter integer CYCLES = 1   // >= 0; 0 is a wire
) (
  input  wire             clk,
  input  wire             rst_n,
  input  wire [WIDTH-1:0] in_i,
  output wire [WIDTH-1:0] out_o
);

  generate
    if (CYCLES == 0) begin : gen_wire
      wire unused_ok = &{1'b0, clk, rst_n};
      assign out_o = in_i;
    end else if (CYCLES == 1) begin : gen_register
      reg [WIDTH-1:0] bits_q;
      assign out_o = bits_q;
      always @(posedge clk) begin
        if (!rst_n) bits_q <= {WIDTH{1'b0}};
        else bits_q <= in_i;
      end
    end else begin : gen_shift
      // The newest word is in the low bits.
      reg [CYCLES*WIDTH-1:0] bits_q;
      assign out_o = bits_q[(CYCLES-1)*WIDTH +: WIDTH];
      always @(posedge clk) begin
        if (!rst_n) bits_q <= {CYCLES*WIDTH{1'b0}};
        else bits_q <= {bits_q[(CYCLES-1)*WIDTH-1:0], in_i};
      end
    end
  endgenerate

endmodule

`default_nettype wire
