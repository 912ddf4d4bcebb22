# SPDX-License-Identifier: Apache-2.0
"""The benches' AXI memory, with knobs that turn while it runs."""

from __future__ import annotations

from tb.common.axi_memory import AxiMemory, AxiMemoryCfg, Chance


class TunableMemory(AxiMemory):
    def tune(self, cfg: AxiMemoryCfg) -> None:
        """Holds from the next cycle on; bursts that wait keep their latency."""
        self._cfg = cfg
        self._ar._chance = Chance(self._rng, cfg.p_ar)
        self._aw._chance = Chance(self._rng, cfg.p_aw)
        self._w._chance = Chance(self._rng, cfg.p_w)
        self._r_chance = Chance(self._rng, cfg.p_r)
        self._b_chance = Chance(self._rng, cfg.p_b)
