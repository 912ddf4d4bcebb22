# SPDX-License-Identifier: Apache-2.0
"""What a start of the core must lead to."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from sat_golden.defs import DESC_BYTES, Opcode, UpdateFlag
from sat_golden.descriptor import Descriptor
from sat_golden.memory import Memory
from sat_golden.tensors import Tensor, tensors_of
from tb.top.expect import Expected
from tb.uvm.agents.axi_mem.axi_mem_knobs import AxiMemKnobs


@dataclass
class Prediction:
    """A start as the monitors saw it, and the golden model's result.

    expected   memory and registers at the end (tb/top/expect.py)
    commands   the legal descriptors before the first bad one, in order
    cycle      when the start was written
    watchdog   its value then
    knobs      how the memory behaves
    """

    address: int
    length: int
    expected: Expected
    commands: list[Descriptor]
    cycle: int
    watchdog: int
    knobs: AxiMemKnobs

    def descriptor_address(self, index: int) -> int:
        return self.address + DESC_BYTES * index

    def elements(self, tensor: Tensor) -> np.ndarray:
        """A tensor as the program leaves it, whatever the bus would answer there."""
        return self._memory.read(tensor)

    def was_skipped(self, desc: Descriptor) -> bool:
        """Whether an UPDATE was, after an overflow: then its outputs are as they were before."""
        if desc.opcode != Opcode.UPDATE or not desc.flags & UpdateFlag.SKIP_ON_OVERFLOW:
            return False
        program = self.expected.program
        before = Memory(program.base, program.image.size, program.image)
        return all(np.array_equal(before.read(tensor), self.elements(tensor))
                   for tensor in tensors_of(desc) if tensor.written)

    @functools.cached_property
    def _memory(self) -> Memory:
        memory = self.expected.memory
        return Memory(memory.base, memory.size, memory.data)

    def __str__(self) -> str:
        return str(self.expected.program)
