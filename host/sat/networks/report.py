# SPDX-License-Identifier: Apache-2.0
"""The page of `sat networks`: a table, and bars per layer. One file that needs nothing else."""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import matplotlib
from markupsafe import Markup

matplotlib.use("svg")

from matplotlib import pyplot  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from ..options import parse_nm, show_nm  # noqa: E402

COLOURS = ("#1b1b1b", "#0060a8", "#a85400", "#00795c", "#8a3a8a")
HATCHES = ("", "///", "...", "\\\\\\", "xx")
ENGINES = {"array_cycles": "array: FF, BP, WU", "vector_cycles": "vector engine: norms, updates"}
MARKERS = {"FF": "o", "BP": "s", "WU": "^"}  # by pass
STYLE: dict[Any, Any] = {"svg.fonttype": "none", "font.family": "sans-serif", "font.size": 8,
                         "svg.hashsalt": "networks", "hatch.linewidth": 0.5}
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
    titled = {f"{network} on {array}": found for (network, array), found in cases.items()}
    charts, roofs = ({title: Markup(draw(found)) for title, found in titled.items()}
                     for draw in (bars, roofline))
    path.write_text(template.render(rows=rows, name=nm_name, charts=charts, roofs=roofs),
                    encoding="utf-8")


def nm_name(row: dict) -> str:
    return show_nm((row["n"], row["m"]), row["wu"] and parse_nm(row["wu"]))


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
    with pyplot.rc_context(STYLE):
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
        figure.legend(*axes[0].get_legend_handles_labels(), frameon=False, ncols=len(rows),
                      loc="outside upper right")
        axes[-1].set_xticks(range(len(names)), names, rotation=60, ha="right")
        axes[-1].set_xlim(-0.6, len(names) - 0.4)
        return svg(figure)


def roofline(rows: Sequence[dict]) -> str:
    """An <svg>: a point for each layer, pass and N:M that multiplies, under the array's and the
    memory's limits."""
    rows_of_pes, cols = map(int, rows[0]["array"].partition("-")[0].split("x"))
    peak, beat = rows_of_pes * cols, rows[0]["data_w"] / 8
    with pyplot.rc_context(STYLE):
        figure, plot = pyplot.subplots(layout="constrained", figsize=(6.4, 3.6))
        drawn: list[float] = []
        for index, row in enumerate(rows):
            for kind, marker in MARKERS.items():
                points = [(entry["macs"] / entry["bytes_read"],
                           entry["macs"] / entry["array_cycles"]) for entry in row["layers"]
                          if entry["pass"] == kind and entry["macs"] and entry["bytes_read"]]
                drawn += [intensity for intensity, _ in points]
                if points:
                    plot.plot(*zip(*points), linestyle="none", marker=marker, markersize=4,
                              color=COLOURS[index % len(COLOURS)], alpha=0.7,
                              label=f"{kind} {nm_name(row)}")
        intensities = [min([*drawn, peak / beat / 2]), peak / beat,
                       max([*drawn, 2 * peak / beat])]
        plot.plot(intensities, [min(peak, beat * value) for value in intensities], color="black",
                  linewidth=1)
        plot.set(xscale="log", yscale="log", xlabel="multiplies per byte read",
                 ylabel="multiplies per cycle")
        plot.grid(alpha=0.3)
        plot.spines[["top", "right"]].set_visible(False)
        figure.legend(frameon=False, loc="outside right upper", fontsize=6)
        return svg(figure)


def svg(figure: Figure) -> str:
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None})
    pyplot.close(figure)
    return re.sub(r"^.*?(?=<svg)", "", drawn.getvalue(), flags=re.DOTALL)
