# SPDX-License-Identifier: Apache-2.0
"""One training, by the values that it depends on."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from sat.nn import DENSE
from sat.options import parse_nm, show_nm

DENSE_METHOD = "dense"
ALL_PASSES = "all-sample", "all-largest"  # BDWP, and N:M of dY in WU
DENSE_ENDS = tuple(f"{name}-end" for name in ALL_PASSES)  # with a dense WU in the last epochs
DECAYED = tuple(f"{name}-decay" for name in ALL_PASSES)  # with bdwp-decay instead of BDWP
SPARSE_WU = *ALL_PASSES, *DENSE_ENDS, *DECAYED
END = 5  # one epoch in so many


@dataclass(frozen=True, order=True)
class Setting:
    """What trainings have in common that differ by their seed; dense is N = M. `wu` is "N:M" of dY
    for SPARSE_WU, else empty."""

    network: str
    data: str
    epochs: int
    method: str
    n: int
    m: int
    wu: str = ""

    @property
    def nm(self) -> str:
        """To be read."""
        if self.method == DENSE_METHOD:
            return ""
        return show_nm((self.n, self.m), parse_nm(self.wu) if self.wu else None)

    @property
    def sparse_epochs(self) -> int:
        """Epochs until WU is dense, if it is not from the start."""
        return self.epochs - self.epochs // END if self.method in DENSE_ENDS else self.epochs

    @property
    def dense(self) -> Setting:
        """What it is compared with."""
        return Setting(self.network, self.data, self.epochs, DENSE_METHOD, *DENSE)

    @property
    def name(self) -> str:
        """Of the method, with its N:M."""
        return f"{self.method} {self.nm}".strip()

    def __str__(self) -> str:
        return f"{self.name} {self.network} {self.data}, {self.epochs} epochs"


@dataclass(frozen=True, order=True)
class Experiment:
    setting: Setting
    seed: int


def grid(methods: Iterable[str], networks: Iterable[str], data: Iterable[str],
         nms: Iterable[tuple[int, int]], epochs: int, seeds: Iterable[int],
         wus: Iterable[tuple[int, int]] = ()) -> Iterator[Experiment]:
    """All combinations, each once, and the dense ones first; all settings of a seed before the next
    seed, so that a grid that is stopped has something of each. `wus` are for SPARSE_WU, as the
    weights' N:M if there is none."""
    found = set()
    for method, network, name, nm in itertools.product(methods, networks, data, nms):
        one = Setting(network, name, epochs, method, *nm)
        if method in SPARSE_WU:
            found |= {replace(one, wu="{}:{}".format(*wu)) for wu in tuple(wus) or (nm,)}
        else:
            found.add(one.dense if method == DENSE_METHOD else one)
    ordered = sorted(found, key=lambda setting: (setting.method != DENSE_METHOD, setting))
    for seed in seeds:
        for setting in ordered:
            yield Experiment(setting, seed)
