# SPDX-License-Identifier: Apache-2.0
"""What is synthesised: modules of rtl/sat.f with their parameters."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass, field

from sat.config import SatConfig
from sat.rtl import sources

SEEDS = 3  # of what is placed and routed more than once

# In a target by hierarchy these are synthesised once and counted for each row, column or PE.
REPEATED = ("sat_uspe", "sat_a_bank", "sat_s_bank")


@dataclass(frozen=True)
class Target:
    """`seeds`: how often it is placed and routed, with seeds 1 to this; 0: it is not."""

    name: str
    module: str
    parameters: dict[str, int] = field(default_factory=dict, hash=False)
    by_hierarchy: bool = False
    seeds: int = 0


def array(size: int, by_hierarchy: bool = False, seeds: int = 0) -> Target:
    return Target(f"sat_array_{size}x{size}", "sat_array", {"ROWS": size, "COLS": size},
                  by_hierarchy, seeds)


def top(size: int) -> Target:
    """The whole core; the configuration decides on scratchpads, too."""
    parameters = SatConfig.from_name(f"{size}x{size}").parameters()
    return Target(f"sat_top_{size}x{size}", "sat_top", parameters, by_hierarchy=True)


def single(module: str, seeds: int = 0) -> Target:
    return Target(module, module, seeds=seeds)


TARGETS = [
    single("sat_uspe", seeds=SEEDS),
    *(Target(f"sat_uspe_t{t}", "sat_uspe", {"T": t}) for t in (4, 16)),
    array(2, seeds=SEEDS),
    array(4, seeds=SEEDS),
    *(array(size, by_hierarchy=True) for size in (8, 16, 32)),
    *(single(name, seeds=SEEDS) for name in ("sat_fp32_add", "sat_fp32_mul", "sat_fp32_to_fp16",
                                             "sat_sore", "sat_wuve_lane", "sat_column_sums",
                                             "sat_s_loader")),
    *(single(name, seeds=1) for name in (
        "sat_wr_dma", "sat_rd_dma", "sat_feeder", "sat_cmd_check", "sat_matmul_plan",
        "sat_tile_loader", "sat_row_walk", "sat_aux_loader", "sat_matmul_command", "sat_a_loader",
        "sat_map_cache", "sat_a_bank", "sat_s_bank", "sat_out_buffer", "sat_bias_loader",
        "sat_epilogue", "sat_c_sums", "sat_sequencer", "sat_weight_store", "sat_half_tile",
        "sat_tile_queues", "sat_store_mux", "sat_vector_command", "sat_wuve", "sat_feature",
        "sat_sampler", "sat_c_store")),
    *(single(name) for name in ("sat_vector", "sat_regs")),
    *(top(size) for size in (8, 32)),  # the default and the paper's number of PEs
]


def find(pattern: str) -> list[Target]:
    """Targets by name (`sat_array_*`), else a module by name and parameters (`sat_fifo:DEPTH=4`).
    """
    listed = [target for target in TARGETS if fnmatch.fnmatch(target.name, pattern)]
    if listed:
        return listed
    module, _, text = pattern.partition(":")
    pairs = re.findall(r"(\w+)=(\d+)", text)
    if module not in {path.stem for path in sources()}:
        raise ValueError(f"{pattern}: neither a target ({', '.join(t.name for t in TARGETS)}) "
                         "nor a module of rtl/sat.f")
    return [Target(pattern, module, {name: int(value) for name, value in pairs})]
