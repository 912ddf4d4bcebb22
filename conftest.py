# SPDX-License-Identifier: Apache-2.0
"""First lines of every test run: versions and seed."""

import os

from tb.common.runner import DEFAULT_SEED, versions


def pytest_report_header() -> list[str]:
    sim = os.environ.get("SIM", "verilator")
    return [f"tools: {versions(sim)}", f"seed: {os.environ.get('SEED', DEFAULT_SEED)}"]
