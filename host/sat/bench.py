# SPDX-License-Identifier: Apache-2.0
"""The benchmark: cycles, utilization and speed-up in RTL simulation, every result checked.

    sat bench [--config 32x32] [--cases step nm-2:8] [--out build/bench.json]
    sat bench --model  [...]

Memory has 40 cycles of latency and moves a beat of `data_w` bits per cycle and direction. Cycles
are those of the CYCLES counter, from start to done. `macs` are the multiplies needed at the case's
N:M, and utilization ("used" in the table) is macs / (PEs * cycles). Padding counts as multiplies,
zeros that a stride inserts in BP do not. `vector_busy` is the share of the cycles in which the
vector engine works, `stalls` are the cycles that the array waits for A, for S and for the output
buffer. `bytes_read`, where given, are those of the BYTES_READ
counter, and `bytes_ratio` these over the bytes of the tensors that the command reads.
`cycles_per_second` ("kHz") is the simulation's speed, in cycles per second of processor time. Each
result is compared with the golden model, bit for bit. With --model the cycle model counts instead,
in seconds, and nothing is computed; it writes build/bench-model.json.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from sat_golden.compress import compress_ff

from . import terminal
from .backend import Result
from .backends import CheckedBackend, GoldenBackend, SimBackend
from .config import SatConfig
from .core import Core
from .files import write_text
from .memory import FP32, Compressed, FeatureMap, Tensor
from .networks.draft import DraftBackend
from .nn import DENSE, Conv2d, ConvSpec, LayerSpec, Mlp, Sgd, SparseWu
from .nn.blocks import Span, Unit
from .nn.schedule import Schedule
from .nn.script import Script
from .plan import model
from .program import Command, Program

SEED = 1
SGD = Sgd(lr=0.1, momentum=0.9)
MEMORY_BYTES = 64 << 20
SPARSE_WU = SparseWu(2, 8)
SPARSE_CONV = ConvSpec(64, 64, n=2, m=8, wu=SPARSE_WU)
ARRAYS = ("8x8", "16x16", "32x32")  # that the paper's comparison is about


@dataclass(frozen=True)
class MatmulCase:
    """One MATMUL, [i][k] x [k][j], on a configuration."""

    name: str
    config: str
    i: int
    j: int
    k: int
    n: int = DENSE[0]
    m: int = DENSE[1]


@dataclass(frozen=True)
class StepCase:
    """A training step of hidden layers, all passes of each, updates and prunings included."""

    name: str
    config: str
    size: int
    layers: int
    batch: int
    n: int = DENSE[0]
    m: int = DENSE[1]
    wu: SparseWu | None = None


@dataclass(frozen=True)
class ConvCase:
    """One pass (FF, BP or WU) of a convolution on `images` maps of h x w."""

    name: str
    conv_pass: str
    images: int
    h: int
    w: int
    spec: ConvSpec
    config: str = "8x8"

    @property
    def n(self) -> int:
        return self.spec.n

    @property
    def m(self) -> int:
        return self.spec.m


@dataclass(frozen=True)
class ConvStepCase(ConvCase):
    """A training step of `layers` such convolutions with ReLU, updates and prunings included."""

    layers: int = 3


@dataclass(frozen=True)
class ConvNormStepCase(ConvStepCase):
    """The same with batch normalisation before each ReLU; the batch goes through in `parts`."""

    parts: int = 4


def on(name: str, config: str) -> str:
    """A case's name on an array."""
    return name if config == "8x8" else f"{name}-{config}"


def square(name: str, config: str, size: int, n: int = DENSE[0], m: int = DENSE[1]) -> MatmulCase:
    return MatmulCase(on(name, config), config, size, size, size, n, m)


def conv_cases(name: str, config: str, passes: str, images: int, side: int, sparse: bool = True,
               **spec) -> list[ConvCase]:
    """The passes of a 64 -> 64 layer, dense, and FF and BP at 2:8 too."""
    dense = ConvSpec(64, 64, **spec)
    return [ConvCase(on(f"{name}-{one.lower()}", config), one, images, side, side, shape, config)
            for one in passes.split()
            for shape in (dense, replace(dense, n=2, m=8))
            if shape is dense or sparse and one != "WU"]


