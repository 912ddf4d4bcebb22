# SPDX-License-Identifier: Apache-2.0
"""C++ behind ctypes: built once per source, compiler and processor, kept, and loaded."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

COMPILERS = ("g++", "clang++", "c++")


class BuildError(RuntimeError):
    """It cannot be built or loaded here; the message is one line for the user."""


def load(name: str, source: Path, flags: Sequence[str], inside: Sequence[bytes] = ()
         ) -> ctypes.CDLL:
    """The library of a source file, built if the cache has none; `inside` is what it includes.
    BuildError says why not."""
    command = [*compiler(), *flags]
    # The predefined macros name the compiler's version and all that the processor has.
    macros = run([*command, "-dM", "-E", "-x", "c++", os.devnull], source)
    parts = (source.read_bytes(), "\0".join(command).encode(), macros, *inside)
    key = hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
    path = cache_folder() / f"{name}-{key}.so"
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            # Built aside and put in place at once: others may be doing the same.
            with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{name}-") as folder:
                built = Path(folder, path.name)
                run([*command, str(source), "-o", str(built)], source)
                os.replace(built, path)
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise BuildError(f"{path}: {error}") from None


def compiler() -> list[str]:
    """The words of CXX, as for the simulator, else the first one that there is."""
    try:
        named = shlex.split(os.environ.get("CXX", ""))
    except ValueError as error:
        raise BuildError(f"CXX: {error}") from None
    there = next((name for name in COMPILERS if shutil.which(name)), None)
    if not named and there is None:
        raise BuildError("there is no C++ compiler: install g++, or name one in CXX")
    return named or [str(there)]


def run(command: list[str], source: Path) -> bytes:
    """What a command prints."""
    try:
        return subprocess.run(command, check=True, capture_output=True).stdout
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()
        reason = said[0] if said else f"exit code {error.returncode}"
    except OSError as error:
        reason = error.strerror or str(error)
    raise BuildError(f"`{command[0]}` cannot build {source.name}: {reason}")


def cache_folder() -> Path:
    """Where builds are kept, as those of the simulator are: SAT_CACHE, build/ of a checkout, or the
    user's cache folder."""
    if named := os.environ.get("SAT_CACHE"):
        return Path(named).absolute()
    checkout = Path(__file__).parents[2]
    if (checkout / "rtl").is_dir():
        return checkout / "build"
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "sat-core")
