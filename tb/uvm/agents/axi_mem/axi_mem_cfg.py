# SPDX-License-Identifier: Apache-2.0
"""Configuration of the memory agent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tb.uvm.agents.axi_mem.axi_mem_bfm import AxiMemBfm
from tb.uvm.agents.axi_mem.axi_sample import AxiSample


@dataclass
class AxiMemCfg:
    """Limits of the core, beyond those of AXI4, that the protocol checker holds it to.

    `tamper` changes what the monitor sees: for tests that prove that a checker fires.
    """

    bfm: AxiMemBfm
    addr_w: int = 40
    beat_bytes: int = 16
    most_read_beats: int = 64
    most_write_beats: int = 16
    most_reads: int = 32  # bursts outstanding
    tamper: Callable[[AxiSample], AxiSample] | None = None