def array_cases(config: str) -> list[MatmulCase | StepCase | ConvCase]:
    """What is measured on every array."""
    return [
        square("dense-512", config, 512),
        square("nm-2:8-512", config, 512, 2, 8),
        square("dense-1024", config, 1024),
        square("nm-2:8-1024", config, 1024, 2, 8),
        StepCase(on("step-512-dense", config), config, 512, 2, 512),
        StepCase(on("step-512", config), config, 512, 2, 512, 2, 8),
        StepCase(on("step-512-wu", config), config, 512, 2, 512, 2, 8, SPARSE_WU),
        *conv_cases("conv3", config, "FF BP WU", 16, 16),
        *(ConvStepCase(on("conv-step", config), "all", 4, 16, 16, ConvSpec(64, 64, n=n, m=m),
                       config) for n, m in (DENSE, (2, 8))),
        ConvStepCase(on("conv-step-wu", config), "all", 4, 16, 16, SPARSE_CONV, config),
        *(ConvNormStepCase(on("conv-bn-step", config), "all", 16, 16, 16,
                           ConvSpec(64, 64, n=n, m=m), config) for n, m in (DENSE, (2, 8))),
        ConvNormStepCase(on("conv-bn-step-wu", config), "all", 16, 16, 16, SPARSE_CONV, config),
    ]


CASES: list[MatmulCase | StepCase | ConvCase] = [
    square("dense-96", "8x8", 96),
    square("dense-256", "8x8", 256),
    square("nm-1:4-256", "8x8", 256, 1, 4),
    square("nm-2:4-256", "8x8", 256, 2, 4),
    square("nm-1:8-256", "8x8", 256, 1, 8),
    square("nm-2:8-256", "8x8", 256, 2, 8),
    square("nm-4:8-256", "8x8", 256, 4, 8),
    square("nm-2:16-256", "8x8", 256, 2, 16),
    StepCase("step-256-dense", "8x8", 256, 2, 256),
    StepCase("step-256", "8x8", 256, 2, 256, 2, 8),
    StepCase("step-256-wu", "8x8", 256, 2, 256, 2, 8, SPARSE_WU),
    *conv_cases("conv1", "8x8", "FF BP WU", 4, 16, kernel=1, pad=0),
    *conv_cases("conv3-stride2", "8x8", "FF BP WU", 4, 16, stride=2),
    *conv_cases("conv3-32px", "8x8", "FF BP WU", 1, 32, sparse=False),
    *(case for config in ARRAYS for case in array_cases(config)),
]


class Counted(DraftBackend):
    """Programs take the cycles that the model says, and compute nothing."""

    def __init__(self, config: SatConfig):
        super().__init__(config)
        self.cycle, self.device_seconds = 0, 0.0
        self.differing_bits, self.reports = 0, list[str]()

    def run(self, addr: int, program: Program) -> Result:
        start = time.process_time()
        made = model.run(self.config, [command.descriptor for command in program], addr)
        self.device_seconds += time.process_time() - start
        self.cycle += made.cycles
        return Result(counters=made.counters)


class Board:
    """RTL and golden model of one configuration, or the cycle model, with a clock for the speed."""

    def __init__(self, config: str, modelled: bool = False):
        self.config = SatConfig.from_name(config)
        self.clock: SimBackend | Counted
        self.backend: CheckedBackend | Counted
        if modelled:
            self.clock = self.backend = Counted(self.config)
        else:
            self.clock = SimBackend(self.config, memory_size=MEMORY_BYTES)
            golden = GoldenBackend(self.config, memory_size=MEMORY_BYTES)
            self.backend = CheckedBackend(self.clock, golden)
        self.core = Core(self.backend)

    def fields(self, results: Sequence[Result], macs: int) -> dict:
        """Of the programs of a case. The counters of stalls count periods of T cycles."""
        config = self.config

        def total(counter: str) -> int:
            return sum(result.counters[counter] for result in results)

        cycles = total("CYCLES")
        return {"rows": config.rows, "cols": config.cols, "interleave": config.t,
                "data_w": config.data_w, "macs": macs, "cycles": cycles,
                "utilization": round(macs / (config.rows * config.cols * cycles), 4),
                "vector_busy": round(total("VECTOR_BUSY") / cycles, 4),
                "stalls": {name: total(f"STALL_{name.upper()}") * config.t
                           for name in ("a", "s", "drain")}}

    def close(self) -> None:
        self.backend.close()


