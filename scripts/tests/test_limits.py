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
# With what to change of the defaults, and what the elaboration says.
BROKEN_RULES = [
    ("A_DEPTH", {"A_DEPTH": 256}, "the_a_scratchpad_must_hold"),
    ("S_DEPTH", {"S_DEPTH": 64}, "the_s_scratchpad_must_hold"),
    ("CHUNK_K", {"CHUNK_K": 16, "DATA_W": 512}, "a_chunk_must_begin_with_a_beat"),
    ("T", {"T": 4, "COLS": 4, "DATA_W": 512}, "a_tile_must_fill_a_beat"),
]


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


@pytest.mark.parametrize("name, changed, words", [
    *((name, {name: wrong}, f"{name.lower()}_must_be") for name, wrong in WRONG), *BROKEN_RULES])
def test_illegal_value_is_named(name, changed, words):
    assert f"sat_error_{words}" in elaborate(**changed)
    if name.lower() in {field.name for field in dataclasses.fields(SatConfig)}:
        with pytest.raises(ValueError, match=rf"^{name.lower()}={changed[name]}: "):
            dataclasses.replace(SatConfig.from_name(),
                                **{key.lower(): value for key, value in changed.items()})


def test_every_rule_is_broken_here():
    assert {rule.parameter for rule in rules()} == {name for name, *_ in BROKEN_RULES}
