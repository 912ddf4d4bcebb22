# SPDX-License-Identifier: Apache-2.0
"""The sources are clean, and the house checks find what they are for."""

import shutil

import pytest

from sat.config import SatConfig
from scripts import lint

pytestmark = pytest.mark.quick
SOURCES = {path.stem: path for path in lint.sources()}
GOOD = """// SPDX-License-Identifier: Apache-2.0
// sat_good: nothing.
`default_nettype none
`include "sat_defs.vh"

module sat_good (input wire clk, input wire rst_n);

  wire unused_ok = &{1'b0, clk, rst_n};

endmodule

`default_nettype wire
"""


def clean(problems):
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("module", SOURCES)
def test_module_is_clean(module):
    clean(lint.verilog_rules(SOURCES[module]))
    clean(lint.verible(SOURCES[module]))
    clean(lint.verilator(module))
    clean(lint.icarus(module))


@pytest.mark.parametrize("module", SOURCES)
def test_module_elaborates_in_yosys(module):
    clean(lint.yosys(module))


@pytest.mark.skipif("sat_top" not in SOURCES, reason="no top level yet")
@pytest.mark.parametrize("config", [
    pytest.param(name, marks=[pytest.mark.slow] if SatConfig.from_name(name).rows > 8 else [])
    for name in SatConfig.names()])
def test_top_is_clean_in_every_configuration(config):
    clean(lint.verilator("sat_top", SatConfig.from_name(config).parameters()))


def test_file_list():
    clean(lint.file_list_rules())


def test_benches():
    clean(lint.bench_rules())


@pytest.mark.parametrize("entries, complaint", [
    ("", "sat_limits has no bench in tb/unit and no reason"),
    ("sat_limits: nobody needs one", "sat_limits must have a bench and say why"),
    ("sat_limits: {bench: tb/unit/fp, why: ''}", "sat_limits must have a bench and say why"),
    ("sat_limits: {bench: tb/unit/nowhere, why: so}", "there is no tb/unit/nowhere"),
    ("sat_limits: {bench: tb/unit/fp, why: so}", "tb/unit/fp does not simulate sat_limits"),
    ("sat_fifo: {bench: tb/unit/fp, why: so}", "sat_fifo has a bench of its own"),
    ("sat_gone: {bench: tb/unit/fp, why: so}", "there is no module sat_gone"),
])
def test_missing_bench_is_found(tmp_path, monkeypatch, entries, complaint):
    path = tmp_path / "elsewhere.yaml"
    path.write_text(entries or "{}", encoding="utf-8")
    monkeypatch.setattr(lint, "ELSEWHERE", path)
    assert complaint in "\n".join(lint.bench_rules())


def test_python():
    clean(lint.python_rules())


@pytest.mark.parametrize("old, new, complaint", [
    ("", "", None),
    ("// SPDX-License-Identifier: Apache-2.0\n", "", "SPDX"),
    ("// sat_good: nothing.\n", "", "no header"),
    ("`default_nettype none\n", "", "default_nettype none"),
    ("wire\n", "none\n", "default_nettype wire"),
    ("module sat_good", "module sat_other", "sat_other"),
    ("endmodule", "  initial unused = 1'b0;\nendmodule", "initial"),
    ("1'b0", "1'bx", "X assignment"),
    ("unused_ok", "unused_0", "ends in"),
    ("  wire", "\twire", "tab"),
    ("  wire", "  wire [`SAT_TILE_BITS-1:0] a, b;\n  wire last = b[35];\n  wire", "numbered bits"),
    ("  wire", "  wire [2*`SAT_ACC_BITS-1:0] a;\n  wire e = a[23 +: 7];\n  wire", "numbered bits"),
    ("sat_good: nothing", "Nothing", "does not begin with 'sat_good: '"),
    ("none\n`include", "none\n\n`include", "default_nettype none"),
    ("vh\"\n\n", "vh\"\n", "default_nettype none"),
    (");\n\n", ");\n", "behind the ports"),
    ("endmodule\n\n", "endmodule\n", "endmodule"),
    ("\n\nendmodule", "\nendmodule", "endmodule"),
    ("  wire", "  // ---- Nothing ----\n  wire", "no section"),
    ("  wire", "  // -- Nothing --------\n  wire", "no section"),
    ("  wire", "  // ---- Nothing.\n  wire", "no section"),
    ("  wire", 200 * "  // more\n" + "  wire", "no sections"),
    ("rst_n", "clear_n", "reset clear_n"),
    ("  wire", "  sat_fifo u_fifo (.rst_n (alive));\n  wire", "reset alive"),
    ("nothing.", "nothing." + 100 * ".", "columns"),
    ("nothing.", "nichts \u00fcber.", "ASCII"),
    ("nothing.", "nothing.\n//" * 20, "header"),
])
def test_verilog_rules_complain(tmp_path, monkeypatch, old, new, complaint):
    monkeypatch.setattr(lint, "ROOT", tmp_path)
    path = tmp_path / "sat_good.v"
    path.write_text(GOOD.replace(old, new) if old else GOOD, encoding="utf-8")
    problems = lint.verilog_rules(path)
    if complaint is None:
        clean(problems)
    else:
        assert any(complaint in problem for problem in problems), problems


