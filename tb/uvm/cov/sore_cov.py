# SPDX-License-Identifier: Apache-2.0
"""What the N:M selection met in PRUNE and UPDATE commands."""

from __future__ import annotations

import numpy as np

from sat.config import SatConfig
from sat_golden.compress import LEGAL_M
from sat_golden.defs import Opcode, PruneFlag, PruneSlot
from sat_golden.descriptor import Descriptor
from sat_golden.tensors import tensors_of
from sat_golden.weights import prune
from tb.uvm.cov.coverage_model import CoverageModel
from tb.uvm.cov.operands import groups_of, split
from tb.uvm.cov.sat_cov_base import SatCovBase
from tb.uvm.env.run import Run

CASES = ("tie_at_the_limit", "tie_inside", "all_zero", "all_equal", "negative_zero_kept", "nan",
         "infinity", "partial_group", "whole_group")
DIRECTIONS = {
    "ff": (PruneFlag.FF, PruneSlot.FF_INDICES),
    "bp": (PruneFlag.BP, PruneSlot.BP_INDICES),
}


class SoreCov(SatCovBase):
    @staticmethod
    def declare(model: CoverageModel, core: SatConfig) -> None:
        positions = [f"{m}:{position}" for m in sorted(LEGAL_M) for position in range(m)]
        model.cross("cx_sore_kept_position", DIRECTIONS, positions)
        # Of two elements one is kept: equal ones are always at the limit.
        model.cross("cx_sore_case", DIRECTIONS, sorted(LEGAL_M), CASES,
                    unless=lambda direction, m, case: m == 2 and case == "tie_inside")

    def write(self, run: Run) -> None:
        if not run.clean:
            return
        for desc in run.prediction.commands:
            sparse = desc.opcode in (Opcode.PRUNE, Opcode.UPDATE) and desc.n != desc.m
            if sparse and not run.prediction.was_skipped(desc):
                self._command(run, desc)

    def _command(self, run: Run, desc: Descriptor) -> None:
        tensors = {tensor.slot: tensor for tensor in tensors_of(desc)}
        # UPDATE has left the new weights here: those that it prunes.
        weights = half(run.prediction.elements(tensors[PruneSlot.W]))
        sampled = desc.opcode == Opcode.PRUNE and bool(desc.flags & PruneFlag.SAMPLE)
        for direction, (flag, slot) in DIRECTIONS.items():
            # A sample, which is what SORE sees then, is not in memory.
            if desc.flags & flag and not (sampled and direction == "ff"):
                for position in np.unique(run.prediction.elements(tensors[slot])):
                    self.model.hit("cx_sore_kept_position", direction, f"{desc.m}:{position}")
                matrix = weights if direction == "ff" else weights.T
                for case in selection_cases(matrix, desc.n, desc.m):
                    self.model.hit("cx_sore_case", direction, desc.m, case)


def half(weights: np.ndarray) -> np.ndarray:
    """The FP16 patterns of an FP16 or FP32 matrix, as PRUNE rounds them."""
    return prune(weights, 2, 2, ff=True, bp=False).ff.values


def selection_cases(weights: np.ndarray, n: int, m: int) -> set[str]:
    """What is in the groups of m consecutive rows of an FP16 matrix."""
    groups = groups_of(weights, m)
    magnitude, sign, inf = split(groups)
    ranked = np.sort(magnitude, axis=1)[:, ::-1]
    limit, after = ranked[:, n - 1], ranked[:, n]
    tied = (ranked[:, 1:] == ranked[:, :-1]) & (ranked[:, 1:] > 0)
    found = {"partial_group" if weights.shape[0] % m else "whole_group"}
    checks = {
        "tie_at_the_limit": (limit == after) & (limit > 0),
        "tie_inside": tied.any(axis=1) & (limit != after),
        "all_zero": (magnitude == 0).all(axis=1),
        "all_equal": (magnitude == magnitude[:, :1]).all(axis=1) & (magnitude[:, 0] > 0),
        "negative_zero_kept": (sign & (magnitude == 0)).any(axis=1) & (limit == 0),
        "nan": (magnitude > inf).any(axis=1),
        "infinity": (magnitude == inf).any(axis=1),
    }
    return found | {name for name, where in checks.items() if where.any()}
