# SPDX-License-Identifier: Apache-2.0
"""Base of the tests that prove that a checker fires."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pyuvm import uvm_factory

from tb.common.require import require
from tb.common.rng import make_rng
from tb.uvm.agents.axi_mem.axi_burst import AxiBurst
from tb.uvm.agents.axil.axil_item import AxilItem
from tb.uvm.agents.irq.irq_item import IrqItem
from tb.uvm.env.prediction import Prediction
from tb.uvm.env.sat_scoreboard import SatScoreboard
from tb.uvm.seq_lib.sat_base_vseq import SatBaseVSeq
from tb.uvm.seq_lib.smoke_vseq import SmokeVSeq
from tb.uvm.tests.sat_base_test import SatBaseTest
from tb.uvm.tests.tampered_scoreboard import TamperedScoreboard


class SatNegativeTest(SatBaseTest):
    """Something is made wrong by one of the hooks; passes if errors of every kind in `fires` were
    logged, and none but those and the `allowed` ones, which follow from them."""

    fires: ClassVar[tuple[str, ...]]
    allowed: ClassVar[tuple[str, ...]] = ()

    def build_phase(self) -> None:
        uvm_factory().set_type_override_by_type(SatScoreboard, TamperedScoreboard)
        super().build_phase()
        self.cfg.collect = False  # what it would see is not true

    def sequence(self) -> SatBaseVSeq:
        return SmokeVSeq(make_rng("negative"))

    def tamper_prediction(self, prediction: Prediction) -> None:
        """Before the scoreboard takes a prediction."""

    def tamper_access(self, item: AxilItem) -> None:
        """Before it takes an access to a register."""

    def tamper_burst(self, burst: AxiBurst) -> None:
        """Before it takes a burst."""

    def tamper_irq(self, item: IrqItem) -> None:
        """Before it takes a change of the interrupt."""

    def tamper_image(self, image: np.ndarray) -> None:
        """Before it compares the memory."""

    def judge(self, errors: list[str]) -> None:
        kinds = {error.split(":")[0] for error in errors}
        missing = set(self.fires) - kinds
        require(not missing, "no error of the kind %s; logged: %s", missing, errors[:10])
        surplus = kinds - set(self.fires) - set(self.allowed)
        require(not surplus, "unexpected: %s",
                [error for error in errors if error.split(":")[0] in surplus][:5])
