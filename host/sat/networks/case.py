# SPDX-License-Identifier: Apache-2.0
"""A point of a sweep: a training step of a network on an array; also the process that evaluates it
(sat.worker)."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

from .. import worker
from ..config import SatConfig, parameters
from ..options import show_nm
from . import NETWORKS
from .step import train


@dataclass(frozen=True, order=True)
class Case:
    """`exact`: by the cycle model, otherwise estimated."""

    network: str
    rows: int
    cols: int
    data_w: int
    batch: int
    n: int
    m: int
    exact: bool = False

    @property
    def dense(self) -> bool:
        return self.n == self.m

    @property
    def pes(self) -> int:
        return self.rows * self.cols

    @property
    def name(self) -> str:
        return (f"{self.network} on {self.rows}x{self.cols}, {self.data_w} bits, "
                f"batch {self.batch}, {show_nm((self.n, self.m))}")

    def config(self) -> SatConfig:
        """What is not swept as it is on 8x8, 16x16 and 32x32; ValueError if no core is such."""
        own = {name.lower(): parameter.default for name, parameter in parameters().items()
               if name.lower() in SatConfig.__dataclass_fields__}
        wide = {"a_depth": own["a_depth"] // 2} if self.data_w == 512 else {}
        reads = own["rd_outstanding"] * (1 if self.data_w == 128 else 2)
        return SatConfig(**{**own, **wide, "rd_outstanding": reads, "rows": self.rows,
                            "cols": self.cols, "data_w": self.data_w})


def evaluate(task: dict[str, Any]) -> dict[str, Any]:
    """Fields of a case -> what a row of a sweep has beside them."""
    case, begin = Case(**task), time.monotonic()
    nm = case.n, case.m
    step = train(NETWORKS[case.network](nm), case.config(), nm, case.batch, case.exact)
    return {"cycles": round(step.cycles), "macs": step.macs, "bytes": round(step.bytes),
            "peak_memory_bytes": step.memory_bytes,
            "seconds": round(time.monotonic() - begin, 2)}


def ask(case: Case) -> dict[str, Any]:
    """The same in a process of its own."""
    return worker.run(__name__, asdict(case))


if __name__ == "__main__":
    worker.serve(evaluate)