def run_matmul(board: Board, case: MatmulCase) -> dict:
    """Random operands; FP32 out."""
    rng = np.random.default_rng(SEED)
    core = board.core
    a = core.from_array("a", rng.standard_normal((case.i, case.k)).astype(np.float16))
    s = random_operand(core, rng, case)
    out = core.tensor("out", (case.i, case.j), FP32)
    program = core.program()
    program.matmul(a, s, out)
    result, speed = timed(board, lambda: core.run(program))
    return {"case": case.name, "n": case.n, "m": case.m, "i": case.i, "j": case.j, "k": case.k,
            **board.fields([result], program.macs), "cycles_per_second": speed}


def random_operand(core: Core, rng: np.random.Generator, case: MatmulCase) -> Tensor | Compressed:
    values = rng.standard_normal((case.k, case.j)).astype(np.float16)
    if case.n == case.m:
        return core.from_array("s", values)
    s = core.compressed("s", (case.k, case.j), case.n, case.m)
    planes = compress_ff(values.view(np.uint16), case.n, case.m)
    values_plane, index_plane = s.planes
    values_plane.write(planes.values.view(np.float16))
    index_plane.write(planes.indices)
    return s


def run_step(board: Board, case: StepCase) -> dict:
    """FF, BP, WU and UPDATE of all layers. They are hidden layers of some network, so the first of
    them sends its gradient back, too."""
    rng = np.random.default_rng(SEED)
    spec = LayerSpec(case.size, case.size, case.n, case.m, case.wu)
    net = Mlp(board.core, [spec] * case.layers, case.batch, rng, input_gradient=True)
    x = rng.standard_normal((case.batch, case.size)).astype(np.float16)
    labels = rng.integers(0, case.size, case.batch)
    step, speed = timed(board, lambda: net.train_step(x, labels))
    if step.skipped:
        raise RuntimeError(f"{case.name}: the step overflowed")
    return {"case": case.name, "n": case.n, "m": case.m, "i": case.batch, "j": case.size,
            "k": case.size, **board.fields(list(step.programs.values()), net.macs),
            "cycles_per_second": speed}


def make_layer(core: Core, case: ConvCase, name: str, rng: np.random.Generator) -> Conv2d:
    """A layer with its pruned copies."""
    layer = Conv2d(core, name, case.spec, case.images, case.h, case.w, rng)
    program = core.program()
    layer.prune(program)
    core.run(program)
    return layer


def random_map(made: FeatureMap, rng: np.random.Generator) -> FeatureMap:
    shape = made.images, made.h, made.w, made.channels
    made.write(rng.standard_normal(shape).astype(np.float16))
    return made


def run_conv(board: Board, case: ConvCase) -> dict:
    """Random operands; FP16 out, FP32 in WU."""
    rng = np.random.default_rng(SEED)
    core = board.core
    layer = make_layer(core, case, "layer", rng)
    x = random_map(core.feature_map("x", case.images, case.h, case.w, case.spec.inputs), rng)
    y = random_map(layer.feature_map("y"), rng)
    program = core.program()
    if case.conv_pass == "FF":
        layer.forward(program, x, y)
    elif case.conv_pass == "BP":
        layer.backward(program, y, x)
    else:
        layer.gradients(x, y, case.images)[0].start(program)
    result, speed = timed(board, lambda: core.run(program))
    command, windows = program.commands[0], layer.windows
    depth = windows.positions * case.spec.inputs
    return {"case": case.name, "n": case.n, "m": case.m, "i": windows.count, "j": case.spec.outputs,
            "k": depth, **board.fields([result], program.macs), "cycles_per_second": speed,
            **read_bytes(command, result)}


def read_bytes(command: Command, result: Result) -> dict:
    tensors = sum(tensor.rows * tensor.row_bytes for tensor in command.reads)
    count = result.counters["BYTES_READ"]
    return {"bytes_read": count, "bytes_ratio": round(count / tensors, 3)}


