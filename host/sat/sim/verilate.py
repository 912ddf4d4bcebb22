# SPDX-License-Identifier: Apache-2.0
"""Builds what Verilator makes of a module: the only place that does, whoever simulates.

Everything built lies in sim/<name>-<hash> of the cache folder; the hash covers the sources that the
module really needs, parameters, flags, harness, compiler and paths. Objects of Verilator's runtime,
which take most of a small build's time and depend on flags only, are shared.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from ..rtl import INCLUDE, digest
from ..toolchain import (
    ToolError,
    cache_folder,
    check_path,
    compiler,
    flags,
    inside,
    libraries,
    locked,
    split,
    verilator_env,
)

CACHE = cache_folder() / "sim"
ALWAYS = ("--cc", "--default-language", "1364-2005", "-Wno-fatal")
WARNINGS = ("-Wno-parentheses-equality", "-Wno-bool-operation")  # in Verilator's C++
UNIT_BYTES = 1_500_000  # compiled at once: each compilation reads all headers first, for 2 s
TELL_SECONDS = 5  # between two lines about how far a build is


class BuildError(ToolError):
    """Verilator or the compiler failed; the message ends with what it said."""


@dataclass(frozen=True)
class Model:
    """A module, the C++ around it (`harness`: with main(), or the functions of a library), and the
    flags of each tool. The harness finds the class `prefix` in <prefix>.h, and is compiled in one
    unit with classes: what it defines for itself must not have their names."""

    toplevel: str
    sources: tuple[Path, ...]
    parameters: Mapping[str, object]
    harness: Path
    prefix: str
    verilator_flags: tuple[str, ...] = ()
    cxx_flags: tuple[str, ...] = ()
    link_flags: tuple[str, ...] = ()
    control: str = ""  # lines of a Verilator configuration file
    headers: tuple[Path, ...] = ()  # that the harness includes, of ours
    output: str = ""  # file name: a library if it ends in .so; default: the toplevel

    @property
    def file_name(self) -> str:
        return self.output or self.toplevel

    @property
    def key(self) -> str:
        config = (self.toplevel, sorted(self.parameters.items()), self.prefix, ALWAYS, WARNINGS,
                  self.verilator_flags, self.cxx_flags, self.link_flags, self.control, inside())
        return digest([*self.sources, self.harness, *self.headers], config)


def build(model: Model, name: str, log: Callable[[str], None] | None = None) -> Path:
    """The program or library of a model, from the cache or built now.

    `name` is for people, in the folder's name and the messages. `log` prints to stderr; it is told
    how far a build is, every few seconds.
    """
    log = log or functools.partial(print, file=sys.stderr, flush=True)
    check_path(CACHE)
    folder = CACHE / f"{name}-{model.key}"
    result = folder / model.file_name
    if not result.exists():
        with locked(folder.with_suffix(".lock")):
            if not result.exists():
                start = time.monotonic()
                log(f"building the simulation of {name} (once, then cached) ...")
                try:
                    _build(model, folder, result, log)
                except BuildError as error:
                    raise BuildError(f"build of {name} failed: {error}") from None
                log(f"built in {time.monotonic() - start:.0f} s")
    return result


def _build(model: Model, folder: Path, result: Path, log: Callable[[str], None]) -> None:
    env = verilator_env()
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)  # of a build that was interrupted
    work.mkdir(parents=True)
    verilate(model, work, env)
    made = read_makefile(work / f"{model.prefix}_classes.mk")
    include = Path(env["VERILATOR_ROOT"], "include")
    options = ["-std=c++20", *model.cxx_flags, *WARNINGS,
               *(f"-D{name}={value}" for name, value in sorted(made.switches.items())),
               f"-I{include}", f"-I{include / 'vltstd'}", *flags("CPPFLAGS", "CXXFLAGS")]
    version = hashlib.sha256(repr((options, inside())).encode()).hexdigest()
    runtime = CACHE / f"runtime-{version[:12]}"
    runtime.mkdir(exist_ok=True)
    jobs = _units(work, made, model.harness)
    jobs |= {runtime / f"{name}.o": [include / f"{name}.cpp"] for name in made.runtime}

    def size(target: Path) -> int:
        return sum(map(_bytes, jobs[target]))

    def compile_one(target: Path) -> int:
        """Returns the size of what was compiled."""
        if not target.exists():
            source, *more = jobs[target]
            if more:
                source = target.with_suffix(".cpp")
                source.write_text("".join(f'#include "{path}"\n' for path in jobs[target]),
                                  encoding="utf-8")
            partial = target.with_suffix(f".{os.getpid()}")
            optimise = ["-O0"] if target.name.startswith("slow") else []
            _run([*split("OBJCACHE", os.environ.get("OBJCACHE", "")), *compiler(), f"-I{work}",
                  *options, *optimise, "-c", source, "-o", partial])
            partial.rename(target)
        return size(target)

    # The largest first, so that no worker is left with a long tail.
    order = sorted(jobs, key=size, reverse=True)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        running = [pool.submit(compile_one, target) for target in order]
        try:
            _tell(running, sum(map(size, jobs)), log)
        finally:
            pool.shutdown(cancel_futures=True)  # after an error or Ctrl-C
    partial = work / "linked"
    shared = ["-shared"] if result.suffix == ".so" else []
    _run([*compiler(), *shared, "-o", partial, *jobs, *model.link_flags, *libraries(),
          *flags("LDFLAGS")])
    partial.rename(result)
    shutil.rmtree(work)


def verilate(model: Model, work: Path, env: Mapping[str, str]) -> None:
    """Without what the user's environment says to Verilator, which no key covers."""
    control = work / "control.vlt"
    control.write_text(f"`verilator_config\n{model.control}\n", encoding="utf-8")
    users = {name: value for name, value in os.environ.items()
             if not name.startswith("VERILATOR")}
    parameters = [f"-G{name}={value}" for name, value in model.parameters.items()]
    _run([Path(env["VERILATOR_ROOT"], "bin", "verilator"), *ALWAYS, *model.verilator_flags,
          "--top-module", model.toplevel, "--prefix", model.prefix, *parameters, f"-I{INCLUDE}",
          "--Mdir", work, control, *model.sources], env={**users, **env})


