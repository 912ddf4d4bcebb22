# SPDX-License-Identifier: Apache-2.0
"""Whole networks: what a training step of each costs on a core (docs/guide/networks.md).

description  parts of networks, and their lowering to the commands of sat.nn
resnet, vgg, transformer  the networks
draft        a backend that only hands out addresses
cost         cycles and bytes of programs
energy       of commands, an estimate
step         a step of a network: totals, passes, layers
report       the page with bars per layer and rooflines
verify       steps in RTL
profile      what takes most of a step
golden       the golden model's time
trace        timelines for Perfetto
cli          `sat networks`
case, sweep  `sat sweep`: a point of a sweep, and all of it
"""

from __future__ import annotations

from collections.abc import Callable

from .description import NM, Network
from .resnet import resnet9, resnet18_32, resnet18_64, resnet18_224, resnet50
from .transformer import gpt2_block, vit_small
from .vgg import vgg19

NETWORKS: dict[str, Callable[[NM], Network]] = {
    "resnet9": resnet9, "resnet18-32": resnet18_32, "resnet18-64": resnet18_64,
    "resnet18-224": resnet18_224, "resnet50": resnet50, "vgg19": vgg19, "vit-small": vit_small,
    "gpt2-block": gpt2_block}
PAPER = ("resnet9", "vgg19", "vit-small", "resnet18-64", "resnet50")  # what the paper trains

__all__ = ["NETWORKS", "NM", "PAPER", "Network"]
