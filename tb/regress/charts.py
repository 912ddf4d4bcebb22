# SPDX-License-Identifier: Apache-2.0
"""Trends over regressions as inline SVG; lines differ in dash and marker, not only in colour."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot  # noqa: E402
from matplotlib.ticker import MaxNLocator  # noqa: E402

DASHES = ("-", "--", ":", "-.")
MARKERS = "osD^vPX*"
COLOURS = ("#1b1b1b", "#0060a8", "#a85400", "#5a5a5a", "#00795c", "#8a3a8a")
SIZE = (4.6, 2.4)  # inches: fits a phone's width

Series = Mapping[str, Sequence[tuple[int, float]]]


def line_chart(title: str, unit: str, series: Series) -> str:
    """An <svg> of lines (campaign, value); its text is text, so that it can be found and read."""
    with pyplot.rc_context({"svg.fonttype": "none", "font.family": "sans-serif", "font.size": 8,
                            "svg.hashsalt": title}):
        figure, axes = pyplot.subplots(figsize=SIZE)
        for index, (name, points) in enumerate(series.items()):
            axes.plot(*zip(*points), linestyle=DASHES[index % len(DASHES)], label=name,
                      marker=MARKERS[index % len(MARKERS)], markersize=4,
                      color=COLOURS[index % len(COLOURS)])
        axes.set_title(title, loc="left")
        axes.set_ylabel(unit)
        axes.set_xlabel("regression")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=7)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
        pyplot.close(figure)
    text = buffer.getvalue()
    return accessible(text[text.index("<svg"):], title)


def accessible(svg: str, title: str) -> str:
    """Scales with the page, has a name for screen readers, and ids of its own."""
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = svg.replace("<svg", f'<svg role="img" aria-label="{title}"', 1)
    prefix = re.sub(r"\W+", "-", title)
    svg = re.sub(r'\bid="', f'id="{prefix}-', svg)
    svg = re.sub(r'href="#', f'href="#{prefix}-', svg)
    return re.sub(r"url\(#", f"url(#{prefix}-", svg)
