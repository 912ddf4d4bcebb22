# SPDX-License-Identifier: Apache-2.0
"""VGG-19 with batch normalisation and one linear layer, as it is used for small images."""

from __future__ import annotations

from ..nn import StageSpec
from .description import NM, Convolutions, Network, stem
from .resnet import HALVE, conv

WIDTHS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))  # channels, convolutions


def vgg19(nm: NM) -> Network:
    """CIFAR-100."""
    stages, inputs = [stem(3, WIDTHS[0][0])], WIDTHS[0][0]
    for stage, (width, count) in enumerate(WIDTHS, 1):
        for number in range(1 if stage > 1 else 2, count + 1):
            stages.append(StageSpec(f"conv{stage}.{number}", [conv(inputs, width, nm)],
                                    pool=HALVE if number == count else None))
            inputs = width
    return Network("vgg19", 128, [Convolutions(32, stages, 100)])
