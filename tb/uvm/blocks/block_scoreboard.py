# SPDX-License-Identifier: Apache-2.0
"""Scoreboard of the block environments."""

from __future__ import annotations

from collections import defaultdict, deque

from pyuvm import uvm_scoreboard, uvm_subscriber


class BlockScoreboard(uvm_scoreboard):
    """Compares what comes out with what was predicted, per channel and in order.

    Both exports take (channel, value) pairs. Expected values must come before the actual ones.
    """

    def build_phase(self) -> None:
        super().build_phase()
        port = uvm_subscriber.uvm_AnalysisImp
        self.expected_export = port("expected_export", self, self._on_expected)
        self.actual_export = port("actual_export", self, self._on_actual)
        self._expected: dict[object, deque] = defaultdict(deque)
        self.compared = 0

    def _on_expected(self, pair: tuple) -> None:
        channel, value = pair
        self._expected[channel].append(value)

    def _on_actual(self, pair: tuple) -> None:
        channel, value = pair
        self.compared += 1
        if not self._expected[channel]:
            self.logger.error("SURPLUS: channel %s gives %s", channel, value)
            return
        expected = self._expected[channel].popleft()
        if value != expected:
            self.logger.error("VALUE: channel %s gives %s instead of %s", channel, value, expected)

    def check_phase(self) -> None:
        for channel, queue in self._expected.items():
            if queue:
                self.logger.error("MISSING: %d values of channel %s", len(queue), channel)
