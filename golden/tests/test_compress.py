# SPDX-License-Identifier: Apache-2.0
"""N:M selection and the compressed formats."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sat_golden import (
    compress_bp,
    compress_ff,
    compressed_rows,
    decompress,
    nm_select,
    pack_indices,
    reference,
    stimulus,
    unpack_indices,
)
from sat_golden.compress import LEGAL_M, Planes

ALL_NM = [(n, m) for m in LEGAL_M for n in range(1, m + 1)]
SPARSE_NM = [(n, m) for n, m in ALL_NM if n < m]


@st.composite
def matrices(draw, max_side=40):
    """(matrix, n, m): few distinct values, so that ties abound, or any pattern."""
    n, m = draw(st.sampled_from(ALL_NM))
    rows, cols = draw(st.integers(1, max_side)), draw(st.integers(1, max_side))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    few = np.array([0x0000, 0x8000, 0x3C00, 0xBC00, 0x4000, 0x7E00, 0xFC00, 0x0001], np.uint16)
    if draw(st.booleans()):
        return rng.choice(few, (rows, cols)), n, m
    return stimulus.random_bits(rng, (rows, cols), np.uint16), n, m


@pytest.mark.parametrize("n, m", ALL_NM)
def test_selection_agrees_with_the_reference(n, m):
    rng = np.random.default_rng(100 * m + n)
    groups = np.concatenate([
        stimulus.random_bits(rng, (300, m), np.uint16),
        rng.choice(stimulus.FP16_SPECIALS, (300, m)),
        rng.integers(0, 3, (300, m)).astype(np.uint16),
        np.zeros((1, m), np.uint16),
        np.full((1, m), 0x8000, np.uint16),
    ])
    expected = [reference.nm_select([x & 0x7FFF for x in group], n) for group in groups.tolist()]
    assert nm_select(groups, n).tolist() == expected


def test_selection_rules():
    def kept(*group: int) -> list[int]:
        return nm_select(np.array(group, np.uint16), 2).tolist()

    assert kept(0x3C00, 0x4000, 0x3C00, 0x0000) == [0, 1]  # tie: the lower index
    assert kept(0x0000, 0x8000, 0x0000, 0x8000) == [0, 1]  # -0 is no larger than +0
    assert kept(0x0001, 0xC000, 0x0000, 0x3C00) == [1, 3]  # magnitude, not value; index order
    assert kept(0x7BFF, 0x7C00, 0x7BFF, 0xFE00) == [1, 3]  # NaN > infinity > numbers


@given(matrices())
def test_planes_hold_the_largest_of_each_group(case):
    weights, n, m = case
    rows, cols = weights.shape
    planes = compress_ff(weights, n, m)
    assert planes.values.shape == (compressed_rows(rows, n, m), cols)
    if n == m:
        assert planes.indices is None and (planes.values == weights).all()
        return
    padded = np.zeros((-(-rows // m) * m, cols), np.uint16)
    padded[:rows] = weights
    for g in range(padded.shape[0] // m):
        for c in range(0, cols, 7):
            group = padded[g * m : (g + 1) * m, c].tolist()
            kept = reference.nm_select([x & 0x7FFF for x in group], n)
            assert planes.indices[g * n : (g + 1) * n, c].tolist() == kept
            assert planes.values[g * n : (g + 1) * n, c].tolist() == [group[i] for i in kept]


@given(matrices())
def test_decompression_keeps_what_was_kept(case):
    weights, n, m = case
    rows, cols = weights.shape
    pruned = decompress(compress_ff(weights, n, m), rows, n, m)
    assert pruned.shape == weights.shape
    assert ((pruned == weights) | (pruned == 0)).all()
    # What was dropped is not larger than anything kept in its group: pruning again changes nothing.
    assert (decompress(compress_ff(pruned, n, m), rows, n, m) == pruned).all()


def test_compressed_planes_without_indices_are_refused():
    with pytest.raises(ValueError, match="^planes: no indices"):
        decompress(Planes(np.zeros((2, 3), np.uint16), None), 4, 2, 4)


@given(matrices())
def test_backward_copy_is_the_forward_copy_of_the_transpose(case):
    weights, n, m = case
    backward, forward = compress_bp(weights, n, m), compress_ff(weights.T.copy(), n, m)
    assert (backward.values == forward.values).all()
    assert n == m or (backward.indices == forward.indices).all()
    assert backward.values.shape == (compressed_rows(weights.shape[1], n, m), weights.shape[0])


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32))
def test_index_packing_round_trip(rows, cols, seed):
    indices = np.random.default_rng(seed).integers(0, 16, (rows, cols)).astype(np.uint8)
    packed = pack_indices(indices)
    assert packed.shape == (rows, (cols + 1) // 2)
    assert (unpack_indices(packed, cols) == indices).all()


def test_index_packing_is_as_documented():
    packed = pack_indices(np.array([[1, 2, 3]], np.uint8))
    assert packed.tolist() == [[0x21, 0x03]]  # even columns low; unused high nibble zero


@pytest.mark.parametrize("n, m, name", [(0, 4, "n"), (5, 4, "n"), (1, 3, "m"), (1, 32, "m")])
def test_illegal_ratio_names_the_argument(n, m, name):
    with pytest.raises(ValueError, match=f"^{name}:"):
        compress_ff(np.zeros((4, 4), np.uint16), n, m)


@pytest.mark.parametrize("n, m", SPARSE_NM)
def test_short_last_group_is_padded_with_zeros(n, m):
    """A tail of one row keeps that row; the other kept elements are +0."""
    planes = compress_ff(np.full((m + 1, 1), 0xC000, np.uint16), n, m)
    assert planes.values[n:, 0].tolist() == [0xC000] + [0] * (n - 1)
    assert planes.indices[n:, 0].tolist() == list(range(n))
