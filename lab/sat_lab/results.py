# SPDX-License-Identifier: Apache-2.0
"""The file of results: trainings with their curves, and a row for each setting."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from sat.files import DamagedFile, write_text

from .experiment import DENSE_METHOD, Experiment, Setting


@dataclass(frozen=True)
class Run:
    """A training that is done: mean loss and test accuracy in percent after each epoch."""

    experiment: Experiment
    losses: list[float]
    accuracies: list[float]
    seconds: float

    @property
    def accuracy(self) -> float:
        """At the end, not the best: nothing is chosen by the test data."""
        return self.accuracies[-1]

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self.experiment.setting), "seed": self.experiment.seed,
                "losses": self.losses, "accuracies": self.accuracies, "seconds": self.seconds}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Run:
        values = dict(values)
        setting = Setting(**{name: values.pop(name) for name in Setting.__dataclass_fields__
                             if name in values})  # files from before WU was sparse have no `wu`
        return cls(Experiment(setting, values.pop("seed")), **values)


class Results:
    """{"rows": [...], "runs": [...]} in one file, written whole after each training."""

    def __init__(self, path: Path):
        self.path = path
        self.runs: dict[Experiment, Run] = {}
        if path.is_file():
            try:
                found = json.loads(path.read_text(encoding="utf-8"))["runs"]
                self.runs = {run.experiment: run for run in map(Run.from_dict, found)}
            except (ValueError, KeyError, TypeError) as error:
                raise DamagedFile(path, error, "delete it or name another with --out") from None

    def add(self, run: Run) -> None:
        self.runs[run.experiment] = run
        content = {"rows": self.rows(), "runs": [run.to_dict() for run in self.sorted()]}
        write_text(self.path, json.dumps(content, indent=1) + "\n")

    def sorted(self) -> list[Run]:
        return [self.runs[experiment] for experiment in sorted(self.runs)]

    def of(self, setting: Setting) -> list[Run]:
        return [run for run in self.sorted() if run.experiment.setting == setting]

    def settings(self) -> list[Setting]:
        """Dense first where the rest is the same."""
        found = {experiment.setting for experiment in self.runs}
        return sorted(found, key=lambda one: (one.network, one.data, one.epochs,
                                              one.method != DENSE_METHOD, one.m / one.n, one))

    def rows(self) -> list[dict[str, Any]]:
        """Percent: mean and deviation (of a sample; none of one seed) of the final accuracies, and
        the difference of the mean to dense, over the seeds that both have."""
        rows = []
        for setting in self.settings():
            runs = {run.experiment.seed: run.accuracy for run in self.of(setting)}
            dense = {run.experiment.seed: run.accuracy for run in self.of(setting.dense)}
            both = runs.keys() & dense.keys()
            rows.append({
                "method": setting.method, "network": setting.network, "data": setting.data,
                "n": setting.n, "m": setting.m, "wu": setting.wu, "epochs": setting.epochs,
                "seeds": len(runs),
                "mean": round(statistics.mean(runs.values()), 3),
                "std": round(statistics.stdev(runs.values()), 3) if len(runs) > 1 else None,
                "delta_to_dense": round(statistics.mean(runs[seed] - dense[seed] for seed in both),
                                        3) if both else None})
        return rows

    def table(self) -> Table:
        table = Table("network", "data", "epochs", "method", "N:M", "seeds", "mean", "std",
                      "to dense", title="test accuracy, %")
        for setting, row in zip(self.settings(), self.rows()):
            std = "" if row["std"] is None else f"{row['std']:.2f}"
            delta = row["delta_to_dense"]
            table.add_row(row["network"], row["data"], str(row["epochs"]), row["method"],
                          setting.nm, str(row["seeds"]), f"{row['mean']:.2f}", std,
                          "" if delta is None or not setting.nm else f"{delta:+.2f}")
        return table

    def plot(self, path: Path) -> None:
        """Learning curves: means over seeds, and a band from the lowest to the highest."""
        import matplotlib  # slow to import, needed here only
        matplotlib.use("Agg")
        from matplotlib import pyplot

        groups = sorted({(one.network, one.data, one.epochs) for one in self.settings()})
        figure, axes = pyplot.subplots(2, len(groups), squeeze=False, layout="constrained",
                                       sharex="col", figsize=(5 * len(groups), 7))
        for column, group in zip(axes.T, groups):
            column[0].set_title("{} on {}".format(*group[:2]))
            column[0].set_ylabel("test accuracy, %")
            column[1].set(ylabel="training loss", xlabel="epoch", yscale="log")
            column[1].xaxis.get_major_locator().set_params(integer=True)
            settings = [one for one in self.settings()
                        if (one.network, one.data, one.epochs) == group]
            colours = pyplot.get_cmap("turbo")([(number + 0.5) / len(settings)
                                                for number in range(len(settings))])
            for setting, colour in zip(settings, colours):
                epochs = range(1, setting.epochs + 1)
                for axis, name in zip(column, ("accuracies", "losses")):
                    curves = list(zip(*(getattr(run, name) for run in self.of(setting))))
                    axis.plot(epochs, [statistics.mean(values) for values in curves],
                              label=setting.name, color=colour)
                    axis.fill_between(epochs, [min(values) for values in curves],
                                      [max(values) for values in curves], alpha=0.15,
                                      color=colour)
            column[0].legend(fontsize="small")
        figure.savefig(path, dpi=110)
        pyplot.close(figure)
