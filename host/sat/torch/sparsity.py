# SPDX-License-Identifier: Apache-2.0
"""N:M of a layer by its module path."""

from __future__ import annotations

from collections.abc import Mapping

from sat_golden.compress import check_nm

from ..nn import DENSE

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
