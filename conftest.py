# SPDX-License-Identifier: Apache-2.0
"""First lines of every test run: versions and seed."""

import os

import pytest

from tb.common.build import versions
from tb.common.runner import DEFAULT_SEED


def pytest_configure(config: pytest.Config) -> None:
    os.environ.setdefault("SAT_ASSERTIONS", "1")  # one fast simulation of an array serves all tests
    if not __debug__ and config.getoption("assertmode") == "plain":
        raise pytest.UsageError("python -O with --assert=plain checks nothing: leave one out")


def pytest_report_header() -> list[str]:
    sim = os.environ.get("SIM", "verilator")
    lines = [f"tools: {versions(sim)}", f"seed: {os.environ.get('SEED', DEFAULT_SEED)}"]
    if os.environ.get("TESTCASE"):
        lines.append(f"only cocotb tests that match TESTCASE={os.environ['TESTCASE']}")
    return lines
