# SPDX-License-Identifier: Apache-2.0
"""Configuration of the register side's agent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tb.uvm.agents.axil.axil_bfm import AxilBfm
from tb.uvm.agents.axil.axil_sample import AxilSample


@dataclass
class AxilCfg:
    """`stall` is the chance, per cycle and channel, that the master waits. `tamper` changes what
    the monitor sees: for tests that prove that a checker fires."""

    bfm: AxilBfm
    stall: float = 0.3
    tamper: Callable[[AxilSample], AxilSample] | None = None
