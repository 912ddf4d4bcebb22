# SPDX-License-Identifier: Apache-2.0
"""A scoreboard that a negative test lies to."""

from __future__ import annotations

from tb.uvm.agents.axi_mem.axi_burst import AxiBurst
from tb.uvm.agents.axil.axil_item import AxilItem
from tb.uvm.agents.irq.irq_item import IrqItem
from tb.uvm.env.prediction import Prediction
from tb.uvm.env.run import End
from tb.uvm.env.sat_scoreboard import SatScoreboard


class TamperedScoreboard(SatScoreboard):
    """Shows what it gets to the hooks of the test (SatNegativeTest) first."""

    @property
    def _test(self):
        return self.get_parent().get_parent()

    def _on_start(self, prediction: Prediction) -> None:
        self._test.tamper_prediction(prediction)
        super()._on_start(prediction)

    def _on_access(self, item: AxilItem) -> None:
        self._test.tamper_access(item)
        super()._on_access(item)

    def _on_burst(self, burst: AxiBurst) -> None:
        self._test.tamper_burst(burst)
        super()._on_burst(burst)

    def _on_irq(self, item: IrqItem) -> None:
        self._test.tamper_irq(item)
        super()._on_irq(item)

    def _finish(self, end: End) -> None:
        self._test.tamper_image(self.cfg.memory.bfm.image)
        super()._finish(end)
