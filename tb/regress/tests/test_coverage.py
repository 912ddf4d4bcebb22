# SPDX-License-Identifier: Apache-2.0
"""Coverage data: reading, adding up, waivers, figures, export."""

from __future__ import annotations

import gzip
import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from sat.files import DamagedFile
from tb.regress import ROOT
from tb.regress.annotate import annotated_files, toggle_texts
from tb.regress.code_coverage import HEADER, parse_lines, read_counts
from tb.regress.coverage import METRICS, ConfigCoverage, Figure, gather, summary, table
from tb.regress.functional import CoverPoint, read_functional
from tb.regress.lcov import write_lcov
from tb.regress.plan import Result, Run
from tb.regress.spec import SpecError, load_tests
from tb.regress.testplan import closures
from tb.regress.waivers import Waiver, load_waivers
from tb.uvm.testplan import Entry, load

pytestmark = pytest.mark.quick

FILE = "rtl/common/sat_fifo.v"


def data_line(kind: str, name: str, count: int, line: int = 30, lines: str = "",
              page: str = "sat_fifo__W8", file: str = FILE) -> str:
    fields = {"f": str(ROOT / file), "l": line, "n": 5, "t": kind, "page": f"v_{kind}/{page}",
              "o": name, "S": lines, "h": "TOP.sat_top.u_fifo"}
    key = "".join(f"\1{key}\2{value}" for key, value in fields.items() if value != "")
    return f"C '{key}' {count}\n"


@pytest.fixture
def data(tmp_path: Path) -> list[Path]:
    """Counters of two runs, the first compressed."""
    first = tmp_path / "a.dat.gz"
    with gzip.open(first, "wt", encoding="utf-8") as out:
        out.write(HEADER)
        out.write(data_line("line", "block", 2, 30, "30-32"))
        out.write(data_line("branch", "if", 0, 32, "33"))
        out.write(data_line("branch", "else", 2, 32, "34,36"))
        out.write(data_line("toggle", "level_q[0]:0->1", 1, 20))
        out.write(data_line("toggle", "level_q[0]:0->1", 4, 20, page="sat_fifo__W16"))
        out.write(data_line("toggle", "level_q[1]:0->1", 0, 20))
        out.write(data_line("toggle", "x:0->1", 5, 20, file="tb/uvm/hdl/sat_uvm_top.v"))
    second = tmp_path / "b.dat"
    second.write_text(HEADER + data_line("line", "block", 3, 30, "30-32")
                      + data_line("expr", "(a==1) => 1", 0, 31), encoding="utf-8")
    return [first, second]


@pytest.fixture
def functional(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "f.json", tmp_path / "g.json"]
    paths[0].write_text(json.dumps({"points": {"cp_a": {"x": 1, "y": 0}}}), encoding="utf-8")
    paths[1].write_text(json.dumps({"points": {
        "cp_a": {"x": 2, "z": 0}, "cp_b": {"bins": {"p": 3, "q": 1}, "goal": 2}}}),
        encoding="utf-8")
    return paths


def test_counts_are_added_over_runs_and_parameters(data):
    counts = read_counts(data)
    by_name = {point.object: count for point, count in counts.items()}
    assert by_name == {"block": 5, "if": 0, "else": 2, "level_q[0]:0->1": 5, "level_q[1]:0->1": 0,
                       "(a==1) => 1": 0}
    assert {point.file for point in counts} == {FILE}


def test_lines_of_a_point():
    assert parse_lines("3-5,9") == (3, 4, 5, 9) and parse_lines("") == ()


def test_figures(data, functional):
    coverage = gather("2x2", data, functional, [])
    figures = coverage.figures()
    assert figures["line"] == Figure(5, 0, 6)  # 30-32, 34, 36 of those and 33
    assert figures["branch"] == Figure(1, 0, 2)
    assert figures["toggle"] == Figure(1, 0, 2)
    assert figures["expr"] == Figure(0, 0, 1)
    assert figures["functional"] == Figure(2, 0, 5)
    assert summary({"2x2": coverage})["2x2"] == {
        "functional": 40.0, "line": 83.33, "branch": 50.0, "toggle": 50.0, "expr": 0.0}


