# SPDX-License-Identifier: Apache-2.0
"""Configuration of the top-level environment."""

from __future__ import annotations

from dataclasses import dataclass

from sat.config import SatConfig
from tb.uvm.agents.axi_mem.axi_mem_cfg import AxiMemCfg
from tb.uvm.agents.axil.axil_cfg import AxilCfg
from tb.uvm.agents.irq.irq_bfm import IrqBfm
from tb.uvm.agents.reset.reset_bfm import ResetBfm
from tb.uvm.env.probe_bfm import ProbeBfm
from tb.uvm.ral.sat_reg_block import SatRegBlock


@dataclass
class SatEnvCfg:
    """What the test hands to its environment, once, under the path of the environment.

    `collect`: collect and save coverage.
    """

    shape: str
    core: SatConfig
    axil: AxilCfg
    memory: AxiMemCfg
    irq: IrqBfm
    reset: ResetBfm
    probe: ProbeBfm
    ral: SatRegBlock
    collect: bool = True
