# SPDX-License-Identifier: Apache-2.0
"""The coverage model, and the classes of numbers it is fed with. No simulator."""

from __future__ import annotations

import numpy as np
import pytest

from tb.uvm.cov.coverage_model import CoverageModel
from tb.uvm.cov.mac_cov import rounding_of
from tb.uvm.cov.operands import FP_CLASSES, fp_classes, group_classes, numeric_classes
from tb.uvm.cov.program_cov import edge
from tb.uvm.cov.sore_cov import selection_cases

pytestmark = [pytest.mark.quick, pytest.mark.uvm]


def test_bins_are_counted_and_merged(tmp_path):
    first, second = CoverageModel(), CoverageModel()
    for model in (first, second):
        model.point("cp", ["a", "b"])
        model.cross("cx", (1, 2), ("x", "y"), unless=lambda *bins: bins == (2, "y"))
    first.hit("cp", "a")
    first.hit("cx", 1, "y")
    second.hit("cp", "b")
    first.save(tmp_path / "1.json", test="t")
    second.save(tmp_path / "2.json", test="t")
    merged = CoverageModel.load(tmp_path.glob("*.json"))
    assert merged.covered("cp") == (2, 2)
    assert merged.holes("cx") == ["1/x", "2/x"]
    assert merged.total() == (3, 5)


def test_unplanned_bin_is_an_error():
    model = CoverageModel()
    model.cross("cx", (1, 2), (3,))
    with pytest.raises(KeyError):
        model.hit("cx", 1, 4)
    with pytest.raises(KeyError):
        model.hit("cp", 1)


def half(*rows) -> np.ndarray:
    """An FP16 matrix as patterns."""
    return np.array(rows, np.float16).view(np.uint16)


@pytest.mark.parametrize("matrix, expected", [
    (half([1.0], [2.5]), {"ordinary"}),
    (half([2.0**-8]), {"tiny"}),
    (half([4096.0]), {"huge"}),
    (half([2.0**-20], [1.0]), {"subnormal"}),
    (half([np.inf], [1.0]), {"special"}),
    (half([1.5], [-1.5]), {"ordinary", "tied", "cancelling"}),
    (half([1.5], [-0.0], [1.5]), {"ordinary", "negative_zero"}),
    (half([0.0], [0.0], [0.0], [0.0], [1.0]), {"ordinary", "zero_group"}),
])
def test_numeric_classes(matrix, expected):
    assert numeric_classes(matrix) == expected
    wide = matrix.view(np.float16).astype(np.float32).view(np.uint32)
    assert numeric_classes(wide) - {"ordinary", "tiny"} == expected - {
        "ordinary", "tiny", "subnormal"}


@pytest.mark.parametrize("matrix, expected", [
    (half([0.0], [-0.0], [0.0], [0.0], [1.0]), {"zero", "outweighed"}),
    (half([2.0**-24], [0.0], [0.0], [2.0**-15]), {"subnormal"}),
    (half([1.5], [-1.5], [1.5], [-1.5]), {"equal"}),
    (half([1.0], [2.0], [-1.0], [0.0]), {"ordinary"}),  # no more than the others together
    (half([1.0], [2.0], [-0.5], [0.25]), {"outweighed"}),
    (half([1.0], [np.inf], [1.0], [1.0]), {"infinity"}),
    (half([np.nan], [np.inf], [1.0], [1.0]), {"nan"}),
])
def test_group_classes(matrix, expected):
    assert group_classes(matrix, 4) == expected


def test_fp_classes():
    row = half([0.0, 2.0**-20, -1.0, -np.inf, np.nan])
    assert [FP_CLASSES[kind] for kind in fp_classes(row)[0]] == list(FP_CLASSES)


@pytest.mark.parametrize("total, product, expected", [
    (1.0, 2.0, "exact"),
    (1.0, -1.0, "cancelled"),
    (1.0, 2.0**-24, "tie"),
    (1.0, 2.0**-25, "down"),
    (1.0, 1.5 * 2.0**-24, "up"),
    (-1.0, -1.5 * 2.0**-24, "up"),
    (1.0, np.inf, "special"),
])
def test_roundings(total, product, expected):
    total, product = np.float32(total), np.float32(product)
    assert rounding_of(total, product, total + product) == expected


def test_selection_cases():
    assert selection_cases(half([1.0], [1.0], [1.0], [1.0]), 2, 4) == {
        "whole_group", "tie_at_the_limit", "all_equal"}
    assert selection_cases(half([3.0], [3.0], [2.0], [1.0]), 2, 4) == {"whole_group", "tie_inside"}
    assert selection_cases(half([np.nan], [-0.0], [np.inf]), 1, 2) == {
        "partial_group", "nan", "infinity"}


@pytest.mark.parametrize("size, expected", [
    (3, "below"), (4, "at"), (5, "one_above"), (6, "between"), (8, "multiple")])
def test_edges(size, expected):
    assert edge(size, 4) == expected