def test_table_of_a_large_core_fits_into_80_columns():
    figures = dict.fromkeys(METRICS, Figure(4_444, 111, 5_555))
    figures["toggle"] = Figure(1_111_111, 22_222, 2_333_333)
    output = io.StringIO()
    Console(file=output, width=80).print(table({"16x16": figures}))
    text = output.getvalue()
    assert "1111111/2311111" in text and "+22222" in text
    assert text.count("4444/5444") == 4 and all(metric in text for metric in METRICS)


def test_nothing_measured_is_no_percentage():
    coverage = ConfigCoverage("2x2", {}, {}, [])
    assert set(summary({"2x2": coverage})["2x2"].values()) == {None}


def test_functional_files_are_added(functional):
    points = read_functional(functional)
    assert points["cp_a"] == CoverPoint(1, {"x": 3, "y": 0, "z": 0})
    assert points["cp_b"].holes() == ["q"]


@pytest.mark.parametrize("text", ["{}", "[]", '{"points": {"cp": 1}}', "nonsense"])
def test_wrong_functional_file_is_named(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DamagedFile, match="x.json is damaged: .*; delete it"):
        read_functional([path])


@pytest.mark.parametrize("change", [
    lambda whole: b"", lambda whole: whole[:-30], lambda whole: whole[:40],
    lambda whole: whole[:100] + b"????" + whole[104:], lambda whole: gzip.compress(b""),
    lambda whole: gzip.compress(HEADER.encode() + b"C 'half a line"),
    lambda whole: gzip.compress(HEADER.encode() + b"C 'key' many\n")])
def test_damaged_counters_are_named(data, change):
    data[0].write_bytes(change(data[0].read_bytes()))
    with pytest.raises(DamagedFile, match="a.dat.gz is damaged: .*; delete it"):
        read_counts(data)


# Waivers


def test_waivers_excuse_holes_only(data, functional):
    waivers = [Waiver("no test needs this", "toggle", "rtl/common/*", "level_q"),
               Waiver("cannot happen at all", "branch", FILE, "if"),
               Waiver("not on this array", "functional", "cp_a", "y", ("2x2",)),
               Waiver("not on this array", "functional", "cp_*", "z", ("2x2",))]
    figures = gather("2x2", data, functional, waivers).figures()
    assert figures["toggle"] == Figure(1, 1, 2) and figures["toggle"].percent == 100
    assert figures["branch"].percent == 100 and figures["branch"].raw_percent == 50
    assert figures["functional"] == Figure(2, 2, 5)
    assert gather("4x4", data, functional, waivers).figures()["functional"] == Figure(2, 0, 5)


def test_waivers_without_effect_are_known(data, functional):
    waivers = [Waiver("matches nothing at all", "expr", "rtl/dma/*", "*"),
               Waiver("is covered all the same", "branch", FILE, "else")]
    assert gather("2x2", data, functional, waivers).idle_waivers() == waivers


@pytest.mark.parametrize("kind, what, meant, other", [
    ("toggle", "a.b[3].c[7:4]", "a.b[3].c[5]:0->1", "a.b[3].c[3]:0->1"),
    ("toggle", "*unused_ok", "gen[1].unused_ok:1->0", "unused_okay:1->0"),
    ("toggle", "addr_i", "addr_i[3]:0->1", "raddr_i[3]:0->1"),
    ("toggle", "memory[15][0]:1->0", "memory[15][0]:1->0", "memory[15][0]:0->1"),
    ("toggle", "lane[{0..3}].x[1]", "lane[2].x[1]:0->1", "lane[4].x[1]:0->1"),
    ("expr", "(room==0) => 0", "(room==0) => 0", "(room==0) => 1"),
    ("functional", "*/hang", "fetch/hang", "hang/fetch"),
])
def test_what_a_waiver_means(kind, what, meant, other):
    waiver = Waiver("it is only an example", kind, "*", what)
    assert waiver.means(meant) and not waiver.means(other)


def test_waiver_by_the_text_of_the_line():
    waiver = Waiver("it is only an example", "branch", FILE, "if @ else if (fires)")
    assert waiver.means("if", "    else if (fires) begin") and not waiver.means("if", "if (fires)")
    line = Waiver("it is only an example", "line", FILE, "@ default:")
    assert line.means("", "      default: state_d = ST_IDLE;") and not line.means("", "x")


