# SPDX-License-Identifier: Apache-2.0
"""The demo on the golden model, its report, and the benchmark's arithmetic."""

import json

import pytest
from rich.console import Console

from sat import SatConfig
from sat.bench import add_speedups
from sat.nn import Mlp, TrainingDiverged
from sat_examples import demo
from sat_examples.report import Outcome, plot_cycles, print_outcome, write_summary

pytestmark = pytest.mark.quick
REQUIRED_KEYS = {"test_accuracy", "steps_rtl", "tensors_compared", "differing_bits",
                 "cycles_per_pass", "utilization", "speedup", "seconds", "peak_bytes"}


def test_golden_demo_learns_and_writes_its_results(tmp_path):
    arguments = ["--backend", "golden", "--epochs", "2", "--golden-epochs", "4", "--out"]
    assert demo.main([*arguments, str(tmp_path)]) == 0
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert summary.keys() >= REQUIRED_KEYS
    assert summary["test_accuracy"] > 0.9 and summary["epochs"] == 6
    assert (tmp_path / "training.png").stat().st_size > 1000


def test_same_seed_gives_the_same_network(tmp_path):
    arguments = ["--backend", "golden", "--epochs", "1", "--golden-epochs", "0", "--seed", "5"]
    accuracies = []
    for name in ("a", "b"):
        demo.main([*arguments, "--out", str(tmp_path / name)])
        summary = (tmp_path / name / "summary.json").read_text(encoding="utf-8")
        accuracies.append(json.loads(summary))
        accuracies[-1].pop("seconds")
    assert accuracies[0] == accuracies[1]


def test_training_that_diverges_ends_in_a_line(tmp_path, monkeypatch):
    def diverge(*arguments, **options):
        raise TrainingDiverged("the update overflowed")

    monkeypatch.setattr(Mlp, "train_step", diverge)
    with pytest.raises(SystemExit, match="^step 1: training diverged: the update overflowed$"):
        demo.main(["--backend", "golden", "--epochs", "1", "--out", str(tmp_path)])


@pytest.mark.parametrize("arguments, text", [
    (["--nm", "2:3"], "m: 3 is not one of"),
    (["--nm", "two"], "no legal N:M"),
    (["--config", "3x3"], "3x3"),
    (["--batch", "1500"], "--batch"),
    (["--epochs", "0"], "not positive"),
])
def test_illegal_option_is_explained(capsys, arguments, text):
    with pytest.raises(SystemExit):
        demo.parse_args(arguments)
    assert text in capsys.readouterr().err


def make_outcome() -> Outcome:
    outcome = Outcome(SatConfig.from_name("8x8"), (2, 8), batch=64, seed=1, data="digits")
    outcome.losses, outcome.accuracies = [2.0, 1.0], [0.5, 0.75]
    outcome.steps_rtl, outcome.rtl_accuracy = 2, 0.75
    outcome.passes.sparse = {"FF": 1000, "UPDATE": 500, "step": 1200}
    outcome.passes.dense = {"FF": 3000, "UPDATE": 600, "step": 3300}
    outcome.passes.macs = {"FF": 32000, "UPDATE": 0, "step": 32000}
    return outcome


def test_report_has_utilization_and_speedup(tmp_path):
    outcome = make_outcome()
    assert outcome.passes.utilization("FF") == 0.5
    write_summary(outcome, tmp_path / "summary.json")
    assert json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))["speedup"] == 2.75
    plot_cycles(outcome, tmp_path / "cycles.png")
    console = Console(record=True, width=120)
    print_outcome(outcome, console, tmp_path)
    text = console.export_text()
    assert "0 bits differ" in text and "3.00x" in text and "50.0%" in text


def test_speedup_is_over_the_dense_case_of_the_same_shape():
    shape = {"rows": 8, "cols": 8, "i": 4, "j": 4, "k": 4}
    rows = [{"case": "dense", "n": 2, "m": 2, "cycles": 100, **shape},
            {"case": "nm", "n": 2, "m": 8, "cycles": 25, **shape},
            {"case": "step", "n": 2, "m": 8, "cycles": 25, **shape},
            {"case": "nm-large", "n": 2, "m": 8, "cycles": 25, **shape, "k": 8}]
    add_speedups(rows)
    assert [row.get("speedup") for row in rows] == [None, 4.0, None, None]
