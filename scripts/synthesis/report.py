# SPDX-License-Identifier: Apache-2.0
"""Tables of docs/design/synthesis.md, between markers, from the contents of build/synth.json."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sat.toolchain import ROOT
from scripts.synthesis import cells

DOCUMENT = ROOT / "docs" / "design" / "synthesis.md"
AREA_HEADERS = ("module", "LUT", "INV", "MUXF", "CARRY4", "FF", "DSP48E2", "BRAM36",
                "LUTs as RAM", "as SRL", "of a VU9P's LUTs", "DSPs", "BRAM")


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are numbers."""
    lines = [headers, ["---", *["---:"] * (len(headers) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def replace_block(text: str, name: str, content: str) -> str:
    """`text` with what stands between the markers of block `name` replaced."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    result, count = re.subn(f"{re.escape(begin)}.*?{re.escape(end)}",
                            lambda _: f"{begin}\n{content}\n{end}", text, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{count} blocks {name!r} in the document, not one")
    return result


def read_block(text: str, name: str) -> str:
    match = re.search(f"<!-- begin {re.escape(name)} -->\n(.*?)\n<!-- end", text, re.DOTALL)
    if not match:
        raise ValueError(f"no block {name!r} in the document")
    return match[1]


def area_row(name: str, area: Mapping[str, float]) -> list[str]:
    share = cells.vu9p_share(area)
    return [f"`{name}`", *(f"{area[key]:g}" for key in cells.CLASSES),
            *(f"{share[key]:.2%}" for key in ("lut", "dsp", "bram"))]


def areas(result: Mapping[str, Mapping]) -> dict[str, Mapping[str, float]]:
    return {name: area for name, area in result.items() if name != "fmax_ecp5"}


def area_table(result: Mapping[str, Mapping]) -> str:
    return table(AREA_HEADERS, [area_row(name, area) for name, area in areas(result).items()])


def per_pe_table(result: Mapping[str, Mapping]) -> str:
    """Cost of an array, or of a whole core, divided by its PEs."""
    rows = []
    for name, area in areas(result).items():
        match = re.fullmatch(r"sat_(?:array|top)_(\d+)x(\d+)", name)
        if match:
            pes = int(match[1]) * int(match[2])
            rows.append([f"`{name}`", str(pes), *(f"{value / pes:.1f}" for value in (
                area["lut"], cells.all_luts(area), area["ff"], area["dsp"]))])
    return table(("module", "PEs", "LUT per PE", "LUTs in any role", "FF", "DSP48E2"), rows)


def fmax_table(result: Mapping[str, Mapping]) -> str:
    return table(("module", "seeds", "best MHz", "median MHz"),
                 [[f"`{name}`", f"{mhz['seeds']}", f"{mhz['best']:.1f}", f"{mhz['median']:.1f}"]
                  for name, mhz in result["fmax_ecp5"].items()])


BLOCKS = {"area": area_table, "per-pe": per_pe_table, "fmax": fmax_table}


def update(result: Mapping[str, Mapping], document: Path = DOCUMENT) -> None:
    text = document.read_text(encoding="utf-8")
    for name, block in BLOCKS.items():
        text = replace_block(text, name, block(result))
    document.write_text(text, encoding="utf-8")
