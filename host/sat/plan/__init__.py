# SPDX-License-Identifier: Apache-2.0
"""How commands run on a configuration, before any runs: tiles, cycles, order.

    tiling    what the array engine derives from the descriptor of a MATMUL
    estimate  about how many cycles commands take, and the mapping that this chooses
    order     in which order commands of both engines are issued
"""

from .estimate import (
    choose_map,
    estimate_cycles,
    estimate_map_cycles,
    estimate_update_cycles,
)
from .order import ARRAY, VECTOR, Job, interleave, order_jobs
from .tiling import LANES, Array, Tiling, array_slots, legal_maps

__all__ = ["ARRAY", "LANES", "VECTOR", "Array", "Job", "Tiling", "array_slots", "choose_map",
           "estimate_cycles", "estimate_map_cycles", "estimate_update_cycles", "interleave",
           "legal_maps", "order_jobs"]
