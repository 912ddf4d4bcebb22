# SPDX-License-Identifier: Apache-2.0
"""Every rule of the protocol checker fires."""

from tb.uvm.agents.axi_mem.axi_protocol_checker import RULES
from tb.uvm.env.sat_env_cfg import SatEnvCfg
from tb.uvm.tests.protocol_saboteur import ProtocolSaboteur
from tb.uvm.tests.sat_negative_test import SatNegativeTest


class NegProtocolTest(SatNegativeTest):
    fires = tuple(RULES)
    allowed = ("TRAFFIC", "COUNTER")  # the scoreboard believes the monitor

    def configure(self, cfg: SatEnvCfg) -> None:
        cfg.memory.tamper = ProtocolSaboteur(cfg.memory.addr_w, cfg.memory.beat_bytes)
        cfg.memory.most_reads = 0
