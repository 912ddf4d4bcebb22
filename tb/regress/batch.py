# SPDX-License-Identifier: Apache-2.0
"""The process of one batch: reads it as JSON, prints a line of JSON for each seed that ended.

    python -m tb.regress.batch < batch.json

What the tests themselves print goes to <folder>/log.txt. Coverage is left in <folder>.
"""

from __future__ import annotations

import contextlib
import gzip
import importlib
import json
import os
import re
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from sat.config import SatConfig
from sat.files import replacing
from sat.terminal import run
from tb.common import runner
from tb.common.build import build
from tb.regress import ROOT
from tb.regress.instrument import close_trace, observed, open_trace, variant, write_coverage
from tb.regress.plan import CODE_COVERAGE, FUNCTIONAL_COVERAGE, Batch, Result, Run
from tb.top.board import MAX_CYCLES, Board
from tb.top.random_program import BASE

RAW_COVERAGE = "coverage.dat"  # Verilator's name for it
CLOCK_NS = 10


def load(path: str) -> Callable:
    """The function `package.module:name`."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def prepare(batch: Batch) -> None:
    """Builds the batch's simulator, if the cache has none."""
    if batch.test.kind == "python":
        return
    if batch.test.kind == "cocotb":
        build("verilator", batch.test.toplevel, batch.test.parameters_of(batch.config),
              [ROOT / path for path in batch.test.sources], batch.waves, observed(batch.coverage))
    else:
        board(batch).close()


def board(batch: Batch) -> Board:
    """A board of the fast simulation, built if the cache has none."""
    return Board(SatConfig.from_name(batch.config), BASE, batch.test.memory, MAX_CYCLES,
                 variant(batch.coverage, batch.waves))


class Runs:
    """Seeds of a batch, one after the other; this one for kind python."""

    def __init__(self, batch: Batch) -> None:
        self.batch, self.folder = batch, Path(batch.folder)
        self.function = load(batch.test.function) if batch.test.function else None

    def run(self, seed: int) -> Result:
        """How the run ended; the caller fills in the time."""
        result = Result(Run(self.batch.test.name, self.batch.config, seed), "passed", 0.0)
        self.execute(seed, result)
        return result

    def execute(self, seed: int, result: Result) -> None:
        self.guarded(result, lambda: self.function(seed))

    @staticmethod
    def guarded(result: Result, call: Callable[[], object]) -> None:
        """Calls; an exception is a failure."""
        try:
            call()
        except Exception as error:
            traceback.print_exc()
            result.status, result.message = "failed", f"{type(error).__name__}: {error}"

    def finish(self) -> None:
        """After the last seed: leaves the coverage in the batch's folder."""


class FastRuns(Runs):
    """Tests of kind program or board, on one board of the fast simulation."""

    def __init__(self, batch: Batch) -> None:
        super().__init__(batch)
        self.core = board(batch)

    def execute(self, seed: int, result: Result) -> None:
        core, start = self.core, self.core.cycle
        core.reset()
        if self.batch.waves:
            result.waves = str(self.folder / f"seed{seed}.vcd")
            open_trace(core, Path(result.waves))
        if self.batch.test.kind == "program":
            self.guarded(result, lambda: core.check(self.function(seed), seed))
        else:
            self.guarded(result, lambda: self.function(core, seed))
        if self.batch.waves:
            close_trace(core)
        result.cycles = core.cycle - start

    def finish(self) -> None:
        if self.batch.coverage:
            write_coverage(self.core, self.folder / RAW_COVERAGE)


class CocotbRuns(Runs):
    """A cocotb test: a simulation for each seed."""

    def execute(self, seed: int, result: Result) -> None:
        test, config, folder = self.batch.test, self.batch.config, self.folder
        runs = folder / f"seed{seed}"
        known = {"config": config, **SatConfig.from_name(config).parameters()}
        env = {"UVM_COVERAGE_DIR": str(folder / FUNCTIONAL_COVERAGE),
               **{key: value.format(**known) for key, value in test.env.items()}}
        try:
            runner.run(test.name, test.toplevel, test.parameters_of(config),
                       [ROOT / path for path in test.sources], test.module, test.testcase, seed,
                       env, self.batch.waves, observed(self.batch.coverage), runs)
        except AssertionError as error:
            # The line that replays it is another one here.
            result.status, result.message = "failed", str(error).split("\nreplay:")[0]
        for results in runs.glob(f"*/{runner.RESULTS}"):
            self._read(results, result)
        for trace in runs.glob("*/dump.*"):
            result.waves = str(trace)
        for data in runs.glob(f"*/{RAW_COVERAGE}"):
            data.rename(folder / RAW_COVERAGE)

    @staticmethod
    def _read(path: Path, result: Result) -> None:
        """Status of each cocotb test, and the cycles of all."""
        try:
            top = ElementTree.parse(path).getroot()
        except ElementTree.ParseError:  # not complete: the run has failed
            return
        nanoseconds = 0.0
        for case in top.iter("testcase"):
            if case.find("skipped") is None:
                bad = case.find("failure") is not None or case.find("error") is not None
                result.cases[case.attrib["name"]] = "failed" if bad else "passed"
                duration = case.find(".//property[@name='sim_time_duration']")
                nanoseconds += 0.0 if duration is None else float(duration.attrib["value"])
        result.cycles = round(nanoseconds / CLOCK_NS)


RUNS = {"program": FastRuns, "board": FastRuns, "cocotb": CocotbRuns, "python": Runs}


def die_with_parent() -> None:
    """Ends this process and its simulators when the worker that started it is gone."""
    def wait() -> None:
        while os.read(0, 1):  # not sys.stdin: at the end of Python it must not be in use
            pass
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()


def pack(folder: Path) -> None:
    """Compresses the coverage counters, which come as a line of text each."""
    raw = folder / RAW_COVERAGE
    if raw.is_file():
        with (replacing(folder / CODE_COVERAGE) as draft,
              gzip.open(draft, "wb", compresslevel=1) as packed):
            packed.write(raw.read_bytes())
        raw.unlink()


def short(message: str, most: int = 1500) -> str:
    """Without terminal colours, and not longer than a report can show."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", message).strip()
    return text if len(text) <= most else text[:most] + " ..."


def main() -> None:
    batch = Batch.from_dict(json.loads(sys.stdin.buffer.readline()))
    die_with_parent()
    folder = Path(batch.folder)
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "log.txt"
    # Results go where standard output went; everything printed goes to the log.
    with (os.fdopen(os.dup(1), "w", encoding="utf-8") as out,
          open(log, "a", buffering=1, encoding="utf-8") as printed):
        os.dup2(printed.fileno(), 1)
        os.dup2(printed.fileno(), 2)
        prepare(batch)
        print("ready", file=out, flush=True)
        runs = RUNS[batch.test.kind](batch)
        for index, seed in enumerate(batch.seeds):
            print(f"--- {batch.test.name} {batch.config} seed {seed}", flush=True)
            start = time.monotonic()
            result = runs.run(seed)
            result.seconds = time.monotonic() - start
            result.message, result.log = short(result.message), str(log)
            result.before, result.attempt = list(batch.seeds[:index]), batch.attempt
            result.measured = batch.coverage
            print(json.dumps(result.to_dict()), file=out, flush=True)
        with contextlib.suppress(BrokenPipeError):
            runs.finish()
            pack(folder)
            print("finished", file=out, flush=True)


if __name__ == "__main__":
    run(main)
