# SPDX-License-Identifier: Apache-2.0
"""The test plan against what exists: tests and cover points."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import yaml

from sat.config import SatConfig
from tb.uvm import sat_uvm_tests
from tb.uvm.blocks.array import array_block_tests
from tb.uvm.blocks.sore import sore_block_tests
from tb.uvm.blocks.wuve import wuve_block_tests
from tb.uvm.cov.sat_coverage import declare_all

MODULES = (sat_uvm_tests, sore_block_tests, wuve_block_tests, array_block_tests)
PLAN = Path(__file__).with_name("testplan.yaml")
STAGES = ("V1", "V2", "V3")


@dataclass(frozen=True)
class Entry:
    """One thing to show: the tests that show it, the cover points that tell that it happened."""

    name: str
    intent: str
    stage: str
    tests: tuple[str, ...]
    cover: tuple[str, ...]


def load(path: Path = PLAN) -> list[Entry]:
    return [Entry(entry["name"], entry["intent"], entry["stage"], tuple(entry["tests"]),
                  tuple(entry["cover"]))
            for entry in yaml.safe_load(path.read_text(encoding="utf-8"))]


def existing_tests() -> list[str]:
    """Names of all test classes."""
    return [test.__name__ for module in MODULES
            for test in (*module.TESTS, *module.NEGATIVE_TESTS)]


def existing_points(core: SatConfig) -> list[str]:
    """Names of all cover points, of the top level and of the blocks."""
    model = declare_all(core)
    for module in MODULES[1:]:
        for test in module.TESTS:
            test.environment.declare(model)
    return list(model.counts)


def problems(plan: Collection[Entry], tests: Collection[str], points: Collection[str]) -> list[str]:
    """Planned tests and points that do not exist, and existing ones that are not planned."""
    found = []
    for kind, existing, planned in (
        ("test", set(tests), {test for entry in plan for test in entry.tests}),
        ("cover point", set(points), {point for entry in plan for point in entry.cover}),
    ):
        found += [f"{kind} {name} is planned and does not exist" for name in planned - existing]
        found += [f"{kind} {name} exists and is not planned" for name in existing - planned]
    names = [entry.name for entry in plan]
    found += [f"{name} is there twice" for name in set(names) if names.count(name) > 1]
    found += [f"{entry.name}: no test" for entry in plan if not entry.tests]
    found += [f"{entry.name}: stage {entry.stage}" for entry in plan if entry.stage not in STAGES]
    return sorted(found)
