# SPDX-License-Identifier: Apache-2.0
"""`make setup`: what it refuses, in a line and before anything is installed; what it makes."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sat import toolchain
from sat.toolchain import ROOT
from scripts import environment
from scripts.environment import ToolError  # of its own copy of the module

pytestmark = pytest.mark.quick
GOOD = ["sat", "sat-1.0_x", "a+b", "a@b", "~a", "a^b"]
BAD = ["a b", "a(b", "a)b", "a#b", "a:b", "a'b", "a=b", "a&b", "a$b", "\u00e4", "a,b", "a%b",
       "a;b", 'a"b', "a`b", "a\\b", "a*b", "a?b", "a[b", "a!b", "a|b", "a<b", "a{b"]


def checkout(folder: Path) -> Path:
    """What `make setup` reads, and requirements that install nothing."""
    (folder / "host" / "sat").mkdir(parents=True)
    (folder / "scripts").mkdir()
    for name in ("Makefile", "host/sat/toolchain.py", "scripts/environment.py"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "requirements.txt").write_text("", encoding="utf-8")
    return folder


def make(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
    env = {name: value for name, value in os.environ.items()
           if name not in ("PYTHONPATH", "MAKEFLAGS", "MAKELEVEL")}
    return subprocess.run(["make", *arguments], cwd=folder, env={**env, **variables}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.mark.parametrize("name", BAD)
def test_path_that_tools_cannot_take_is_refused_by_every_target(tmp_path, name):
    folder = checkout(tmp_path / name)
    for target in ("setup", "demo", "package"):
        done = make(folder, target)
        assert done.returncode == 2 and done.stdout.count("\n") == 1, done.stdout
        assert "cannot be built in" in done.stdout
    assert not (folder / ".venv").exists()
    with pytest.raises(toolchain.ToolError, match="cannot be built in"):
        toolchain.check_path(folder)


@pytest.mark.parametrize("name", GOOD)
def test_other_paths_are_taken(tmp_path, name):
    assert make(checkout(tmp_path / name), "-n", "setup").returncode == 0
    toolchain.check_path(tmp_path / name)


@pytest.mark.parametrize("python, said", [
    ("/nonexistent/python3", "PYTHON=/nonexistent/python3: no such program"),
    ("false", "PYTHON=false: is no Python that works")])
def test_python_that_does_not_work_is_one_line(tmp_path, python, said):
    done = make(checkout(tmp_path / "sat"), "setup", f"PYTHON={python}")
    assert done.returncode == 2 and done.stdout.splitlines()[0] == said
    assert len(done.stdout.splitlines()) == 2  # and make's own


@pytest.mark.parametrize("system, machine, libc, good", [
    ("Linux", "x86_64", ("glibc", "2.36"), True),
    ("Linux", "x86_64", ("glibc", "2.17"), False),
    ("Linux", "x86_64", ("", ""), False),
    ("Linux", "aarch64", ("glibc", "2.36"), False),
    ("Darwin", "arm64", ("", ""), False)])
def test_machine_without_wheels_is_refused(monkeypatch, system, machine, libc, good):
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "libc_ver", lambda: libc)
    if good:
        environment.check_machine()
    else:
        with pytest.raises(ToolError, match="x86-64 Linux with glibc 2.28 or newer"):
            environment.check_machine()


def test_missing_programs_are_named(monkeypatch):
    monkeypatch.setattr(environment.shutil, "which", lambda name: None)
    monkeypatch.setattr(environment, "compiler", lambda name: [])
    with pytest.raises(ToolError, match="make is not installed"):
        environment.check_programs()


def test_python_without_venv_is_one_line(tmp_path, monkeypatch):
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\necho No module named $2\nexit 1\n", encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    with pytest.raises(ToolError, match="apt install python3-venv") as error:
        environment.make_environment(tmp_path / "venv", {})
    assert "\n" not in str(error.value)


def test_settings_of_python_and_pip_stay_outside(monkeypatch):
    for name in ("PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX"):
        monkeypatch.setenv(name, "/nonexistent")
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PIP_INDEX_URL", "kept")
    env = environment.clean_environment()
    assert env["PIP_USER"] == "0" and env["PIP_INDEX_URL"] == "kept"
    assert not {"PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX"} & env.keys()


def test_unfinished_environment_is_made_again(tmp_path, monkeypatch):
    """As Ctrl-C in the first second leaves it: a Python, no pip, no stamp."""
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    installed = []
    monkeypatch.setattr(environment, "install", lambda folder, env: installed.append(
        subprocess.run([folder / "bin" / "python", "-m", "pip", "--version"], env=env).returncode))
    monkeypatch.setattr(sys, "argv", ["environment", str(venv)])
    assert environment.main() == 0 and installed == [0]
    assert (venv / ".stamp").read_text(encoding="utf-8") == str(venv)
    monkeypatch.setattr(environment, "install", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert environment.main() == 130 and not (venv / ".stamp").exists()


@pytest.mark.parametrize("stamp, stays", [("", True), ("{venv}", True), ("/elsewhere", False)])
def test_environment_that_moved_is_made_again(tmp_path, stamp, stays):
    folder = checkout(tmp_path / "sat")
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)
    mark = folder / ".venv" / ".stamp"
    mark.write_text(stamp.format(venv=folder / ".venv"), encoding="utf-8")
    make(folder, "help")
    assert mark.exists() == stays


def test_progress_tells_how_far_it_is(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(environment, "TELL_SECONDS", 0)
    progress = environment.Progress(tmp_path)
    progress.hear("Collecting numpy==2.4.6 (from -r requirements.txt (line 4))\n")
    progress.hear("Installing collected packages: a, b, c\n")
    (tmp_path / "a.dist-info").mkdir()
    progress.done.wait = lambda _, answers=iter([False, True]): next(answers)
    progress.tell()
    assert progress.found == ["numpy"]
    assert "installed 1 of 3 packages, about" in capsys.readouterr().out