def run_conv_step(board: Board, case: ConvStepCase) -> dict:
    """FF, BP, WU and UPDATE of all layers, the first of which sends its gradient back, too."""
    rng = np.random.default_rng(SEED)
    core = board.core
    layers = [make_layer(core, case, f"layer{index}", rng) for index in range(case.layers)]
    maps, gradients = ([layers[0].feature_map(f"{name}{index}") for index in range(case.layers + 1)]
                       for name in ("y", "d_y"))
    random_map(maps[0], rng)
    random_map(gradients[-1], rng)
    forward, script = core.program(), Script(core)
    for layer, x, y in zip(layers, maps, maps[1:]):
        layer.forward(forward, x, y, relu=True)
    for index in reversed(range(case.layers)):
        mask = maps[index].tensor if index else None
        layers[index].select(script.program, gradients[index + 1])
        layers[index].backward(script.program, gradients[index + 1], gradients[index], mask=mask)
    made = [layer.gradients(x, d_y)[0] for layer, x, d_y in zip(layers, maps, gradients[1:])]
    for gradient in made:
        gradient.start(script.program)
    script.program.fence()
    for gradient in made:
        gradient.use(script, skip=True)
    backward = Schedule(script).program(SGD)

    def step() -> list[Result]:
        results = [core.run(program) for program in (forward, backward)]
        if any(result.overflow for result in results):
            raise RuntimeError(f"{case.name}: the step overflowed")
        return results

    results, speed = timed(board, step)
    return step_row(board, case, layers[0], results, forward.macs + backward.macs, speed)


