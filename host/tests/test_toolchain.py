# SPDX-License-Identifier: Apache-2.0
"""Compilers by make's variables; one line for what is missing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sat import toolchain
from sat.toolchain import ToolError

pytestmark = pytest.mark.quick


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in (*toolchain.DEFAULTS, *toolchain.FLAGS):
        monkeypatch.delenv(name, raising=False)


def program(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_a_command_may_have_several_words(monkeypatch, tmp_path):
    wrapper = program(tmp_path, "my wrapper", 'shift; exec echo "clang of $0"')
    monkeypatch.setenv("CXX", f"'{wrapper}' c++ -m64")
    assert toolchain.compiler() == [str(wrapper), "c++", "-m64"]
    assert toolchain.is_clang() and "-latomic" in toolchain.libraries()


def test_the_default_is_a_compiler_that_there_is(monkeypatch, tmp_path):
    program(tmp_path, "clang++", "echo clang")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert toolchain.compiler() == ["clang++"]
    program(tmp_path, "g++", "echo gcc")
    assert toolchain.compiler() == ["g++"]


@pytest.mark.parametrize("command, said", [
    ("/nonexistent/g++", "No such file"), ("'{ccache}' g++", "Could not find compiler")])
@pytest.mark.parametrize("variable", ["CC", "CXX"])
def test_a_missing_compiler_is_one_line(monkeypatch, tmp_path, variable, command, said):
    ccache = program(tmp_path, "ccache", 'echo "ccache: Could not find compiler" >&2; exit 1')
    monkeypatch.setenv(variable, command.format(ccache=ccache))
    with pytest.raises(ToolError) as error:
        toolchain.compiler(variable)
    text = str(error.value)
    assert "\n" not in text and said in text and "apt install g++" in text


@pytest.mark.parametrize("variable", ["CXX", "CXXFLAGS"])
def test_an_open_quote_is_named(monkeypatch, variable):
    monkeypatch.setenv(variable, 'g++ "')
    with pytest.raises(ToolError, match=f'^{variable}=g.. ": No closing quotation'):
        toolchain.compiler() if variable == "CXX" else toolchain.flags(variable)


def test_make_sees_the_compiler_though_the_makefile_names_another(monkeypatch, tmp_path):
    wrapper = program(tmp_path, "my wrapper", "echo gcc")
    monkeypatch.setenv("CXX", f"'{wrapper}' g++")
    text = "CXX = c++\nall:\n\t@$(CXX)\n\t@echo '$(CFG_CXXFLAGS_STD)'\n"
    (tmp_path / "Makefile").write_text(text, encoding="utf-8")
    done = subprocess.run(["make", "-s"], cwd=tmp_path, text=True, capture_output=True,
                          env={**os.environ, **toolchain.build_env()})
    assert done.stdout == "gcc\n-std=c++20\n", done.stderr


@pytest.mark.parametrize("name", toolchain.FLAGS)
def test_flags_are_in_the_key_of_every_build(monkeypatch, name):
    before = toolchain.inside()
    monkeypatch.setenv(name, "-DA='b c'")
    assert toolchain.flags(name) == ["-DA=b c"]
    assert toolchain.inside() != before


def test_places_are_in_the_key_of_every_build(monkeypatch, tmp_path):
    before = toolchain.inside()
    monkeypatch.setattr(toolchain, "ROOT", tmp_path)
    moved = toolchain.inside()
    monkeypatch.setattr(toolchain, "verilator_root", lambda: tmp_path)
    assert len({before, moved, toolchain.inside()}) == 3
