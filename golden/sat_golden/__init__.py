# SPDX-License-Identifier: Apache-2.0
"""Bit-exact model of the SAT core (docs/reference/numerics.md, docs/reference/commands.md).

reference      one operation at a time on integers, written to be read
vector         the same on numpy arrays of bit patterns
fp_mode        the processor's floating-point mode, which must not matter
compress       N:M selection and the compressed formats
sampling       unbiased samples of N of each M values
multiply       the command MATMUL on arrays
windows        windows over a feature map
convolve       the command MATMUL with `conv` on arrays
kernel         compiled twins of the hot loops of multiply and feature
feature        the commands AFFINE, STATS and POOL on arrays
weights        the commands PRUNE and UPDATE on arrays
descriptor     the fields of a command, and its 128 bytes
tensors        the tensors that a descriptor names
checks         what the core checks of a descriptor
memory         a memory image with error regions
hazards        bytes that a program shares where it must not
command_model  programs: memory image in, memory image and error registers out
layers         BDWP layers made of the commands: passes and updates
"""

from .checks import Fault
from .command_model import CommandModel, Result
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
from .convolve import conv
from .descriptor import Descriptor, Slot, aligned
from .feature import affine, max_pool, max_pool_backward, stats
from .hazards import Command, Hazard, HazardError, HazardKind, HazardWarning
from .memory import ErrorRegion, Memory
from .multiply import matmul
from .sampling import sample
from .tensors import Tensor, tensors_of
from .weights import Copies, prune, update
from .windows import Windows

__all__ = [
    "Command", "CommandModel", "Copies", "Descriptor", "ErrorRegion", "Fault", "Hazard",
    "HazardError", "HazardKind", "HazardWarning", "Memory", "Planes", "Result", "Slot", "Tensor",
    "Windows", "affine", "aligned", "compress_bp", "compress_ff", "compressed_rows", "conv",
    "decompress", "matmul", "max_pool", "max_pool_backward", "nm_select", "pack_indices", "prune",
    "sample", "stats", "tensors_of", "unpack_indices", "update",
]
