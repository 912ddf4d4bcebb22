# SPDX-License-Identifier: Apache-2.0
"""Where virtual sequences find the agents' sequencers, the register model and the interrupt."""

from __future__ import annotations

from pyuvm import uvm_sequencer

from tb.uvm.env.sat_env_cfg import SatEnvCfg


class SatVirtualSequencer(uvm_sequencer):
    """The environment fills these in."""

    cfg: SatEnvCfg
    axil: uvm_sequencer
    memory: uvm_sequencer
    reset: uvm_sequencer
