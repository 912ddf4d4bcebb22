# SPDX-License-Identifier: Apache-2.0
"""N:M of a layer, of its weights and of dY in WU, by its module path."""

from __future__ import annotations

from collections.abc import Mapping

from sat_golden.compress import check_nm

from ..nn import DENSE, SparseWu
from .sampling import MODES

NmSpec = str | Mapping[str, str] | None


def parse_nm(text: str, option: str = "nm") -> tuple[int, int]:
    """(N, M) of "N:M"; ValueError for anything else, or what the core does not prune to."""
    try:
        n, m = map(int, text.split(":"))
    except (AttributeError, ValueError):
        raise ValueError(f'{option}: {text!r} is not "N:M", for example "2:8"') from None
    check_nm(n, m)
    return n, m


class Sparsity:
    """N:M of each layer: one for all, or by module path, where a path holds for all below it and
    the longest wins. What is not named is dense.

        {"": "2:8", "stem": "2:2", "head": "2:2"}    all 2:8, but two dense layers
    """

    def __init__(self, spec: NmSpec, option: str = "nm"):
        self._option = option
        by_path = {"": spec} if isinstance(spec, str) else dict(spec or {})
        self._by_path = {path: parse_nm(text, option) for path, text in by_path.items()}
        self._unused = set(self._by_path) - {""}

    def of(self, path: str) -> tuple[int, int]:
        """(N, M) of the layer at `path`."""
        parts = path.split(".")
        for length in range(len(parts), -1, -1):
            prefix = ".".join(parts[:length])
            if prefix in self._by_path:
                self._unused.discard(prefix)
                return self._by_path[prefix]
        return DENSE

    def check_used(self) -> None:
        """ValueError if a path names no layer."""
        if self._unused:
            raise ValueError(f"{self._option}: {min(self._unused)!r} is not the path of a layer "
                             "with weights")


class LayerSparsity:
    """N:M of the weights of each layer by `nm`, and by `wu` of dY as its WU reads it, chosen as
    `wu_mode` of MODES says."""

    def __init__(self, nm: NmSpec, wu: NmSpec, wu_mode: str):
        if wu_mode not in MODES:
            raise ValueError(f"wu_mode: {wu_mode!r} is none of {', '.join(MODES)}")
        self._weights, self._gradients = Sparsity(nm), Sparsity(wu, "wu")
        self._largest = wu_mode == "largest"

    def of(self, path: str) -> tuple[int, int, SparseWu | None]:
        """N and M of the layer at `path`, and what its WU reads (None: all of dY)."""
        n, m = self._gradients.of(path)
        return *self._weights.of(path), None if n == m else SparseWu(n, m, self._largest)

    def check_used(self) -> None:
        """ValueError if a path of either names no layer."""
        self._weights.check_used()
        self._gradients.check_used()
