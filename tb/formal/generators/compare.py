# SPDX-License-Identifier: Apache-2.0
"""Synthesise the hand-written and the generated N:M selection network and print both as a table.

    python -m tb.formal.generators.compare       the tables of docs/design/myhdl-vs-verilog.md

Each ratio is built three times: hand-written with n and m tied to constants, the same algorithm
(rank) in MyHDL, and the merge network that nm_select generates. The last row is the hand-written
network as SORE has it, with n and m chosen at run time.
"""

import inspect
import io
import json
import re
import tokenize
from pathlib import Path

from tb.formal.generators import nm_rank, nm_select
from tb.formal.tools import ROOT, yosys

HAND_WRITTEN = "rtl/vector/sat_nm_select.v"
GENERATORS = {"rank": nm_rank, "merge": nm_select}
BUILD = ROOT / "build" / "compare"
WIDTH = 15
RATIOS = [(1, 8), (2, 4), (2, 8), (4, 16)]
FLOWS = {"UltraScale+": "synth_xilinx -family xcup -flatten -noiopad", "ECP5": "synth_ecp5"}


def verilog_lines(path: Path) -> int:
    """Lines that hold code, not only blanks or comments."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return sum(bool(line.split("//")[0].strip()) for line in lines)


def python_lines(path: Path) -> int:
    """Lines that hold code, not only blanks, comments or docstrings."""
    lines: set[int] = set()
    statement: list[tokenize.TokenInfo] = []
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if token.type in (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT):
            continue
        if token.type != tokenize.NEWLINE:
            statement.append(token)
            continue
        if any(part.type != tokenize.STRING for part in statement):
            lines.update(row for part in statement for row in range(part.start[0], part.end[0] + 1))
        statement = []
    return len(lines)


def tied(n: int, m: int) -> str:
    """Verilog of the hand-written network with n and m constant."""
    return f"""\
module tied (
  input  wire [{m * WIDTH - 1}:0] keys_i,
  output wire [{m - 1}:0] keep_o
);
  sat_nm_select #(
    .M_MAX({m}),
    .KEY_W({WIDTH})
  ) u_select (
    .keys_i  (keys_i),
    .m_log2_i(3'd{m.bit_length() - 1}),
    .n_i     (5'd{n}),
    .keep_o  (keep_o)
  );
endmodule
"""


def synthesise(sources: list[str], top: str, flow: str) -> str:
    """Area and depth as 'LUTs + carry cells, cells on the longest path'."""
    report = BUILD / "stat.json"
    log = yosys(f"read_verilog {' '.join(sources)}", f"{flow} -top {top}",
                f"tee -q -o {report} stat -json", "ltp -noff")
    cells = json.loads(report.read_text(encoding="utf-8"))["design"]["num_cells_by_type"]
    luts = sum(count for cell, count in cells.items() if re.fullmatch(r"LUT\d", cell))
    carries = cells.get("CARRY4", 0) + cells.get("CCU2C", 0)
    levels = re.findall(r"length=(\d+)", log)[-1]
    return f"{luts} + {carries}, {levels}"


def print_row(*cells: object) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def main() -> None:
    BUILD.mkdir(parents=True, exist_ok=True)
    print_row("file", "lines of code")
    print_row("---", "---")
    print_row(f"`{HAND_WRITTEN}`", verilog_lines(ROOT / HAND_WRITTEN))
    for name, generator in GENERATORS.items():
        path = Path(inspect.getfile(generator)).relative_to(ROOT)
        print_row(f"`{path}`", python_lines(ROOT / path))
        for n, m in RATIOS:
            generator.generate(n, m, WIDTH, BUILD / f"{name}_{n}_{m}.v")
            print_row(f"its Verilog for {n}:{m}", verilog_lines(BUILD / f"{name}_{n}_{m}.v"))
    print()
    print_row("network", *(f"{side}, {flow}" for flow in FLOWS
                           for side in ("hand-written", *(f"MyHDL {name}" for name in GENERATORS))))
    print_row(*["---"] * (1 + len(FLOWS) * (1 + len(GENERATORS))))
    for n, m in RATIOS:
        wrapper = BUILD / f"tied_{n}_{m}.v"
        wrapper.write_text(tied(n, m), encoding="utf-8")
        cells = []
        for flow in FLOWS.values():
            cells.append(synthesise([HAND_WRITTEN, str(wrapper)], "tied", flow))
            for name in GENERATORS:
                top = f"{name}_{n}_{m}"
                cells.append(synthesise([str(BUILD / f"{top}.v")], top, flow))
        print_row(f"{n}:{m}", *cells)
    cells = []
    for flow in FLOWS.values():
        cells += [synthesise([HAND_WRITTEN], "sat_nm_select", flow)] + ["-"] * len(GENERATORS)
    print_row("any N:M of 16 keys, at run time", *cells)


if __name__ == "__main__":
    main()
