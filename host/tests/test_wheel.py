# SPDX-License-Identifier: Apache-2.0
"""The wheel, built as `python -m build` does, installed in an environment of its own and used from
another folder: it runs programs on the golden model and on the RTL, and packages the core."""

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

import sat

SDIST = """
import os
from setuptools import build_meta
os.chdir({!r})
build_meta.build_sdist({!r})
"""
ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import numpy as np
import sat
from sat import FP32, CheckedBackend, Core, GoldenBackend, SatConfig, SimBackend

config = SatConfig.from_name("2x2")
backend = CheckedBackend(SimBackend(config), GoldenBackend(config))
core = Core(backend)
rng = np.random.default_rng(1)
x = core.from_array("x", rng.standard_normal((5, 24)).astype(np.float16))
w = core.from_array("w", rng.standard_normal((24, 9)).astype(np.float32))
ff, y = core.compressed("ff", (24, 9), n=2, m=8), core.tensor("y", (5, 9), FP32)
program = core.program()
program.prune(w, ff=ff)
program.matmul(x, ff, y)
result = core.run(program)
print(sat.__file__)
print(result.cycles, backend.differing_bits, y.read().any())
"""


@pytest.fixture(scope="module")
def outside(tmp_path_factory):
    """Runs a command in an environment that has the wheel, and nothing of the checkout."""
    folder = tmp_path_factory.mktemp("outside")
    env = {name: value for name, value in os.environ.items()
           if not name.startswith(("PYTHON", "PIP_", "VIRTUAL_ENV", "SAT_"))}
    env |= {"SAT_CACHE": str(folder / "cache"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

    def run(*command: str | Path, fails: bool = False) -> str:
        done = subprocess.run([str(word) for word in command], cwd=folder, env=env,
                              capture_output=True, text=True)
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stderr if fails else done.stdout

    run(sys.executable, "-c", SDIST.format(str(ROOT), str(folder)))
    (sdist,) = folder.glob("sat_core-*.tar.gz")
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation",
        "-w", folder, sdist)
    run(sys.executable, "-m", "venv", folder / "env")
    (wheel,) = folder.glob("sat_core-*.whl")
    run(folder / "env/bin/python", "-m", "pip", "install", "-q", "-c", ROOT / "requirements.txt",
        f"{wheel}[package]")
    return run


def test_wheel_has_the_sources_and_nothing_else_of_the_checkout(outside):
    (wheel,) = Path(outside("/bin/pwd").strip()).glob("*.whl")
    names = {name.split("/")[0] for name in ZipFile(wheel).namelist()}
    assert names == {"sat", "sat_examples", "sat_golden", "sat_lab",
                     f"sat_core-{sat.__version__}.dist-info"}
    assert f"sat {sat.__version__}\n" == outside("env/bin/sat", "--version")


def test_program_runs_on_golden_and_rtl(outside):
    where, result = outside("env/bin/python", "-c", PROGRAM).splitlines()[-2:]
    assert str(ROOT) not in where
    cycles, differing, any_result = result.split()
    assert int(cycles) > 100 and differing == "0" and any_result == "True"


def test_commands(outside):
    says = outside("env/bin/sat", "--help")
    assert "demo-cnn" in says and "bench" in says
    assert "--golden-epochs" in outside("env/bin/sat", "demo", "--help")
    rows = outside("env/bin/sat", "build", "2x2")
    assert "libsat_sim.so" in rows


def test_missing_extra_is_named(outside):
    says = outside("env/bin/sat", "demo", "--backend", "golden", "--epochs", "1", fails=True)
    assert says.strip().splitlines()[-1].startswith(
        "sat demo needs sklearn: pip install 'sat-core[demo]'")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="needs Python 3.11")
def test_package(outside):
    assert "component.xml and" in outside("env/bin/sat", "package", "--out", "ip")
    folder = Path(outside("/bin/pwd").strip()) / "ip"
    assert (folder / "component.xml").is_file() and (folder / "doc" / "LICENSE").is_file()
    from sat.package.check import package_problems  # of the checkout

    assert package_problems(folder) == []


def test_what_works_in_a_checkout_only_says_so(outside):
    says = outside("env/bin/sat", "regress", "list", fails=True)
    assert says.strip().startswith("sat regress works in a checkout only") and "\n" not in says[:-1]
    assert "regress" not in outside("env/bin/sat", "--help")
    assert "demo-cnn" in outside("env/bin/sat", "--print-completion", "bash")
