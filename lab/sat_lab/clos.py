# SPDX-License-Identifier: Apache-2.0
"""Cascades of sparse layers in place of dense ones, chosen before training (Isakov and Kinsy,
ClosNets, 2018)."""

from __future__ import annotations

import copy
import math

import torch
from torch import nn

from sat.torch import CompileError
from sat.torch.sparsity import NmSpec, Sparsity

KINDS = nn.Linear, nn.Conv2d


class Clos(nn.Module):
    """The three stages of a Clos network for a Linear or a Conv2d (which then is in the first): a
    block-diagonal matrix of `switches` blocks, one of `paths` blocks that each have a wire to every
    switch on both sides, and one of `switches` blocks. So each input reaches each output by
    `paths` ways, with at most N/M of the layer's weights. Nothing is between the stages: they are
    factors of a matrix."""

    def __init__(self, layer: nn.Linear | nn.Conv2d, switches: int, paths: int):
        super().__init__()
        outputs, inputs = layer.weight.shape[:2]
        wires = switches * paths
        self.linear = isinstance(layer, nn.Linear)
        first = nn.Conv2d(inputs, wires, 1, groups=switches, bias=False) if self.linear else \
            nn.Conv2d(inputs, wires, layer.kernel_size, layer.stride, layer.padding,
                      layer.dilation, switches, False, layer.padding_mode)
        middle = nn.Conv2d(wires, wires, 1, groups=paths, bias=False)
        last = nn.Conv2d(wires, outputs, 1, groups=switches, bias=layer.bias is not None)
        for stage in (first, middle):  # keep the variance; the last is as torch has it, and so
            nn.init.kaiming_normal_(stage.weight, nonlinearity="linear")  # is the product
        self.stages = nn.Sequential(first, nn.ChannelShuffle(switches), middle,
                                    nn.ChannelShuffle(paths), last)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.linear:
            return self.stages(x)
        return self.stages(x.reshape(-1, x.shape[-1], 1, 1)).reshape(*x.shape[:-1], -1)


def size(outputs: int, inputs: int, taps: int, weights: float) -> tuple[int, int]:
    """Switches and paths for a layer of so many inputs at each of so many kernel positions: the
    most wires that `weights` weights are enough for; of equals more paths. (0, 0) if there is
    none."""
    common = math.gcd(outputs, inputs)
    found = [(switches, int(weights // (inputs * taps + switches**2 + outputs)))
             for switches in range(1, common + 1) if common % switches == 0]
    best = max(found, key=lambda sizes: (math.prod(sizes), sizes[1]))
    return best if best[1] else (0, 0)


def cascades(model: nn.Module, nm: NmSpec) -> nn.Module:
    """A copy of `model` with a Clos in place of each Linear and Conv2d of N < M; `nm` as for
    sparsify. CompileError names a layer that has too few weights, or groups."""
    made, sparsity = copy.deepcopy(model), Sparsity(nm)
    for path, layer in list(made.named_modules()):
        if not isinstance(layer, KINDS):
            continue
        n, m = sparsity.of(path)
        if n == m:
            continue
        if getattr(layer, "groups", 1) != 1:
            raise CompileError(path, "has groups already", "make it dense in nm")
        outputs, inputs = layer.weight.shape[:2]
        taps = layer.weight[0, 0].numel()
        switches, paths = size(outputs, inputs, taps, layer.weight.numel() * n / m)
        if not switches:
            raise CompileError(path, f"no cascade has {n}/{m} of its {layer.weight.numel()} "
                               "weights", "choose another N:M, or make it dense in nm")
        made.set_submodule(path, Clos(layer, switches, paths))
    sparsity.check_used()
    return made
