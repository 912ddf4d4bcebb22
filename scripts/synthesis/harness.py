# SPDX-License-Identifier: Apache-2.0
"""A wrapper that makes a module's clock measurable: three pads, every port in registers.

Inputs come from a shift register, outputs are registered and folded into a signature register, so
that nothing can be optimised away, no pad is in a path, and the wrapper's own paths are short.
"""

from __future__ import annotations

from collections.abc import Mapping

TEMPLATE = """\
module harness (
  input  wire clk,
  input  wire serial_i,
  output wire serial_o
);
  // keep: else registers of the module that copy an input would be merged with the chain.
  (* keep *) reg [{last_in}:0] in_q;
  (* keep *) reg [{last_out}:0] out_q, fold_q;
  wire [{last_out}:0] out;
  always @(posedge clk) begin
    in_q   <= {{in_q, serial_i}};
    out_q  <= out;
    fold_q <= {{fold_q, fold_q[{last_out}]}} ^ out_q;
  end
  assign serial_o = fold_q[{last_out}];
  dut u_dut ({connections});
endmodule
"""


def verilog(ports: Mapping[str, Mapping]) -> str:
    """The wrapper of module `dut`; `ports` as in Yosys' JSON."""
    width = {"input": 0, "output": 0}
    connections = []
    for name, port in ports.items():
        if name == "clk":
            connections.append(".clk(clk)")
            continue
        side, bits = port["direction"], len(port["bits"])
        vector = "in_q" if side == "input" else "out"
        connections.append(f".{name}({vector}[{width[side]} +: {bits}])")
        width[side] += bits
    return TEMPLATE.format(last_in=width["input"] - 1, last_out=width["output"] - 1,
                           connections=", ".join(connections))
