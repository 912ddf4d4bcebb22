# SPDX-License-Identifier: Apache-2.0
"""One training, by the values that it depends on."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sat.nn import DENSE

DENSE_METHOD = "dense"


@dataclass(frozen=True, order=True)
class Setting:
    """What trainings have in common that differ by their seed; dense is N = M."""

    network: str
    data: str
    epochs: int
    method: str
    n: int
    m: int

    @property
    def dense(self) -> Setting:
        """What it is compared with."""
        return Setting(self.network, self.data, self.epochs, DENSE_METHOD, *DENSE)

    def __str__(self) -> str:
        nm = "" if self.method == DENSE_METHOD else f" {self.n}:{self.m}"
        return f"{self.method}{nm} {self.network} {self.data}, {self.epochs} epochs"


@dataclass(frozen=True, order=True)
class Experiment:
    setting: Setting
    seed: int


def grid(methods: Iterable[str], networks: Iterable[str], data: Iterable[str],
         nms: Iterable[tuple[int, int]], epochs: int, seeds: Iterable[int]) -> Iterator[Experiment]:
    """All combinations, each once, and the dense ones first; all settings of a seed before the next
    seed, so that a grid that is stopped has something of each."""
    found = {Setting(network, name, epochs, method, *(DENSE if method == DENSE_METHOD else nm))
             for method, network, name, nm in itertools.product(methods, networks, data, nms)}
    ordered = sorted(found, key=lambda setting: (setting.method != DENSE_METHOD, setting))
    for seed in seeds:
        for setting in ordered:
            yield Experiment(setting, seed)
