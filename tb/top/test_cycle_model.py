# SPDX-License-Identifier: Apache-2.0
"""The cycle model tells every counter of the RTL, to the cycle (python -m tb.top.cycle_model runs
more). A failure prints the line that repeats it; SEED gives other programs."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from sat.config import SatConfig
from sat.core import Core
from sat.networks import NETWORKS
from sat.networks.description import Encoder
from sat.networks.draft import DraftBackend
from sat.nn.script import HostWork
from sat.plan import model
from sat_golden.defs import DESC_BYTES, Opcode
from sat_golden.descriptor import Descriptor
from tb.common.runner import DEFAULT_SEED, replay_line
from tb.top import cycle_model, model_steps
from tb.top import random_program as programs
from tb.top.batches import RARE, SHAPES
from tb.top.board import board
from tb.top.random_program import each_seed

COMMANDS = 100
(RESNET9,) = NETWORKS["resnet9"]((2, 8)).parts
BLOCK = Encoder(tokens=196, dim=128, heads=4, hidden=512, nm=(2, 8), count=1)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape not in RARE])
def test_random_programs(shape):
    (seed,) = each_seed(0, 1)
    tally = cycle_model.run(board(shape), COMMANDS, seed)
    assert tally.commands >= COMMANDS
    assert not tally.differences, "\n".join(
        [*tally.differences, "replay: " + replay_line("tb/top", [], seed)])


def test_a_start_at_the_end_of_a_slot():
    """The slots between two tiles do not go on where the second one's command starts."""
    tally = cycle_model.Tally()
    cycle_model.compare(board("8x8"), "queues", 63, 1, tally)
    assert not tally.differences, tally.differences


@pytest.mark.parametrize("step", model_steps.STEPS)
def test_training_steps(step):
    tally = model_steps.run("2x2", step, model_steps.SMALL, DEFAULT_SEED)
    assert tally.commands > 10 and not tally.differences, "\n".join(tally.differences)


def test_a_wrong_latency_is_found_out(monkeypatch):
    """A model that is a cycle off somewhere does not pass."""
    monkeypatch.setattr(model, "check_cycles", lambda desc: 40)
    assert cycle_model.run(board("2x2"), 20, DEFAULT_SEED).differences


def test_the_file(tmp_path, monkeypatch):
    """What is written of each array; a difference is the exit code, and written, too."""
    out = tmp_path / "new" / "model.json"
    options = ["--configs", "2x2", "--commands", "20", "--out", str(out)]
    assert cycle_model.main([*options, "--seed", str(DEFAULT_SEED)]) == 0
    (row,) = json.loads(out.read_text(encoding="utf-8")).items()
    assert row[0] == "2x2" and row[1]["commands"] >= 20 and row[1]["seed"] == DEFAULT_SEED
    assert row[1]["worst_percent"] == row[1]["mean_percent"] == row[1]["differences"] == 0
    assert row[1]["cycles_per_second_of_the_model"] > 0
    monkeypatch.setattr(model, "check_cycles", lambda desc: 40)
    assert cycle_model.main(options) == 1
    off = json.loads(out.read_text(encoding="utf-8"))["2x2"]
    assert off["worst_percent"] >= off["mean_percent"] > 0 and off["differences"] > 0


def test_commands_in_time():
    config = SatConfig.from_name("2x2")
    program = programs.mixed_program(DEFAULT_SEED)
    made = model.run(config, program.descriptors, program.address)
    starts = [span.start for span in made.spans]
    assert starts == sorted(starts)
    assert all(span.start <= span.end <= made.cycles + 1 for span in made.spans)
    alone = [span.start for span, desc in zip(made.spans, program.descriptors)
             if not desc.overlap and desc.opcode != Opcode.MATMUL]
    assert all(start >= span.end for start in alone
               for span in made.spans if span.start < start)
    assert sum(span.bytes_read for span in made.spans) == made.counters["BYTES_READ"]
    assert sum(span.bytes_written for span in made.spans) == made.counters["BYTES_WRITTEN"]
    (fence,) = model.run(config, [Descriptor(Opcode.FENCE)], DESC_BYTES).spans
    assert (fence.bytes_read, fence.bytes_written) == (DESC_BYTES, 0)


@pytest.mark.parametrize("shape, part, batch, share", [
    ("8x8", RESNET9, 4, 0.95), ("4x8-512", BLOCK, 2, 0.8),
    pytest.param("16x16", RESNET9, 8, 0.95, marks=pytest.mark.slow),
    pytest.param("8x8", BLOCK, 8, 0.7, marks=pytest.mark.slow)])
def test_repeats_are_skipped(shape, part, batch, share):
    """A step of which tiles are skipped takes the cycles that it takes when all are run."""
    config, cycles, evaluated = SatConfig.from_name(shape), 0, 0
    with DraftBackend(config) as backend:
        scripts = part.lower(Core(backend), batch, np.random.default_rng(0)).scripts
    for step in (step for script in scripts.values() for step in script.steps):
        if isinstance(step, HostWork):
            continue
        descriptors = [command.descriptor for command in step]
        made = model.run(config, descriptors)
        whole = model.run(config, descriptors, repeats=False)
        assert (made.counters, made.spans) == (whole.counters, whole.spans)
        assert whole.evaluated == whole.cycles
        cycles += made.cycles
        evaluated += made.evaluated
    print(f"{evaluated / cycles:.1%} of {cycles:,} cycles evaluated")
    assert evaluated < share * cycles


def test_what_it_refuses():
    config, fence = SatConfig.from_name("2x2"), Descriptor(Opcode.FENCE)
    with pytest.raises(ValueError, match="descriptors"):
        model.run(config, [])
    with pytest.raises(ValueError, match="skipped"):
        model.run(config, [fence], skipped={1})
    with pytest.raises(ValueError, match="read_latency"):
        model.run(config, [fence], memory=model.Memory(-1))
    with pytest.raises(TimeoutError, match="10 cycles"):
        model.run(config, [fence], limit=10)
    assert dataclasses.replace(model.Memory(), read_latency=3).write_latency == 40
