# SPDX-License-Identifier: Apache-2.0
"""Code coverage: Verilator's counters of many runs, added up.

A data file has a line `C 'key' count` for each point; the key is a list of \\1name\\2value. One
point of the source is many points there, one for each set of parameters of its module: they are
added up. (Instances with the same parameters are one point already.)
"""

from __future__ import annotations

import gzip
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sat.files import DamagedFile
from tb.regress import ROOT

HEADER = "# SystemC::Coverage-3\n"
REMEDY = "delete it to do without what it counted, or run the regression again"
KINDS = ("line", "branch", "toggle", "expr")
FIELDS = {"f": "file", "l": "line", "n": "column", "t": "kind", "o": "object", "S": "lines"}


@dataclass(frozen=True)
class Point:
    """Something that can happen: a block that runs, a branch taken, a bit that rises or falls, a
    way for an expression to be true or false. `lines` are those of the block or branch."""

    file: str  # relative to the repository
    line: int
    column: int
    kind: str
    object: str
    lines: tuple[int, ...] = ()


Counts = dict[Point, int]


def read_file(path: Path) -> Iterator[tuple[str, int]]:
    """(key, count) of each point of a data file; DamagedFile where it is not whole."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8", errors="replace") as data:
            if next(data, "") != HEADER:
                raise ValueError("it does not begin as Verilator's counters do")
            for line in data:
                key, _, count = line[3:].rpartition("' ")
                if not (line.startswith("C '") and line.endswith("\n") and key):
                    raise ValueError(f"this is no counter: {line[:40]!r}")
                yield key, int(count)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DamagedFile(path, error, REMEDY) from error


def read_raw(paths: Iterable[Path]) -> dict[str, int]:
    """Sum of the counts for each key, over all files."""
    total: dict[str, int] = defaultdict(int)
    for path in paths:
        for key, count in read_file(path):
            total[key] += count
    return total


def parse_point(key: str) -> Point | None:
    """The point of a key; None if it is not about the core (a wrapper of a bench, say)."""
    found = {}
    for item in key.split("\1")[1:]:
        name, _, value = item.partition("\2")
        if name in FIELDS:
            found[FIELDS[name]] = value
    path = Path(found["file"])
    if not path.is_relative_to(ROOT / "rtl"):
        return None
    return Point(str(path.relative_to(ROOT)), int(found["line"]), int(found["column"]),
                 found["kind"], found["object"], parse_lines(found.get("lines", "")))


def parse_lines(text: str) -> tuple[int, ...]:
    """'3-5,9' is (3, 4, 5, 9)."""
    lines: list[int] = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        lines += range(int(first), int(last or first) + 1)
    return tuple(lines)


def read_counts(paths: Iterable[Path]) -> Counts:
    counts: Counts = defaultdict(int)
    for key, count in read_raw(paths).items():
        point = parse_point(key)
        if point is not None and point.kind in KINDS:
            counts[point] += count
    return dict(counts)


def line_counts(counts: Counts) -> dict[tuple[str, int], int]:
    """How often each source line ran: the most of the blocks and branches on it."""
    lines: dict[tuple[str, int], int] = {}
    for point, count in counts.items():
        if point.kind in ("line", "branch"):
            for number in point.lines:
                where = (point.file, number)
                lines[where] = max(lines.get(where, 0), count)
    return lines
