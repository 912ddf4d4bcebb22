# SPDX-License-Identifier: Apache-2.0
"""Residual networks: ResNet-9 (of the DAWNBench contest), ResNet-18 and ResNet-50.

The ReLU of a residual stage follows its sum, also in ResNet-9.
"""

from __future__ import annotations

from ..nn import ConvSpec, StageSpec
from .description import NM, Convolutions, Network, Sparsity, stem

HALVE = (2, 2, 0)  # maximum over 2x2


def conv(inputs: int, outputs: int, nm: NM, kernel: int = 3, stride: int = 1) -> ConvSpec:
    n, m, wu = Sparsity(*nm)
    return ConvSpec(inputs, outputs, kernel, stride, pad=kernel // 2, n=n, m=m, wu=wu)


def resnet9(nm: NM) -> Network:
    """CIFAR-10."""
    def residual(name: str, channels: int, pool: tuple[int, int, int] | None = None) -> StageSpec:
        return StageSpec(name, [conv(channels, channels, nm)] * 2, residual=True, pool=pool)

    stages = [stem(3, 64),
              StageSpec("stage1", [conv(64, 128, nm)], pool=HALVE), residual("stage2", 128),
              StageSpec("stage3", [conv(128, 256, nm)], pool=HALVE),
              StageSpec("stage4", [conv(256, 512, nm)], pool=HALVE),
              residual("stage5", 512, pool=(4, 4, 0))]
    return Network("resnet9", 128, [Convolutions(32, stages, 10)])


def first(side: int) -> tuple[int, StageSpec]:
    """Side of the first map, and its stage: for ImageNet's images 7x7 with a stride of 2 and a
    pooling, for small ones 3x3."""
    if side > 64:
        return side // 2, stem(7, 64, pool=(3, 2, 1))
    return side, stem(3, 64)


def resnet18(nm: NM, side: int, batch: int, classes: int) -> Network:
    side_of_map, entry = first(side)
    stages, inputs = [entry], 64
    for stage, outputs in enumerate((64, 128, 256, 512), 1):
        for block in (1, 2):
            stride = 2 if block == 1 and stage > 1 else 1
            stages.append(StageSpec(
                f"stage{stage}.{block}",
                [conv(inputs, outputs, nm, stride=stride), conv(outputs, outputs, nm)],
                residual=True))
            inputs = outputs
    return Network(f"resnet18-{side}", batch, [Convolutions(side_of_map, stages, classes)])


def resnet18_32(nm: NM) -> Network:
    """CIFAR-10."""
    return resnet18(nm, 32, 128, 10)


def resnet18_64(nm: NM) -> Network:
    """Tiny ImageNet."""
    return resnet18(nm, 64, 64, 200)


def resnet18_224(nm: NM) -> Network:
    """ImageNet."""
    return resnet18(nm, 224, 16, 1000)


def resnet50(nm: NM) -> Network:
    """ImageNet; the 3x3 convolution of a bottleneck has the stride."""
    side, entry = first(224)
    stages, inputs = [entry], 64
    for stage, (width, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), 1):
        for block in range(1, blocks + 1):
            stride = 2 if block == 1 and stage > 1 else 1
            stages.append(StageSpec(
                f"stage{stage}.{block}",
                [conv(inputs, width, nm, 1), conv(width, width, nm, stride=stride),
                 conv(width, 4 * width, nm, 1)], residual=True))
            inputs = 4 * width
    return Network("resnet50", 16, [Convolutions(side, stages, 1000)])
