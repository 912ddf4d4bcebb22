# SPDX-License-Identifier: Apache-2.0
"""The echo canceller: as numpy's on the golden model, and to the bit in RTL."""

import numpy as np
import pytest

from sat.backends import GoldenBackend
from sat.config import SatConfig
from sat.core import Core
from sat_examples import echo
from sat_examples.echo import Canceller, Pnlms, misalignment, reference, rtl_cycles, scene

RULE = Pnlms()


def run(config: str, x: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Errors, and weights at the end."""
    with GoldenBackend(SatConfig.from_name(config)) as backend:
        canceller = Canceller(Core(backend), RULE)
        errors = [canceller.block(rows, wanted) for rows, wanted in zip(x, d)]
        return np.array(errors), canceller.weights


@pytest.mark.quick
def test_it_follows_numpy():
    """Errors and weights to FP16's precision; the echo falls by 20 dB, and the path is found."""
    x, d, path = scene(RULE, 128, np.random.default_rng(1))
    errors, weights = run("2x2", x, d)
    wanted, wanted_weights = reference(RULE, x, d)
    assert np.abs(errors - wanted).max() < 0.01 * np.abs(wanted).max()
    assert np.linalg.norm(weights - wanted_weights[-1]) < 0.01
    assert (errors[-16:]**2).mean() < 0.01 * (d[-16:].astype(np.float64)**2).mean()
    assert misalignment(weights, path) < -15


def test_gains_find_a_sparse_path_sooner():
    """Equal ones are NLMS."""
    x, d, path = scene(RULE, 128, np.random.default_rng(2))
    _, weights = reference(RULE, x, d)
    _, equal = reference(Pnlms(least=1e9), x, d)
    assert misalignment(weights[-1], path) < misalignment(equal[-1], path) - 8


def test_one_sample_is_pnlms():
    """A block of one sample is the textbook's recursion."""
    rule = Pnlms(taps=8, block=1)
    rng = np.random.default_rng(3)
    x, d = rng.standard_normal((20, 1, 8)), rng.standard_normal((20, 1))
    w = np.zeros(8)
    for (row,), (wanted,) in zip(x, d):
        gain = np.maximum(0.01 * max(0.01, np.abs(w).max()), np.abs(w))
        gain /= gain.mean()
        w = w + 0.5 * gain * row * (wanted - row @ w) / (row @ (gain * row) + 0.01 * 8)
    np.testing.assert_allclose(reference(rule, x, d)[1][-1], w)


@pytest.mark.parametrize("config", ["2x2", "4x8-512"])
def test_rtl_is_golden_to_the_bit(config: str):
    x, d, _ = scene(RULE, 2, np.random.default_rng(4))
    cycles, differing = rtl_cycles(SatConfig.from_name(config), RULE, x, d)
    assert differing == 0 and cycles > 2 * RULE.taps


@pytest.mark.quick
def test_the_table(capsys, monkeypatch):
    for differing, code in ((0, 0), (3, 1)):
        monkeypatch.setattr(echo, "rtl_cycles", lambda *arguments: (8192, differing))
        assert echo.main(["--blocks", "16", "--config", "2x2"]) == code
        text = capsys.readouterr().out
        assert "256" in text and f"50.0% of the array used, {differing} bits differ" in text
