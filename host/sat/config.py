# SPDX-License-Identifier: Apache-2.0
"""Configurations of the core: the parameters of sat_top, by name from spec/configs.yaml."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

import yaml

from .plan.tiling import Array

CONFIGS = Path(__file__).resolve().parents[2] / "spec" / "configs.yaml"


@functools.cache
def _spec() -> dict:
    return yaml.safe_load(CONFIGS.read_text())


def _is_power_of_two(value: int) -> bool:
    return value > 0 and value & (value - 1) == 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class SatConfig(Array):
    """Parameters of sat_top (docs/architecture.md says what each means)."""

    addr_w: int
    data_w: int
    rd_outstanding: int

    def __post_init__(self) -> None:
        for name in ("rows", "cols"):
            value = getattr(self, name)
            if not (_is_power_of_two(value) and 2 <= value <= 64):
                raise ValueError(f"{name}={value}: not a power of two in 2..64")
        for name in ("a_depth", "s_depth", "chunk_k", "cache_lines", "rd_outstanding"):
            if not _is_power_of_two(getattr(self, name)):
                raise ValueError(f"{name}={getattr(self, name)}: not a power of two")
        if self.t not in (4, 8, 16):
            raise ValueError(f"t={self.t}: not 4, 8 or 16")
        if self.chunk_k < 16:
            raise ValueError(f"chunk_k={self.chunk_k}: below 16")
        if self.a_depth < 2 * self.t * self.chunk_k // 8:
            raise ValueError(f"a_depth={self.a_depth}: below 2*t*chunk_k/8")
        if self.s_depth < 16 * self.t:
            raise ValueError(f"s_depth={self.s_depth}: below 16*t")
        if self.cache_lines < 16:
            raise ValueError(f"cache_lines={self.cache_lines}: below 16")
        if not 32 <= self.addr_w <= 40:
            raise ValueError(f"addr_w={self.addr_w}: not in 32..40")
        if self.data_w != 128:
            raise ValueError(f"data_w={self.data_w}: not 128")

    @classmethod
    def from_name(cls, name: str | None = None) -> SatConfig:
        """The configuration called `name`; without a name, the default one."""
        spec = _spec()
        name = name or spec["default"]
        if name not in spec["configs"]:
            raise ValueError(f"no configuration {name!r}; known: {', '.join(spec['configs'])}")
        parameters = {**spec["defaults"], **spec["configs"][name]}
        return cls(**{key.lower(): value for key, value in parameters.items()})

    @staticmethod
    def names() -> list[str]:
        return list(_spec()["configs"])

    def parameters(self) -> dict[str, int]:
        """Verilog parameters of sat_top."""
        return {name.upper(): value for name, value in dataclasses.asdict(self).items()}
