# SPDX-License-Identifier: Apache-2.0
"""sat.plan.order: in which order commands of two engines, and barriers, are issued."""

import itertools
from math import inf

import pytest

from sat.plan import ARRAY, VECTOR, Task, arrange

pytestmark = pytest.mark.quick


def jobs(*cycles: tuple[float, float]) -> list[Task]:
    """The array makes something, then the vector engine uses it."""
    return [task for number, (array, vector) in enumerate(cycles)
            for task in (Task(ARRAY, array), Task(VECTOR, vector, {2 * number}))]


def flow_shop(cycles: list[tuple[float, float]]) -> float:
    """Cycles of jobs in that order on both engines."""
    array = vector = 0.0
    for first, second in cycles:
        array += first
        vector = max(array, vector) + second
    return vector


def test_best_order_is_found(rng):
    for _ in range(20):
        cycles = [tuple(pair) for pair in rng.integers(1, 50, (5, 2))]
        best = min(map(flow_shop, itertools.permutations(cycles)))
        assert arrange(jobs(*cycles))[1] == pytest.approx(best)


def test_each_task_is_issued_once_and_behind_what_it_waits_for(rng):
    for _ in range(20):
        tasks = [Task(None if rng.random() < 0.1 else (ARRAY, VECTOR)[rng.integers(2)],
                      float(rng.integers(1, 50)),
                      {int(other) for other in rng.integers(0, number, 2)} if number else set())
                 for number in range(30)]
        order, cycles = arrange(tasks, fill=float(rng.choice([0.0, 0.5, inf])))
        assert sorted(order) == list(range(30))
        place = {number: at for at, number in enumerate(order)}
        assert all(place[other] < place[number]
                   for number, task in enumerate(tasks) for other in task.after)
        barriers = [number for number in order if tasks[number].engine is None]
        assert barriers == sorted(barriers)
        alone = sum(task.cycles for task in tasks if task.engine)
        assert alone / 2 <= cycles <= alone


def test_engines_are_rivals_for_memory():
    """An UPDATE stands still beside a gradient that reads in every cycle, goes on at half its
    speed beside one that leaves it half of what it wants, and does not mind one that leaves all."""
    for reads, end in ((100, 290), (75, 240), (50, 190), (0, 190)):
        tasks = [Task(ARRAY, 10), Task(VECTOR, 100, {0}, 50),
                 Task(ARRAY, 100, reads=reads), Task(VECTOR, 80, {2})]
        assert arrange(tasks)[1] == pytest.approx(end)


def test_gradient_used_by_several_commands():
    """The array goes on while they run."""
    tasks = [Task(ARRAY, 100), *(Task(VECTOR, 10, {0}) for _ in range(9)),
             Task(ARRAY, 100), *(Task(VECTOR, 10, {10}) for _ in range(9))]
    order, end = arrange(tasks)
    assert end == pytest.approx(290)
    assert [tasks[number].engine for number in order] == [ARRAY, ARRAY] + 18 * [VECTOR]


def test_parts_of_a_batch_follow_each_other():
    """What comes before and behind a command of the array runs beside it of other parts."""
    parts = 3
    tasks = [*(Task(VECTOR, 10) for _ in range(parts)),
             *(Task(ARRAY, 20, {part}) for part in range(parts)),
             *(Task(VECTOR, 5, {parts + part}) for part in range(parts)),
             Task(None, after=set(range(2 * parts, 3 * parts)))]
    order, end = arrange(tasks)
    assert end == 10 + 3 * 20 + 5
    assert order == [0, 3, 1, 2, 4, 6, 5, 7, 8, 9]


def test_the_longest_chain_may_come_first():
    """The second command of the vector engine holds up 100 cycles of the array, the first none."""
    tasks = [Task(VECTOR, 10), Task(VECTOR, 10), Task(ARRAY, 100, {1}), Task(None, after={0, 2})]
    assert arrange(tasks) == ([0, 1, 2, 3], 120)
    assert arrange(tasks, longest_first=True) == ([1, 2, 0, 3], 110)


@pytest.mark.parametrize("fill, end", [(0.0, 270), (0.1, 270), (0.2, 180), (inf, 180)])
def test_gaps_are_filled(fill, end):
    """The array waits 10 cycles for the vector engine before a barrier, and 120 behind it; there is
    a gradient of 100 that nothing waits for."""
    tasks = [Task(ARRAY, 50), Task(VECTOR, 10, {0}), Task(ARRAY, 100), Task(None, after={1}),
             Task(VECTOR, 120, {3})]
    order, cycles = arrange(tasks, fill)
    assert cycles == end
    assert order.index(2) < order.index(3) if fill <= 0.1 else order.index(3) < order.index(2)


def test_barrier_waits_for_all_that_runs():
    tasks = [Task(VECTOR, 10), Task(ARRAY, 100), Task(None, after={0}), Task(VECTOR, 5, {2})]
    assert arrange(tasks, 0.0) == ([1, 0, 2, 3], 105)
