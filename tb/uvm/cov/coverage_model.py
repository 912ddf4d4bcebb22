# SPDX-License-Identifier: Apache-2.0
"""Functional coverage: points and crosses of named bins, saved as JSON and merged over runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from pathlib import Path

from sat.files import write_text
from tb.common.require import require


class CoverageModel:
    """`counts[point][bin]` says how often a bin was hit. Bins of a cross are joined by "/".

    Every bin is declared before it is hit: hitting another is a KeyError, so that a bin that nobody
    planned shows.
    """

    def __init__(self) -> None:
        self.counts: dict[str, dict[str, int]] = {}

    def point(self, name: str, bins: Iterable[object]) -> None:
        require(name not in self.counts, "cover point %s is declared twice", name)
        self.counts[name] = {str(bin_): 0 for bin_ in bins}

    def cross(self, name: str, *axes: Sequence[object],
              unless: Callable[..., bool] = lambda *_: False) -> None:
        """All combinations but those for which `unless` holds."""
        self.point(name, (joined(bins) for bins in product(*axes) if not unless(*bins)))

    def hit(self, name: str, *bins: object) -> None:
        point, bin_ = self.counts[name], joined(bins)
        if bin_ not in point:
            raise KeyError(f"cover point {name} has no bin {bin_}")
        point[bin_] += 1

    def covered(self, name: str) -> tuple[int, int]:
        """Bins hit, and bins."""
        counts = self.counts[name].values()
        return sum(count > 0 for count in counts), len(counts)

    def holes(self, name: str) -> list[str]:
        return [bin_ for bin_, count in self.counts[name].items() if not count]

    def total(self) -> tuple[int, int]:
        """Bins hit, and bins, of all points."""
        covered = [self.covered(name) for name in self.counts]
        return sum(hit for hit, _ in covered), sum(bins for _, bins in covered)

    def merge(self, counts: dict[str, dict[str, int]]) -> None:
        """Adds the counts of another run; points and bins that are new are taken over."""
        for name, bins in counts.items():
            mine = self.counts.setdefault(name, {})
            for bin_, count in bins.items():
                mine[bin_] = mine.get(bin_, 0) + count

    def save(self, path: Path, **about: object) -> None:
        """`about` says what was run: test, seed, shape."""
        write_text(path, json.dumps({**about, "points": self.counts}, indent=1) + "\n")

    @classmethod
    def load(cls, paths: Iterable[Path]) -> CoverageModel:
        """Several runs, merged."""
        model = cls()
        for path in paths:
            model.merge(json.loads(path.read_text(encoding="utf-8"))["points"])
        return model


def joined(bins: Iterable[object]) -> str:
    return "/".join(str(bin_) for bin_ in bins)
