# SPDX-License-Identifier: Apache-2.0
"""How an array shape cuts the MATMUL of a descriptor into tiles."""

from __future__ import annotations

from sat.config import SatConfig
from sat_golden.defs import MATMUL_MAP_LSB, MatmulFlag, Opcode
from sat_golden.descriptor import Descriptor
from tb.common.plan import Plan, Shape


def plan_of(config: SatConfig, desc: Descriptor) -> Plan:
    shape = Shape(config.rows, config.cols, config.t, config.a_depth, config.s_depth,
                  config.chunk_k)
    hint = desc.flags >> MATMUL_MAP_LSB
    if desc.has_windows:
        return Plan.conv(shape, desc.windows, desc.depth, desc.cols, desc.n, desc.m, hint,
                         bool(desc.flags & MatmulFlag.A_TRANS))
    return Plan(shape, desc.rows, desc.cols, desc.depth, desc.n, desc.m, hint)


def array_slots(config: SatConfig, desc: Descriptor) -> int:
    """Slots of T cycles in which the array multiplies: one per tile and kept element."""
    if desc.opcode != Opcode.MATMUL:
        return 0
    plan = plan_of(config, desc)
    return plan.row_tiles * plan.col_tiles * plan.kept
