# SPDX-License-Identifier: Apache-2.0
"""Configuration of the SORE agent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tb.uvm.blocks.sore.sore_bfm import SoreBfm


@dataclass
class SoreAgentCfg:
    """`p_valid`, `p_ready`: chances per cycle of a vector and of taking an element; they may change
    while the test runs."""

    bfm: SoreBfm
    rng: np.random.Generator
    p_valid: float = 1.0
    p_ready: float = 1.0

    def gap(self) -> int:
        """Cycles before the next vector."""
        return int(self.rng.geometric(self.p_valid)) - 1

    @property
    def stall(self) -> str:
        """The stall class."""
        source, sink = self.p_valid < 1, self.p_ready < 1
        return ("both" if sink else "source") if source else "sink" if sink else "none"
