# SPDX-License-Identifier: Apache-2.0
"""What the demo reports: a table, two plots, and summary.json."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from .config import SatConfig


@dataclass
class Outcome:
    """Results of a demo run. Cycles are empty when nothing ran in RTL."""

    config: SatConfig
    nm: tuple[int, int]
    batch: int
    seed: int
    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    steps_rtl: int = 0
    rtl_accuracy: float | None = None
    rtl_seconds: float = 0.0
    simulated_cycles: int = 0
    tensors_compared: int = 0
    differing_bits: int = 0
    reports: list[str] = field(default_factory=list)
    cycles: dict[str, int] = field(default_factory=dict)
    dense_cycles: dict[str, int] = field(default_factory=dict)
    macs: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def utilization(self, name: str) -> float:
        """Multiplies needed by a pass (or "step"), per PE and cycle."""
        if not self.cycles.get(name):
            return 0.0
        return self.macs.get(name, 0) / (self.config.rows * self.config.cols * self.cycles[name])

    @property
    def speedup(self) -> float | None:
        """Of a whole step over the same step dense."""
        return self.dense_cycles["step"] / self.cycles["step"] if self.cycles else None


def write_summary(outcome: Outcome, path: Path) -> None:
    summary = {
        "test_accuracy": outcome.accuracies[-1],
        "test_accuracy_after_rtl": outcome.rtl_accuracy,
        "epochs": len(outcome.accuracies),
        "steps_rtl": outcome.steps_rtl,
        "tensors_compared": outcome.tensors_compared,
        "differing_bits": outcome.differing_bits,
        "cycles_per_pass": outcome.cycles,
        "dense_cycles_per_pass": outcome.dense_cycles,
        "utilization": outcome.utilization("step"),
        "speedup": outcome.speedup,
        "simulated_cycles": outcome.simulated_cycles,
        "seconds": round(outcome.seconds, 1),
        "nm": f"{outcome.nm[0]}:{outcome.nm[1]}",
        "rows": outcome.config.rows,
        "cols": outcome.config.cols,
        "interleave": outcome.config.t,
        "batch": outcome.batch,
        "seed": outcome.seed,
    }
    path.write_text(json.dumps(summary, indent=2) + "\n")


def print_outcome(outcome: Outcome, console: Console, folder: Path) -> None:
    if outcome.cycles:
        console.print(_cycle_table(outcome))
    console.print(f"test accuracy [bold]{outcome.accuracies[-1]:.1%}[/] after "
                  f"{len(outcome.accuracies)} epochs", highlight=False)
    if outcome.cycles:
        console.print(f"in RTL: {outcome.steps_rtl} steps, accuracy {outcome.rtl_accuracy:.1%}, "
                      f"{outcome.simulated_cycles:,} cycles", highlight=False)
        style = "bold red" if outcome.differing_bits else "bold green"
        console.print(f"[{style}]{outcome.tensors_compared} tensors compared, "
                      f"{outcome.differing_bits} bits differ[/]", highlight=False)
    for report in outcome.reports:
        console.print(f"  [red]{report}[/]", highlight=False)
    console.print(f"plots and summary.json in {folder}; {outcome.seconds:.0f} s", highlight=False)


def _cycle_table(outcome: Outcome) -> Table:
    n, m = outcome.nm
    table = Table(title="Cycles of a training step")
    table.add_column("pass")
    for header in ("dense", f"{n}:{m}", "speed-up", f"utilization at {n}:{m}"):
        table.add_column(header, justify="right")
    for name, cycles in outcome.cycles.items():
        if name == "step":
            table.add_section()
        dense = outcome.dense_cycles.get(name, 0)
        used = f"{outcome.utilization(name):.1%}" if outcome.macs.get(name) else ""
        title = "step, overlapped" if name == "step" else name
        table.add_row(title, f"{dense:,}", f"{cycles:,}", f"{dense / cycles:.2f}x", used)
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
    steps_per_epoch = len(outcome.losses) / len(outcome.accuracies)
    axes.plot(outcome.losses, color="tab:blue", linewidth=1)
    axes.set(xlabel="step", ylabel="training loss", ylim=(0, None))
    axes.yaxis.label.set_color("tab:blue")
    right = axes.twinx()
    right.spines["top"].set_visible(False)
    epochs = [steps_per_epoch * (epoch + 1) for epoch in range(len(outcome.accuracies))]
    right.plot(epochs, outcome.accuracies, "o-", color="tab:orange", markersize=4)
    right.set(ylabel="test accuracy", ylim=(0, 1))
    right.yaxis.label.set_color("tab:orange")
    if outcome.steps_rtl:
        axes.axvspan(0, outcome.steps_rtl, color="0.92", zorder=0)
        axes.text(outcome.steps_rtl / 2, axes.get_ylim()[1] * 0.96, "in RTL", ha="center",
                  va="top")
    axes.set_title(f"{outcome.nm[0]}:{outcome.nm[1]} BDWP on handwritten digits: "
                   f"{outcome.accuracies[-1]:.1%}")
    figure.savefig(path, dpi=150, bbox_inches="tight")


def plot_cycles(outcome: Outcome, path: Path) -> None:
    """Cycles per pass, dense beside sparse."""
    figure, axes = _axes(7, 4)
    names = list(outcome.cycles)
    n, m = outcome.nm
    for shift, label, cycles in ((-0.2, "dense", outcome.dense_cycles),
                                 (0.2, f"{n}:{m}", outcome.cycles)):
        bars = axes.bar([index + shift for index in range(len(names))],
                        [cycles.get(name, 0) for name in names], 0.38, label=label)
        axes.bar_label(bars, fmt="{:,.0f}", fontsize=7, padding=2)
    axes.set_xticks(range(len(names)),
                    ["step,\noverlapped" if name == "step" else name for name in names])
    axes.set(ylabel="cycles", title=f"One training step on a {outcome.config.rows}x"
             f"{outcome.config.cols} array: {outcome.speedup:.2f}x faster at {n}:{m}")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150, bbox_inches="tight")
