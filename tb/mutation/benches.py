# SPDX-License-Identifier: Apache-2.0
"""Runs the benches on one mutant at a time, until the first failure."""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import resource
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from sat.toolchain import ROOT
from tb.common import runner
from tb.common.build import build as build_simulator
from tb.mutation.netlist import BUILD, Netlist, plusarg
from tb.mutation.units import FP
from tb.unit.fp import test_fp

SEED = runner.DEFAULT_SEED
SURVIVED, FAILED, TIME_OUT = "survived", "failed", "time limit"


class BenchError(RuntimeError):
    """A bench that does not run, or that fails without a mutant."""


def limit_processor_time(seconds: int) -> None:
    """For this process and its children. Unlike a wall clock it does not depend on the load."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))


def processor_time() -> float:
    """Seconds that finished children have used."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Bench(ABC):
    """A built bench; `run` tells whether it fails with a mutant of unit `name` inside."""

    @abstractmethod
    def run(self, name: str, mutant: int, limit_s: int) -> str:
        """SURVIVED, FAILED or TIME_OUT (processor seconds)."""

    @abstractmethod
    def log(self, name: str, mutant: int) -> str:
        """The end of what the bench said about a mutant."""

    def baseline(self, name: str) -> int:
        """Checks that the bench passes without a mutant; a time limit for each mutant."""
        before = processor_time()
        if self.run(name, 0, 1000) != SURVIVED:
            raise BenchError(f"the bench of {name} fails without a mutant:\n"
                             f"{self.log(name, 0)}")
        return int(3 * (processor_time() - before)) + 5


class CocotbBench(Bench):
    """Cocotb tests of tb/unit/<bench> on the netlist in place of the module."""

    def __init__(self, netlist: Netlist) -> None:
        self.unit = netlist.unit
        folder = ROOT / "tb" / "unit" / self.unit.bench
        sources = [netlist.verilog, *folder.glob("*.v")]
        self.built = build_simulator("verilator", self.unit.toplevel or self.unit.module,
                                     self.unit.parameters, sources)

    def folder(self, name: str, mutant: int) -> Path:
        return BUILD / "runs" / f"{name}-{mutant}"

    def log(self, name: str, mutant: int) -> str:
        return runner.log_text(self.folder(name, mutant))[-8000:]

    def run(self, name: str, mutant: int, limit_s: int) -> str:
        before = processor_time()
        context = multiprocessing.get_context("fork")
        receiver, sender = context.Pipe(duplex=False)
        child = context.Process(target=self._simulate, args=(sender, name, mutant, limit_s))
        child.start()
        sender.close()
        try:
            verdict = receiver.recv()
        except EOFError:
            verdict = runner.Verdict(0, [], "its process ended without a verdict")
        child.join()
        if verdict.failed:
            return FAILED
        if not verdict.problem:
            return SURVIVED
        if processor_time() - before >= 0.9 * limit_s:  # the two clocks differ a little
            return TIME_OUT
        raise BenchError(f"{name}, mutant {mutant}: {verdict.problem}\n"
                         f"{self.log(name, mutant)}")

    def _simulate(self, sender: Connection, name: str, mutant: int, limit_s: int) -> None:
        """In a process of its own, since limits cannot be taken back."""
        limit_processor_time(limit_s)
        nothing = open(os.devnull, "w", encoding="utf-8")
        with nothing, contextlib.redirect_stdout(nothing):
            sender.send(runner.simulate(
                self.built, f"tb.unit.{self.unit.bench}.{self.unit.bench}_tests",
                self.folder(name, mutant), SEED,
                extra_env={"COCOTB_MAX_FAILURES": "1", **self.unit.environment},
                plusargs=[f"+{plusarg(name)}={mutant}"]))


class FpBench(Bench):
    """The C++ bench of all FP units; its stimuli one after the other, short ones first."""

    def __init__(self, netlists: Sequence[Netlist]) -> None:
        self.executable = test_fp.build([netlist.verilog for netlist in netlists])
        self.output = ""

    def run(self, name: str, mutant: int, limit_s: int) -> str:
        for stimulus in test_fp.STIMULI:
            command = [self.executable, f"+{plusarg(name)}={mutant}"]
            operands = records(stimulus)
            done = subprocess.run(
                command, input=operands, capture_output=True,
                preexec_fn=functools.partial(limit_processor_time, limit_s))
            if done.returncode == -signal.SIGXCPU:
                return TIME_OUT
            self.output = f"{stimulus.__name__}\n{done.stdout.decode()}"
            if f"\nchecked {len(operands) // test_fp.RECORD_BYTES} " not in self.output:
                raise BenchError(f"{self.output}{done.stderr.decode()[-3000:]}")
            if done.returncode:
                return FAILED
        return SURVIVED

    def log(self, name: str, mutant: int) -> str:
        return self.output


@functools.cache
def records(stimulus: Callable) -> bytes:
    """Operands and results of a stimulus, as the C++ bench reads them."""
    return test_fp.records(*stimulus(np.random.default_rng(SEED)))


def files(bench: str) -> list[Path]:
    """What a bench is made of: a change of it makes results void."""
    folder = ROOT / "tb" / "unit" / bench
    return sorted(path for path in folder.iterdir() if path.suffix in (".py", ".v", ".cpp"))


def build(netlists: Sequence[Netlist]) -> dict[str, Callable[[], Bench]]:
    """For each unit, a function that builds its bench (the FP units share one)."""
    fp_units = [netlist for netlist in netlists if netlist.unit.bench == FP]
    fp_bench = functools.cache(lambda: FpBench(fp_units))
    return {netlist.unit.name:
            fp_bench if netlist.unit.bench == FP else functools.partial(CocotbBench, netlist)
            for netlist in netlists}
