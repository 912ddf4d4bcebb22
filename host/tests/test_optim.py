# SPDX-License-Identifier: Apache-2.0
"""Policy of a training: loss scale and scalars."""

import numpy as np
import pytest

from sat.nn import LossScale, Sgd, TrainingDiverged

pytestmark = pytest.mark.quick


def test_loss_scale_recovers():
    scale = LossScale(value=4.0, patience=3, largest=8.0)
    for overflow in (True, False, False, False, False, False, False, False, False, False):
        scale.update(overflow)
    assert scale.value == 8.0  # 2, doubled after 3 and 6 good steps, then at its limit
    for _ in range(3):
        scale.update(True)
    assert scale.value == 1.0


def test_overflow_at_a_scale_of_1_ends_training():
    scale = LossScale(value=3.0)
    for overflow in (True, False, True, True):  # 1.5, 1.5, 1, and no further
        if scale.value == 1.0:
            with pytest.raises(TrainingDiverged, match="scale of 1, the last of 2 in a row"):
                scale.update(overflow)
        else:
            scale.update(overflow)
    assert scale.value == 1.0 and scale.bad_steps == 2


@pytest.mark.parametrize("arguments, name", [
    ({"value": 0.5}, "value"), ({"value": np.nan}, "value"), ({"value": 2.0**127}, "value"),
    ({"largest": np.inf}, "largest"), ({"patience": 0}, "patience"),
    ({"patience": 1.5}, "patience"), ({"value": 8, "largest": 2}, "value"),
])
def test_illegal_loss_scale_is_named(arguments, name):
    with pytest.raises(ValueError, match=f"^{name}:"):
        LossScale(**arguments)


@pytest.mark.parametrize("name, value", [
    ("lr", 1e39), ("lr", None), ("lr", 1e-46), ("momentum", np.nan), ("decay", -1e-50),
    ("inv_scale", np.inf),
])
def test_scalar_that_fp32_lacks_is_named(name, value):
    with pytest.raises((ValueError, TypeError), match=f"^{name}: "):
        Sgd(**{"lr": 0.1, "momentum": 0.9} | {name: value})