def run_conv_norm_step(board: Board, case: ConvNormStepCase) -> dict:
    """FF, BP, WU and UPDATE of all layers, the first of which sends its gradient back, too."""
    rng = np.random.default_rng(SEED)
    core = board.core
    maps = [core.feature_map("y0", case.images, case.h, case.w, case.spec.inputs)]
    parts = min(case.parts, case.images)
    units = []
    for index in range(case.layers):
        units.append(Unit(core, f"layer{index}", case.spec, maps[-1], parts, rng))
        maps.append(units[-1].conv.feature_map(f"y{index + 1}"))
    gradients = [units[0].conv.feature_map(f"d_y{index}") for index in range(len(maps))]
    random_map(maps[0], rng)
    random_map(gradients[-1], rng)
    prune = core.program()
    for unit in units:
        unit.conv.prune(prune)
    core.run(prune)
    bounds = [case.images * part // parts for part in range(parts + 1)]
    spans = list(zip(bounds, bounds[1:]))
    forward, backward = Script(core), Script(core)
    norm_forward(forward, units, maps, spans)
    norm_backward(backward, units, maps, gradients, spans)
    scripts = [*Schedule(forward).scripts(), *Schedule(backward).scripts(SGD)]

    def step() -> list[Result]:
        results: dict[str, Result] = {}
        if any(script.run("step", results) for script in scripts):
            raise RuntimeError(f"{case.name}: the step overflowed")
        return list(results.values())

    results, speed = timed(board, step)
    macs = sum(program.macs for script in scripts for program in script.programs)
    return step_row(board, case, units[0].conv, results, macs, speed)


def norm_forward(script: Script, units: Sequence[Unit], maps: Sequence[FeatureMap],
                 spans: Sequence[Span]) -> None:
    """As in sat.nn.cnn, of a chain of units: unit i makes maps[i + 1] of maps[i]."""
    for unit, y in zip(units, maps[1:]):
        for part, span in enumerate(spans):
            unit.forward(script.program, part, span)
        script.host(partial(unit.norm.use_batch, unit.rows), unit.norm.sums,
                    unit.norm.forward_vectors)
        for span in spans:
            unit.normalise(script.program, y, span)


def norm_backward(script: Script, units: Sequence[Unit], maps: Sequence[FeatureMap],
                  gradients: Sequence[FeatureMap], spans: Sequence[Span]) -> None:
    """BP, WU and updates of all units."""
    for index, unit in reversed(list(enumerate(units))):
        d_x, d_y = gradients[index : index + 2]
        for part, span in enumerate(spans):
            unit.backward_stats(script.program, d_y, part, span)
        script.host(partial(unit.norm.use_gradient, unit.rows, 1.0), unit.norm.sums,
                    unit.norm.backward_vectors)
        for span in spans:
            unit.backward_norm(script.program, d_y, span)
            unit.select(script.program, span)
            unit.backward(script.program, d_x, span, mask=maps[index] if index else None)
    for unit in units:
        unit.gradient.start(script.program)
    script.check()
    for unit in units:
        unit.gradient.use(script)


def step_row(board: Board, case: ConvStepCase, layer: Conv2d, results: Sequence[Result], macs: int,
             speed: int) -> dict:
    windows = layer.windows
    return {"case": case.name, "n": case.n, "m": case.m, "i": windows.count, "j": case.spec.outputs,
            "k": windows.positions * case.spec.inputs, **board.fields(results, macs),
            "cycles_per_second": speed}


RUNNERS: dict[type, Callable[..., dict]] = {
    MatmulCase: run_matmul, StepCase: run_step, ConvCase: run_conv, ConvStepCase: run_conv_step,
    ConvNormStepCase: run_conv_norm_step}


def timed(board: Board, action):
    """The action's result, and simulated cycles per second of processor time."""
    before, seconds = board.clock.cycle, board.backend.device_seconds
    result = action()
    elapsed = board.backend.device_seconds - seconds
    return result, round((board.clock.cycle - before) / elapsed)


def add_speedups(rows: list[dict]) -> None:
    """Cycles of the dense case of the same shape and array, over those of each N:M case."""
    def key(row: dict) -> tuple:
        kind = row["case"].split("-")[0]
        work = row["case"].replace("-wu", "") if kind.startswith("conv") else kind == "step"
        return work, *(row[name] for name in ("rows", "cols", "i", "j", "k"))

    dense = {key(row): row["cycles"] for row in rows if row["n"] == row["m"]}
    for row in rows:
        if row["n"] != row["m"] and key(row) in dense:
            row["speedup"] = round(dense[key(row)] / row["cycles"], 3)


def table(rows: list[dict], source: str) -> Table:
    result = Table(title=f"SAT benchmark ({source})")
    result.add_column("case")
    for header in ("array", "N:M", "cycles", "used", "vector", "waits A/S/C", "speed-up", "bytes",
                   "kHz"):
        result.add_column(header, justify="right")
    for row in rows:
        nm = "dense" if row["n"] == row["m"] else f"{row['n']}:{row['m']}"
        speedup = f"{row['speedup']:.2f}x" if "speedup" in row else ""
        ratio = f"{row['bytes_ratio']:.2f}x" if "bytes_ratio" in row else ""
        waits = "/".join(f"{100 * cycles / row['cycles']:.0f}" for cycles in row["stalls"].values())
        result.add_row(row["case"], f"{row['rows']}x{row['cols']}", nm, f"{row['cycles']:,}",
                       f"{row['utilization']:.2%}", f"{row['vector_busy']:.0%}", f"{waits} %",
                       speedup, ratio,
                       f"{row['cycles_per_second'] // 1000}")
    return result


def make_parser(**options) -> argparse.ArgumentParser:
    """Those of `sat bench`."""
    parser = argparse.ArgumentParser(prog="sat bench", description="Benchmark the core in RTL.",
                                     **options)
    parser.add_argument("--cases", nargs="+", default=[""], metavar="TEXT",
                        help="only cases whose name contains one of these")
    parser.add_argument("--config", action="append", choices=SatConfig.names(),
                        help="only cases on this array (may be given several times)")
    parser.add_argument("--model", action="store_true",
                        help="count cycles by the cycle model, without RTL: seconds")
    parser.add_argument("--out", type=Path, help="build/bench.json by default")
    return parser


def main(argv: list[str] | None = None) -> int:
    parser = make_parser()
    args = parser.parse_args(argv)
    cases = [case for case in CASES if any(text in case.name for text in args.cases)
             and (not args.config or case.config in args.config)]
    if not cases:
        names = ", ".join(dict.fromkeys(case.name for case in CASES))
        parser.error(f"--cases: none match; there are {names}")
    console = Console()
    rows, differing = [], 0
    start = time.monotonic()
    seconds: dict[str, float] = {}
    for case in cases:
        with console.status(f"{case.name} ..."):
            begin = time.monotonic()
            board = Board(case.config, args.model)
            rows.append(RUNNERS[type(case)](board, case))
            differing += board.backend.differing_bits
            board.close()
            seconds[case.config] = seconds.get(case.config, 0) + time.monotonic() - begin
    add_speedups(rows)
    out = args.out or Path("build", "bench-model.json" if args.model else "bench.json")
    write_text(out, json.dumps(rows, indent=1) + "\n")
    terminal.print_table(console, table(rows, "cycle model" if args.model else "RTL simulation"))
    compared = "" if args.model else f"{differing} bits differ from the golden model; "
    console.print(f"{compared}{out}; "
                  f"{time.monotonic() - start:.0f} s: "
                  + ", ".join(f"{config} {spent:.0f} s" for config, spent in seconds.items()),
                  highlight=False, soft_wrap=True)
    return 1 if differing else 0


if __name__ == "__main__":
    terminal.run(main)
