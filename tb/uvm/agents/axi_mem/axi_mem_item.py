# SPDX-License-Identifier: Apache-2.0
"""What a sequence wants of the memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pyuvm import uvm_sequence_item

from sat_golden.memory import ErrorRegion
from tb.uvm.agents.axi_mem.axi_mem_knobs import AxiMemKnobs


class AxiMemItem(uvm_sequence_item):
    """Changes of the memory; what is None stays as it is.

    image    contents of the whole memory, by the back door
    errors   the regions that answer with errors, instead of those before
    knobs    latency and stalls
    silent   True: no response any more, until False
    """

    def __init__(self, name: str = "axi_mem", image: np.ndarray | None = None,
                 errors: Sequence[ErrorRegion] | None = None, knobs: AxiMemKnobs | None = None,
                 silent: bool | None = None) -> None:
        super().__init__(name)
        self.image, self.errors, self.knobs, self.silent = image, errors, knobs, silent

    def __str__(self) -> str:
        parts = ["image"] if self.image is not None else []
        parts += [f"errors {list(self.errors)}"] if self.errors is not None else []
        parts += [str(self.knobs)] if self.knobs is not None else []
        parts += [f"silent {self.silent}"] if self.silent is not None else []
        return "memory: " + "; ".join(parts)
