# SPDX-License-Identifier: Apache-2.0
"""Layers of the Python code: imports point one way, and no modules need each other in a circle.

Imports for type checkers alone count too.
"""

from __future__ import annotations

import sys
from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

pytestmark = pytest.mark.quick
PACKAGES = ("sat_golden", "sat", "sat_examples", "sat_lab", "tb", "scripts")
# From the top; a module belongs to the first layer that it lies in, and may import what is in its
# own layer or below. What runs commands (command line, benchmark, packager) is above the rest.
LAYERS = (
    ("sat_lab",),
    ("sat_examples",),
    ("sat.__main__", "sat.cli", "sat.bench", "sat.package"),
    ("sat.torch", "sat.networks"),
    ("sat.nn",),
    ("sat.core", "sat.backends"),
    ("sat.backend",),
    ("sat.program", "sat.memory", "sat.operands", "sat.address_space", "sat.scratch",
     "sat.traffic"),
    ("sat",),  # plan, configurations, builds, tools
    ("sat_golden",),
)
# Lint and synthesis take the list of sources from it.
MAY_IMPORT_TB = {"scripts": {"tb.common.runner"}}
Graph = dict[str, set[str]]


@pytest.fixture(scope="module")
def graph() -> Graph:
    """Module -> modules that it imports, with those outside the project. What a package's own
    __init__ exports is left out: it stands above all of its package."""
    found = grimp.build_graph(*PACKAGES, include_external_packages=True, cache_dir=None)
    return {module: found.find_modules_directly_imported_by(module) for module in found.modules}


def layer_of(module: str) -> int | None:
    return next((number for number, names in enumerate(LAYERS)
                 for name in names if f"{module}.".startswith(f"{name}.")), None)


def upward(graph: Graph) -> list[str]:
    """Imports from a layer that is above."""
    return [f"{module} -> {name}" for module, names in graph.items() if module != "sat"
            for name in names if (low := layer_of(module)) is not None
            and (high := layer_of(name)) is not None and high < low]


def foreign(graph: Graph) -> list[str]:
    """Imports that golden must not have: all but numpy and Python's own."""
    allowed = {"sat_golden", "numpy", *sys.stdlib_module_names}
    return [f"{module} -> {name}" for module, names in graph.items()
            if module.partition(".")[0] == "sat_golden"
            for name in names if name.partition(".")[0] not in allowed]


def of_tb(graph: Graph) -> list[str]:
    """Imports of tb from outside."""
    return [f"{module} -> {name}" for module, names in graph.items()
            if (home := module.partition(".")[0]) != "tb"
            for name in names if name.partition(".")[0] == "tb"
            and name not in MAY_IMPORT_TB.get(home, ())]


def circle(graph: Graph) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


@pytest.mark.parametrize("complaints", [upward, foreign, of_tb, circle])
def test_imports_point_one_way(graph, complaints):
    assert not complaints(graph)


@pytest.mark.parametrize("complaints, module, name", [
    (upward, "sat.memory", "sat.backend"), (upward, "sat_golden.defs", "sat.regs"),
    (upward, "sat.nn.loss", "sat_examples.demo"), (foreign, "sat_golden.vector", "yaml"),
    (of_tb, "sat.config", "tb.common.runner"), (of_tb, "scripts.lint", "tb.common.require"),
    (circle, "sat_golden.descriptor", "sat_golden.operands"),
])
def test_an_import_that_must_not_be_is_seen(graph, complaints, module, name):
    assert complaints({**graph, module: graph[module] | {name}})
