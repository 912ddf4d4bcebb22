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
    for name in ("requirements.txt", "setup.cfg", "setup.py"):
        (folder / name).touch()
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
    monkeypatch.setattr(environment.toolchain, "compiler", lambda name: [])
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
    monkeypatch.setattr(environment, "install", lambda folder, env, *_: installed.append(
        subprocess.run([folder / "bin" / "python", "-m", "pip", "--version"], env=env).returncode))
    monkeypatch.setattr(sys, "argv", ["environment", str(venv)])
    assert environment.main() == 0 and installed == [0]
    assert (venv / ".stamp").read_text(encoding="utf-8") == str(venv)
    monkeypatch.setattr(environment, "install", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert environment.main() == 130 and not (venv / ".stamp").exists()


def test_demo_sets_up_less_and_the_rest_comes_on_top(tmp_path, monkeypatch):
    venv = tmp_path / "venv"
    made, asked = [], []
    monkeypatch.setattr(environment, "make_environment", lambda *_: made.append(venv.mkdir()))
    monkeypatch.setattr(environment, "install",
                        lambda folder, env, extras, usual: asked.append(extras))
    for kind, stamps in (("demo", {".demo"}), ("all", {".demo", ".stamp"}), ("demo", {".demo"})):
        monkeypatch.setattr(sys, "argv", ["environment", str(venv), kind])
        assert environment.main() == 0
        assert {path.name for path in venv.iterdir()} == stamps | {".checkout"}
    assert asked[0] == asked[2] == "demo" and "dev" in asked[1] and len(made) == 1


def environment_of(folder: Path, stamp: str, owner: str) -> Path:
    """Something like a finished environment in a checkout; returns its stamp."""
    venv = folder / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(sys.executable)
    (venv / ".checkout").write_text(owner, encoding="utf-8")
    (venv / ".stamp").write_text(stamp.format(venv=venv), encoding="utf-8")
    return venv / ".stamp"


@pytest.mark.parametrize("stamp, owner, stays", [
    ("{venv}", "", True), ("", "", False), ("/elsewhere", "", False), ("{venv}", "/gone", False)])
def test_environment_that_moved_is_made_again(tmp_path, stamp, owner, stays):
    folder = checkout(tmp_path / "sat")
    mark = environment_of(folder, stamp, owner or str(folder))
    assert make(folder, "help").returncode == 0
    assert mark.exists() == stays


def test_environment_of_another_checkout_is_refused(tmp_path, monkeypatch, capsys):
    """It would run the code of that one; but whoever sets PYTHONPATH says which code runs."""
    folder = checkout(tmp_path / "sat")
    mark = environment_of(folder, "{venv}", str(tmp_path))
    done = make(folder, "help")
    assert done.returncode == 2 and f"belongs to the checkout {tmp_path}: " in done.stdout
    assert make(folder, "help", PYTHONPATH="/somewhere").returncode == 0 and mark.exists()
    monkeypatch.setattr(sys, "argv", ["environment", str(folder / ".venv")])
    assert environment.main() == 1 and mark.exists()
    assert "belongs to the checkout" in capsys.readouterr().err


def test_progress_tells_how_far_it_is(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(environment, "TELL_SECONDS", 0)
    progress = environment.Progress(tmp_path)
    progress.hear("Collecting numpy==2.4.6 (from -r requirements.txt (line 4))\n")
    progress.hear("Installing collected packages: a, b, c\n")
    (tmp_path / "a.dist-info").mkdir()
    answers = iter([False, True])
    monkeypatch.setattr(progress.done, "wait", lambda _: next(answers))
    progress.tell()
    assert progress.found == ["numpy"]
    assert "installed 1 of 3 packages, about" in capsys.readouterr().out
