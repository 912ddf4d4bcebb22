# SPDX-License-Identifier: Apache-2.0
"""What can run: tests (tests.yaml) and presets (presets.yaml)."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import yaml

from sat.config import SatConfig

TESTS = Path(__file__).parent / "tests.yaml"
PRESETS = Path(__file__).parent / "presets.yaml"
KINDS = ("program", "board", "cocotb", "python")
LISTS = ("sources", "parameters", "failed")
NAMED = ("toplevel", "module", "testcase")  # in which {name} stands for the test's
DEFAULT_MEMORY = 1 << 20
DEFAULT_LIMIT = 300


class SpecError(ValueError):
    """A test, preset or configuration that does not exist or makes no sense."""


@dataclass(frozen=True)
class Test:
    """A test of tests.yaml; `limit` in seconds per seed, `memory` in bytes; `measured` seeds
    measure coverage for each that its preset says."""

    __test__: ClassVar[bool] = False  # not for pytest

    name: str
    kind: str
    function: str = ""
    toplevel: str = ""
    module: str = ""
    testcase: str | None = None
    sources: tuple[str, ...] = ()
    parameters: tuple[str, ...] | None = None
    env: dict[str, str] = field(default_factory=dict)
    memory: int = DEFAULT_MEMORY
    limit: float = DEFAULT_LIMIT
    measured: float = 1.0
    failed: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\w+", self.name):
            raise SpecError(f"test {self.name!r}: the name is more than letters, digits and _")
        if self.kind not in KINDS:
            raise SpecError(f"test {self.name}: kind {self.kind!r} is not one of {KINDS}")
        needed = ("toplevel", "module") if self.kind == "cocotb" else ("function",)
        for key in needed:
            if not getattr(self, key):
                raise SpecError(f"test {self.name}: {key} is missing")

    def parameters_of(self, config: str) -> dict[str, int]:
        """Parameters of `toplevel` on a configuration; an item NAME=7 is the same on all, and
        NAME=DATA_W/16 a share of another one."""
        known = SatConfig.from_name(config).parameters()
        items = [item.partition("=") for item in (known if self.parameters is None
                                                  else self.parameters)]
        return {name: share(value or name, known) for name, _, value in items}


def share(value: str, known: dict[str, int]) -> int:
    """7, DATA_W or DATA_W/16 as a number."""
    name, _, by = value.partition("/")
    return (int(name) if name.isdecimal() else known[name]) // int(by or 1)


@dataclass(frozen=True)
class Preset:
    """Seeds per test, configurations, and on how many seeds of each coverage is measured."""

    name: str
    configs: tuple[str, ...]
    coverage: int
    seeds: dict[str, int]


def _read(path: Path) -> dict[str, dict]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def load_tests(path: Path | None = None) -> dict[str, Test]:
    known = {item.name for item in dataclasses.fields(Test)}
    tests = {}
    for name, entry in _read(path or TESTS).items():
        if name.startswith("."):
            continue
        unknown = entry.keys() - known
        if unknown:
            raise SpecError(f"test {name}: unknown {', '.join(sorted(unknown))}")
        lists = {key: tuple(entry[key]) for key in LISTS if key in entry}
        named = {key: entry[key].replace("{name}", name) for key in NAMED if key in entry}
        tests[name] = Test(name, **{**entry, **lists, **named})
    return tests


def load_presets(path: Path | None = None) -> dict[str, Preset]:
    tests = load_tests()
    presets = {name: Preset(name, tuple(entry["configs"]), entry["coverage"], entry["seeds"])
               for name, entry in _read(path or PRESETS).items()}
    for preset in presets.values():
        check_names("test", preset.seeds, tests)
        check_names("configuration", preset.configs, SatConfig.names())
    return presets


def check_names(what: str, names, known) -> None:
    for name in names:
        if name not in known:
            raise SpecError(f"no {what} {name!r}; known: {', '.join(known)}")