@dataclass(frozen=True)
class Makefile:
    """What Verilator's makefile says of its output: names of its files of C++, of files of the
    runtime, and the VM_ switches that all are compiled with."""

    fast: tuple[str, ...]
    slow: tuple[str, ...]
    runtime: tuple[str, ...]
    switches: Mapping[str, str]


def read_makefile(path: Path) -> Makefile:
    """<prefix>_classes.mk."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    lists = {name: words.split() for name, words in re.findall(r"^(VM_\w+) \+=(.*)$", text, re.M)}
    switches = dict(re.findall(r"^(VM_\w+) = (\d)$", text, re.M))

    def named(*names: str) -> tuple[str, ...]:
        return tuple(word for name in names for word in lists[name])

    return Makefile(named("VM_CLASSES_FAST", "VM_SUPPORT_FAST"),
                    named("VM_CLASSES_SLOW", "VM_SUPPORT_SLOW"),
                    named("VM_GLOBAL_FAST", "VM_GLOBAL_SLOW"),
                    {"VM_SC": "0", **switches})


def _units(work: Path, made: Makefile, harness: Path) -> dict[Path, list[Path]]:
    """Objects, and what is compiled into each: as few as UNIT_BYTES allows, of about the same size.
    What runs only once, mostly initialisation, is apart from the rest, unless all of it is little.
    """
    fast, slow = ([work / f"{name}.cpp" for name in names] for names in (made.fast, made.slow))
    fast.append(harness)
    if sum(map(_bytes, [*fast, *slow])) <= UNIT_BYTES:
        return {work / "all.o": [*fast, *slow]}
    units: dict[Path, list[Path]] = {}
    for kind, paths in (("fast", fast), ("slow", slow)):
        parts: list[list[Path]] = [[] for _ in range(-(-sum(map(_bytes, paths)) // UNIT_BYTES))]
        for path in sorted(paths, key=_bytes, reverse=True):
            min(parts, key=lambda part: sum(map(_bytes, part))).append(path)
        units |= {work / f"{kind}{number}.o": part for number, part in enumerate(parts)}
    return units


def _bytes(path: Path) -> int:
    return path.stat().st_size


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
        raise BuildError(f"{Path(str(command[0])).name}:\n{tail}")
