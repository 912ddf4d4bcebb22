#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Computes docs/results/paper-comparison.md's tables from build/synth.json and build/bench.json.

Bytes come from the tiling that sat.plan chooses and derives; a test compares them with the
BYTES_READ and BYTES_WRITTEN counters of the RTL. The document states the assumptions.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sat.config import SatConfig
from sat.plan import Tiling, choose_row_interleave
from sat.terminal import run
from scripts.synthesis import cells
from scripts.synthesis.report import replace_block, table

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "results" / "paper-comparison.md"
BEAT = 16  # bytes
PAPER_PES = 1024
SPARSE, DENSE = (2, 8), (2, 2)
ARRAYS = ("8x8", "16x16", "32x32")
CLOCK = "sat_array_4x4"  # the largest array that was placed and routed
DDR4_GB = 19.2  # GB/s of one 64-bit DDR4-2400 channel: 2400 MT/s x 8 bytes


@dataclass(frozen=True)
class Layer:
    """A fully connected layer."""

    inputs: int
    outputs: int
    batch: int

    def __str__(self) -> str:
        return f"{self.inputs} to {self.outputs}, batch {self.batch}"


LAYERS = (Layer(256, 256, 256), Layer(1024, 1024, 512), Layer(768, 3072, 512))


@dataclass(frozen=True)
class Work:
    """What a command costs: multiplies, cycles of its engine if memory never waits, bytes."""

    multiplies: int
    cycles: int
    read: int
    written: int

    def __add__(self, other: Work) -> Work:
        return Work(self.multiplies + other.multiplies, self.cycles + other.cycles,
                    self.read + other.read, self.written + other.written)

    @property
    def bus_cycles(self) -> int:
        """Reads and writes have a channel each."""
        return max(self.read, self.written) // BEAT

    @property
    def time(self) -> int:
        return max(self.cycles, self.bus_cycles)


