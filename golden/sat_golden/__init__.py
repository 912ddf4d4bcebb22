# SPDX-License-Identifier: Apache-2.0
"""Bit-exact model of the SAT core (docs/numerics.md, docs/commands.md).

reference      one operation at a time on integers, written to be read
vector         the same on numpy arrays of bit patterns
compress       N:M selection and the compressed formats
multiply       the command MATMUL on arrays
weights        the commands PRUNE and UPDATE on arrays
descriptor     the 128 bytes of a command and their checks
memory         a memory image with error regions
command_model  programs: memory image in, memory image and error registers out
layers         BDWP training steps made of the commands
"""

from .command_model import Command, CommandModel, Result
from .compress import (
    Planes,
    compress_bp,
    compress_ff,
    compressed_rows,
    decompress,
    nm_select,
    pack_indices,
    unpack_indices,
)
from .descriptor import Descriptor, Fault, Slot, Tensor, aligned
from .memory import ErrorRegion, Memory
from .multiply import matmul
from .weights import Copies, prune, update

__all__ = [
    "Command", "CommandModel", "Copies", "Descriptor", "ErrorRegion", "Fault", "Memory", "Planes",
    "Result", "Slot", "Tensor", "aligned", "compress_bp", "compress_ff", "compressed_rows",
    "decompress", "matmul", "nm_select", "pack_indices", "prune", "unpack_indices", "update",
]
