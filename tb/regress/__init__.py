# SPDX-License-Identifier: Apache-2.0
"""Regression manager: runs tests x seeds x configurations, gathers coverage, writes reports."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