def in_beats(size: float) -> int:
    """Bytes read for a piece of `size` bytes: whole beats."""
    return -(-int(size) // BEAT) * BEAT


def matmul(config: SatConfig, i: int, j: int, k: int, nm: tuple[int, int], a_trans: bool = False,
           out_bytes: int = 2, mask: bool = False, bias: bool = False) -> Work:
    """MATMUL of sizes that are multiples of a tile."""
    n, m = nm
    tiling = Tiling(config, i, j, k, n, m)
    tiling = replace(tiling, row_interleave=choose_row_interleave(tiling))
    a_pass = (k * tiling.row_tiles * in_beats(2 * tiling.row_span) if a_trans
              else i * in_beats(2 * k))
    s_row = in_beats(2 * tiling.col_span) + (0 if tiling.dense else in_beats(tiling.col_span / 2))
    read = a_pass * tiling.a_passes
    read += tiling.kept * s_row * tiling.col_tiles * tiling.s_passes
    read += i * j * 2 if mask else 0
    read += j * 4 if bias else 0
    cycles = tiling.row_tiles * tiling.col_tiles * tiling.groups * tiling.period * config.t
    return Work(i * j * tiling.kept, cycles, read, i * j * out_bytes)


def update(layer: Layer, nm: tuple[int, int]) -> Work:
    """Reads dW, V, W and writes V, W in FP32 and both FP16 copies; its cycles are memory's."""
    n, m = nm
    weights = layer.inputs * layer.outputs
    copies = 2 * 2.0 if n == m else 2 * 2.5 * n / m
    return Work(0, 0, 12 * weights, int((8 + copies) * weights))


def passes(config: SatConfig, layer: Layer, nm: tuple[int, int]) -> dict[str, Work]:
    """The commands of one training step of a hidden layer."""
    return {
        "FF": matmul(config, layer.batch, layer.outputs, layer.inputs, nm, bias=True),
        "BP": matmul(config, layer.batch, layer.inputs, layer.outputs, nm, mask=True),
        "WU": matmul(config, layer.inputs, layer.outputs, layer.batch, DENSE, a_trans=True,
                     out_bytes=4),
        "UPDATE": update(layer, nm),
    }


def step(config: SatConfig, layer: Layer, nm: tuple[int, int]) -> tuple[Work, int]:
    """Everything that a step moves and multiplies; its cycles if UPDATE runs beside WU.

    The two share the bus, so the pair takes as long as the array or all its bytes.
    """
    work = passes(config, layer, nm)
    pair = work["WU"] + work["UPDATE"]
    total = work["FF"] + work["BP"] + pair
    return total, work["FF"].time + work["BP"].time + pair.time


# ---- Tables -----------------------------------------------------------------------------------


def gflops(pes: int, mhz: float) -> float:
    """Peak; a multiply and an add per PE and cycle."""
    return 2 * pes * mhz / 1000


def clocks(synth: Mapping) -> dict[str, float]:
    """Clocks with evidence, in MHz."""
    fmax = synth["fmax_ecp5"]
    return {f"{CLOCK} on ECP5, median": fmax[CLOCK]["median"],
            f"{CLOCK} on ECP5, best": fmax[CLOCK]["best"],
            "sat_uspe alone on ECP5, best": fmax["sat_uspe"]["best"]}


def peak_table(synth: Mapping, bench: Sequence[Mapping]) -> str:
    n, m = SPARSE
    return table(("clock", "MHz", f"GFLOPS, {PAPER_PES} PEs", f"pruned multiplies counted, {n}:{m}",
                  "GFLOPS, 64 PEs"),
                 [[source, f"{mhz:.1f}", f"{gflops(PAPER_PES, mhz):.0f}",
                   f"{gflops(PAPER_PES, mhz) * m / n:.0f}", f"{gflops(64, mhz):.1f}"]
                  for source, mhz in clocks(synth).items()])


def sustained_table(synth: Mapping, bench: Sequence[Mapping]) -> str:
    mhz = synth["fmax_ecp5"][CLOCK]["median"]
    rows = []
    for case in bench:
        pes = case["rows"] * case["cols"]
        sparsity = "dense" if case["n"] == case["m"] else f"{case['n']}:{case['m']}"
        rate = gflops(pes, mhz) * case["utilization"]
        speedup = f"{case['speedup']:.2f}x" if "speedup" in case else ""
        rows.append([f"`{case['case']}`", f"{case['rows']}x{case['cols']}", sparsity,
                     f"{case['utilization']:.1%}", f"{rate:.1f}", speedup])
    return table(("case", "array", "N:M", "utilization", f"GFLOPS at {mhz:.0f} MHz",
                  "over dense"), rows)


def memory_table(synth: Mapping, bench: Sequence[Mapping]) -> str:
    rows = []
    for name in ("8x8", "32x32"):
        config, area = SatConfig.from_name(name), synth[f"sat_top_{name}"]
        a_kib = config.rows * config.a_depth * config.data_w / 8 / 1024
        s_kib = config.cols * config.s_depth * 2.5 / 1024
        out_kib = config.cols * 2 * config.rows * config.t * 31 / 8 / 1024
        rows.append([name, f"{a_kib:.0f}", f"{s_kib:.0f}", f"{out_kib:.1f}", f"{area['bram']:g}",
                     f"{area['bram'] / cells.VU9P['bram']:.1%}", f"{area['lutram']:g}",
                     f"{area['srl']:g}"])
    return table(("core", "operand A, KiB", "operand S, KiB", "output buffer, KiB", "BRAM36",
                  "of a VU9P's", "LUTs as RAM", "LUTs as SRL"), rows)


def bandwidth_table(synth: Mapping, bench: Sequence[Mapping]) -> str:
    mhz = synth["fmax_ecp5"][CLOCK]["median"]
    rows = []
    for layer in LAYERS:
        for name in ARRAYS:
            work_of = passes(SatConfig.from_name(name), layer, SPARSE)
            for label in ("FF", "BP", "WU"):
                work = work_of[label]
                read, written = work.read / work.cycles, work.written / work.cycles
                rate = (read + written) * mhz / 1000
                rows.append([str(layer), name, label, f"{work.read / 1e6:.2f}",
                             f"{work.written / 1e6:.2f}", f"{read:.2f}", f"{written:.2f}",
                             f"{rate:.2f}", f"{rate / DDR4_GB:.0%}",
                             "memory" if work.bus_cycles > work.cycles else "array"])
        work = work_of["UPDATE"]
        rows.append([str(layer), "any", "UPDATE", f"{work.read / 1e6:.2f}",
                     f"{work.written / 1e6:.2f}", "", "", "", "", "memory"])
    return table(("layer", "array", "pass", "MB read", "MB written", "B/cycle read", "written",
                  f"GB/s at {mhz:.0f} MHz", "of a DDR4 channel", "bound by"), rows)


def step_table(synth: Mapping, bench: Sequence[Mapping]) -> str:
    mhz = synth["fmax_ecp5"][CLOCK]["median"]
    rows = []
    for layer in LAYERS:
        for name in ARRAYS:
            config = SatConfig.from_name(name)
            pes = config.rows * config.cols
            fields = []
            times = []
            for nm in (DENSE, SPARSE):
                work, time = step(config, layer, nm)
                busy = work.multiplies / (pes * time)
                times.append(time)
                fields += [f"{time:,}", f"{busy:.0%}", f"{gflops(pes, mhz) * busy:.1f}"]
            rows.append([str(layer), name, *fields, f"{times[0] / times[1]:.2f}x"])
    return table(("layer", "array", "cycles dense", "PEs busy", f"GFLOPS at {mhz:.0f} MHz",
                  "cycles 2:8", "PEs busy", f"GFLOPS at {mhz:.0f} MHz", "speed-up"), rows)


def energy_table(synth: Mapping, bench: Sequence[Mapping]) -> str:
    rows = []
    for layer in LAYERS:
        for name in ARRAYS:
            config = SatConfig.from_name(name)
            (dense, dense_time), (sparse, sparse_time) = (step(config, layer, nm)
                                                          for nm in (DENSE, SPARSE))
            ratios = [dense.multiplies / sparse.multiplies,
                      (dense.read + dense.written) / (sparse.read + sparse.written),
                      dense_time / sparse_time]
            rows.append([str(layer), name, *(f"{ratio:.2f}x" for ratio in ratios),
                         f"{min(ratios):.2f}x to {max(ratios):.2f}x"])
    return table(("layer", "array", "multiplies", "bytes", "cycles", "energy"), rows)


BLOCKS: dict[str, Callable[[Mapping, Sequence[Mapping]], str]] = {
    "peak": peak_table, "sustained": sustained_table, "memory": memory_table,
    "bandwidth": bandwidth_table, "step": step_table, "energy": energy_table,
}


def load(path: Path, target: str) -> Any:
    """What `make <target>` has written."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        sys.exit(f"{path} is damaged: {error}; run `make {target}` again")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Computes the tables of docs/results/paper-comparison.md.")
    parser.add_argument("--synth", type=Path, default=ROOT / "build" / "synth.json")
    parser.add_argument("--bench", type=Path, default=ROOT / "build" / "bench.json")
    parser.add_argument("--out", type=Path, default=DOCUMENT)
    args = parser.parse_args(argv)
    for path, target in ((args.synth, "synth"), (args.bench, "bench")):
        if not path.is_file():
            parser.error(f"{path} is missing: run `make {target}`")
    synth, bench = load(args.synth, "synth"), load(args.bench, "bench")
    text = DOCUMENT.read_text(encoding="utf-8")
    for name, block in BLOCKS.items():
        text = replace_block(text, name, block(synth, bench))
    args.out.write_text(text, encoding="utf-8")
    print(f"{args.out} written")
    return 0


if __name__ == "__main__":
    run(main)
