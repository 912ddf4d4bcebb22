# SPDX-License-Identifier: Apache-2.0
"""Parameters of sat_top and configurations by name, from spec/configs.yaml."""

from __future__ import annotations

import dataclasses
import functools
import re

import yaml

from .plan.tiling import Array
from .toolchain import ROOT

CONFIGS = ROOT / "spec" / "configs.yaml"


@dataclasses.dataclass(frozen=True)
class Parameter:
    """A parameter of sat_top: its default, and what is legal, ascending and in words."""

    name: str
    default: int
    legal: tuple[int, ...]
    words: str
    meaning: str

    @property
    def is_range(self) -> bool:
        """`legal` has no gaps."""
        return len(self.legal) == self.legal[-1] - self.legal[0] + 1


@dataclasses.dataclass(frozen=True)
class Rule:
    """A condition between parameters, in the syntax that Verilog, Tcl and Python share."""

    parameter: str
    condition: str
    message: str

    @property
    def names(self) -> list[str]:
        """Parameters of the condition, in order of appearance."""
        return list(dict.fromkeys(re.findall(r"[A-Z]\w*", self.condition)))

    def holds(self, values: dict[str, int]) -> bool:
        return bool(eval(self.condition, {"__builtins__": {}}, values))


@functools.cache
def _spec() -> dict:
    return yaml.safe_load(CONFIGS.read_text(encoding="utf-8"))


@functools.cache
def parameters() -> dict[str, Parameter]:
    """The parameters of sat_top by name."""
    return {name: _parameter(name, entry) for name, entry in _spec()["parameters"].items()}


def _parameter(name: str, entry: dict) -> Parameter:
    if "powers" in entry:
        first, last = entry["powers"]
        legal = tuple(1 << k for k in range(first.bit_length() - 1, last.bit_length()))
        words = f"a power of two from {first} to {last}"
    elif "range" in entry:
        first, last = entry["range"]
        legal, words = tuple(range(first, last + 1)), f"from {first} to {last}"
    else:
        legal = tuple(entry["values"])
        *others, final = map(str, legal)
        words = f"{', '.join(others)} or {final}" if others else final
    return Parameter(name, entry["default"], legal, words, entry["meaning"])


@functools.cache
def rules() -> tuple[Rule, ...]:
    """What parameters must satisfy together."""
    return tuple(Rule(**entry) for entry in _spec()["rules"])


@dataclasses.dataclass(frozen=True, kw_only=True)
class SatConfig(Array):
    """Parameters of sat_top; AXI_ID_W, which changes nothing, left out."""

    addr_w: int
    rd_outstanding: int

    def __post_init__(self) -> None:
        values = self.parameters()
        for name, value in values.items():
            if value not in parameters()[name].legal:
                raise ValueError(f"{name.lower()}={value}: not {parameters()[name].words}")
        for rule in rules():
            if not rule.holds(values):
                raise ValueError(f"{rule.parameter.lower()}={values[rule.parameter]}: "
                                 f"{rule.message}")

    @classmethod
    def from_name(cls, name: str | None = None) -> SatConfig:
        """The configuration called `name`; without a name, the default one."""
        spec = _spec()
        name = name or spec["default"]
        if name not in spec["configs"]:
            raise ValueError(f"no configuration {name!r}; known: {', '.join(spec['configs'])}")
        fields = [field.name for field in dataclasses.fields(cls)]
        return cls(**{field: spec["configs"][name].get(field.upper(),
                                                       parameters()[field.upper()].default)
                      for field in fields})

    @staticmethod
    def names() -> list[str]:
        return list(_spec()["configs"])

    def parameters(self) -> dict[str, int]:
        """Verilog parameters of sat_top."""
        return {name.upper(): value for name, value in dataclasses.asdict(self).items()}
