# SPDX-License-Identifier: Apache-2.0
"""The page of `sat networks`: a table, and bars per layer. One file that needs nothing else."""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import jinja2
import matplotlib
from markupsafe import Markup

matplotlib.use("svg")

from matplotlib import pyplot  # noqa: E402

COLOURS = ("#1b1b1b", "#0060a8", "#a85400", "#00795c", "#8a3a8a")
HATCHES = ("", "///", "...", "\\\\\\", "xx")
ENGINES = {"array_cycles": "array: FF, BP, WU", "vector_cycles": "vector engine: norms, updates"}
INCHES = 0.32  # of the width, per layer


def write_report(path: Path, rows: Sequence[dict]) -> None:
    """Writes the page of the rows of networks.json."""
    cases: dict[tuple[str, str], list[dict]] = defaultdict(list)
    for row in rows:
        cases[row["network"], row["array"]].append(row)
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent),
                                     autoescape=True, undefined=jinja2.StrictUndefined,
                                     trim_blocks=True, lstrip_blocks=True)
    template = environment.get_template("report.html.j2")
    path.write_text(template.render(rows=rows, name=nm_name, charts={
        f"{network} on {array}": Markup(bars(found)) for (network, array), found in cases.items()}),
        encoding="utf-8")


def nm_name(row: dict) -> str:
    return "dense" if row["n"] == row["m"] else f"{row['n']}:{row['m']}"


def by_layer(row: dict) -> dict[str, dict[str, float]]:
    """Cycles of each engine by layer, all passes together."""
    made: dict[str, dict[str, float]] = {}
    for entry in row["layers"]:
        engines = made.setdefault(entry["layer"], dict.fromkeys(ENGINES, 0.0))
        for engine in ENGINES:
            engines[engine] += entry[engine]
    return made


def bars(rows: Sequence[dict]) -> str:
    """An <svg>: for each layer a bar of each N:M, of both engines' cycles."""
    layers = [by_layer(row) for row in rows]
    names = list(layers[0])
    width = 0.85 / len(rows)
    title = f"{rows[0]['network']} {rows[0]['array']}"
    with pyplot.rc_context({"svg.fonttype": "none", "font.family": "sans-serif", "font.size": 8,
                            "svg.hashsalt": title, "hatch.linewidth": 0.5}):
        figure, axes = pyplot.subplots(len(ENGINES), sharex=True, layout="constrained",
                                       figsize=(2 + INCHES * len(names), 4.4))
        for plot, (engine, text) in zip(axes, ENGINES.items()):
            for index, (row, found) in enumerate(zip(rows, layers)):
                plot.bar([place + width * (index - (len(rows) - 1) / 2)
                          for place in range(len(names))],
                         [found[name][engine] / 1e6 for name in names], width,
                         label=nm_name(row), color=COLOURS[index % len(COLOURS)],
                         hatch=HATCHES[index % len(HATCHES)], edgecolor="white", linewidth=0)
            plot.set_title(text, loc="left")
            plot.set_ylabel("million cycles")
            plot.grid(axis="y", alpha=0.3)
            plot.set_axisbelow(True)
            plot.spines[["top", "right"]].set_visible(False)
        axes[0].legend(frameon=False, ncols=len(rows))
        axes[-1].set_xticks(range(len(names)), names, rotation=60, ha="right")
        axes[-1].set_xlim(-0.6, len(names) - 0.4)
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None})
        pyplot.close(figure)
    return re.sub(r"^.*?(?=<svg)", "", drawn.getvalue(), flags=re.DOTALL)
