# SPDX-License-Identifier: Apache-2.0
"""A core that is not there: it hands out addresses, forgets what is written, and runs nothing."""

from __future__ import annotations

import numpy as np

from ..backend import Backend, Result
from ..config import SatConfig
from ..program import Program


class DraftBackend(Backend):
    """For lowering networks of any size: no byte of their memory is allocated. The window is all
    that the core can address."""

    def __init__(self, config: SatConfig):
        super().__init__(config, 0, 1 << config.addr_w)

    def read_memory(self, addr: int, size: int) -> np.ndarray:
        self.offset_of(addr, size)
        return np.zeros(size, np.uint8)

    def write_memory(self, addr: int, data) -> None:
        self.check_open()

    def run(self, addr: int, program: Program) -> Result:
        return Result()

    def read_register(self, offset: int) -> int:
        raise NotImplementedError("a draft has no registers")

    def write_register(self, offset: int, value: int) -> None:
        raise NotImplementedError("a draft has no registers")

    def wait_for_interrupt(self) -> None:
        raise NotImplementedError("a draft runs nothing")
