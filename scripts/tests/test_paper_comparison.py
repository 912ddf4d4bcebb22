# SPDX-License-Identifier: Apache-2.0
"""The traffic formulas agree with the core's own counters, and the tables with the formulas."""

import json

import numpy as np
import pytest

from sat import FP16, FP32, Core, SimBackend
from sat.config import SatConfig
from scripts import paper_comparison as paper
from scripts.synthesis.report import read_block

CONFIG = SatConfig.from_name("8x8")
DESCRIPTOR_BYTES = 128
SEED = 1
SYNTH = {"sat_top_8x8": {"bram": 50, "lutram": 1, "srl": 2},
         "sat_top_32x32": {"bram": 100, "lutram": 3, "srl": 4},
         "fmax_ecp5": {"sat_uspe": {"best": 200.0, "median": 190.0},
                       "sat_array_4x4": {"best": 150.0, "median": 100.0}}}
BENCH = [{"case": "dense", "n": 2, "m": 2, "rows": 8, "cols": 8, "utilization": 0.5},
         {"case": "sparse", "n": 2, "m": 8, "rows": 8, "cols": 8, "utilization": 0.25,
          "speedup": 3.9}]


@pytest.mark.quick
def test_peak_is_two_operations_per_pe_and_cycle():
    assert paper.gflops(1024, 100) == pytest.approx(204.8)
    assert "| 100.0 | 205 | 819 | 12.8 |" in paper.peak_table(SYNTH, BENCH)


@pytest.mark.quick
def test_sustained_is_utilization_times_peak():
    assert "| `dense` | 8x8 | dense | 50.0% | 6.4 |  |" in paper.sustained_table(SYNTH, BENCH)


@pytest.mark.quick
def test_damaged_measurements_are_named(tmp_path):
    (tmp_path / "synth.json").write_text(json.dumps(SYNTH), encoding="utf-8")
    (tmp_path / "bench.json").write_text(json.dumps(BENCH)[:50], encoding="utf-8")
    with pytest.raises(SystemExit, match="bench.json is damaged: .*; run `make bench` again"):
        paper.main(["--synth", str(tmp_path / "synth.json"), "--bench",
                    str(tmp_path / "bench.json"), "--out", str(tmp_path / "out.md")])


@pytest.mark.quick
def test_sparse_step_multiplies_half_of_a_dense_one():
    for layer in paper.LAYERS:
        (dense, _), (sparse, _) = (paper.step(CONFIG, layer, nm)
                                   for nm in (paper.DENSE, paper.SPARSE))
        assert dense.multiplies == 2 * sparse.multiplies == 3 * layer.inputs * layer.outputs \
            * layer.batch


@pytest.mark.quick
def test_document_has_every_table(tmp_path):
    for name, content in (("synth", SYNTH), ("bench", BENCH)):
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
    out = tmp_path / "document.md"
    assert paper.main(["--synth", str(tmp_path / "synth"), "--bench", str(tmp_path / "bench"),
                       "--out", str(out)]) == 0
    committed = paper.DOCUMENT.read_text(encoding="utf-8")
    for name in paper.BLOCKS:
        header = read_block(out.read_text(encoding="utf-8"), name).splitlines()[1]
        assert read_block(committed, name).splitlines()[1] == header, "scripts/paper_comparison.py"
    # What needs neither clock nor bench is the same in both.
    assert read_block(committed, "energy") == read_block(out.read_text(encoding="utf-8"), "energy")


@pytest.fixture(scope="module")
def core():
    backend = SimBackend(CONFIG, memory_size=32 << 20)
    yield Core(backend)
    backend.close()


@pytest.mark.parametrize("i, j, k, nm, kind", [
    (64, 64, 128, (2, 8), "FF"),
    (256, 256, 256, (2, 8), "BP"),
    (64, 64, 128, (2, 2), "WU"),
    (128, 128, 1024, (2, 2), "WU"),  # neither operand stays
])
def test_bytes_are_those_that_the_core_counts(core, i, j, k, nm, kind):
    rng = np.random.default_rng(SEED)

    def half(shape):
        return rng.standard_normal(shape).astype(np.float16)

    trans = kind == "WU"
    a = core.from_array("a", half((k, i) if trans else (i, k)))
    if nm[0] == nm[1]:
        s = core.from_array("s", half((k, j)))
    else:
        s = core.compressed("s", (k, j), *nm)
        prune = core.program()
        prune.prune(core.from_array("w", half((k, j))), ff=s)
        core.run(prune)
    out = core.tensor("out", (i, j), FP32 if trans else FP16)
    extra = {}
    if kind == "FF":
        extra["bias"] = core.from_array("bias", np.zeros((1, j), np.float32))
    if kind == "BP":
        extra["mask"] = core.from_array("mask", half((i, j)))
    program = core.program()
    program.matmul(a, s, out, a_trans=trans, **extra)
    counters = core.run(program).counters
    work = paper.matmul(CONFIG, i, j, k, nm, a_trans=trans, out_bytes=4 if trans else 2,
                        mask=kind == "BP", bias=kind == "FF")
    assert counters["BYTES_READ"] - DESCRIPTOR_BYTES == work.read
    assert counters["BYTES_WRITTEN"] == work.written
    assert program.macs == work.multiplies
    assert work.cycles < counters["CYCLES"] < 1.1 * work.cycles + 1500
