# SPDX-License-Identifier: Apache-2.0
"""The bytes that commands move, about: what of operands is read again is estimated."""

from __future__ import annotations

from dataclasses import replace

from sat_golden.defs import Opcode, PruneFlag

from .config import SatConfig
from .memory import Tensor
from .plan import ceil_div, estimate_operand_bytes, tilings
from .plan.tiling import LINE_BYTES
from .program import Command

TILE_ROW_BITS = 256  # of the vector engine, in FP16: a wider beat is read by two of its tiles


def moved_bytes(config: SatConfig, command: Command) -> tuple[float, float]:
    """Bytes read and written."""
    written = sum(map(tensor_bytes, command.writes))
    if command.descriptor.opcode != Opcode.MATMUL:
        read = sum(map(tensor_bytes, command.reads))
        if command.descriptor.opcode == Opcode.PRUNE and command.descriptor.has(PruneFlag.SRC_FP16):
            read *= max(1, config.data_w // TILE_ROW_BITS)
        return read, written
    desc, (a, *others) = command.descriptor, command.reads
    lines = desc.windows.pixels * ceil_div(a.row_bytes, LINE_BYTES) if desc.has_windows else 0
    parts = [replace(tiling, lines=lines) for tiling in tilings(config, desc)]
    planes = 1 if desc.n == desc.m else 2
    operands = sum(sum(estimate_operand_bytes(part)) for part in parts)
    return operands + sum(map(tensor_bytes, others[planes:])), written


def tensor_bytes(tensor: Tensor) -> int:
    """What of a tensor is read or written, without what lies between its rows."""
    return tensor.rows * tensor.row_bytes
