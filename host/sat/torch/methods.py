# SPDX-License-Identifier: Apache-2.0
"""Methods of sparse training: which weights and gradients the passes of a layer read.

The reduction of FF runs along the inputs of a weight (axis 1 in torch's layout), that of BP along
its outputs (axis 0). WU has no weights: what it reads of dY is no part of a method (sampling.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .selection import prune, select

OUTPUTS, INPUTS = 0, 1  # axes of a weight


@dataclass(frozen=True)
class Method:
    """N:M training of a layer; this one is dense, and others say where they differ.

    Each function gets the weight as the optimizer has it; `ff` is what FF read of it.
    """

    n: int
    m: int

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """The weight that FF reads."""
        return weight

    def backward(self, weight: torch.Tensor, ff: torch.Tensor) -> torch.Tensor:
        """The weight that BP reads."""
        return weight

    def output_gradient(self, gradient: torch.Tensor, channels: int) -> torch.Tensor:
        """dY as BP reads it; `channels` is its axis of outputs."""
        return gradient

    def weight_gradient(self, gradient: torch.Tensor, weight: torch.Tensor,
                        ff: torch.Tensor) -> torch.Tensor:
        """What the optimizer gets of dW."""
        return gradient


def decayed(gradient: torch.Tensor, weight: torch.Tensor, ff: torch.Tensor,
            rate: float) -> torch.Tensor:
    """dW, and `rate` times the weights that FF lacks."""
    return gradient.addcmul(weight, ff == 0, value=rate)


class Bdwp(Method):
    """FF and BP have a copy each (Fang et al., TCAD 2023); dW goes straight to all weights."""

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return prune(weight, self.n, self.m, INPUTS)

    def backward(self, weight: torch.Tensor, ff: torch.Tensor) -> torch.Tensor:
        return prune(weight, self.n, self.m, OUTPUTS)


class BdwpDecay(Bdwp):
    """BDWP, whose weights that FF lacks decay by `DECAY`, as SR-STE's do, but faster: the copies
    change less often, and BP's has fewer weights that FF's has not."""

    DECAY = 2e-3

    def weight_gradient(self, gradient: torch.Tensor, weight: torch.Tensor,
                        ff: torch.Tensor) -> torch.Tensor:
        return decayed(gradient, weight, ff, self.DECAY)


class SdwpForward(Method):
    """FF's half of BDWP: BP is dense."""

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return prune(weight, self.n, self.m, INPUTS)


class SdwpBackward(Method):
    """BP's half of BDWP: FF is dense, and so is the network that comes out."""

    def backward(self, weight: torch.Tensor, ff: torch.Tensor) -> torch.Tensor:
        return prune(weight, self.n, self.m, OUTPUTS)


class SrSte(Method):
    """FF's copy in FF and BP; weights that it lacks decay by `DECAY` (Zhou et al., ICLR 2021)."""

    DECAY = 2e-4

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return prune(weight, self.n, self.m, INPUTS)

    def backward(self, weight: torch.Tensor, ff: torch.Tensor) -> torch.Tensor:
        return ff

    def weight_gradient(self, gradient: torch.Tensor, weight: torch.Tensor,
                        ff: torch.Tensor) -> torch.Tensor:
        return decayed(gradient, weight, ff, self.DECAY)


class Sdgp(Method):
    """Dense weights; BP reads dY with N of M outputs (McDanel et al., ICPR 2022), without the
    rescaling that the authors try."""

    def output_gradient(self, gradient: torch.Tensor, channels: int) -> torch.Tensor:
        single = gradient.to(torch.float32)
        return select(single, self.n, self.m, channels).to(gradient.dtype)


class Static(Method):
    """A topology that is chosen before training and never changes: output j has N inputs of each
    group of M, other ones than output j + 1 and the next group."""

    def topology(self, weight: torch.Tensor) -> torch.Tensor:
        """True where there is a weight."""
        outputs, inputs = (torch.arange(size, device=weight.device) for size in weight.shape[:2])
        first = outputs[:, None] + inputs // self.m
        mask = (inputs - first) % self.m < self.n
        return mask.view(*mask.shape, *[1] * (weight.dim() - 2))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight * self.topology(weight)

    def backward(self, weight: torch.Tensor, ff: torch.Tensor) -> torch.Tensor:
        return ff

    def weight_gradient(self, gradient: torch.Tensor, weight: torch.Tensor,
                        ff: torch.Tensor) -> torch.Tensor:
        return gradient * self.topology(weight)


METHODS: dict[str, type[Method]] = {
    "bdwp": Bdwp, "bdwp-decay": BdwpDecay, "sr-ste": SrSte, "sdgp": Sdgp, "sdwp-ff": SdwpForward,
    "sdwp-bp": SdwpBackward, "static": Static}
