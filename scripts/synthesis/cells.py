# SPDX-License-Identifier: Apache-2.0
"""Counts UltraScale+ cells by what they occupy."""

from __future__ import annotations

import re
from collections.abc import Mapping

# class: [(cells, how many of its units one occupies)]
CLASSES: dict[str, list[tuple[str, float]]] = {
    "lut": [(r"LUT[1-6]", 1)],
    "inv": [(r"INV", 1)],
    "mux": [(r"MUXF[789]", 1)],
    "carry": [(r"CARRY4", 1)],
    "ff": [(r"FD[RSCP]E", 1)],
    "dsp": [(r"DSP48E2", 1)],
    "bram": [(r"RAMB36E2", 1), (r"RAMB18E2", 0.5)],
    # LUTs that serve as memory: a RAM of 16 x 32 bits fills the eight of a slice.
    "lutram": [(r"RAM32M16|RAM64M8|RAM32X16DR8|RAM64X8SW|RAM256X1D|RAM512X1S", 8),
               (r"RAM32M|RAM64M|RAM128X1D|RAM256X1S", 4), (r"RAM32X1D|RAM64X1D|RAM128X1S", 2),
               (r"RAM32X1S|RAM64X1S", 1)],
    "srl": [(r"SRL16E|SRLC32E", 1)],
}
FREE = r"\$scopeinfo|GND|VCC"

# What a VU9P has; LUTs of all kinds share one budget.
VU9P = {"lut": 1182240, "ff": 2364480, "dsp": 6840, "bram": 2160}


def classify(count: Mapping[str, int]) -> dict[str, float]:
    """Units per class; a cell of no class is an error, so that nothing is left out."""
    result: dict[str, float] = dict.fromkeys(CLASSES, 0)
    for cell, number in count.items():
        for name, kinds in CLASSES.items():
            weights = [weight for pattern, weight in kinds if re.fullmatch(pattern, cell)]
            if weights:
                result[name] += weights[0] * number
                break
        else:
            if not re.fullmatch(FREE, cell):
                raise ValueError(f"cell {cell} is of no known class")
    return result


def all_luts(area: Mapping[str, float]) -> float:
    """LUTs in any role; an inverter is counted as one, although most merge into a neighbour."""
    return area["lut"] + area["inv"] + area["lutram"] + area["srl"]


def vu9p_share(area: Mapping[str, float]) -> dict[str, float]:
    used = {**area, "lut": all_luts(area)}
    return {name: used[name] / size for name, size in VU9P.items()}
