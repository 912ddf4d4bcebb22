# SPDX-License-Identifier: Apache-2.0
"""The Verilog sources: which there are, which of them a module needs, and their hash."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from .toolchain import ROOT

INCLUDE = ROOT / "rtl" / "include"


def sources() -> list[Path]:
    """Files of rtl/sat.f, in order."""
    lines = (ROOT / "rtl" / "sat.f").read_text(encoding="utf-8").splitlines()
    return [ROOT / line.strip() for line in lines if line.strip() and not line.startswith("//")]


def needed_sources(toplevel: str, extra: Iterable[Path | str] = ()) -> list[Path]:
    """Files that `toplevel` instantiates, directly or not; each module has the name of its file.
    Files of `extra` are added, or replace those of the same name."""
    files = {path.stem: path for path in [*sources(), *map(Path, extra)]}
    if toplevel not in files:
        raise ValueError(f"module {toplevel} is neither in rtl/sat.f nor among the sources")
    found: set[str] = set()
    todo = [toplevel]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            words = set(re.findall(r"\w+", files[name].read_text(encoding="utf-8")))
            todo += sorted(words & files.keys())
    return [path for name, path in files.items() if name in found]


def digest(files: Sequence[Path], config: object) -> str:
    """Hash of `files` with the headers that they include, and of `config` by its repr."""
    total = hashlib.sha256(repr(config).encode())
    texts = [path.read_text(encoding="utf-8") for path in files]
    included = set(re.findall(r'`include\s+"([^"]+)"', "\n".join(texts)))
    headers = [INCLUDE / name for name in sorted(included)]
    for text in [*texts, *(path.read_text(encoding="utf-8") for path in headers)]:
        total.update(text.encode())
    return total.hexdigest()[:12]
