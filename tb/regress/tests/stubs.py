# SPDX-License-Identifier: Apache-2.0
"""Tests of kind python that end in every way a run can; for the tests of the manager."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from tb.common.environment import SWAYING


def passes(seed: int) -> None:
    print("seed", seed)


def fails_on_three(seed: int) -> None:
    if seed == 3:
        raise AssertionError(f"seed {seed} is wrong")


def hangs_on_two(seed: int) -> None:
    if seed == 2:
        time.sleep(600)


def crashes_on_two(seed: int) -> None:
    if seed == 2:
        os._exit(7)


def passes_the_second_time(seed: int) -> None:
    mark = Path(os.environ["REGRESS_TEST_FOLDER"]) / f"seen{seed}"
    if not mark.exists():
        mark.touch()
        raise AssertionError("not yet")


def sleeps(seed: int) -> None:
    time.sleep(0.2)


def is_not_swayed(seed: int) -> None:
    found = {name for name in os.environ if SWAYING.fullmatch(name)} - {"VERILATOR_ROOT"}
    if found or sys.flags.optimize or os.environ["VERILATOR_ROOT"] == "1":
        raise AssertionError(f"{found}, optimised {sys.flags.optimize}")
