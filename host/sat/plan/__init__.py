# SPDX-License-Identifier: Apache-2.0
"""How commands run on a configuration, before any runs: tiles, cycles, order.

    tiling    what the array engine derives from the descriptor of a MATMUL
    estimate  about how many cycles commands take, and the row interleave that this chooses
    order     in which order commands of both engines are issued
    place     where tensors lie that share memory
"""

from .estimate import (
    choose_row_interleave,
    estimate_cycles,
    estimate_feature_cycles,
    estimate_operand_bytes,
    estimate_pool_cycles,
    estimate_prune_cycles,
    estimate_update_cycles,
)
from .order import ARRAY, VECTOR, Task, arrange
from .tiling import (
    Array,
    Tiling,
    array_slots,
    ceil_div,
    conv_tilings,
    legal_row_interleaves,
    tilings,
)

__all__ = ["ARRAY", "VECTOR", "Array", "Task", "Tiling", "arrange", "array_slots", "ceil_div",
           "choose_row_interleave", "conv_tilings", "estimate_cycles", "estimate_feature_cycles",
           "estimate_operand_bytes", "estimate_pool_cycles", "estimate_prune_cycles",
           "estimate_update_cycles", "legal_row_interleaves", "tilings"]
