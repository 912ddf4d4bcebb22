# SPDX-License-Identifier: Apache-2.0
"""How the memory behaves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from tb.common.axi_memory import AxiMemoryCfg


class Stall(Enum):
    """Which side makes the core wait."""

    NONE = "none"
    SOURCE = "source"  # read addresses and data
    SINK = "sink"      # write addresses, data and responses
    BOTH = "both"


class Latency(Enum):
    """Cycles from a request to its response: the range they are drawn from."""

    SHORT = (0, 3)
    LONG = (60, 90)
    SPREAD = (0, 80)


@dataclass(frozen=True)
class AxiMemKnobs:
    """`p` is the chance per cycle of a ready or a new valid on a stalled channel."""

    stall: Stall = Stall.NONE
    latency: Latency = Latency.SHORT
    p: float = 1.0

    @classmethod
    def draw(cls, rng: np.random.Generator, stall: Stall | None = None) -> AxiMemKnobs:
        """Anything; a fast memory as often as a slow one."""
        stall = stall or list(Stall)[rng.integers(len(Stall))]
        latency = list(Latency)[rng.integers(len(Latency))]
        return cls(stall, latency, float(rng.choice([0.25, 0.5, 0.8])))

    def memory_cfg(self) -> AxiMemoryCfg:
        source = self.p if self.stall in (Stall.SOURCE, Stall.BOTH) else 1.0
        sink = self.p if self.stall in (Stall.SINK, Stall.BOTH) else 1.0
        return AxiMemoryCfg(self.latency.value, self.latency.value, p_ar=source, p_r=source,
                            p_aw=sink, p_w=sink, p_b=sink)

    def __str__(self) -> str:
        return f"stall {self.stall.value} p {self.p} latency {self.latency.value}"


# So slow that every state in which the core waits for the memory lasts tens of cycles.
SLOW = AxiMemKnobs(Stall.BOTH, Latency.LONG, 0.5)
