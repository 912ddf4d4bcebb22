# SPDX-License-Identifier: Apache-2.0
"""sat.nn.schedule: what must wait for what, and the scripts that are made of it."""

import numpy as np
import pytest

from sat import FP16, FP32, Core, GoldenBackend, SatConfig
from sat.nn import Script, Sgd
from sat.nn import schedule as schedules
from sat.nn.schedule import Schedule, dependences
from sat_golden import native

pytestmark = pytest.mark.quick
ONE = (1, 32)


@pytest.fixture
def core():
    with GoldenBackend(SatConfig.from_name("4x8")) as backend:
        yield Core(backend)


class Tensors:
    """Rows of zeros, by name."""

    def __init__(self, core: Core):
        self.core = core

    def __getattr__(self, name: str):
        made = self.core.from_array(name, np.zeros(ONE, np.float16))
        setattr(self, name, made)
        return made


@pytest.fixture
def rows(core: Core) -> Tensors:
    return Tensors(core)


def affine(script: Script, x, out) -> None:
    one = script.core.from_array("one", np.ones(ONE, np.float32))
    script.program.affine(x, out, one, one)


def nothing() -> None:
    """Of the host."""


def test_reads_wait_for_writes_and_writes_for_both(core, rows):
    script = Script(core)
    affine(script, rows.a, rows.b)
    affine(script, rows.b, rows.c)  # reads what 0 writes
    affine(script, rows.a, rows.d)  # has only reads in common
    affine(script, rows.e, rows.b)  # writes what 0 writes and 1 reads
    assert dependences(list(script.items())) == [set(), {0}, set(), {0, 1}]


def test_views_of_other_columns_do_not_wait(core):
    wide = core.from_array("wide", np.zeros((4, 64), np.float16))
    script = Script(core)
    affine(script, wide[:1, :32], wide[1:2, :32])
    affine(script, wide[:1, :32], wide[1:2, 32:])
    affine(script, wide[1:2, :32], wide[2:3, :32])
    assert dependences(list(script.items())) == [set(), set(), {0}]


def test_host_that_says_what_it_touches(core, rows):
    """It keeps its order; commands pass it."""
    script = Script(core)
    affine(script, rows.a, rows.b)
    script.host(nothing, [rows.b], [rows.c])
    affine(script, rows.a, rows.d)
    affine(script, rows.c, rows.e)
    script.host(nothing, writes=[rows.f])
    assert dependences(list(script.items())) == [set(), {0}, set(), {1}, {1}]


def test_host_that_does_not(core, rows):
    script = Script(core)
    affine(script, rows.a, rows.b)
    script.host(nothing)
    affine(script, rows.c, rows.d)
    assert dependences(list(script.items())) == [set(), {0}, {1}]


@pytest.mark.parametrize("fence", [True, False])
def test_fences_and_checks_wait_for_what_may_overflow(core, rows, fence):
    """And not for an FP32 product."""
    total = core.tensor("total", ONE, FP32)
    script = Script(core)
    script.program.matmul(core.tensor("x", (1, 4), FP16), core.tensor("w", (4, 32), FP16), total)
    affine(script, rows.a, rows.b)
    if fence:
        script.program.fence()
    else:
        script.check()
    affine(script, rows.c, rows.d)
    assert dependences(list(script.items())) == [set(), set(), {1}, {2}]


def test_scripts_end_at_checks(core, rows):
    """Each in programs between work of the host, with the scalars that the updates are given."""
    w, v, dw = (core.from_array(name, np.ones(ONE, np.float32)) for name in "wvg")
    script = Script(core)
    affine(script, rows.a, rows.b)
    script.host(nothing, [rows.b], [rows.c])
    affine(script, rows.c, rows.d)
    script.check()
    script.update(lambda program, sgd, skip: program.update(
        w, v, dw, lr=sgd.lr, momentum=sgd.momentum, inv_scale=sgd.inv_scale))
    schedule = Schedule(script)
    for lr in (0.5, 0.25):
        before, behind = schedule.scripts(Sgd(lr, 0.0))
        assert [type(step).__name__ for step in before.steps] == ["Program", "HostWork", "Program"]
        assert behind.run("update", {}) is False
        assert np.all(w.read() == {0.5: 0.5, 0.25: 0.25}[lr])


def test_full_programs_are_followed_by_others(core, rows, monkeypatch):
    monkeypatch.setattr("sat.nn.script.MAX_COMMANDS", 3)
    script = Script(core)
    for _ in range(4):
        affine(script, rows.a, rows.b)
    made, = Schedule(script).scripts()
    assert [len(program) for program in made.programs] == [3, 1]


def test_one_program_or_an_error(core, rows, monkeypatch):
    """What looks at the overflow latch must not be cut off from what sets it."""
    script = Script(core)
    for _ in range(4):
        affine(script, rows.a, rows.b)
    assert len(Schedule(script).program()) == 4
    monkeypatch.setattr("sat.nn.script.MAX_COMMANDS", 3)
    with pytest.raises(ValueError, match="step: 4 commands"):
        Schedule(script).program()


def test_without_the_cycle_model_it_is_estimated(core, rows, monkeypatch):
    """Where there is no compiler."""
    def no_compiler(*_):
        raise native.BuildError("no compiler")

    script = Script(core)
    w = core.from_array("w", np.ones((64, 64), np.float16))
    for name in "bcd":
        out = core.tensor(f"{name}32", (1, 64), FP32)
        script.program.matmul(core.tensor(f"{name}x", (1, 64), FP16), w, out)
        affine(script, rows.a, getattr(rows, name))
    script.check()
    modelled = Schedule(script)
    monkeypatch.setattr(schedules.model, "run", no_compiler)
    estimated = Schedule(script)
    assert estimated.cycles > 0 and modelled.cycles > 0 and estimated.cycles != modelled.cycles
