# SPDX-License-Identifier: Apache-2.0
"""Code coverage in lcov's format, for genhtml and editors."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from sat.files import replacing
from tb.regress import ROOT
from tb.regress.code_coverage import Point
from tb.regress.coverage import ConfigCoverage


def write_lcov(path: Path, coverage: ConfigCoverage) -> None:
    """Lines, and branches with the ways of expressions. What is waived is left out."""
    lines: dict[str, dict[int, int]] = defaultdict(dict)
    for (file, number), count in coverage.lines.items():
        if count or (file, number) not in coverage.waived_lines:
            lines[file][number] = count
    branches: dict[str, dict[tuple[int, int], list[tuple[Point, int]]]] = defaultdict(dict)
    for point, count in coverage.counts.items():
        if point.kind in ("branch", "expr") and (count or point not in coverage.waived_points):
            place = branches[point.file].setdefault((point.line, point.column), [])
            place.append((point, count))
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as draft, open(draft, "w", encoding="utf-8") as out:
        for file in sorted(lines.keys() | branches.keys()):
            print(f"TN:{coverage.config}\nSF:{ROOT / file}", file=out)
            ways = branches[file]
            for (number, column), members in sorted(ways.items()):
                for index, (_, count) in enumerate(members):
                    print(f"BRDA:{number},{column},{index},{count}", file=out)
            counts = [count for members in ways.values() for _, count in members]
            print(f"BRF:{len(counts)}\nBRH:{sum(map(bool, counts))}", file=out)
            for number, count in sorted(lines[file].items()):
                print(f"DA:{number},{count}", file=out)
            hit = sum(map(bool, lines[file].values()))
            print(f"LF:{len(lines[file])}\nLH:{hit}\nend_of_record", file=out)
