# SPDX-License-Identifier: Apache-2.0
"""Bursts on the memory port."""

from __future__ import annotations

from sat.config import SatConfig
from tb.uvm.agents.axi_mem.axi_burst import AxiBurst
from tb.uvm.cov.coverage_model import CoverageModel
from tb.uvm.cov.sat_cov_base import SatCovBase

PAGE = 4096
LENGTHS = {"1": 1, "2..3": 3, "4": 4, "5..15": 15, "16": 16, "17..63": 63, "64": 64}
RESPONSES = {0: "okay", 2: "slverr", 3: "decerr"}


class BusCov(SatCovBase):
    @staticmethod
    def declare(model: CoverageModel, core: SatConfig) -> None:
        # Reads: a chunk of A, a tile's rows of A or its bias, a piece of a feature map.
        halves = core.data_w // 16
        most = {"read": max(16, core.chunk_k // halves, core.rows * core.t // halves,
                            2 * core.cols * core.t // halves), "write": 16}
        model.cross("cx_burst_length", most, LENGTHS, unless=lambda kind, length:
                    most[kind] < int(length.split(".")[0]))
        model.cross("cx_burst_response", ("read", "write"), RESPONSES.values())
        model.point("cp_burst_at_page_end", ("read", "write"))
        model.point("cp_write_strobes_of_a_beat", ("all", "low_part", "high_part"))

    def write(self, burst: AxiBurst) -> None:
        kind = "write" if burst.write else "read"
        length = next(name for name, most in LENGTHS.items() if burst.beats <= most)
        self.model.hit("cx_burst_length", kind, length)
        for response in set(burst.responses):
            self.model.hit("cx_burst_response", kind, RESPONSES[response])
        size = self.cfg.memory.beat_bytes
        if (burst.address + burst.beats * size) % PAGE == 0:
            self.model.hit("cp_burst_at_page_end", kind)
        for strobe in set(burst.strobes):
            part = ("all" if strobe == (1 << size) - 1 else "low_part" if strobe & 1
                    else "high_part")
            self.model.hit("cp_write_strobes_of_a_beat", part)
