# SPDX-License-Identifier: Apache-2.0
"""Plans: mappings, estimates; byte ranges of tensors."""

from dataclasses import replace

import pytest

from sat import FP16, SatConfig
from sat.memory import Tensor
from sat.plan import (
    Tiling,
    choose_row_interleave,
    estimate_cycles,
    legal_row_interleaves,
)

pytestmark = pytest.mark.quick
CONFIG = SatConfig.from_name("8x8")


@pytest.mark.parametrize("n, m, maps", [
    (2, 2, [0, 1, 2, 3]), (1, 2, [0, 1, 2, 3]), (2, 4, [0, 1, 2, 3]), (2, 8, [0, 1, 2]),
    (4, 16, [0, 1]),
])
def test_maps_fit_the_group_memory(n, m, maps):
    """At most 16 values of a PE, of two PEs where the array folds."""
    assert legal_row_interleaves(CONFIG, n, m) == maps
    narrow = replace(CONFIG, data_w=256)  # half of its columns do not fill a beat
    assert legal_row_interleaves(narrow, n, m) == [x for x in maps[:3] if m << x <= 16 or n == m]


def test_narrow_array_keeps_tiles_a_beat_wide():
    assert legal_row_interleaves(SatConfig.from_name("2x2"), 2, 2) == [0]


def test_map_follows_the_shape():
    assert choose_row_interleave(Tiling(CONFIG, 8, 512, 64, 2, 2)) == 0  # few rows: wide tiles
    assert choose_row_interleave(Tiling(CONFIG, 512, 8, 64, 2, 2)) == 3  # few columns: tall tiles


@pytest.mark.parametrize("depth, n, m, kept", [
    (16, 2, 8, 4), (17, 2, 8, 5), (23, 2, 8, 6), (5, 2, 2, 5), (3, 1, 16, 1),
])
def test_multiplies_of_a_reduction(depth, n, m, kept):
    assert Tiling(CONFIG, 1, 1, depth, n, m).macs == kept


def test_first_column_waits_for_a():
    """At 2:8 the array is faster than the memory that fills the A scratchpad: wide tiles need
    less of it at a time."""
    wide = SatConfig.from_name("32x32")
    assert choose_row_interleave(Tiling(wide, 512, 512, 512, 2, 8)) == 0
    assert choose_row_interleave(Tiling(wide, 512, 512, 512, 2, 2)) == 1


def test_map_of_a_gradient_does_not_starve_s():
    """A wide tile would need as many bytes of S per cycle as the memory has."""
    wu = Tiling(CONFIG, 9 * 64, 64, 1024, 2, 2, positions=9, lines=2048, a_trans=True)
    assert choose_row_interleave(wu) in (1, 2)


def test_map_that_fits_the_cache_is_read_once():
    dense = Tiling(CONFIG, 1024, 64, 64, 2, 2, k_segments=9, lines=2048)
    uncached = replace(dense, lines=4096)
    cached, again = (estimate_cycles(replace(x, row_interleave=2)) for x in (dense, uncached))
    assert cached == again
    wu = Tiling(CONFIG, 9 * 8, 8, 4096, 1, 16, positions=9, lines=2048, a_trans=True)
    assert estimate_cycles(wu) < estimate_cycles(replace(wu, lines=4096))


def test_tiles_of_a_gradient_mix_positions():
    """Nine positions of three channels: 27 rows, in tiles of eight or more."""
    wu = Tiling(CONFIG, 27, 16, 512, 2, 2, positions=9, lines=512, a_trans=True)
    for row_interleave, parts in ((0, 11), (1, 10), (2, 9)):
        tiling = replace(wu, row_interleave=row_interleave)
        assert tiling.row_tiles == -(-27 // tiling.row_span)
        spans = {(row // tiling.row_span, row // 3) for row in range(27)}
        assert tiling.parts == len(spans) == parts


@pytest.mark.parametrize("addr, shape, stride, shared", [
    (0x1000, (4, 32), 256, True),  # the same
    (0x1400, (4, 32), 256, False),  # behind it
    (0x1040, (4, 32), 256, False),  # other columns
    (0x1040, (4, 128), 256, True),  # columns that wrap into the next row
    (0x1040, (1, 32), 64, True),  # another stride: judged by its range
    (0x0FC0, (1, 32), 64, False),  # before it
])
def test_overlap_of_byte_ranges(addr, shape, stride, shared):
    first = Tensor("a", (4, 32), FP16, 0x1000, 256, None)
    second = Tensor("b", shape, FP16, addr, stride, None)
    assert first.overlaps(second) == second.overlaps(first) == shared
