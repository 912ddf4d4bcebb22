# SPDX-License-Identifier: Apache-2.0
"""The top-level environment."""

from __future__ import annotations

from pyuvm import ConfigDB, uvm_env

from tb.uvm.agents.axi_mem.axi_mem_agent import AxiMemAgent
from tb.uvm.agents.axil.axil_agent import AxilAgent
from tb.uvm.agents.irq.irq_agent import IrqAgent
from tb.uvm.agents.reset.reset_agent import ResetAgent
from tb.uvm.cov.sat_coverage import SatCoverage
from tb.uvm.env.sat_env_cfg import SatEnvCfg
from tb.uvm.env.sat_predictor import SatPredictor
from tb.uvm.env.sat_scoreboard import SatScoreboard
from tb.uvm.env.sat_virtual_sequencer import SatVirtualSequencer
from tb.uvm.ral.axil_reg_adapter import AxilRegAdapter


class SatEnv(uvm_env):
    """Agents, predictor, scoreboard, coverage and virtual sequencer."""

    def build_phase(self) -> None:
        self.cfg: SatEnvCfg = ConfigDB().get(self, "", "cfg")
        self.axil = AxilAgent.create("axil", self)
        self.memory = AxiMemAgent.create("memory", self)
        self.irq = IrqAgent.create("irq", self)
        self.reset = ResetAgent.create("reset", self)
        self.predictor = SatPredictor.create("predictor", self)
        self.scoreboard = SatScoreboard.create("scoreboard", self)
        self.sequencer = SatVirtualSequencer("sequencer", self)
        self.axil.cfg, self.memory.cfg = self.cfg.axil, self.cfg.memory
        self.irq.bfm, self.reset.bfm = self.cfg.irq, self.cfg.reset
        for component in (self.predictor, self.scoreboard, self.sequencer):
            component.cfg = self.cfg
        if self.cfg.collect:
            self.coverage = SatCoverage.create("coverage", self)
            self.coverage.cfg = self.cfg

    def connect_phase(self) -> None:
        # Who is connected first hears first. Predictions come before the scoreboard sees the write.
        self.axil.monitor.request_ap.connect(self.predictor.analysis_export)
        self.axil.monitor.request_ap.connect(self.scoreboard.request_export)
        self.predictor.ap.connect(self.scoreboard.prediction_export)
        self.axil.monitor.ap.connect(self.scoreboard.access_export)
        self.memory.monitor.ap.connect(self.scoreboard.burst_export)
        self.memory.driver.ap.connect(self.predictor.memory_export)
        self.memory.driver.ap.connect(self.scoreboard.memory_export)
        self.irq.monitor.ap.connect(self.scoreboard.irq_export)
        self.reset.monitor.ap.connect(self.scoreboard.reset_export)
        self.reset.monitor.ap.connect(self.predictor.reset_export)
        if self.cfg.collect:
            self.coverage.connect_to(self)
        self.cfg.ral.map.set_sequencer(self.axil.sequencer, AxilRegAdapter())
        self.sequencer.axil = self.axil.sequencer
        self.sequencer.memory = self.memory.sequencer
        self.sequencer.reset = self.reset.sequencer