def write_waivers(folder: Path, name: str, entry: dict) -> None:
    (folder / name).write_text(json.dumps([entry]), encoding="utf-8")


def test_an_entry_has_many_waivers(tmp_path):
    delay = "rtl/common/sat_delay.v"
    write_waivers(tmp_path, "common.yaml", {
        "reason": "it is only an example", "configs": ["2x2"],
        "toggle": {FILE: "count_o[3:0], clk", delay: "in_i"},
        "expr": {FILE: ["(flush_i==1) => 1 @ flush_i", "clk, flush_i"]}})
    (tmp_path / "dma.yaml").write_text("", encoding="utf-8")
    assert [(waiver.kind, waiver.where, waiver.what) for waiver in load_waivers(tmp_path)] == [
        ("toggle", FILE, "count_o[3:0]"), ("toggle", FILE, "clk"), ("toggle", delay, "in_i"),
        ("expr", FILE, "(flush_i==1) => 1 @ flush_i"), ("expr", FILE, "clk, flush_i")]


@pytest.mark.parametrize("entry", [{"reason": "there is nothing else"},
                                   {"toggle": {"rtl/*": "x"}, "reason": "no"},
                                   {"toggle": {"rtl/*": ""}, "reason": "because of the file alone"},
                                   {"line": {"*": "x"}, "lines": "3", "reason": "by line number"}])
def test_unsound_waivers_are_refused(tmp_path, entry):
    write_waivers(tmp_path, "every.yaml", entry)
    with pytest.raises(SpecError):
        load_waivers(tmp_path)


LOADER = "rtl/vector/sat_tile_loader.v"


@pytest.mark.parametrize("file, kind, where, what, problem", [
    ("vector", "toggle", "rtl/vector/sat_gone.v", "clk", "no such file"),
    ("vector", "toggle", LOADER, "tile_gone[3:0]", "has no tile_gone"),
    ("vector", "toggle", LOADER, "gen_gone[1].u_x", "has no gen_gone, u_x"),
    ("vector", "toggle", LOADER, "in_row_q[4:1]", "has no in_row_q[4]"),
    ("vector", "toggle", LOADER, "tile_o.GONE", "tile_o has no such field"),
    ("vector", "toggle", LOADER, "tile_o.ROW[20]", "tile_o has no such field"),
    ("vector", "toggle", LOADER, "in_row_q.ROW", "in_row_q has no such field"),
    ("vector", "expr", LOADER, "(gone==1 && req_fire==0) => 1", "has no gone"),
    ("vector", "line", LOADER, "@ default: gone", "has no 'default: gone'"),
    ("matmul", "toggle", LOADER, "tile_o.ROW", "belongs into vector.yaml"),
    ("vector", "toggle", "rtl/sat_top.v", "irq", "belongs into top.yaml"),
])
def test_waivers_of_what_is_gone_are_errors(tmp_path, file, kind, where, what, problem):
    write_waivers(tmp_path, f"{file}.yaml",
                  {"reason": "it was once there", kind: {where: [what]}})
    with pytest.raises(SpecError, match=re.escape(problem)):
        load_waivers(tmp_path)


@pytest.mark.parametrize("where, what, bits", [
    (LOADER, "tile_o.ROW", range(22, 42)),
    (LOADER, "tile_o.COL[11:2]", range(12, 22)),
    (LOADER, "tile_o.LAST", [43]),
    (LOADER, "stride_i.EACH[1:0]", [0, 1, 24, 25, 48, 49]),
    ("rtl/sat_top.v", "rd_rsp_ready.FETCH", [7]),
    ("rtl/sat_top.v", "rd_req_beats.BIAS[11]", [47]),
    ("rtl/sat_top.v", "wr_req_addr.VECTOR[3:0]", range(40, 44)),
    ("rtl/vector/sat_vector.v", "sink_tile.BAND_END", range(42, 42 + 64 * 44, 44)),
    ("rtl/matmul/sat_matmul.v", "west.WRITE", range(22, 22 + 64 * 23, 23)),
])
def test_fields_are_bits_of_the_declared_signal(where, what, bits):
    waiver = Waiver("it is only an example", "toggle", where, what)
    signal = what.partition(".")[0]
    assert [bit for bit in range(3000) if waiver.means(f"{signal}[{bit}]:0->1")] == list(bits)


