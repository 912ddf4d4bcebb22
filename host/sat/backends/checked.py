# SPDX-License-Identifier: Apache-2.0
"""Two backends run as one: every program on both, every bit of both memories compared."""

from __future__ import annotations

import time

import numpy as np

from ..backend import Backend, Result
from ..program import Program

MAX_REPORTS = 10


class Mismatch(AssertionError):
    """The two backends ended a program differently."""


class CheckedBackend(Backend):
    """Runs everything on `device` and on `reference`, and counts what differs.

    Results and counters are those of the device. After each program the whole memory windows are
    compared, so a stray write is found too; `tensors_compared` counts the outputs of its commands.
    """

    def __init__(self, device: Backend, reference: Backend):
        for name in ("config", "memory_base", "memory_size"):
            if getattr(device, name) != getattr(reference, name):
                raise ValueError(f"reference: its {name} is not the device's")
        super().__init__(device.config, device.memory_base, device.memory_size)
        self.device: Backend | None = device
        self.reference = reference
        self.tensors_compared = 0
        self.differing_bits = 0
        self.reports: list[str] = []  # the first tensors that differed
        self.device_seconds = 0.0  # processor time that the device took

    def continue_on_reference(self) -> None:
        """From now on leave the device alone: the reference has the same memory."""
        if self.device:
            self.device.close()
        self.device = None

    @property
    def _front(self) -> Backend:
        return self.device or self.reference

    def read_memory(self, addr: int, size: int) -> np.ndarray:
        with self.lock:
            return self._front.read_memory(addr, size)

    def write_memory(self, addr: int, data) -> None:
        with self.lock:
            if self.device:
                self.device.write_memory(addr, data)
            self.reference.write_memory(addr, data)

    def read_register(self, offset: int) -> int:
        with self.lock:
            return self._front.read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        with self.lock:
            if self.device:
                self.device.write_register(offset, value)
            self.reference.write_register(offset, value)

    def wait_for_interrupt(self) -> None:
        self._front.wait_for_interrupt()

    def close(self) -> None:
        with self.lock:
            super().close()
            if self.device:
                self.device.close()
            self.reference.close()

    def run(self, addr: int, program: Program) -> Result:
        with self.lock:
            try:
                result = super().run(addr, program)
            except Mismatch:
                raise
            except BaseException:
                # How far the device got is its own affair; from here on both are alike again.
                if self.device and not self.device.closed:
                    self.reference.write_memory(self.memory_base, self.device.read_memory(
                        self.memory_base, self.memory_size))
                raise
            if self.device:
                self._compare(self.device, program)
            return result

    def run_at(self, addr: int, count: int) -> Result:
        expected = self.reference.run_at(addr, count)
        if not self.device:
            return expected
        start = time.process_time()
        result = self.device.run_at(addr, count)
        self.device_seconds += time.process_time() - start
        for name in ("error", "overflow"):
            got, wanted = str(getattr(result, name)), str(getattr(expected, name))
            if got != wanted:
                raise Mismatch(f"{name}: device says {got}, reference says {wanted}")
        return result

    def _compare(self, device: Backend, program: Program) -> None:
        outputs = {tensor: command.label
                   for command in program for tensor in command.writes}
        self.tensors_compared += len(outputs)
        difference = (device.read_memory(self.memory_base, self.memory_size)
                      ^ self.reference.read_memory(self.memory_base, self.memory_size))
        bits = int(np.bitwise_count(difference).sum()) if difference.any() else 0
        self.differing_bits += bits
        if not bits:
            return
        for tensor, label in outputs.items():
            start, end = (addr - self.memory_base for addr in tensor.extent)
            count = int(np.bitwise_count(difference[start:end]).sum())
            if count and len(self.reports) < MAX_REPORTS:
                first = self.memory_base + start + int(np.flatnonzero(difference[start:end])[0])
                row, byte = divmod(first - tensor.addr, tensor.stride)
                self.reports.append(f"{label}: {tensor.name} differs in {count} bits, first in row "
                                    f"{row}, byte {byte}")
        if not self.reports:
            first = self.memory_base + int(np.flatnonzero(difference)[0])
            self.reports.append(f"{bits} bits differ outside all outputs, first at {first:#x}")
