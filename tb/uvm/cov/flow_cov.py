# SPDX-License-Identifier: Apache-2.0
"""How runs ended, in which states the host interfered, and what happened inside."""

from __future__ import annotations

from sat.config import SatConfig
from tb.uvm.agents.reset.reset_item import ResetItem
from tb.uvm.cov.coverage_model import CoverageModel
from tb.uvm.cov.events import EVENTS
from tb.uvm.cov.sat_cov_base import SatCovBase
from tb.uvm.env.run import End, Run

# Of rtl/ctrl/sat_sequencer.v.
STATES = ("idle", "fetch", "check", "issue", "end", "bad", "ahead", "drain",
          "flush", "error")
# States of one cycle, or a few, or of two MATMULs in turn, which neither a reset nor a write meets
# but by chance.
SHORT = ("check", "bad", "ahead", "flush")
LONG_STATES = tuple(state for state in STATES if state not in SHORT)
ENDS = [end.name.lower() for end in End]


class FlowCov(SatCovBase):
    """Takes finished runs; looks at the probes then."""

    @staticmethod
    def declare(model: CoverageModel, core: SatConfig) -> None:
        model.point("cp_end", ENDS)
        model.cross("cx_end_then", ENDS, ENDS)
        model.point("cp_reset_state", LONG_STATES)
        model.point("cp_clear_state", LONG_STATES)
        model.point("cp_start_state", LONG_STATES)
        # Eight requests of a tile's row each must be all of the 64 beats of the queue.
        fills = 8 * 32 * core.cols * core.t // core.data_w >= 64
        model.point("cp_event", [event for event in EVENTS
                                 if fills or event != "matmul_write_data_full"])

    def build_phase(self) -> None:
        super().build_phase()
        self.reset_export = self.uvm_AnalysisImp("reset_export", self, self._on_reset)
        self._before: End | None = None

    def write(self, run: Run) -> None:
        self.model.hit("cp_end", run.end.name.lower())
        if self._before:
            self.model.hit("cx_end_then", self._before.name.lower(), run.end.name.lower())
        self._before = run.end

    def _on_reset(self, item: ResetItem) -> None:
        self._state("cp_reset_state", item.state)

    def _state(self, point: str, state: int) -> None:
        if STATES[state] in self.model.counts[point]:
            self.model.hit(point, STATES[state])

    def extract_phase(self) -> None:
        """The probes hold what happened since the test began."""
        probe = self.cfg.probe
        for event in probe.events():
            self.model.hit("cp_event", event)
        for state in probe.clear_states():
            self._state("cp_clear_state", state)
        for state in probe.start_states():
            self._state("cp_start_state", state)