def test_the_waivers_are_sound():
    assert all(waiver.reason for waiver in load_waivers())


# Annotation, export, plan


def test_annotated_source(data):
    file, = annotated_files({"2x2": gather("2x2", data, [], []),
                             "4x4": gather("4x4", data[1:], [], [])})
    lines = {line.number: line for line in file.lines}
    assert lines[31].count == 3 and lines[31].holes == ["expr (a==1) => 1"]
    assert lines[33].holes == ["never runs (2x2)"] and lines[33].state == "hole"
    assert lines[20].holes == ["toggle level_q[1] 0->1 (2x2)"]
    assert lines[34].state == "covered" and lines[1].state == ""


def test_annotated_source_tells_what_is_waived_and_why(data):
    waivers = [Waiver("nobody reads this bit", "toggle", FILE, "level_q[1]", ("2x2",)),
               Waiver("cannot happen at all", "expr", FILE, "*")]
    file, = annotated_files({"2x2": gather("2x2", data, [], waivers),
                             "4x4": gather("4x4", data, [], waivers)})
    lines = {line.number: line for line in file.lines}
    assert lines[31].waived == ["expr (a==1) => 1: waived, cannot happen at all"]
    assert lines[31].state == "waived" and not lines[31].holes
    assert lines[20].waived == ["toggle level_q[1] 0->1 (2x2): waived, nobody reads this bit"]
    assert lines[20].holes == ["toggle level_q[1] 0->1 (4x4)"] and lines[20].state == "hole"


def test_toggles_of_a_signal_are_told_together():
    names = [f"a[{bit}]:{edge}" for bit in (3, 4, 5, 9) for edge in ("0->1", "1->0")]
    assert toggle_texts([*names, "b:0->1"]) == [
        "toggle a[5:3] [9] 0->1 1->0", "toggle b 0->1"]


def test_lcov(data, tmp_path):
    path = tmp_path / "cov" / "x.info"
    write_lcov(path, gather("2x2", data, [], [Waiver("for this test only", "branch", FILE, "if")]))
    text = path.read_text(encoding="utf-8").split("\n")
    assert f"SF:{ROOT / FILE}" in text and "DA:30,5" in text and "DA:33,0" in text
    assert "BRDA:32,5,0,2" in text and text.count("end_of_record") == 1
    assert "LF:6" in text and "LH:5" in text and "BRF:2" in text and "BRH:1" in text


def test_test_plan_closure(functional):
    coverage = {"2x2": gather("2x2", [], functional, []),
                "4x4": gather("4x4", [], functional[1:], [])}
    results = [Result(Run("uvm", "2x2", 1), "failed", 1.0,
                      cases={"tb.tests.SatSmokeTest": "passed", "SatBadTest": "failed"}),
               Result(Run("matmul", "2x2", 1), "passed", 1.0)]
    entries = [Entry("one", "", "V1", ("matmul", "SatSmokeTest"), ()),
               Entry("two", "", "V1", ("SatBadTest",), ()),
               Entry("three", "", "V2", ("matmul",), ("cp_a",)),
               Entry("four", "", "V2", ("SatNoSuchTest",), ("cp_no_such_point",))]
    one, two, three, four = closures(entries, results, coverage)
    assert one.closed and not two.closed and not three.closed and not four.closed
    assert one.tested and not two.tested and three.tested and not four.tested
    assert three.cover["cp_a"] == Figure(1, 0, 3) and four.cover["cp_no_such_point"].total == 0


def test_planned_tests_run_in_regressions():
    """By name, by pattern, or with all of their module."""
    known = load_tests()
    whole = "".join((ROOT / f"{test.module.replace('.', '/')}.py").read_text(encoding="utf-8")
                    for test in known.values() if test.module and not test.testcase)
    patterns = [test.testcase for test in known.values() if test.testcase]
    for entry in load():
        for name in entry.tests:
            assert (name in known or re.search(rf"\b{name}\b", whole)
                    or any(re.search(pattern, name) for pattern in patterns)), name
