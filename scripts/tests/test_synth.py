# SPDX-License-Identifier: Apache-2.0
"""The synthesis flow works, the core keeps to its limits, and the document says what the flow says.
"""

import json
import re

import pytest

from scripts import synth
from scripts.synthesis import cells, critical, flow, harness, report
from scripts.synthesis.targets import TARGETS, find

USPE_LUTS = 480  # the sketch took 525
USPE_MHZ = 180   # best of three seeds on ECP5; the sketch reached 127
ARRAY_SHARE = 0.75  # of the PE's clock that a 4x4 array reaches, best against best; goal 0.85
DOCUMENT = report.DOCUMENT.read_text(encoding="utf-8")


def target(name):
    (result,) = find(name)
    return result


def row(block, name):
    """The cells of a row of the document's table, without the name."""
    table = report.read_block(DOCUMENT, block)
    match = re.search(rf"^\| `{name}` \| (.*) \|$", table, re.MULTILINE)
    assert match, f"{name} is not in table {block} of {report.DOCUMENT}: run make synth ARGS=--docs"
    return match[1].split(" | ")


def best_of_three(name):
    return flow.fmax([flow.place(target(name), seed) for seed in (1, 2, 3)])["best"]


@pytest.mark.quick
def test_harness_of_ports_registers_every_bit():
    ports = {"clk": {"direction": "input", "bits": [2]},
             "a_i": {"direction": "input", "bits": [3, 4, 5]},
             "b_i": {"direction": "input", "bits": [6]},
             "q_o": {"direction": "output", "bits": [7, 8]}}
    text = harness.verilog(ports)
    assert "reg [3:0] in_q;" in text
    assert "reg [1:0] out_q, fold_q;" in text
    assert ".clk(clk), .a_i(in_q[0 +: 3]), .b_i(in_q[3 +: 1]), .q_o(out[0 +: 2])" in text


@pytest.mark.quick
def test_cells_are_counted_by_what_they_occupy():
    area = cells.classify({"LUT2": 3, "LUT6": 4, "INV": 1, "FDRE": 5, "RAM32M16": 2, "RAMB18E2": 1,
                           "RAMB36E2": 2, "SRL16E": 6, "CARRY4": 7, "$scopeinfo": 9})
    assert (area["lut"], area["lutram"], area["bram"], area["carry"]) == (7, 16, 2.5, 7)
    assert cells.all_luts(area) == 7 + 1 + 16 + 6


@pytest.mark.quick
def test_unknown_cell_is_an_error():
    with pytest.raises(ValueError, match="NEWCELL"):
        cells.classify({"LUT6": 1, "NEWCELL": 1})


@pytest.mark.quick
def test_module_with_parameters_is_a_target():
    assert target("sat_fifo:WIDTH=8,DEPTH=64").parameters == {"WIDTH": 8, "DEPTH": 64}
    assert len(find("sat_array_*")) > 1
    with pytest.raises(ValueError, match="sat_nothing"):
        find("sat_nothing")


@pytest.mark.quick
def test_small_module_goes_through_the_whole_flow():
    module = target("sat_fp32_to_fp16")
    area = flow.area(module)
    assert area["lut"] > 0 and area["dsp"] == area["bram"] == 0
    placed = flow.place(module, 1)
    assert 50 < placed.mhz < 1000
    path = synth.slowest_path(placed)
    assert sum(critical.split(path)) == pytest.approx(1000 / placed.mhz, rel=0.01)
    assert list(critical.lines(path))


def test_partial_run_leaves_the_json_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(synth, "OUT", tmp_path / "synth.json")
    assert synth.main(["--only", "sat_fp32_to_fp16", "--critical", "--seeds", "1"]) == 0
    assert not (tmp_path / "synth.json").exists()
    assert "routing" in capsys.readouterr().out


def test_full_run_writes_the_json(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(synth, "OUT", tmp_path / "synth.json")
    monkeypatch.setattr(synth, "TARGETS", [target("sat_fp32_to_fp16"), target("sat_a_bank")])
    assert synth.main(["--seeds", "1"]) == 0
    result = json.loads((tmp_path / "synth.json").read_text(encoding="utf-8"))
    assert result.keys() == {"sat_fp32_to_fp16", "sat_a_bank", "fmax_ecp5"}
    assert result["sat_a_bank"].keys() >= {"lut", "ff", "dsp", "bram", "lutram"}
    assert result["sat_a_bank"]["bram"] > 0
    assert result["fmax_ecp5"]["sat_fp32_to_fp16"].keys() == {"seeds", "best", "median"}
    assert "sat_a_bank" in report.area_table(result)


def test_uspe_keeps_to_its_area():
    area = flow.area(target("sat_uspe"))
    assert area["lut"] <= USPE_LUTS
    assert area["dsp"] == 1


def test_uspe_reaches_its_clock():
    assert best_of_three("sat_uspe") >= USPE_MHZ


@pytest.mark.slow
def test_array_keeps_the_clock_of_a_pe():
    assert best_of_three("sat_array_4x4") >= ARRAY_SHARE * best_of_three("sat_uspe")


@pytest.mark.quick
def test_document_lists_every_target():
    for item in TARGETS:
        assert len(row("area", item.name)) == len(report.AREA_HEADERS) - 1
        if item.seeds:
            seeds, *clocks = row("fmax", item.name)
            assert 1 <= int(seeds) <= item.seeds and all(float(mhz) > 0 for mhz in clocks)


@pytest.mark.parametrize("name", ["sat_uspe", "sat_fp32_add", "sat_fp32_mul", "sat_sore"])
def test_document_says_what_the_flow_says(name):
    expected = report.area_row(name, flow.area(target(name)))[1:]
    assert row("area", name) == expected, "run make synth ARGS=--docs"
