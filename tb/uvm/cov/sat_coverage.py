# SPDX-License-Identifier: Apache-2.0
"""All coverage collectors of the top level."""

from __future__ import annotations

import os
from pathlib import Path

import cocotb
from pyuvm import uvm_component

from sat.config import SatConfig
from sat.toolchain import ROOT
from tb.uvm.cov.bus_cov import BusCov
from tb.uvm.cov.coverage_model import CoverageModel
from tb.uvm.cov.error_cov import ErrorCov
from tb.uvm.cov.flow_cov import FlowCov
from tb.uvm.cov.mac_cov import MacCov
from tb.uvm.cov.program_cov import ProgramCov
from tb.uvm.cov.register_cov import RegisterCov
from tb.uvm.cov.sample_cov import SampleCov
from tb.uvm.cov.sat_cov_base import SatCovBase
from tb.uvm.cov.sore_cov import SoreCov
from tb.uvm.env.sat_env_cfg import SatEnvCfg

COLLECTORS: dict[str, type[SatCovBase]] = {
    "program": ProgramCov, "sore": SoreCov, "sample": SampleCov, "mac": MacCov, "errors": ErrorCov,
    "flow": FlowCov, "registers": RegisterCov, "bus": BusCov,
}
DEFAULT_DIR = ROOT / "build" / "uvm" / "coverage"


def declare_all(core: SatConfig) -> CoverageModel:
    """The model with every cover point of a configuration, nothing hit."""
    model = CoverageModel()
    for collector in COLLECTORS.values():
        collector.declare(model, core)
    return model


class SatCoverage(uvm_component):
    """Saves what the test has covered as $UVM_COVERAGE_DIR/<shape>-<test>-<seed>.json."""

    cfg: SatEnvCfg

    def build_phase(self) -> None:
        super().build_phase()
        self.model = declare_all(self.cfg.core)
        for name, collector in COLLECTORS.items():
            child = collector(name, self)
            child.cfg, child.model = self.cfg, self.model
            setattr(self, name, child)

    def connect_to(self, env) -> None:
        """Subscribes the collectors to the monitors and the scoreboard of `env`."""
        for collector in (self.program, self.sore, self.sample, self.mac, self.flow):
            env.scoreboard.run_ap.connect(collector.analysis_export)
        env.scoreboard.error_ap.connect(self.errors.analysis_export)
        env.axil.monitor.ap.connect(self.registers.analysis_export)
        env.memory.monitor.ap.connect(self.bus.analysis_export)
        env.reset.monitor.ap.connect(self.flow.reset_export)

    def report_phase(self) -> None:
        test, seed = self.get_parent().get_parent().get_type_name(), cocotb.RANDOM_SEED
        path = Path(os.environ.get("UVM_COVERAGE_DIR", DEFAULT_DIR))
        self.model.save(path / f"{self.cfg.shape}-{test}-{seed}.json", test=test, seed=seed,
                        shape=self.cfg.shape)
        hit, bins = self.model.total()
        self.logger.info("functional coverage of this test: %d of %d bins", hit, bins)
