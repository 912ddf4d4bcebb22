# SPDX-License-Identifier: Apache-2.0
"""Operands that the array multiplied."""

from __future__ import annotations

import numpy as np
from pyuvm import uvm_subscriber

from tb.uvm.cov.coverage_model import CoverageModel
from tb.uvm.cov.operands import FP_CLASSES, fp_classes


class ArrayBlockCov(uvm_subscriber):
    model: CoverageModel

    @staticmethod
    def declare(model: CoverageModel) -> None:
        model.cross("cx_array_block_operands", FP_CLASSES, FP_CLASSES)

    def write(self, fed: tuple[np.ndarray, np.ndarray]) -> None:
        a, weights = fed
        for col, kind in enumerate(fp_classes(weights)):
            for other in np.unique(fp_classes(a[col])):
                self.model.hit("cx_array_block_operands", FP_CLASSES[other], FP_CLASSES[kind])
