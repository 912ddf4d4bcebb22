# SPDX-License-Identifier: Apache-2.0
"""The benchmark of the golden MATMUL counts what it measures; how fast that is, it only reports."""

import json

import numpy as np
import pytest

from sat_golden import benchmark, kernel


@pytest.mark.parametrize("n, m", [(8, 8), (2, 8)])
def test_benchmark_counts_the_macs(n, m):
    result = benchmark.measure(n, m, size=64, rng=np.random.default_rng(1), repeats=1)
    assert result["macs"] == 64**3 * n // m
    assert result["macs_per_second"] == result["macs"] / result["seconds"] > 0


def test_benchmark_writes_every_case(tmp_path, monkeypatch, capsys):
    out = tmp_path / "bench.json"
    monkeypatch.setattr("sys.argv", ["benchmark", "--size", "16", "--out", str(out)])
    benchmark.main()
    cases = json.loads(out.read_text(encoding="utf-8"))
    ways = ["compiled", "numpy"] if kernel.library() else ["numpy"]
    assert [(case["n"], case["m"], case["by"]) for case in cases] == [
        (*case, by) for case in benchmark.CASES for by in ways]
    assert "dense-16" in capsys.readouterr().out
