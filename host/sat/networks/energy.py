# SPDX-License-Identifier: Apache-2.0
"""The energy of commands, from what they do and published energies per operation: an estimate.

Energies are those of M. Horowitz, "Computing's energy problem (and what we can do about it)", ISSCC
2014, doi 10.1109/ISSCC.2014.6757323, figure 1.1.9: a 45 nm chip at 0.9 V. This core has never been
made in 45 nm: only the ratio of two steps means something, and that as far as the core's other
parts (registers, control, clock, leakage), which are left out, have the same share in both.
"""

from __future__ import annotations

from sat_golden.defs import AffineFlag, Opcode
from sat_golden.descriptor import Descriptor

from ..config import SatConfig
from ..plan import Tiling, tilings
from .cost import Run

# pJ
FP16_MULTIPLY, FP16_ADD = 1.1, 0.4
FP32_MULTIPLY, FP32_ADD = 3.7, 0.9
SCRATCHPAD_BYTE = 10 / 8  # 64 bits of 8 KB: a bank has 8 to 16
MEMORY_BYTE = 1300 / 8  # 64 bits of DRAM: 1.3 to 2.6 nJ, of which the lower makes less of bytes

KINDS = ("multiply_pj", "scratchpad_pj", "vector_pj", "memory_pj")


def energy(config: SatConfig, made: Run) -> dict[str, float]:
    """pJ of a command: of multiplies with their sums, of the scratchpads of A and S, of the vector
    engine's arithmetic, of bytes that cross the memory port."""
    desc = made.command.descriptor
    scratchpad = 0.0
    if desc.opcode == Opcode.MATMUL:
        scratchpad = SCRATCHPAD_BYTE * sum(map(_scratchpad_bytes, tilings(config, desc)))
    return {"multiply_pj": made.command.macs * (FP16_MULTIPLY + FP32_ADD),
            "scratchpad_pj": scratchpad, "vector_pj": _vector(desc),
            "memory_pj": MEMORY_BYTE * (made.bytes_read + made.bytes_written)}


def _scratchpad_bytes(tiling: Tiling) -> float:
    """Written: A, windows apart, and S, as often as they are loaded. Read in each tile: of each
    group M values of its rows, of each kept element a value, and its index, of its columns."""
    column = tiling.kept * (2 if tiling.dense else 2.5)
    written = (2 * tiling.i * tiling.k_segments * tiling.k * tiling.a_passes
               + column * tiling.j * tiling.s_passes)
    tile = 2 * tiling.groups * tiling.group_m * tiling.row_span + column * tiling.col_span
    return written + tiling.row_tiles * tiling.col_tiles * tile


def _vector(desc: Descriptor) -> float:
    """Of UPDATE v = momentum*v + scale*dw, w -= lr*v; of AFFINE a multiply and a sum for each map;
    of STATS a product and two sums; of POOL a comparison, as a sum, for each value that a window
    sees. PRUNE's comparisons of magnitudes are left out."""
    elements = desc.rows * desc.cols
    if desc.opcode == Opcode.UPDATE:
        return elements * (3 * FP32_MULTIPLY + 2 * FP32_ADD)
    if desc.opcode == Opcode.AFFINE:
        maps = 2 if desc.has(AffineFlag.SECOND) else 1
        return elements * maps * (FP32_MULTIPLY + FP32_ADD)
    if desc.opcode == Opcode.STATS:
        return elements * (FP32_MULTIPLY + 2 * FP32_ADD)
    if desc.opcode == Opcode.POOL:
        windows = desc.windows
        return windows.count * windows.positions * desc.cols * FP16_ADD
    return 0.0
