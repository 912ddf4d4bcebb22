# SPDX-License-Identifier: Apache-2.0
"""`sat sweep`: what it evaluates, keeps and says."""

import io
import sqlite3

import pytest
from rich.console import Console

from sat import SatConfig, worker
from sat.networks import NETWORKS, case, sweep
from sat.networks.case import Case, evaluate
from sat.networks.step import train
from sat.nn import DENSE

WORDS = ("--networks", "resnet9", "--arrays", "8x8", "32x32", "--data-w", "512", "--batch", "1",
         "--jobs", "2")


@pytest.fixture
def sat_sweep(tmp_path, monkeypatch):
    def run(*words: str) -> tuple[int, str]:
        text = io.StringIO()
        monkeypatch.setattr(sweep, "console", Console(file=text, width=200))
        return sweep.main([*words, "--out", str(tmp_path / "sweep.sqlite")]), text.getvalue()
    return run


@pytest.mark.parametrize("name", ["8x8", "16x16", "32x32"])
def test_arrays_are_the_supported_ones(name):
    config = SatConfig.from_name(name)
    assert Case("resnet9", config.rows, config.cols, config.data_w, 1, *DENSE).config() == config


def test_a_sweep_and_what_goes_on(sat_sweep, tmp_path):
    code, text = sat_sweep(*WORDS)
    assert code == 0 and "4 cases, of which 0 are done" in text and "4/4 resnet9 on " in text
    assert (tmp_path / "sweep.png").stat().st_size > 10000
    code, text = sat_sweep(*WORDS, "--nm", "2:8", "2:4")
    assert code == 0 and "6 cases, of which 4 are done" in text and "2/2 resnet9 on " in text
    with sqlite3.connect(tmp_path / "sweep.sqlite") as link:
        cycles = dict(link.execute("SELECT n, cycles FROM cases WHERE rows = 32 AND m = 8"))
        assert link.execute("SELECT COUNT(*) FROM cases").fetchone() == (6,)
    step = train(NETWORKS["resnet9"]((2, 8)), SatConfig.from_name("32x32"), (2, 8), 1)
    assert cycles[2] == round(step.cycles)


def test_exact_is_the_cycle_model():
    task = {"network": "resnet9", "rows": 32, "cols": 32, "data_w": 512, "batch": 1, "n": 2, "m": 8}
    exact = evaluate({**task, "exact": True})
    step = train(NETWORKS["resnet9"]((2, 8)), SatConfig.from_name("32x32"), (2, 8), 1, exact=True)
    assert exact["cycles"] == step.cycles != evaluate(task)["cycles"]


def test_a_case_that_fails_is_named(sat_sweep, monkeypatch):
    """What the others gave stays."""
    real = case.ask
    monkeypatch.setattr(sweep, "ask", lambda one: {worker.ERROR: "broken"} if one.dense
                        else real(one))
    code, text = sat_sweep(*WORDS, "--arrays", "8x8")
    assert code == 1 and "dense: failed: broken" in text and "of which 0 are done" in text
    monkeypatch.undo()


@pytest.mark.parametrize("words, message", [
    (("--arrays", "8"), "'8' is not ROWSxCOLS"), (("--networks", "alexnet"), "alexnet"),
    (("--nm", "3:2"), "3:2")])
def test_mistakes_are_named(capsys, words, message):
    with pytest.raises(SystemExit):
        sweep.main([*words])
    assert message in capsys.readouterr().err


def test_what_cannot_be(sat_sweep, tmp_path):
    code, text = sat_sweep("--arrays", "2x2", "--data-w", "512")
    assert code == 2 and "no such core is possible" in text
    (tmp_path / "sweep.sqlite").write_bytes(b"not a database, but text that is long enough" * 9)
    code, text = sat_sweep(*WORDS)
    assert code == 2 and "delete it or name another with --out" in text
