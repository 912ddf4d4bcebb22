# SPDX-License-Identifier: Apache-2.0
"""Matrix products by SCALE-Sim, by the cycle model and in RTL (docs/results/scale-sim.md).

    python -m venv build/scale-sim
    build/scale-sim/bin/pip install scalesim==3.0.0 "numpy<2.4"
    python -m scripts.scale_sim [--cases dense-96 nm-2:8] [--python build/scale-sim/bin/python]

The cases are products of `sat bench` on 8x8. SCALE-Sim, which has needs of its own, runs in its
own environment; without it a notice says so, and there is nothing to compare. It gets the same
array, scratchpads of the same size and 128 bits per cycle for each operand, and holds outputs
(os), as this core does, or weights (ws). Its cycles are those with the first prefetch. RTL is
compared with the golden model, bit for bit. Writes build/scale-sim.json.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from sat import bench, terminal
from sat.config import SatConfig
from sat.files import write_text
from sat.memory import FP32
from sat.options import show_nm
from sat.plan import model

ARRAY = "8x8"
LARGEST = 256  # of a side: SCALE-Sim keeps a row for each cycle
DATAFLOWS = ("os", "ws")
PYTHON = Path("build", "scale-sim", "bin", "python")
CYCLES = "Total Cycles (incl. prefetch)"
CASES = [case for case in bench.CASES if isinstance(case, bench.MatmulCase)
         and case.config == ARRAY and max(case.i, case.j, case.k) <= LARGEST]

CONFIG = """\
[general]
run_name = run
[architecture_presets]
ArrayHeight: {rows}
ArrayWidth: {cols}
IfmapSramSzkB: {a_kib}
FilterSramSzkB: {s_kib}
OfmapSramSzkB: {c_kib}
IfmapOffset: 0
FilterOffset: 10000000
OfmapOffset: 20000000
Bandwidth: {words}
Dataflow: {dataflow}
ReadRequestBuffer: 64
WriteRequestBuffer: 64
[layout]
IfmapCustomLayout: False
IfmapSRAMBankBandwidth: 10
IfmapSRAMBankNum: 10
IfmapSRAMBankPort: 2
FilterCustomLayout: False
FilterSRAMBankBandwidth: 10
FilterSRAMBankNum: 10
FilterSRAMBankPort: 2
[sparsity]
SparsitySupport: {sparse}
SparseRep: ellpack_block
OptimizedMapping: false
BlockSize: {m}
RandomNumberGeneratorSeed: 1
[run_presets]
InterfaceBandwidth: USER
UseRamulatorTrace: False
"""


def scale_sim(python: Path, case: bench.MatmulCase, config: SatConfig, dataflow: str) -> int:
    """Cycles of a case; RuntimeError with SCALE-Sim's last line if it does not end well."""
    sparse = case.n != case.m
    files = {
        "run.cfg": CONFIG.format(
            rows=config.rows, cols=config.cols, dataflow=dataflow, sparse=sparse, m=case.m,
            words=config.data_w // 16, a_kib=config.rows * config.a_depth * config.data_w >> 13,
            s_kib=config.cols * config.s_depth * 2 >> 10,
            c_kib=2 * config.rows * config.cols * config.t * 4 >> 10),
        "topology.csv": "Layer,M,N,K,Sparsity,\n"
                        f"run,{case.i},{case.j},{case.k},{case.n if sparse else 1}:"
                        f"{case.m if sparse else 1},\n",
        "layout.csv": "Layer,\nrun," + "1," * 20 + "\n"}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            Path(folder, name).write_text(text, encoding="utf-8")
        done = subprocess.run(
            [python.absolute(), "-m", "scalesim.scale", "-t", "topology.csv", "-l", "layout.csv",
             "-c", "run.cfg", "-p", "out", "-i", "gemm", "-s", "N"],
            cwd=folder, capture_output=True, encoding="utf-8", errors="replace", check=False)
        report = Path(folder, "out", "run", "COMPUTE_REPORT.csv")
        if done.returncode or not report.exists():
            said = (done.stderr.strip() or done.stdout.strip() or "nothing was said").splitlines()
            raise RuntimeError(f"SCALE-Sim, {case.name}: {said[-1]}")
        with report.open(encoding="utf-8", newline="") as lines:
            (row,) = csv.DictReader(lines, skipinitialspace=True)
        return int(float(row[CYCLES]))


def ours(board: bench.Board, case: bench.MatmulCase) -> tuple[int, int]:
    """Cycles in RTL and by the model. RuntimeError if a bit differs from the golden model's."""
    core, rng = board.core, np.random.default_rng(bench.SEED)
    a = core.from_array("a", rng.standard_normal((case.i, case.k)).astype(np.float16))
    program = core.program()
    program.matmul(a, bench.random_operand(core, rng, case),
                   core.tensor("out", (case.i, case.j), FP32))
    cycles = core.run(program).cycles
    if board.backend.differing_bits:
        raise RuntimeError("\n".join(board.backend.reports))
    return cycles, model.run(board.config, [one.descriptor for one in program]).cycles


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.scale_sim", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", default=[""], metavar="TEXT",
                        help="those whose name contains one of these")
    parser.add_argument("--python", type=Path, default=PYTHON, metavar="FILE",
                        help=f"of an environment that has scalesim; {PYTHON} by default")
    parser.add_argument("--out", type=Path, default=Path("build", "scale-sim.json"))
    args = parser.parse_args(argv)
    cases = [case for case in CASES if any(text in case.name for text in args.cases)]
    if not cases:
        parser.error(f"--cases: none of {', '.join(case.name for case in CASES)}")
    if not args.python.exists():
        print(f"skipped: no SCALE-Sim at {args.python} (python -m venv build/scale-sim; "
              "build/scale-sim/bin/pip install scalesim==3.0.0 'numpy<2.4')")
        return 0
    console, board = Console(), bench.Board(ARRAY)
    table = Table("case", "N:M", *(f"SCALE-Sim {one}" for one in DATAFLOWS), "model", "RTL")
    rows = []
    with terminal.status(console, f"{len(cases)} products on {ARRAY}:") as report:
        for case in cases:
            theirs = {one: scale_sim(args.python, case, board.config, one) for one in DATAFLOWS}
            rtl, modelled = ours(board, case)
            rows.append({"case": case.name, "n": case.n, "m": case.m, "i": case.i, "j": case.j,
                         "k": case.k, "scale_sim": theirs, "model": modelled, "rtl": rtl})
            table.add_row(case.name, show_nm((case.n, case.m)),
                          *(f"{cycles:,}" for cycles in (*theirs.values(), modelled, rtl)))
            report(case.name)
    board.close()
    write_text(args.out, json.dumps(rows, indent=1) + "\n")
    terminal.print_table(console, table)
    console.print(str(args.out), highlight=False, soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
