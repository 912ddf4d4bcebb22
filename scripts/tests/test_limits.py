# SPDX-License-Identifier: Apache-2.0
"""Illegal parameters are refused, with their names, by SatConfig and by the RTL's elaboration."""

import dataclasses
import os
import subprocess

import pytest

from sat.config import SatConfig, parameters, rules
from sat.rtl import sources
from sat.toolchain import ROOT, verilator_env

pytestmark = pytest.mark.quick
# One below the first legal value and one above the last.
WRONG = [(name, wrong) for name, parameter in parameters().items()
         for wrong in (parameter.legal[0] - 1, parameter.legal[-1] + 1)]
BROKEN_RULES = [("A_DEPTH", 256), ("S_DEPTH", 64)]  # beside the other defaults


def elaborate(**changed: int) -> str:
    """What Verilator says of sat_top."""
    environment = {**os.environ, **verilator_env()}
    verilator = f"{environment['VERILATOR_ROOT']}/bin/verilator"
    options = [f"-G{name}={value}" for name, value in changed.items()]
    done = subprocess.run([verilator, "--lint-only", "--default-language", "1364-2005", "-Wall",
                           f"-I{ROOT / 'rtl/include'}", "--top-module", "sat_top", *options,
                           *sources()], env=environment, capture_output=True, text=True)
    return done.stderr if done.returncode else ""


def test_defaults_elaborate():
    assert not elaborate()


@pytest.mark.parametrize("name, value", WRONG + BROKEN_RULES)
def test_illegal_value_is_named(name, value):
    says = elaborate(**{name: value})
    words = (f"sat_error_{name.lower()}_must_be" if (name, value) in WRONG
             else f"sat_error_the_{name[0].lower()}_scratchpad_must_hold")
    assert words in says
    if name.lower() in {field.name for field in dataclasses.fields(SatConfig)}:
        with pytest.raises(ValueError, match=rf"^{name.lower()}={value}: "):
            dataclasses.replace(SatConfig.from_name(), **{name.lower(): value})


def test_every_rule_is_broken_here():
    assert {rule.parameter for rule in rules()} == {name for name, _ in BROKEN_RULES}
