# SPDX-License-Identifier: Apache-2.0
"""From a request to runs, and from runs to batches.

A *run* is one seed of one test on one configuration. A *batch* is what a worker does in one
process: some seeds of one test on one configuration, so that starting Python costs little.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tb.regress import ROOT
from tb.regress.spec import Test

CODE_COVERAGE = "coverage.dat.gz"  # a batch's files
FUNCTIONAL_COVERAGE = "functional"  # a folder
BATCH_SECONDS = 15
BATCH_MOST = 100
USUAL_SHARE = {False: 1 / 500, True: 1 / 60}  # of its limit that a run takes, plain and measured
SOURCES = ("rtl", "golden", "host", "spec", "tb/common", "tb/top", "tb/unit", "tb/uvm",
           "tb/regress/sim")
SOURCE_SUFFIXES = {".v", ".vh", ".py", ".cpp", ".h", ".yaml", ".rdl", ".f"}


Kind = tuple[str, str, bool]  # test, configuration, measured: such runs take alike


class Run(NamedTuple):
    test: str
    config: str
    seed: int


@dataclass(frozen=True)
class Request:
    """A regression as it was asked for: seeds per test, configurations, first seed; of each test
    and configuration, the first `coverage` runs measure coverage, or fewer if the test says so."""

    preset: str
    seeds: dict[str, int]
    configs: tuple[str, ...]
    first_seed: int = 1
    coverage: int = 0

    def to_dict(self) -> dict:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping) -> Request:
        return cls(**{**data, "configs": tuple(data["configs"])})

    def runs(self, tests: Mapping[str, Test]) -> list[Run]:
        """Every run; of each test first the seeds that once failed, then consecutive ones."""
        found: dict[Run, None] = {}
        for name, count in self.seeds.items():
            consecutive = range(self.first_seed, self.first_seed + count)
            for seed in [*(tests[name].failed if count else ()), *consecutive]:
                for config in self.configs:
                    found[Run(name, config, seed)] = None
        return list(found)

    def measured(self, tests: Mapping[str, Test]) -> set[Run]:
        """The runs that measure coverage."""
        groups: dict[tuple[str, str], list[Run]] = {}
        for run in self.runs(tests):
            groups.setdefault((run.test, run.config), []).append(run)
        return {run for (name, _), group in groups.items()
                for run in group[: math.ceil(self.coverage * tests[name].measured)]}


@dataclass(frozen=True)
class Batch:
    """What one process does. `attempt` 0 is the regression itself, 1 the repetition of a failure.
    """

    test: Test
    config: str
    seeds: tuple[int, ...]
    folder: str
    coverage: bool = False
    waves: bool = False
    attempt: int = 0

    @property
    def runs(self) -> list[Run]:
        return [Run(self.test.name, self.config, seed) for seed in self.seeds]

    def to_dict(self) -> dict:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping) -> Batch:
        return cls(**{**data, "test": Test(**data["test"]), "seeds": tuple(data["seeds"])})


@dataclass
class Result:
    """How a run ended. Status: passed, failed, timeout (over the test's limit) or crashed (the
    process ended without a word). `cycles` are simulated ones, 0 where unknown; `cases` the
    statuses of the cocotb tests in it; `before` the seeds that ran earlier in the same process;
    `measured` says whether it was on a build with coverage.
    """

    run: Run
    status: str
    seconds: float
    cycles: int = 0
    message: str = ""
    log: str = ""
    waves: str = ""
    cases: dict[str, str] = field(default_factory=dict)
    before: list[int] = field(default_factory=list)
    attempt: int = 0
    measured: bool = False

    @property
    def passed(self) -> bool:
        return self.status == "passed"

    def to_dict(self) -> dict:
        return {**dataclasses.asdict(self), "run": list(self.run)}

    @classmethod
    def from_dict(cls, data: Mapping) -> Result:
        return cls(**{**data, "run": Run(*data["run"])})


def expected_seconds(kind: Kind, tests: Mapping[str, Test],
                     before: Mapping[Kind, float]) -> float:
    """Of one run: what such runs took before, or else a share of the test's limit."""
    name, _, measured = kind
    return max(before.get(kind, tests[name].limit * USUAL_SHARE[measured]), 0.01)


def make_batches(runs: Iterable[Run], measured: set[Run], tests: Mapping[str, Test], folder: str,
                 seconds: Mapping[Kind, float], workers: int) -> list[Batch]:
    """Batches of about BATCH_SECONDS; `seconds` is what kinds of runs took before.

    The longest come first, so that no worker is left with a long tail.
    """
    groups: dict[Kind, list[int]] = {}
    for run in runs:
        groups.setdefault((run.test, run.config, run in measured), []).append(run.seed)
    batches = []
    for (name, config, coverage), seeds in groups.items():
        test = tests[name]
        each = expected_seconds((name, config, coverage), tests, seconds)
        most = 1 if test.kind == "cocotb" else min(BATCH_MOST, max(1, int(BATCH_SECONDS / each)))
        most = min(most, -(-len(seeds) // workers))
        for at in range(0, len(seeds), most):
            part = tuple(seeds[at : at + most])
            place = f"{folder}/{name}-{config}-{part[0]}"
            batches.append((each * len(part), Batch(test, config, part, place, coverage)))
    return [batch for _, batch in sorted(batches, key=lambda item: -item[0])]


def sources_digest() -> str:
    """Hash of everything that a result depends on, but for the tools."""
    digest = hashlib.sha256()
    for name in SOURCES:
        for path in sorted((ROOT / name).rglob("*")):
            if path.suffix in SOURCE_SUFFIXES and path.is_file():
                digest.update(str(path.relative_to(ROOT)).encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
