# SPDX-License-Identifier: Apache-2.0
"""Names of commands in coverage: opcodes, and convolution apart from the plain product."""

from __future__ import annotations

from sat_golden.compress import LEGAL_M
from sat_golden.defs import MatmulFlag, Opcode
from sat_golden.descriptor import Descriptor

COMMANDS = [*(op.name for op in Opcode), "CONV"]
SPARSE_COMMANDS = ["MATMUL", "CONV", "PRUNE", "UPDATE"]
DENSE_COMMANDS = ["AFFINE", "STATS", "POOL"]
LEGAL_NM = [f"{n}:{m}" for m in sorted(LEGAL_M) for n in range(1, m + 1)]


def command_name(desc: Descriptor) -> str | None:
    """None for an opcode that does not exist."""
    if desc.opcode not in list(Opcode):
        return None
    if desc.opcode == Opcode.MATMUL and desc.flags & MatmulFlag.CONV:
        return "CONV"
    return Opcode(desc.opcode).name
