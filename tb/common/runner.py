# SPDX-License-Identifier: Apache-2.0
"""Runs the cocotb tests of a module and judges how they ended.

Environment: SIM (verilator, icarus), SEED, TESTCASE (regular expression), WAVES.
"""

from __future__ import annotations

import importlib
import os
import re
import shlex
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock
from xml.etree import ElementTree

from cocotb.regression import Test, TestGenerator

from sat.toolchain import ROOT, locked
from tb.common import environment
from tb.common.build import TIMESCALE, Build, Observed, build, versions

RUN_DIR = ROOT / "build" / "runs"
RESULTS, LOG = "results.xml", "sim.log"  # of a simulation, in its folder
DEFAULT_SEED = 1
# Modules whose assert statements pytest rewrites inside a simulation, so that they also check where
# Python drops them (-O). Every other module but pytest's own raises by itself (scripts/lint.py).
REWRITTEN = "*_tests.py"
VIOLATED = re.compile("assertion violated: .*")  # what rtl/include/sat_assert.vh prints


@dataclass(frozen=True)
class Verdict:
    """How a simulation ended: tests that ran, names of those that failed, `problem` in words."""

    count: int
    failed: list[str]
    problem: str


def cocotb_tests(module: str, pattern: str | None = None) -> list[str]:
    """Full names of the cocotb tests of a module, of those that match a regular expression."""
    names: list[str] = []
    for item in vars(importlib.import_module(module)).values():
        tests = ([item] if isinstance(item, Test) else
                 item.generate_tests() if isinstance(item, TestGenerator) else ())
        names += [test.fullname for test in tests]
    return [name for name in names if pattern is None or re.search(pattern, name)]


def simulate(built: Build, tests: str, run_dir: Path, seed: int, testcase: str | None = None,
             extra_env: Mapping[str, str] | None = None, plusargs: Sequence[str] = ()) -> Verdict:
    """Runs cocotb tests in `run_dir`, emptied before. The simulation sees `extra_env` and nothing
    of the user's environment that could change it."""
    expected = cocotb_tests(tests, testcase)
    env = {"COCOTB_ANSI_OUTPUT": "0", "COCOTB_REWRITE_ASSERTION_FILES": REWRITTEN,
           **(extra_env or {})}
    ending = ""
    with locked(Path(f"{run_dir}.lock")):
        shutil.rmtree(run_dir, ignore_errors=True)
        run_dir.mkdir(parents=True)
        if not expected:
            return Verdict(0, [], f"no test ran: {tests} has none that matches {testcase}")
        try:
            # The runner adds all of os.environ, and lets it win over what it is told.
            with mock.patch.dict(os.environ, environment.for_simulation(), clear=True):
                built.runner.test(
                    test_module=tests, hdl_toplevel=built.toplevel, hdl_toplevel_lang="verilog",
                    seed=seed, test_filter=testcase, parameters=built.parameters,
                    waves=built.waves, build_dir=built.folder, test_dir=run_dir,
                    results_xml=str(run_dir / RESULTS), log_file=run_dir / LOG, extra_env=env,
                    timescale=TIMESCALE, plusargs=plusargs)
        except (RuntimeError, SystemExit) as error:
            ending = f"the simulator failed: {error}"
        verdict = judge(run_dir / RESULTS, expected, seed, ending)
        violated = VIOLATED.search(log_text(run_dir))
        if violated:
            problem = "; ".join(filter(None, (violated[0], verdict.problem)))
            verdict = replace(verdict, problem=problem)
        return verdict


def judge(results: Path, expected: Sequence[str], seed: int, ending: str = "") -> Verdict:
    """A simulation is good, without a problem, if exactly the `expected` tests ran, with this seed,
    none failed, and the simulator had nothing to complain about (`ending`)."""
    try:
        top = ElementTree.parse(results).getroot()
    except FileNotFoundError:
        return Verdict(0, [], ending or "the simulation ended without results")
    except ElementTree.ParseError as error:
        return Verdict(0, [], ending or f"{results} is not complete: {error}")
    cases = [case for case in top.iter("testcase") if case.find("skipped") is None]
    failed = [case.attrib["name"] for case in cases
              if case.find("failure") is not None or case.find("error") is not None]
    ran = Counter(f"{case.attrib['classname']}.{case.attrib['name']}" for case in cases)
    seeds = {int(found.attrib["value"])
             for found in top.iterfind(".//property[@name='random_seed']")}
    problem = ""
    if failed:
        problem = f"failed: {', '.join(failed)}"
    elif ran != Counter(expected):
        missing, surplus = Counter(expected) - ran, ran - Counter(expected)
        problem = (f"{ran.total()} tests ran of {len(expected)}; missing: {sorted(missing)}, "
                   f"surplus: {sorted(surplus)}")
    elif seeds != {seed}:
        problem = f"the simulation ran with seed {sorted(seeds)}, not {seed}"
    return Verdict(len(cases), failed, problem or ending)


def log_text(run_dir: Path) -> str:
    """What a simulation printed."""
    log = run_dir / LOG
    return log.read_text(errors="replace", encoding="utf-8") if log.is_file() else ""


def replay_line(module: str, failed: Sequence[str], seed: int) -> str:
    """The command that repeats this run (its failed tests only)."""
    node = os.environ.get("PYTEST_CURRENT_TEST", module).rsplit(" (", 1)[0]
    parts = ["make unit", f"M={shlex.quote(node)}"]
    if failed:
        pattern = "|".join(re.escape(name) for name in failed)
        parts.append(f"T={shlex.quote(pattern)}")
    return " ".join([*parts, f"SEED={seed}"])


def run(module: str, toplevel: str | None = None, parameters: Mapping[str, object] | None = None,
        sources: Sequence[Path | str] = (), tests: str | None = None, testcase: str | None = None,
        seed: int | None = None, extra_env: Mapping[str, str] | None = None,
        waves: bool = False, observed: Observed = Observed(), runs: Path = RUN_DIR,
        sim: str | None = None) -> None:
    """Builds `toplevel` (default: `module`) and runs the cocotb tests in Python module `tests`.

    `sources` adds files to rtl/sat.f (a wrapper, say). `testcase` is a regular expression on test
    names. The simulation runs in a folder of its own in `runs`. `sim` is for what only one
    simulator shows. Raises AssertionError, with the line that replays the failure, unless all these
    tests ran and passed.
    """
    sim = sim or os.environ.get("SIM", "verilator")
    toplevel = toplevel or module
    tests = tests or f"tb.unit.{module}.{module}_tests"
    testcase = os.environ.get("TESTCASE") or testcase
    seed = int(os.environ.get("SEED") or (DEFAULT_SEED if seed is None else seed))
    waves = waves or os.environ.get("WAVES", "0") not in ("", "0")
    parameters = dict(parameters or {})
    print(f"{versions(sim)}\n{toplevel} {parameters} seed {seed}")

    built = build(sim, toplevel, parameters, sources, waves, observed)
    node = os.environ.get("PYTEST_CURRENT_TEST", tests).rsplit(" (", 1)[0]
    run_dir = runs / re.sub(r"[^\w.=-]+", "_", f"{toplevel}-{built.folder.name[-12:]}-{node}")
    verdict = simulate(built, tests, run_dir, seed, testcase, extra_env)
    print(log_text(run_dir)[-8000:])
    if verdict.problem:
        line = replay_line(module, verdict.failed, seed)
        raise AssertionError(f"{toplevel} {parameters}: {verdict.problem}\n"
                             f"log: {run_dir / LOG}\nreplay: {line}")
    print(f"{toplevel}: {verdict.count} tests passed")
