# SPDX-License-Identifier: Apache-2.0
"""What a program must have done to the memory and the registers, from the golden command model."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sat_golden.command_model import CommandModel
from sat_golden.defs import DESC_BYTES, Error
from sat_golden.memory import ErrorRegion, Memory
from tb.common.require import require
from tb.top.random_program import Program


class Expected:
    """A program's result on the golden model, in a memory with these `errors`, on a bus of
    `beat_bytes`."""

    def __init__(self, program: Program, errors: Iterable[ErrorRegion] = (),
                 beat_bytes: int = 16) -> None:
        self.program = program
        linear = program.linear or program
        self.memory = Memory(linear.base, linear.image.size, linear.image.copy(), beat_bytes)
        self.memory.error_regions += errors
        self.model = CommandModel(self.memory, hazards="error")
        self.result = self.model.run(linear.address, linear.length, linear.seed, linear.step)
        if program.linear:  # it differs in its descriptors, and writes none
            at = linear.address - linear.base
            listing = slice(at, at + linear.length * DESC_BYTES)
            self.memory.data[listing] = program.image[listing]

    def check_memory(self, image: np.ndarray) -> None:
        """Every byte, but for the outputs of commands that were stopped, is as the model left it.
        """
        unsure = [command for command in self.result.commands
                  if command.index in self.result.uncertain]
        check_bytes(self.program, image, self.memory.data,
                    [span for command in unsure for span in command.output_ranges()])

    def check_untouched(self, image: np.ndarray) -> None:
        """Bytes outside all outputs are as they were."""
        check_bytes(self.program, image, self.program.image, self.result.output_ranges())

    def check_overflow(self, overflow: bool) -> None:
        """The flag is exact unless a command was stopped, which may or may not have set it."""
        if not self.result.uncertain:
            require(overflow == self.result.overflow, "overflow flag %s: %s", overflow,
                    self.program)

    def check_error(self, code: int, index: int, address: int) -> None:
        """The error registers; code 0 is no error."""
        require(self.model.accepts(self.result, code, index, address),
                "error %d %d %#x instead of %s: %s", code, index, address, describe(self.result),
                self.program)


def describe(result) -> str:
    return f"{Error(result.code).name} {result.index} {result.address:#x}"


def check_bytes(program: Program, image: np.ndarray, expected: np.ndarray,
                unless: list[tuple[int, int]]) -> None:
    """The images are equal, but for the address ranges `unless`."""
    differs = image != expected
    for start, end in unless:
        differs[max(start - program.base, 0) : max(end - program.base, 0)] = False
    wrong = np.flatnonzero(differs)
    if wrong.size:
        at = int(wrong[0])
        raise AssertionError(
            f"{wrong.size} bytes differ, first at {program.base + at:#x} "
            f"({program.where(program.base + at)}): {image[at]:#04x} instead of "
            f"{expected[at]:#04x}: {program}")
