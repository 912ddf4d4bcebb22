# SPDX-License-Identifier: Apache-2.0
"""Base of the top-level tests."""

from __future__ import annotations

import logging
import os

import cocotb
from pyuvm import ConfigDB, uvm_test

from sat.config import SatConfig
from tb.common.require import require
from tb.common.rng import make_rng
from tb.uvm.agents.axi_mem.axi_mem_bfm import AxiMemBfm
from tb.uvm.agents.axi_mem.axi_mem_cfg import AxiMemCfg
from tb.uvm.agents.axil.axil_bfm import AxilBfm
from tb.uvm.agents.axil.axil_cfg import AxilCfg
from tb.uvm.agents.irq.irq_bfm import IrqBfm
from tb.uvm.agents.reset.reset_bfm import ResetBfm
from tb.uvm.env.probe_bfm import ProbeBfm
from tb.uvm.env.sat_env import SatEnv
from tb.uvm.env.sat_env_cfg import SatEnvCfg
from tb.uvm.ral.sat_reg_block import SatRegBlock
from tb.uvm.seq_lib.draw import BASE, SIZE
from tb.uvm.seq_lib.sat_base_vseq import SatBaseVSeq
from tb.uvm.tests.error_counter import ErrorCounter

SHOWN_CHARS = 400  # of an error, at the end; the log has all


class SatBaseTest(uvm_test):
    """Builds the environment, resets the core, runs `sequence()`, and fails on any logged error.

    A test overrides `sequence`, and `configure` to change the environment's configuration. What it
    prints first is what replays it.
    """

    def sequence(self) -> SatBaseVSeq:
        raise NotImplementedError

    def configure(self, cfg: SatEnvCfg) -> None:
        """Changes before the environment is built."""

    def build_phase(self) -> None:
        dut, shape = cocotb.top, os.environ["SHAPE"]
        core = SatConfig.from_name(shape)
        self.logger.info("%s on %s, seed %d", type(self).__name__, shape, cocotb.RANDOM_SEED)
        probe = ProbeBfm(dut)
        self.cfg = SatEnvCfg(
            shape=shape,
            core=core,
            reset=ResetBfm(dut),
            axil=AxilCfg(AxilBfm(dut, make_rng("axil"))),
            memory=AxiMemCfg(AxiMemBfm(dut, make_rng("memory"), BASE, SIZE), core.addr_w,
                             core.data_w // 8, most_reads=core.rd_outstanding),
            irq=IrqBfm(dut),
            probe=probe,
            ral=SatRegBlock(probe.backdoor),
        )
        self.configure(self.cfg)
        ConfigDB().set(self, "env", "cfg", self.cfg)
        self.env = SatEnv.create("env", self)

    def end_of_elaboration_phase(self) -> None:
        self.errors = ErrorCounter()
        self.add_logging_handler_hier(self.errors)  # all components exist by now
        logging.getLogger("pyuvm").addHandler(self.errors)  # the register model's

    async def run_phase(self) -> None:
        with self.objection():
            await self.cfg.reset.pulse(5)
            await self.cfg.probe.forget()
            await self.sequence().start(self.env.sequencer)
            await self.cfg.reset.step(50)  # nothing may come after the end

    def final_phase(self) -> None:
        logging.getLogger("pyuvm").removeHandler(self.errors)
        self.judge(self.errors.messages)

    def judge(self, errors: list[str]) -> None:
        """Raises if the test has failed."""
        checks = self.env.scoreboard.checks
        self.logger.info("compared: %s; protocol rules: %s", dict(checks),
                         dict(self.env.memory.checker.checks))
        shown = "\n".join(error[:SHOWN_CHARS] for error in errors[:10])
        require(not errors, "%d errors:\n%s", len(errors), shown)
        require(checks.total() > 0, "the scoreboard has compared nothing")
