# SPDX-License-Identifier: Apache-2.0
"""What simulations and the processes of regressions get of the user's environment."""

from __future__ import annotations

import os
import re

# Where programs, libraries and temporary files are, who works here, and in which language.
HARMLESS = re.compile(r"PATH|(LD|DYLD)_\w+|HOME|USER|LOGNAME|SHELL|TERM|TMPDIR|TEMP|TMP|TZ|LANG"
                      r"|LANGUAGE|LC_\w+|XDG_\w+|LIBPYTHON_LOC")
# What changes how Python, pytest, cocotb or Verilator work, or is a knob of ours or of cocotb's
# runner: all of these would decide what a run does, and with which seed. But a process's modules
# are those of the process that starts it.
SWAYING = re.compile(r"(PYTHON(?!PATH$)|PYTEST|COCOTB|GPI|PYGPI|VERILATOR|SIM_CMD|COVERAGE)\w*"
                     r"|RANDOM_SEED|TOPLEVEL\w*|MODULE|SIM|SEED|TESTCASE|WAVES|GUI|SHAPE")


def for_simulation() -> dict[str, str]:
    """Nothing that a test or cocotb could read: a simulation gets all that from its caller."""
    return {name: value for name, value in os.environ.items() if HARMLESS.fullmatch(name)}


def for_work() -> dict[str, str]:
    """For builds, which need the variables of the compilers, and for processes that build."""
    return {name: value for name, value in os.environ.items() if not SWAYING.fullmatch(name)}
