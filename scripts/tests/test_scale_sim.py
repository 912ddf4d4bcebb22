# SPDX-License-Identifier: Apache-2.0
"""SCALE-Sim beside the core: what it is told, what is read of it, and that its lack is said."""

import json
import stat

import pytest

from sat import SatConfig, bench
from scripts import scale_sim

CASE = bench.MatmulCase("nm-2:8-64", "8x8", 64, 48, 32, 2, 8)
# In place of Python with SCALE-Sim: it reads the topology, and reports its numbers as cycles.
STUB = """#!/bin/sh
mkdir -p out/run
test "$1 $2" = "-m scalesim.scale" || exit 3
grep -q "^Dataflow: os$" run.cfg || { echo "bad dataflow" >&2; exit 4; }
{ echo "LayerID, Total Cycles (incl. prefetch), Total Cycles, Stall Cycles,"
  echo "0, $(sed -n 's/^run,//p' topology.csv | tr -d ',:').0, 7, 0,"; } > report.csv
mv report.csv out/run/COMPUTE_REPORT.csv
"""


@pytest.fixture
def python(tmp_path):
    path = tmp_path / "python"
    path.write_text(STUB, encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.mark.quick
def test_the_product_is_told_and_cycles_are_read(python):
    config = SatConfig.from_name("8x8")
    assert scale_sim.scale_sim(python, CASE, config, "os") == 64_48_32_28
    with pytest.raises(RuntimeError, match="SCALE-Sim, nm-2:8-64: bad dataflow"):
        scale_sim.scale_sim(python, CASE, config, "ws")


@pytest.mark.quick
def test_without_it_there_is_a_notice(tmp_path, capsys):
    assert scale_sim.main(["--python", str(tmp_path / "none")]) == 0
    assert "skipped: no SCALE-Sim" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        scale_sim.main(["--cases", "none"])


def test_the_real_one(tmp_path):
    """A small product: where SCALE-Sim is installed."""
    if not scale_sim.PYTHON.exists():
        pytest.skip(f"no SCALE-Sim at {scale_sim.PYTHON}")
    out = tmp_path / "out.json"
    assert scale_sim.main(["--cases", "dense-96", "--out", str(out)]) == 0
    (row,) = json.loads(out.read_text(encoding="utf-8"))
    assert row["model"] == row["rtl"] < row["scale_sim"]["os"]
    assert 96**3 // 64 < row["scale_sim"]["os"] < 2 * 96**3 // 64
