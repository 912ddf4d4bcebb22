# SPDX-License-Identifier: Apache-2.0
"""Regression manager: runs tests x seeds x configurations, gathers coverage, writes reports.

    python -m tb.regress --help
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The packages of the repository, so that a replay line works without an environment.
sys.path[:0] = [path for path in (str(ROOT / "golden"), str(ROOT / "host"))
                if path not in sys.path]