@pytest.mark.parametrize("line, bad", [
    ("rng = np.random.default_rng(3)", False),
    ("rng = np.random.default_rng()", True),
    ("x = np.random.rand(3)", True),
    ("rng = random.Random(5)", False),
    ("rng = random.Random()", True),
    ("x = random.choice([1, 2])", True),
    ("from random import choice", True),
])
def test_unseeded_random_is_found(tmp_path, monkeypatch, line, bad):
    monkeypatch.setattr(lint, "ROOT", tmp_path)
    path = tmp_path / "bench.py"
    path.write_text(line + "\n", encoding="utf-8")
    assert bool(list(lint.unseeded_random(path))) == bad


@pytest.mark.parametrize("line, bad", [
    ("path.read_text()", True),
    ("(folder / 'x').write_text(text)", True),
    ("open(path)", True),
    ("open(path, mode='a')", True),
    ("os.fdopen(1, 'w')", True),
    ("path.open('w')", True),
    ("gzip.open(path, 'wt')", True),
    ("path.read_text(encoding='utf-8')", False),
    ("open(path, 'rb')", False),
    ("gzip.open(path, 'w')", False),
    ("os.open(path, os.O_RDWR)", False),
    ("path.read_bytes()", False),
])
def test_encoding_of_the_locale_is_found(tmp_path, monkeypatch, line, bad):
    monkeypatch.setattr(lint, "ROOT", tmp_path)
    path = tmp_path / "script.py"
    path.write_text(line + "\n", encoding="utf-8")
    assert bool(list(lint.locale_encoding(path))) == bad


@pytest.mark.parametrize("name, bad", [
    ("sat_fifo_tests.py", False), ("test_fifo.py", False), ("conftest.py", False),
    ("fifo_model.py", True), ("smoke_test.py", True)])
def test_asserts_that_python_may_drop_are_found(tmp_path, monkeypatch, name, bad):
    monkeypatch.setattr(lint, "ROOT", tmp_path)
    path = tmp_path / name
    path.write_text("if True:\n    assert 1 == 2, 'assert'\n", encoding="utf-8")
    assert bool(list(lint.bare_asserts(path))) == bad


def test_no_check_is_no_pass(monkeypatch):
    monkeypatch.setattr("sys.argv", ["lint", "sat_none"])
    monkeypatch.setattr(lint, "checks", lambda: iter([("file list", list)]))
    assert lint.main() == 1


@pytest.mark.parametrize("tool, body, complaint", [
    (lint.verilator, "wire lost = clk;", "lost"),
    (lint.icarus, "assign missing = clk;", "missing"),
    (lint.yosys, "wire a, b; assign a = !b; assign b = !a;", "loop"),
    (lint.yosys, "reg d, q; always @(posedge clk) d <= q; always @(*) if (clk) q = d;", "dlatch"),
    (lint.yosys, "sat_missing u_missing ();", "sat_missing"),
])
def test_tools_complain(tmp_path, monkeypatch, tool, body, complaint):
    if tool is lint.icarus and shutil.which("iverilog") is None:
        pytest.skip("no iverilog")
    path = tmp_path / "sat_bad.v"
    path.write_text(f"module sat_bad (input wire clk);\n  {body}\nendmodule\n", encoding="utf-8")
    monkeypatch.setattr(lint, "needed_sources", lambda module: [path])
    assert complaint in "".join(tool("sat_bad"))


@pytest.mark.quick
def test_wrong_type_is_found(tmp_path, monkeypatch):
    """In a function without annotations too."""
    wrong = tmp_path / "wrong.py"
    wrong.write_text("def f():\n    return len(3)\n", encoding="utf-8")
    monkeypatch.setattr(lint, "TYPED", (str(wrong),))
    assert "[arg-type]" in lint.types()[0]
