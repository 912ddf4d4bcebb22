# SPDX-License-Identifier: Apache-2.0
"""A program under way, as the scoreboard follows it."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, field
from enum import Enum, auto

import numpy as np

from sat_golden.defs import DESC_BYTES, TENSOR_ALIGN, Error, MatmulSlot, Opcode
from sat_golden.tensors import Tensor, tensors_of
from tb.uvm.env.prediction import Prediction

AHEAD = (MatmulSlot.A, MatmulSlot.S_VALUES, MatmulSlot.S_INDICES)  # what is loaded of the next one


class End(Enum):
    """How a run came to its end."""

    DONE = auto()
    FAILED = auto()    # an error of the golden model's
    HUNG = auto()      # the watchdog
    CLEARED = auto()
    RESET = auto()


@dataclass
class Run:
    """A program from its start to its end.

    refused      starts that came while this run may still have been running
    silenced     the memory stopped answering at some time
    cleared      there was a CTRL.clear, perhaps after the end
    done_unsure  there was one that, before the end, only forgot a refused start
    read_beats, written_bytes   what the memory port's monitor saw
    """

    prediction: Prediction
    refused: list[Prediction] = field(default_factory=list)
    silenced: bool = False
    cleared: bool = False
    done_unsure: bool = False
    fence_acknowledged: bool = False
    end: End | None = None
    read_beats: int = 0
    written_bytes: int = 0

    @property
    def clean(self) -> bool:
        """Everything about its result is determined."""
        return self.end == End.DONE

    @property
    def code(self) -> Error:
        """The error that the golden model expects."""
        return self.prediction.expected.result.code

    def may_read(self, address: int, size: int) -> bool:
        """Whether reads may touch these bytes: lines of operands, and the descriptors."""
        return covers(self._readable, address // TENSOR_ALIGN, -(-(address + size) // TENSOR_ALIGN))

    def may_write(self, address: int, size: int) -> bool:
        """Whether the bytes belong to the output of a command that may have started."""
        return covers(self._writable, address, address + size)

    @functools.cached_property
    def _readable(self) -> np.ndarray:
        """Merged ranges of lines."""
        first, length = self.prediction.address, self.prediction.length * DESC_BYTES
        spans = [(first, first + length)]
        for tensor in itertools.chain(self._loaded_ahead, *(
                command.tensors for command in self.prediction.expected.result.commands)):
            if tensor.read:
                spans += tensor.row_ranges()
        return merged([(start // TENSOR_ALIGN, -(-end // TENSOR_ALIGN)) for start, end in spans])

    @property
    def _loaded_ahead(self) -> list[Tensor]:
        """A and S of the MATMUL behind the last command that was started, if there is one: they are
        loaded while the one before works, which may still fail."""
        started = self.prediction.expected.result.commands
        behind = self.prediction.commands[started[-1].index + 1:] if started else []
        if not behind or behind[0].opcode != Opcode.MATMUL:
            return []
        return [tensor for tensor in tensors_of(behind[0]) if tensor.slot in AHEAD]

    @functools.cached_property
    def _writable(self) -> np.ndarray:
        """Merged ranges of bytes."""
        return merged(self.prediction.expected.result.output_ranges())


def merged(spans: list[tuple[int, int]]) -> np.ndarray:
    """Disjoint sorted ranges [start, end), as rows."""
    result: list[list[int]] = []
    for start, end in sorted(spans):
        if result and start <= result[-1][1]:
            result[-1][1] = max(result[-1][1], end)
        else:
            result.append([start, end])
    return np.array(result, dtype=object).reshape(-1, 2)


def covers(spans: np.ndarray, start: int, end: int) -> bool:
    """Whether one of the ranges holds all of [start, end)."""
    at = int(np.searchsorted(spans[:, 0], start, side="right")) - 1
    return at >= 0 and end <= spans[at, 1]
