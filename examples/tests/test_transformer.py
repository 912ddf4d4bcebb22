# SPDX-License-Identifier: Apache-2.0
"""The cycles of a transformer block: their table, and the command's options."""

import re

import pytest
from rich.console import Console

from sat import GoldenBackend, SatConfig
from sat.nn import BlockShape, Measure, TrainingDiverged, TransformerBlock
from sat_examples import transformer, transformer_cycles
from sat_examples.transformer_cycles import Measurement, cycle_table, measure

SHAPE = BlockShape(batch=2, tokens=16, dim=64, heads=2, hidden=128)


@pytest.mark.quick
def test_table_has_each_part(monkeypatch):
    monkeypatch.setattr(transformer_cycles, "SimBackend", GoldenBackend)
    config, steps = SatConfig.from_name("8x8"), []
    measured = measure(config, SHAPE, (2, 8), 1, lambda: steps.append(1))
    assert len(steps) == 2 and measured.differing_bits == 0
    for part in measured.parts.values():
        part.cycles, part.macs = 50, 1600  # the golden model knows no time
    dense = Measurement({part: Measure(100, 4800) for part in measured.parts})
    console = Console(record=True, width=120)
    console.print(cycle_table(config, "2:8", dense, measured))
    text = console.export_text()
    for part in ("projections FF", "transpose FF", "attention BP", "MLP BP", "WU", "UPDATE",
                 "step, overlapped"):
        assert re.search(rf"{part} .* 100 .* 50 .* 2.00x .* 50.0%", text), part


@pytest.mark.quick
def test_training_that_diverges_ends_in_a_line(monkeypatch):
    def diverge(*arguments, **options):
        raise TrainingDiverged("the update overflowed")

    monkeypatch.setattr(transformer_cycles, "SimBackend", GoldenBackend)
    monkeypatch.setattr(TransformerBlock, "train_step", diverge)
    with pytest.raises(SystemExit, match="^step 1: training diverged: the update overflowed$"):
        measure(SatConfig.from_name("8x8"), SHAPE, (2, 8), 1, lambda: None)


@pytest.mark.quick
@pytest.mark.parametrize("arguments, text", [
    (["--heads", "3"], "--dim: 128 is not 3 heads"),
    (["--tokens", "0"], "not positive"),
    (["--nm", "2:3"], "m: 3 is not one of"),
])
def test_illegal_option_is_explained(capsys, arguments, text):
    with pytest.raises(SystemExit):
        transformer.parse_args(arguments)
    assert text in capsys.readouterr().err
