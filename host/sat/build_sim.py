# SPDX-License-Identifier: Apache-2.0
"""Builds the fast simulation library: Verilator's C++ of sat_top, and sim/sat_sim.cpp.

Libraries are cached in simlib/<configuration>-<hash of sources and flags> of the cache folder.
Objects of Verilator's runtime, which depend on no configuration, are shared.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from .config import SatConfig
from .terminal import run
from .toolchain import (
    ROOT,
    ToolError,
    cache_folder,
    check_path,
    compiler,
    flags,
    inside,
    is_clang,
    libraries,
    locked,
    verilator_env,
)

CACHE = cache_folder() / "simlib"
HARNESS = ROOT / "sim" / "sat_sim.cpp"
RUNTIME = ("verilated.cpp", "verilated_threads.cpp")
VERILATOR_FLAGS = ["--cc", "-O3", "--no-timing", "--x-assign", "fast", "--x-initial", "fast",
                   "--noassert", "--default-language", "1364-2005", "-Wno-fatal",
                   "--top-module", "sat_top", "--prefix", "Vsat_top"]
CXX_FLAGS = ["-std=c++20", "{optimise}", "-fPIC", "-fno-plt", "-fvisibility=hidden",
             "-fno-semantic-interposition",
             "-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TRACE=0", "-DVM_TRACE_FST=0",
             "-DVM_TRACE_VCD=0", "-DVM_TRACE_SAIF=0",
             "-Wno-parentheses-equality", "-Wno-bool-operation"]
GCC_FLAGS = ["-fno-gnu-unique"]  # what Clang never does
TELL_SECONDS = 5  # between two lines about how far a build is


@dataclass(frozen=True)
class Variant:
    """What a library is built with; flags and runtime files come after those of the plain one.

    The cache sees flags and harness, but not what they include.
    """

    harness: Path = HARNESS
    verilator_flags: tuple[str, ...] = ()
    cxx_flags: tuple[str, ...] = ()
    runtime: tuple[str, ...] = ()


PLAIN = Variant()
# With the RTL's assertions (rtl/include/sat_assert.vh): for tests, since it takes about 8 % longer.
ASSERTIONS = Variant(verilator_flags=("-DSAT_ASSERTIONS",),
                     cxx_flags=("-include", str(ROOT / "sim" / "sat_print.h")))


class BuildError(ToolError):
    """Verilator or the compiler failed; the message ends with what it said."""


def sources() -> list[Path]:
    """The RTL files, in order."""
    lines = (ROOT / "rtl" / "sat.f").read_text(encoding="utf-8").split()
    return [ROOT / line for line in lines if line.endswith(".v")]


def flags_of(config: SatConfig, variant: Variant) -> tuple[list[str], list[str]]:
    """Flags of Verilator and of the compiler.

    The C++ grows with the number of PEs. Every file of it reads a header that does, too, so that a
    large array takes fewer and larger files; it is also compiled with less effort.
    """
    pes = config.rows * config.cols
    split = 15000 * max(1, pes // 64)
    cxx = [flag.format(optimise="-O2" if pes <= 256 else "-O1") for flag in CXX_FLAGS]
    return ([*VERILATOR_FLAGS, *variant.verilator_flags, "--output-split", str(split)],
            [*cxx, *([] if is_clang() else GCC_FLAGS), *variant.cxx_flags])


def build(config: SatConfig, log: Callable[[str], None] | None = None,
          variant: Variant = PLAIN) -> Path:
    """The library of a configuration, from the cache or built now. `log` prints to stderr; it is
    told how far a build is, every few seconds."""
    log = log or functools.partial(print, file=sys.stderr, flush=True)
    inputs = [*sources(), *sorted((ROOT / "rtl" / "include").glob("*.vh")), variant.harness]
    check_path(CACHE)
    key = repr((*flags_of(config, variant), config.parameters(), inside()))
    digest = hashlib.sha256(key.encode())
    for path in inputs:
        digest.update(path.read_bytes())
    folder = CACHE / f"{config.rows}x{config.cols}-{digest.hexdigest()[:12]}"
    library = folder / "libsat_sim.so"
    if not library.exists():
        with locked(folder.with_suffix(".lock")):
            if not library.exists():
                start = time.monotonic()
                log(f"building the {config.rows}x{config.cols} simulation (once, then cached) ...")
                _build(config, variant, folder, library, log)
                log(f"built in {time.monotonic() - start:.0f} s")
    return library


def _build(config: SatConfig, variant: Variant, folder: Path, library: Path,
           log: Callable[[str], None]) -> None:
    verilator_flags, cxx_flags = flags_of(config, variant)
    env = verilator_env()
    root = Path(env["VERILATOR_ROOT"])
    include = root / "include"
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)  # of a build that was interrupted
    work.mkdir(parents=True)
    parameters = [f"-G{name}={value}" for name, value in config.parameters().items()]
    _run([root / "bin" / "verilator", *verilator_flags, *parameters,
          f"-I{ROOT / 'rtl' / 'include'}", "--Mdir", work, *sources()],
         env={**os.environ, **env})
    compile_flags = [*cxx_flags, f"-I{work}", f"-I{include}", f"-I{include / 'vltstd'}",
                     *flags("CPPFLAGS", "CXXFLAGS")]
    version = hashlib.sha256(repr((cxx_flags, inside())).encode()).hexdigest()
    runtime = CACHE / f"runtime-{version[:12]}"
    runtime.mkdir(exist_ok=True)
    model = work.glob("Vsat_top*.cpp")
    jobs = {work / f"{path.stem}.o": path for path in [*model, variant.harness]}
    jobs |= {runtime / f"{Path(name).stem}.o": include / name
             for name in (*RUNTIME, *variant.runtime)}

    def compile_one(target: Path) -> int:
        """Returns the size of what was compiled."""
        if not target.exists():
            partial = target.with_suffix(f".{os.getpid()}")
            # Verilator puts what runs only once, mostly initialisation, into files of its own.
            optimise = ["-O0"] if "__Slow" in target.name else []
            _run([*compiler(), *compile_flags, *optimise, "-c", jobs[target], "-o", partial])
            partial.rename(target)
        return jobs[target].stat().st_size

    # The largest first, so that no worker is left with a long tail.
    order = sorted(jobs, key=lambda target: -jobs[target].stat().st_size)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        running = [pool.submit(compile_one, target) for target in order]
        try:
            _tell(running, sum(path.stat().st_size for path in jobs.values()), log)
        finally:
            pool.shutdown(cancel_futures=True)  # after an error or Ctrl-C
    partial = work / library.name
    _run([*compiler(), "-shared", "-o", partial, *jobs, *libraries(),
          *flags("LDFLAGS")])
    partial.rename(library)
    shutil.rmtree(work)


def _tell(running: list[Future], total: int, log: Callable[[str], None]) -> None:
    """Waits for all files, which have `total` bytes; says how far they are, and an estimate."""
    start, done, pending = time.monotonic(), 0, set(running)
    while pending:
        finished, pending = wait(pending, TELL_SECONDS, FIRST_EXCEPTION)
        done += sum(future.result() for future in finished)
        if pending:
            took = time.monotonic() - start
            left = f", about {took * (total - done) / done:.0f} s left" if done else ""
            log(f"compiled {len(running) - len(pending)} of {len(running)} files{left}")


def _run(command: list, env: dict[str, str] | None = None) -> None:
    done = subprocess.run([str(word) for word in command], env=env, capture_output=True, text=True,
                          errors="replace")
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
        raise BuildError(f"{Path(str(command[0])).name} failed:\n{tail}")


def make_parser(**options) -> argparse.ArgumentParser:
    """Those of `sat build`."""
    parser = argparse.ArgumentParser(
        prog="sat build", description="Build the simulations of configurations.", **options)
    parser.add_argument("configs", nargs="*", metavar="configuration",
                        help=f"one of {', '.join(SatConfig.names())} (default: the default one)")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Build the named configurations."""
    parser = make_parser()
    names = parser.parse_args(argv).configs
    try:
        configs = [SatConfig.from_name(name) for name in names or [None]]
    except ValueError as error:
        parser.error(str(error))
    for config in configs:
        print(build(config))
    return 0


if __name__ == "__main__":
    run(main)
