# SPDX-License-Identifier: Apache-2.0
"""Tensors of a step that share memory: nothing is lost by it, and what does not fit is said."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from sat import FP16, FP32, Core, GoldenBackend, SatConfig
from sat.memory import Tensor
from sat.nn import (
    BlockShape,
    ConvNet,
    ConvSpec,
    ResNet,
    Script,
    SparseWu,
    StageSpec,
    Temporaries,
    TransformerBlock,
    mean_squared,
    schedule,
)
from sat.nn import temporaries as module
from sat.nn.schedule import Schedule
from sat.nn.script import HostWork
from sat.plan import model
from sat.plan.place import Life, clashes, needed, place
from sat.program import Command, Program

pytestmark = pytest.mark.quick
BATCH, SIDE, CLASSES = 6, 8, 5
SHAPE = BlockShape(batch=2, tokens=16, dim=64, heads=2, hidden=128)
LINE = 64


class Fault(AssertionError):
    """What lives was overwritten, or may be."""


class Replay:
    """Replays scripts whose tensors share memory: who owns each line of 64 bytes, and what may run.

    It knows nothing of lives. Every tensor that is read must own what is read, as nobody else has
    written there since; of two commands that may run at the same time none may write what the other
    touches; and what a program writes must be there when it ends, where CheckedBackend compares it.
    """

    def __init__(self, temporaries: Temporaries):
        self.scratch, self.tensors = temporaries.scratch, temporaries.tensors
        self.owners: dict[int, int] = {}  # numbers of tensors, by line
        self.running: dict[str, tuple[Command, Command]] = {}  # as drafted, and as it runs
        self.reads = self.beside = 0  # that were looked at

    def run(self, drafts: Sequence[Script], scripts: Sequence[Script]) -> None:
        """Scripts as they were drafted, and as they run."""
        for draft, script in zip(drafts, scripts, strict=True):
            for drafted, step in zip(draft.steps, script.steps, strict=True):
                if isinstance(step, HostWork):
                    self._read(step.reads)
                    self._write(step.writes)
                else:
                    self._run_program(drafted, step)

    def _run_program(self, drafted: Program, program: Program) -> None:
        self.running.clear()
        for draft, command in zip(drafted, program, strict=True):
            if command.engine is None or not command.descriptor.overlap:
                self.running.clear()
            self._check_engines(command)
            if command.engine is not None:
                self.running[command.engine] = draft, command
            self._read(draft.reads)
            self._write(draft.writes)
        for draft in drafted:
            self._read(draft.writes)

    def _check_engines(self, command: Command) -> None:
        for engine, (_, other) in self.running.items():
            if engine != command.engine:
                self.beside += 1
                ours, theirs = (set(touched(one.writes)) for one in (command, other))
                if ours & {*theirs, *touched(other.reads)} or theirs & set(touched(command.reads)):
                    raise Fault(f"{command.label} shares memory with {other.label} beside it")

    def _read(self, views: Sequence[Tensor]) -> None:
        for number, lines, view in self._of(views):
            self.reads += 1
            for line in lines:
                owner = self.owners.get(line)
                if owner != number:
                    by = "nothing" if owner is None else self.tensors[owner].name
                    raise Fault(f"{view.name} is read, but there is {by}")

    def _write(self, views: Sequence[Tensor]) -> None:
        for number, lines, _ in self._of(views):
            self.owners.update(dict.fromkeys(lines, number))

    def _of(self, views: Sequence[Tensor]) -> Iterator[tuple[int, list[int], Tensor]]:
        for view in views:
            number = self.scratch.number_of(view)
            if number is not None:
                moved = self.scratch.place_of(view.addr) - view.addr
                yield number, [line + moved // LINE for line in touched([view])], view


def touched(views: Sequence[Tensor]) -> Iterator[int]:
    """Lines with bytes of the tensors."""
    for view in views:
        starts = view.addr + view.stride * np.arange(view.rows)
        for first, last in zip(starts // LINE, (starts + view.row_bytes - 1) // LINE):
            yield from range(int(first), int(last) + 1)


@pytest.fixture(autouse=True)
def quick_schedules(monkeypatch) -> None:
    """Orders by estimates alone."""
    monkeypatch.setattr(schedule, "MODELLED", 0)


def residual(core: Core, **options) -> ResNet:
    return ResNet(core, BATCH, SIDE, SIDE, 1, CLASSES, (2, 8), np.random.default_rng(3),
                  (8, 16, 24), **options)


def pooled(core: Core, **options) -> ConvNet:
    wu = SparseWu(2, 8)
    stages = [StageSpec("stem", [ConvSpec(1, 16)], pool=(3, 2, 1)),
              StageSpec("neck", [ConvSpec(16, 16, kernel=1, pad=0, n=2, m=8, wu=wu),
                                 ConvSpec(16, 32, stride=2, n=2, m=8, wu=wu)], residual=True),
              StageSpec("last", [ConvSpec(32, 32, n=2, m=8)], pool=(2, 2, 0))]
    return ConvNet(core, BATCH, SIDE, SIDE, CLASSES, stages, np.random.default_rng(3), **options)


def block(core: Core, **options) -> TransformerBlock:
    return TransformerBlock(core, SHAPE, np.random.default_rng(3), (2, 8), **options)


def batch(count: int = 1, seed: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((count * BATCH, SIDE, SIDE, 1)).astype(np.float16),
            rng.integers(0, CLASSES, count * BATCH))


def golden_core(size: int = 8 << 20) -> Core:
    return Core(GoldenBackend(SatConfig.from_name("4x8"), memory_size=size, hazards="error"))


def passes(net, count: int = 1) -> list[Schedule]:
    """The schedules of a step, as they run."""
    if isinstance(net, TransformerBlock):
        return [net._forward, net._backward]
    return [one for index in range(count)
            for one in (net._forward, net._backward(index > 0, index == count - 1))]


def replay(net, schedules: list[Schedule]) -> Replay:
    made = Replay(net.temporaries)
    for one in schedules:
        made.run(one.drafts(), one.scripts())
    return made


@pytest.mark.parametrize("make", [residual, pooled, block])
def test_what_lives_is_never_overwritten(make):
    net = make(golden_core())
    made = replay(net, passes(net))
    assert made.reads > 100 and made.beside > 10
    assert net.temporaries.shared_bytes < 0.8 * net.temporaries.all_bytes


@pytest.mark.parametrize("make", [residual, pooled])
def test_gradients_live_from_micro_batch_to_micro_batch(make):
    net = make(golden_core())
    x, labels = batch(4)
    net.train_step(x, labels)
    net.predict(x[:BATCH])
    for schedules in (passes(net, 1), passes(net, 4), passes(net, 3), [net._evaluation]):
        replay(net, schedules)


def test_the_replay_sees_two_tensors_on_top_of_each_other():
    """Of pairs that both hold something between two programs."""
    net = residual(golden_core())
    temporaries = net.temporaries
    lives, places = temporaries.lives(), list(temporaries.scratch._places)
    pairs = [(one, other) for one, life in enumerate(lives) for other in range(one)
             if any(all(first <= time < last for first, last in (*life.spans, *lives[other].spans))
                    for time in range(60))]
    assert len(pairs) > 100
    for one, other in pairs[:: len(pairs) // 25]:
        temporaries.scratch.move([places[other] if number == one else place
                                  for number, place in enumerate(places)])
        with pytest.raises(Fault, match="is read, but there is"):
            replay(net, passes(net))
    temporaries.scratch.move(places)
    replay(net, passes(net))


def test_the_replay_sees_commands_that_must_not_run_beside_each_other():
    net = block(golden_core())
    drafts, scripts = net._forward.drafts(), net._forward.scripts()
    for script in scripts:
        for program in script.programs:
            program.commands = [
                replace(command, descriptor=replace(command.descriptor, overlap=True))
                for command in program]
    with pytest.raises(Fault, match="beside it"):
        Replay(net.temporaries).run(drafts, scripts)


def held(core: Core) -> list[np.ndarray]:
    return [tensor.read() for tensor in core.tensors]


@pytest.mark.parametrize("make", [residual, pooled])
def test_results_are_those_of_tensors_that_lie_apart(make):
    """Those of all tensors that have addresses of their own, over steps of all kinds."""
    found = []
    for keep in (False, True):
        core = golden_core()
        net = make(core, keep=keep)
        images = []
        for count in (1, 1, 3, 2, 1):
            net.train_step(*batch(count, seed=count))
            images += held(core)
        images.append(net.predict(batch()[0]))
        net.train_step(*batch())
        found.append([*images, *held(core)])
    assert all(np.array_equal(a, b, equal_nan=a.dtype != np.uint8)
               for a, b in zip(*found, strict=True))


def test_results_of_a_block_are_those_of_tensors_that_lie_apart():
    found = []
    for keep in (False, True):
        core = golden_core()
        net = block(core, keep=keep)
        x = np.random.default_rng(5).standard_normal((SHAPE.batch, SHAPE.tokens, SHAPE.dim))
        for _ in range(2):
            net.train_step(x.astype(np.float16), mean_squared(x))
        found.append(held(core))
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))


@pytest.mark.parametrize("make", [residual, pooled, block])
def test_no_command_waits_because_memory_is_shared(make):
    nets = [make(golden_core(), keep=keep) for keep in (False, True)]
    programs = [[program for script in net.scripts.values() for program in script.programs]
                for net in nets]
    flags = [[command.descriptor.overlap for program in made for command in program]
             for made in programs]
    assert flags[0] == flags[1] and True in flags[0]
    cycles = [sum(model.run(net.core.backend.config, [one.descriptor for one in program]).cycles
                  for program in made) for net, made in zip(nets, programs)]
    assert cycles[0] == pytest.approx(cycles[1], rel=0.001)


def test_what_does_not_fit_is_named():
    needs = residual(golden_core()).peak_bytes
    size = needs - (64 << 10)
    with pytest.raises(MemoryError, match=r"^what lives within a step needs .* of memory, .*more "
                                          r"than there are; .*time: (stem|stage\d)\.[\w.]+ \d"):
        residual(golden_core(size))
    with pytest.raises(MemoryError, match="head.w: "):
        Core(GoldenBackend(memory_size=1 << 20)).tensor("head.w", (1024, 1024), FP32)


def test_a_step_that_does_not_fit_leaves_the_others_alone():
    core = golden_core(residual(golden_core()).peak_bytes)
    net = residual(core)
    net.train_step(*batch())
    with pytest.raises(MemoryError):
        net.train_step(*batch(2))
    assert not net.train_step(*batch()).skipped
    replay(net, passes(net))


def test_memory_grows_where_it_is_if_nothing_lies_behind_it():
    for other in (False, True):
        core = golden_core()
        net = residual(core)
        before, shared = core.used, net.temporaries.shared_bytes
        if other:
            core.tensor("other", (4, 32), FP16)
        net.train_step(*batch(2))
        now = net.temporaries.shared_bytes
        assert now > shared
        assert core.used == before + (now + 256 if other else now - shared)


class Small:
    """Scripts of rows."""

    def __init__(self):
        self.core = golden_core()
        self.memory = Temporaries(self.core)
        self.one = self.core.from_array("one", np.ones((1, 32), np.float32))
        self.x = self.core.from_array("x", np.ones((4, 32), np.float16))

    def row(self, name: str, rows: int = 4) -> Tensor:
        return self.memory.tensor(name, (rows, 32), FP16)

    def script(self, *moves: tuple[Tensor, Tensor]) -> Schedule:
        script = Script(self.core)
        for source, result in moves:
            script.program.affine(source, result, self.one, self.one)
        return Schedule(script)


def test_a_tensor_that_nobody_writes_is_an_error():
    small = Small()
    a, b = small.row("a"), small.row("b")
    with pytest.raises(ValueError, match="^a: is read before it is written"):
        small.memory.use("bad", [[small.script((a, b))]])
    halves = small.script((small.x[:2, :], a[:2, :]), (a, b))
    with pytest.raises(ValueError, match="^a: is read before it is written"):
        small.memory.use("half", [[halves]])
    small.memory.use("whole", [[small.script((small.x[:2, :], a[:2, :]),
                                             (small.x[2:, :], a[2:, :]), (a, b))]])
    small.memory.use("later", [[small.script((small.x, a))], [small.script((a, b))]])


def test_work_of_the_host_says_what_it_reads_and_writes():
    small = Small()
    script = Script(small.core)
    script.host(lambda: None)
    script.program.affine(small.x, small.row("a"), small.one, small.one)
    with pytest.raises(ValueError, match="work of the host"):
        small.memory.use("untold", [[Schedule(script)]])


def test_nothing_runs_or_is_read_before_there_is_memory():
    small = Small()
    a = small.row("a")
    made = small.script((small.x, a))
    with pytest.raises(ValueError, match="memory is not given out"):
        small.core.run(made.drafts()[0].programs[0])
    for act in (a.read, made.scripts):
        with pytest.raises(RuntimeError, match="not given out yet"):
            act()
    small.memory.use("all", [[made]])
    small.core.run(made.scripts()[0].programs[0])
    assert (a.read() == 2).all()


def test_time_passes_between_scripts():
    """What is read by the last program of a pass may lie where the first of the next writes."""
    small = Small()
    a, b = small.row("a"), small.row("b")
    small.memory.use("both", [[small.script((small.x, a), (a, small.x))],
                              [small.script((small.x, b), (b, small.x))]])
    assert small.memory.shared_bytes == 256
    assert module.life_of(a).size == 256


def test_lives_that_meet_lie_apart(rng):
    lives = []
    for number in range(60):
        spans = tuple((int(first), int(first + rng.integers(6))) for first in
                      np.sort(rng.integers(0, 40, int(rng.integers(0, 3)))))
        lives.append(Life(f"t{number}", 128 * int(rng.integers(1, 50)), spans))
    starts = place(lives)
    assert not clashes(lives, starts)
    for one, life in enumerate(lives):
        for other in range(one):
            if life.meets(lives[other]):
                assert (starts[one] + life.size <= starts[other]
                        or starts[other] + lives[other].size <= starts[one])
    most = max(sum(life.size for life in lives if life.holds_at(time)) for time in range(50))
    assert most <= needed(lives, starts) < 1.3 * most
    one = next(number for number, life in enumerate(lives) if life.spans)
    other = next(number for number, life in enumerate(lives)
                 if number != one and life.meets(lives[one]))
    starts[one] = starts[other]
    assert {one, other} in map(set, clashes(lives, starts))
