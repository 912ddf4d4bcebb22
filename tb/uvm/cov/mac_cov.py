# SPDX-License-Identifier: Apache-2.0
"""What the multipliers and adders of the array met in MATMUL commands."""

from __future__ import annotations

import numpy as np

from sat.config import SatConfig
from sat_golden.defs import MatmulFlag, MatmulSlot
from sat_golden.descriptor import Descriptor
from sat_golden.tensors import tensors_of
from tb.uvm.cov.commands import command_name
from tb.uvm.cov.coverage_model import CoverageModel
from tb.uvm.cov.operands import FP_CLASSES, fp_classes
from tb.uvm.cov.sat_cov_base import SatCovBase
from tb.uvm.env.run import Run

ROUNDINGS = ("exact", "down", "up", "tie", "cancelled", "special")
MOST_SUMS = 4  # outputs per command whose additions are looked at


class MacCov(SatCovBase):
    """Operands are multiplied by rows of S; the additions of a few outputs are followed."""

    @staticmethod
    def declare(model: CoverageModel, core: SatConfig) -> None:
        model.cross("cx_mac_operands", FP_CLASSES, FP_CLASSES)
        model.point("cp_mac_rounding", ROUNDINGS)

    def write(self, run: Run) -> None:
        if not run.clean:
            return
        for desc in run.prediction.commands:
            if command_name(desc) == "MATMUL":
                self._command(run, desc)

    def _command(self, run: Run, desc: Descriptor) -> None:
        tensors = {tensor.slot: tensor for tensor in tensors_of(desc)}
        a = run.prediction.elements(tensors[MatmulSlot.A])
        a = a if desc.flags & MatmulFlag.A_TRANS else a.T  # [K][I]
        s = run.prediction.elements(tensors[MatmulSlot.S_VALUES])
        rows = np.arange(s.shape[0])[:, None] + np.zeros(s.shape, np.int64)
        if desc.n != desc.m:
            index = run.prediction.elements(tensors[MatmulSlot.S_INDICES]) % desc.m
            rows = rows // desc.n * desc.m + index
        present = rows < a.shape[0]  # past the end, A is zero
        a_classes, s_classes = fp_classes(a), fp_classes(s)
        for kind, name in enumerate(FP_CLASSES):
            where = present & (s_classes == kind)
            if where.any():
                for other in np.unique(a_classes[np.unique(rows[where])]):
                    self.model.hit("cx_mac_operands", FP_CLASSES[other], name)
        for i in range(min(2, a.shape[1])):
            for j in range(min(MOST_SUMS // 2, s.shape[1])):
                real = present[:, j]
                for rounding in roundings(a[rows[real, j], i], s[real, j]):
                    self.model.hit("cp_mac_rounding", rounding)


def roundings(a: np.ndarray, s: np.ndarray) -> set[str]:
    """What happens in the FP32 additions of the sum of products, in order. FP16 patterns."""
    found, total = set(), np.float32(0)
    with np.errstate(all="ignore"):
        products = (a.view(np.float16).astype(np.float32) * s.view(np.float16).astype(np.float32))
        for product in products:
            new = total + product
            found.add(rounding_of(total, product, new))
            total = new
    return found


def rounding_of(total: np.float32, product: np.float32, new: np.float32) -> str:
    if not np.isfinite(new):
        return "special"
    if new == 0 and total != 0:
        return "cancelled"
    # Two-sum in float64: the exact sum is exact64 + rest64.
    x, y = float(total), float(product)
    exact = x + y
    back = exact - x
    rest = (x - (exact - back)) + (y - back)
    error = (exact - float(new)) + rest
    if error == 0:
        return "exact"
    toward = np.nextafter(new, np.float32(np.inf if error > 0 else -np.inf))
    half = (float(toward) - float(new)) / 2
    if error == half:
        return "tie"
    return "down" if (error > 0) == (new > 0) else "up"
