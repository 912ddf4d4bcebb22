# SPDX-License-Identifier: Apache-2.0
"""The benchmark in RTL and by the cycle model."""

import json

import pytest

from sat import bench
from sat.nn import ConvSpec, SparseWu

CASES = [
    bench.MatmulCase("nm-2:8-48", "2x2", 48, 48, 48, 2, 8),
    bench.StepCase("step-32-wu", "2x2", 32, 2, 16, 2, 8, SparseWu(2, 8)),
    bench.ConvNormStepCase("conv-bn-step", "all", 4, 6, 6, ConvSpec(16, 16, n=2, m=8), "2x2"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_model_counts_what_rtl_does(case):
    rows = []
    for modelled in (False, True):
        board = bench.Board(case.config, modelled)
        rows.append(bench.RUNNERS[type(case)](board, case))
        assert not board.backend.differing_bits
        board.close()
    for row in rows:
        assert row.pop("cycles_per_second") > 0
    assert rows[0] == rows[1] and rows[0]["cycles"] > 1000


@pytest.mark.quick
def test_command_line(tmp_path, monkeypatch, capsys):
    """By the model, dense beside 2:8; files of RTL and model do not get mixed up."""
    monkeypatch.chdir(tmp_path)
    assert bench.main(["--model", "--config", "8x8", "--cases", "conv1-ff"]) == 0
    dense, sparse = json.loads((tmp_path / "build/bench-model.json").read_text(encoding="utf-8"))
    assert 3.5 < sparse["speedup"] < 4 and dense["cycles"] > 4 * 16 * 16 * 64 * 64 / 64
    text = capsys.readouterr().out
    assert "cycle model" in text and "bits differ" not in text
    with pytest.raises(SystemExit):
        bench.main(["--model", "--cases", "none"])
