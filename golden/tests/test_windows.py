# SPDX-License-Identifier: Apache-2.0
"""Windows against the definition in docs/reference/commands.md, a window and position at a time."""

import numpy as np
import pytest

from sat_golden import Windows
from sat_golden.windows import OUTSIDE


def seen(w: Windows, b: int, oy: int, ox: int, ky: int, kx: int) -> int:
    """The pixel, or OUTSIDE."""
    step, dilation, upsample = 2**w.step_log2, 2**w.dilation_log2, 2**w.upsample_log2
    y = oy * step + ky * dilation - w.pad_top
    x = ox * step + kx * dilation - w.pad_left
    if y % upsample or x % upsample:
        return OUTSIDE
    y, x = y // upsample, x // upsample
    if not (0 <= y < w.map_h and 0 <= x < w.map_w):
        return OUTSIDE
    return (b * w.map_h + y) * w.map_w + x


def draw(rng: np.random.Generator) -> Windows:
    """Anything a descriptor can say."""
    sizes = (int(x) for x in rng.integers(1, 8, 7))
    return Windows(*sizes, *(int(x) for x in rng.integers(0, 4, 3)),
                   *(int(x) for x in rng.integers(0, 16, 2)))


@pytest.mark.parametrize("seed", range(40))
def test_pixels_agree_with_the_definition(seed):
    w = draw(np.random.default_rng(seed))
    for position in range(w.positions):
        ky, kx = divmod(position, w.kernel_w)
        expected = [seen(w, b, oy, ox, ky, kx) for b in range(w.images)
                    for oy in range(w.out_h) for ox in range(w.out_w)]
        assert w.pixels_at(position).tolist() == expected
    at_all = {int(pixel) for position in range(w.positions) for pixel in w.pixels_at(position)}
    assert w.seen().tolist() == sorted(at_all - {OUTSIDE})


@pytest.mark.parametrize("seed", range(60))
def test_phases_see_all_that_is_seen_and_nothing_between(seed):
    w = draw(np.random.default_rng(seed))
    phases = list(w.phases())
    assert sorted(row for phase in phases for row in phase.rows) == list(range(w.count))
    for phase in phases:
        assert phase.windows.upsample_log2 == 0 and phase.windows.pixels == w.pixels
        assert phase.windows.count == len(phase.rows)
        assert phase.windows.positions == len(phase.positions)
        left_out = set(range(w.positions)) - set(phase.positions.tolist())
        for position in left_out:
            assert (w.pixels_at(position)[phase.rows] == OUTSIDE).all()
        for place, position in enumerate(phase.positions):
            seen_there = w.pixels_at(int(position))[phase.rows]
            assert (phase.windows.pixels_at(place) == seen_there).all()
    phased = {int(position) for phase in phases for position in phase.positions}
    assert np.flatnonzero(w.phased()).tolist() == sorted(phased)


@pytest.mark.parametrize("stride, pad, dilation, kernel", [
    (1, 0, 1, 1), (1, 1, 1, 3), (2, 1, 1, 3), (2, 2, 2, 3), (4, 3, 1, 7), (2, 0, 2, 5),
    (1, 1, 1, 1), (2, 3, 1, 1), (2, 7, 2, 3), (4, 5, 1, 3), (1, 0, 8, 2), (8, 9, 4, 3)])
def test_transposed_windows_see_who_sees_them(stride, pad, dilation, kernel):
    w = Windows.sliding(2, 12, 9, kernel, kernel, stride=stride, pad=pad, dilation=dilation)
    back = w.transposed()
    assert back.transposed() == w and (back.pixels, back.count) == (w.count, w.pixels)

    def pairs(windows: Windows, position: int) -> set[tuple[int, int]]:
        return {(window, pixel) for window, pixel in enumerate(windows.pixels_at(position))
                if pixel != OUTSIDE}

    for position in range(w.positions):
        mirrored = pairs(back, w.positions - 1 - position)
        assert {(pixel, window) for window, pixel in pairs(w, position)} == mirrored


def test_sliding_windows_are_as_many_as_fit():
    w = Windows.sliding(3, 8, 7, 3, 5, stride=2, pad=1)
    assert (w.out_h, w.out_w, w.positions, w.pixels, w.count) == (4, 3, 15, 168, 36)
    with pytest.raises(ValueError, match="^kernel:"):
        Windows.sliding(1, 2, 2, 5, 5, pad=1)
    with pytest.raises(ValueError, match="^stride:"):
        Windows.sliding(1, 9, 9, 3, 3, stride=3)
    with pytest.raises(ValueError, match="^pad:"):
        Windows.sliding(1, 9, 9, 1, 1, pad=128)


def test_what_lies_outside_is_zero():
    w = Windows.sliding(1, 2, 2, 3, 3, pad=1)
    fmap = np.array([[1, 10], [2, 20], [3, 30], [4, 40]], np.uint16)
    assert w.gather(fmap, 0).tolist() == [[0, 0], [0, 0], [0, 0], [1, 10]]
    assert w.gather(fmap, 5).tolist() == [[2, 20], [0, 0], [4, 40], [0, 0]]
