# SPDX-License-Identifier: Apache-2.0
"""The N:M selection networks written in MyHDL, simulated by it, against the golden nm_select()."""

import random
from itertools import product

import pytest
from myhdl import Simulation, delay, instance

from sat_golden.reference import nm_select as golden
from tb.formal.generators.nm_rank import nm_rank
from tb.formal.generators.nm_select import Network, generate, nm_select, unsigned

SEED = 20230901
RATIOS = [(1, 2), (1, 4), (2, 4), (3, 4), (1, 8), (2, 8), (4, 8), (7, 8), (2, 16), (13, 16),
          (2, 5), (4, 7)]


def simulate(design, n: int, m: int, width: int, groups) -> list:
    """Keep masks of many groups of keys as (keys, kept indices)."""
    keys_i, keep_o = unsigned(m * width), unsigned(m)
    network = design(keys_i, keep_o, n)
    seen = []

    @instance
    def stimulus():
        for keys in groups:
            keys_i.next = sum(key << (i * width) for i, key in enumerate(keys))
            yield delay(1)
            seen.append((keys, [i for i in range(m) if keep_o[i]]))

    Simulation(network, stimulus).run(quiet=1)
    return seen


def check(design, n, m, width, groups):
    seen = simulate(design, n, m, width, groups)
    assert len(seen) == len(groups)
    for keys, kept in seen:
        assert kept == golden(list(keys), n), f"{n}:{m} keys {keys}"


@pytest.mark.parametrize("n, m", [(1, 2), (1, 4), (2, 4), (3, 4), (2, 3)])
def test_every_order_of_few_keys(n, m):
    check(nm_select, n, m, 2, list(product(range(4), repeat=m)))


def random_groups(m: int) -> list[tuple[int, ...]]:
    """Groups of 15-bit keys, with many ties and with few."""
    rng = random.Random(SEED)
    top = 2 ** 15 - 1
    few = [0, 1, top - 1, top]
    groups = [(0,) * m, (top,) * m]
    groups += [tuple(rng.choice(few) for _ in range(m)) for _ in range(30)]
    groups += [tuple(rng.randint(0, top) for _ in range(m)) for _ in range(30)]
    return groups


@pytest.mark.parametrize("n, m", RATIOS)
def test_random_keys_with_and_without_ties(n, m):
    check(nm_select, n, m, 15, random_groups(m))


@pytest.mark.parametrize("n, m", [(2, 4), (2, 8), (5, 8)])
def test_rank_network_selects_the_same(n, m):
    check(nm_rank, n, m, 15, random_groups(m))


@pytest.mark.parametrize("n, m, comparators", [(1, 8, 7), (2, 8, 13), (4, 8, 18), (8, 8, 19)])
def test_network_has_no_comparator_it_does_not_need(n, m, comparators):
    # 19 comparators sort eight keys with Batcher's merge.
    assert len(Network(m, n).firsts) == comparators


@pytest.mark.parametrize("n, m, width", [(0, 4, 15), (4, 4, 15), (2, 4, 0)])
def test_illegal_size_is_refused(n, m, width, tmp_path):
    with pytest.raises(ValueError):
        generate(n, m, width, tmp_path / "none.v")
