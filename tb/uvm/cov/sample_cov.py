# SPDX-License-Identifier: Apache-2.0
"""What PRUNE chose from, and how; and what its samples depend on."""

from __future__ import annotations

import numpy as np

from sat.config import SatConfig
from sat_golden.defs import Opcode, PruneFlag, PruneSlot
from sat_golden.descriptor import Descriptor
from sat_golden.formats import FP16
from sat_golden.sampling import WORD_MAX, parts_of
from sat_golden.tensors import tensors_of
from tb.uvm.cov.commands import LEGAL_NM
from tb.uvm.cov.coverage_model import CoverageModel
from tb.uvm.cov.operands import GROUP_CLASSES, group_classes, groups_of, split
from tb.uvm.cov.sat_cov_base import SatCovBase
from tb.uvm.cov.sore_cov import half
from tb.uvm.env.run import Run

MODES = ("largest", "sample", "dense")
# FP32 becomes infinity where it is rounded, or finite values add up to it.
OVERFLOWS = ("overflow_rounding", "overflow_sum")
WORDS = ("zero", "ones", "other")


class SampleCov(SatCovBase):
    @staticmethod
    def declare(model: CoverageModel, core: SatConfig) -> None:
        model.cross("cx_prune_nm_mode_class", LEGAL_NM, MODES, (*GROUP_CLASSES, *OVERFLOWS),
                    unless=cannot_be)
        model.cross("cx_sample_seed_step_layer", WORDS, WORDS, WORDS)

    def write(self, run: Run) -> None:
        if not run.clean:
            return
        for desc in run.prediction.commands:
            if desc.opcode == Opcode.PRUNE:
                self._command(run, desc)

    def _command(self, run: Run, desc: Descriptor) -> None:
        program = run.prediction.expected.program
        tensors = {tensor.slot: tensor for tensor in tensors_of(desc)}
        weights = run.prediction.elements(tensors[PruneSlot.W])
        halves = half(weights)
        rounded = infinite(halves) & ~infinite(weights)
        for flag, matrix in ((PruneFlag.FF, halves), (PruneFlag.BP, halves.T)):
            if not desc.flags & flag:
                continue
            sampled = flag == PruneFlag.FF and bool(desc.flags & PruneFlag.SAMPLE)
            mode = "sample" if sampled else "dense" if desc.n == desc.m else "largest"
            kinds = group_classes(matrix, together(desc.n, desc.m, mode))
            if rounded.any():
                kinds.add("overflow_rounding")
            if sampled:
                self.model.hit("cx_sample_seed_step_layer", *(
                    word_class(word) for word in (program.seed, program.step, desc.layer)))
                values = run.prediction.elements(tensors[PruneSlot.FF_VALUES])
                if desc.n < desc.m and sums_overflow(matrix, values, desc.n, desc.m):
                    kinds.add("overflow_sum")
            for kind in kinds:
                self.model.hit("cx_prune_nm_mode_class", f"{desc.n}:{desc.m}", mode, kind)


def together(n: int, m: int, mode: str) -> int:
    """Rows that are chosen from at once: a group, of a sample a part of one."""
    return m // parts_of(n) if mode == "sample" else m


def cannot_be(ratio: str, mode: str, kind: str) -> bool:
    """Combinations that no command can be of. Of two values one outweighs the other, or they are
    equal; only a sample adds values up, and where N is M its parts are two values that stay."""
    n, m = map(int, ratio.split(":"))
    if mode == ("largest" if n == m else "dense"):
        return True
    if kind == "ordinary":
        return together(n, m, mode) == 2
    return kind == "overflow_sum" and (mode != "sample" or n == m)


def infinite(bits: np.ndarray) -> np.ndarray:
    magnitude, _, inf = split(bits)
    return magnitude == inf


def sums_overflow(matrix: np.ndarray, values: np.ndarray, n: int, m: int) -> bool:
    """Whether a group of m rows without infinity or NaN has one in its sample, n rows of values."""
    finite = (groups_of(split(matrix)[0], m) < FP16.inf).all(axis=1)
    return bool((finite & infinite(groups_of(values, n)).any(axis=1)).any())


def word_class(word: int) -> str:
    return {0: "zero", WORD_MAX: "ones"}.get(word, "other")
