# SPDX-License-Identifier: Apache-2.0
"""What the demos report: tables, two plots, and summary.json."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sat.config import SatConfig
from sat.options import show_nm
from sat.terminal import print_table

STEP = "step"  # a whole step, in which passes overlap
SPECIAL_TITLES = {STEP: "step, overlapped"}


@dataclass
class Cycles:
    """Cycles of parts of a step, by name: at the run's N:M, of the same network dense, and the
    multiplies needed at N:M."""

    pes: int
    sparse: dict[str, int] = field(default_factory=dict)
    dense: dict[str, int] = field(default_factory=dict)
    macs: dict[str, int] = field(default_factory=dict)

    def utilization(self, name: str) -> float:
        """Multiplies needed, per PE and cycle."""
        cycles = self.sparse.get(name)
        return self.macs.get(name, 0) / (self.pes * cycles) if cycles else 0.0

    def speedup(self, name: str) -> float | None:
        """Over dense; None where nothing was measured."""
        if not self.sparse.get(name) or name not in self.dense:
            return None
        return self.dense[name] / self.sparse[name]

    def rows(self) -> dict[str, dict]:
        """For summary.json."""
        return {name: {"cycles": cycles, "dense_cycles": self.dense.get(name),
                       "macs": self.macs.get(name, 0),
                       "utilization": round(self.utilization(name), 4),
                       "speedup": self.speedup(name)}
                for name, cycles in self.sparse.items()}


@dataclass
class Outcome:
    """Results of a demo run. Cycles are empty when nothing ran in RTL.

    peak_bytes, unshared_bytes  of the core's memory, and if no tensors shared any
    ratio   N:M in words
    passes  by pass, and a whole step
    layers  by "PASS layer", where the demo measures layers
    """

    config: SatConfig
    nm: tuple[int, int]
    batch: int
    seed: int
    data: str
    wu: tuple[int, int] | None = None  # None: weight gradients are dense
    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    epoch_steps: int = 1
    steps_rtl: int = 0
    rtl_accuracy: float | None = None
    rtl_seconds: float = 0.0
    simulated_cycles: int = 0
    tensors_compared: int = 0
    differing_bits: int = 0
    reports: list[str] = field(default_factory=list)
    peak_bytes: int = 0
    unshared_bytes: int = 0
    seconds: float = 0.0
    ratio: str = field(init=False)
    passes: Cycles = field(init=False)
    layers: Cycles = field(init=False)

    def __post_init__(self) -> None:
        pes = self.config.rows * self.config.cols
        self.ratio = show_nm(self.nm, self.wu)
        self.passes, self.layers = Cycles(pes), Cycles(pes)


def write_summary(outcome: Outcome, path: Path) -> None:
    passes = outcome.passes
    summary = {
        "data": outcome.data,
        "test_accuracy": outcome.accuracies[-1],
        "test_accuracy_after_rtl": outcome.rtl_accuracy,
        "epochs": len(outcome.accuracies),
        "steps_rtl": outcome.steps_rtl,
        "tensors_compared": outcome.tensors_compared,
        "differing_bits": outcome.differing_bits,
        "cycles_per_pass": passes.sparse,
        "dense_cycles_per_pass": passes.dense,
        "utilization": passes.utilization(STEP),
        "speedup": passes.speedup(STEP),
        "peak_bytes": outcome.peak_bytes,
        "unshared_bytes": outcome.unshared_bytes,
        "simulated_cycles": outcome.simulated_cycles,
        "seconds": round(outcome.seconds, 1),
        "nm": f"{outcome.nm[0]}:{outcome.nm[1]}",
        "wu": outcome.wu and f"{outcome.wu[0]}:{outcome.wu[1]}",
        "rows": outcome.config.rows,
        "cols": outcome.config.cols,
        "interleave": outcome.config.t,
        "batch": outcome.batch,
        "seed": outcome.seed,
    }
    if outcome.layers.sparse:
        summary["layers"] = outcome.layers.rows()
    path.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


def write_results(outcome: Outcome, console: Console, folder: Path) -> None:
    """Everything: tables on the console, summary.json and plots in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_summary(outcome, folder / "summary.json")
    plot_training(outcome, folder / "training.png")
    if outcome.passes.sparse:
        plot_cycles(outcome, folder / "cycles.png")
    print_outcome(outcome, console, folder)


