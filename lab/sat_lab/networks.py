# SPDX-License-Identifier: Apache-2.0
"""Networks by name, for images [n][channels][h][w] or bytes [n][positions], and what their training
wants. First and last layer of each stay dense, but for the MLP's first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

CHANNELS = (16, 32, 64)


def mlp(shape: tuple[int, ...], classes: int) -> nn.Module:
    """Two hidden layers of 256 and 128."""
    pixels = torch.Size(shape).numel()
    return nn.Sequential(nn.Flatten(), nn.Linear(pixels, 256), nn.ReLU(), nn.Linear(256, 128),
                         nn.ReLU(), nn.Linear(128, classes))


class Residual(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
                                   nn.BatchNorm2d(outputs), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
                                    nn.BatchNorm2d(outputs))
        self.shortcut = nn.Identity() if inputs == outputs else nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.second(self.first(x)) + self.shortcut(x))


def resnet(shape: tuple[int, ...], classes: int) -> nn.Module:
    """As sat.nn.ResNet: stem, a block of 16, 32 and 64 channels each, average, linear layer."""
    stages = [Residual(inputs, outputs, 1 if inputs == outputs else 2)
              for inputs, outputs in zip((CHANNELS[0], *CHANNELS), CHANNELS)]
    return nn.Sequential(nn.Conv2d(shape[0], CHANNELS[0], 3, 1, 1, bias=False),
                         nn.BatchNorm2d(CHANNELS[0]), nn.ReLU(), *stages, nn.AdaptiveAvgPool2d(1),
                         nn.Flatten(), nn.Linear(CHANNELS[-1], classes))


def vgg(shape: tuple[int, ...], classes: int) -> nn.Module:
    """Two 3x3 convolutions of 32, 64 and 128 channels each, halved by max pooling, then 128."""
    layers: list[nn.Module] = []
    inputs = shape[0]
    for outputs in (32, 64, 128):
        for _ in range(2):
            layers += [nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs),
                       nn.ReLU()]
            inputs = outputs
        layers.append(nn.MaxPool2d(2, ceil_mode=True))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 128),
                         nn.ReLU(), nn.Linear(128, classes))


class Transformer(nn.Module):
    """Pre-norm block of attention and MLP."""

    def __init__(self, dim: int, heads: int, causal: bool):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
                   for part in self.qkv(self.norm1(x)).chunk(3, -1))
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        x = x + self.out(y.transpose(1, 2).flatten(2))
        return x + self.mlp(self.norm2(x))


class Vit(nn.Module):
    """Patches of a quarter of the side (at most 4x4 pixels), two blocks of 64, mean of tokens."""

    def __init__(self, shape: tuple[int, ...], classes: int, dim: int = 64):
        super().__init__()
        patch = max(1, min(4, shape[1] // 4))
        self.patches = nn.Conv2d(shape[0], dim, patch, patch)
        tokens = (shape[1] // patch) * (shape[2] // patch)
        self.positions = nn.Parameter(0.02 * torch.randn(tokens, dim))
        self.blocks = nn.Sequential(*(Transformer(dim, 4, False) for _ in range(2)))
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2) + self.positions
        return self.head(self.norm(self.blocks(x)).mean(1))


class Gpt(nn.Module):
    """The next byte at each position: two causal blocks of 64."""

    def __init__(self, shape: tuple[int, ...], classes: int, dim: int = 64):
        super().__init__()
        self.bytes = nn.Embedding(classes, dim)
        self.positions = nn.Parameter(0.02 * torch.randn(shape[0], dim))
        self.blocks = nn.Sequential(*(Transformer(dim, 4, True) for _ in range(2)))
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.norm(self.blocks(self.bytes(x) + self.positions)))


Optimizer = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]


def sgd(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """What the core does."""
    return torch.optim.SGD(parameters, 0.1, momentum=0.9, weight_decay=5e-4)


def light_sgd(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """For few epochs, in which N:M weights fit too little rather than too much."""
    return torch.optim.SGD(parameters, 0.1, momentum=0.9, weight_decay=1e-4)


def slow_sgd(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Without batch normalisation."""
    return torch.optim.SGD(parameters, 0.02, momentum=0.9, weight_decay=5e-4)


def adamw(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Which the core does not."""
    return torch.optim.AdamW(parameters, 1e-3, weight_decay=0.01)


@dataclass(frozen=True)
class Recipe:
    """`make` a network for a shape of an input and a number of classes; modules at the paths
    `dense` are not pruned. With `bfloat16` training has maps and operands of that precision
    (torch.autocast); parameters, sums and evaluation are FP32."""

    make: Callable[[tuple[int, ...], int], nn.Module]
    dense: tuple[str, ...]
    optimizer: Optimizer
    text: bool = False
    bfloat16: bool = False

    def nm(self, n: int, m: int) -> dict[str, str]:
        return {"": f"{n}:{m}", **dict.fromkeys(self.dense, f"{m}:{m}")}


NETWORKS = {
    "mlp": Recipe(mlp, ("5",), slow_sgd),
    "resnet": Recipe(resnet, ("0", "8"), sgd),
    "resnet2": Recipe(resnet, ("0", "4.shortcut.0", "5.shortcut.0", "8"), light_sgd, bfloat16=True),
    "vgg": Recipe(vgg, ("0", "25"), sgd),
    "vit": Recipe(Vit, ("patches", "head"), adamw),
    "gpt": Recipe(Gpt, ("head",), adamw, text=True),
}
