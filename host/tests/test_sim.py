# SPDX-License-Identifier: Apache-2.0
"""What keeps large arrays cheap to compile and simulate."""

from dataclasses import replace

import pytest

from sat.config import SatConfig
from sat.sim.library import ASSERTIONS, PLAIN, model_of, usual
from sat.sim.verilate import verilate
from sat.toolchain import verilator_env


def test_one_function_serves_all_pes(tmp_path):
    """A vector that depends on bits of itself (UNOPTFLAT) would be evaluated again and again."""
    model = model_of(SatConfig.from_name("4x4"))
    model = replace(model, verilator_flags=(*model.verilator_flags, "-Werror-UNOPTFLAT"))
    verilate(model, tmp_path, verilator_env())
    lines = [line for path in tmp_path.glob("*.cpp")
             for line in path.read_text(encoding="utf-8").splitlines()]
    functions = [line for line in lines
                 if line.startswith("void Vsat_top_sat_uspe___nba") and line.endswith("{")]
    assert len(functions) == 1, functions


@pytest.mark.quick
@pytest.mark.parametrize("said, variant", [
    (None, PLAIN), ("", PLAIN), ("0", PLAIN), ("1", ASSERTIONS)])
def test_the_environment_says_whether_there_are_assertions(said, variant, monkeypatch):
    """Another library, so that neither is taken for the other."""
    monkeypatch.delenv("SAT_ASSERTIONS", raising=False)
    if said is not None:
        monkeypatch.setenv("SAT_ASSERTIONS", said)
    assert usual() is variant
    flags = model_of(SatConfig.from_name("2x2"), usual()).verilator_flags
    assert ("-DSAT_ASSERTIONS" in flags) == (variant is ASSERTIONS)