def print_outcome(outcome: Outcome, console: Console, folder: Path) -> None:
    if outcome.layers.sparse:
        print_table(console, _layer_table(outcome))
    if outcome.passes.sparse:
        print_table(console, _pass_table(outcome))
    console.print(f"test accuracy [bold]{outcome.accuracies[-1]:.1%}[/] after "
                  f"{len(outcome.accuracies)} epochs", highlight=False)
    if outcome.steps_rtl:
        console.print(f"in RTL: {outcome.steps_rtl} steps, accuracy {outcome.rtl_accuracy:.1%}, "
                      f"{outcome.simulated_cycles:,} cycles", highlight=False)
        style = "bold red" if outcome.differing_bits else "bold green"
        console.print(f"[{style}]{outcome.tensors_compared} tensors compared, "
                      f"{outcome.differing_bits} bits differ[/]", highlight=False)
    for report in outcome.reports:
        console.print(f"  [red]{report}[/]", highlight=False)
    shared = (f", {outcome.unshared_bytes:,} if tensors shared none"
              if outcome.unshared_bytes > outcome.peak_bytes else "")
    console.print(f"{outcome.peak_bytes:,} bytes of memory{shared}", highlight=False)
    console.print(f"plots and summary.json in {folder}; {outcome.seconds:.0f} s", highlight=False,
                  soft_wrap=True)


def _cycle_table(outcome: Outcome, title: str, *names: str) -> Table:
    table = Table(title=title)
    for name in names:
        table.add_column(name)
    for header in ("dense", outcome.ratio, "speed-up", f"used at {outcome.ratio}"):
        table.add_column(header, justify="right")
    return table


def _cells(cycles: Cycles, name: str) -> list[str]:
    speedup = cycles.speedup(name)
    return [f"{cycles.dense.get(name, 0):,}", f"{cycles.sparse[name]:,}",
            "" if speedup is None else f"{speedup:.2f}x",
            f"{cycles.utilization(name):.1%}" if cycles.macs.get(name) else ""]


def _pass_table(outcome: Outcome) -> Table:
    table = _cycle_table(outcome, "Cycles of a training step", "pass")
    for name in outcome.passes.sparse:
        if name == STEP:
            table.add_section()
        table.add_row(SPECIAL_TITLES.get(name, name), *_cells(outcome.passes, name))
    return table


def _layer_table(outcome: Outcome) -> Table:
    """A section per layer, a row per pass of it."""
    table = _cycle_table(outcome, "Cycles of each layer, alone", "layer", "pass")
    layers: dict[str, list[str]] = {}
    for label in outcome.layers.sparse:
        layers.setdefault(label.split(maxsplit=1)[1], []).append(label)
    for layer, labels in layers.items():
        table.add_section()
        for label in labels:
            table.add_row("" if label != labels[0] else layer, label.split()[0],
                          *_cells(outcome.layers, label))
    return table


def _axes(*size: float):
    import matplotlib  # slow to import, needed here only

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=size)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def plot_training(outcome: Outcome, path: Path) -> None:
    """Loss per step and test accuracy per epoch; the RTL part is shaded."""
    figure, axes = _axes(8, 4.5)
    axes.plot(outcome.losses, color="tab:blue", linewidth=1)
    axes.set(xlabel="step", ylabel="training loss", ylim=(0, None))
    axes.yaxis.label.set_color("tab:blue")
    right = axes.twinx()
    right.spines["top"].set_visible(False)
    epochs = [outcome.epoch_steps * (epoch + 1) for epoch in range(len(outcome.accuracies))]
    right.plot(epochs, outcome.accuracies, "o-", color="tab:orange", markersize=4)
    right.set(ylabel="test accuracy", ylim=(0, 1))
    right.yaxis.label.set_color("tab:orange")
    if outcome.steps_rtl:
        axes.axvspan(0, outcome.steps_rtl, color="0.92", zorder=0)
        axes.text(outcome.steps_rtl / 2, axes.get_ylim()[1] * 0.96, "in RTL", ha="center",
                  va="top")
    axes.set_title(f"{outcome.ratio} BDWP on {outcome.data}: "
                   f"{outcome.accuracies[-1]:.1%}")
    figure.savefig(path, dpi=150, bbox_inches="tight")


def plot_cycles(outcome: Outcome, path: Path) -> None:
    """Cycles per pass, dense beside sparse."""
    figure, axes = _axes(7, 4)
    passes = outcome.passes
    names = list(passes.sparse)
    for shift, label, cycles in ((-0.2, "dense", passes.dense),
                                 (0.2, outcome.ratio, passes.sparse)):
        bars = axes.bar([index + shift for index in range(len(names))],
                        [cycles.get(name, 0) for name in names], 0.38, label=label)
        # Upright, so that neighbours never overlap.
        axes.bar_label(bars, fmt=lambda value: f"{value / 1000:,.0f}k", fontsize=7, padding=3,
                       rotation=90)
    axes.margins(y=0.25)
    axes.set_xticks(range(len(names)),
                    [SPECIAL_TITLES.get(name, name).replace(" ", "\n") for name in names])
    axes.yaxis.set_major_formatter(lambda value, _: f"{value / 1000:,.0f}k")
    axes.set(ylabel="cycles", title=f"One training step on a {outcome.config.rows}x"
             f"{outcome.config.cols} array: {passes.speedup(STEP):.2f}x faster at {outcome.ratio}")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    figure.savefig(path, dpi=150, bbox_inches="tight")
