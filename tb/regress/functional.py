# SPDX-License-Identifier: Apache-2.0
"""Functional coverage: the files that runs wrote (docs/verification/regressions.md), added up."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sat.files import DamagedFile
from tb.regress.code_coverage import REMEDY


@dataclass
class CoverPoint:
    """Hits of each bin; a bin is covered from `goal` hits."""

    goal: int = 1
    bins: dict[str, int] = field(default_factory=dict)

    def holes(self) -> list[str]:
        return [name for name, hits in self.bins.items() if hits < self.goal]

    @property
    def covered(self) -> int:
        return len(self.bins) - len(self.holes())


def read_functional(paths: Iterable[Path]) -> dict[str, CoverPoint]:
    """The points of all files; DamagedFile names the one that has another format."""
    points: dict[str, CoverPoint] = {}
    for path in paths:
        try:
            for name, entry in json.loads(path.read_text(encoding="utf-8"))["points"].items():
                point = points.setdefault(name, CoverPoint())
                bins, goal = ((entry["bins"], entry.get("goal", 1)) if "bins" in entry
                              else (entry, 1))
                point.goal = max(point.goal, int(goal))
                for bin_name, hits in bins.items():
                    point.bins[bin_name] = point.bins.get(bin_name, 0) + int(hits)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            problem = f"it is no file of functional coverage ({error!r})"
            raise DamagedFile(path, problem, REMEDY) from error
    return points
