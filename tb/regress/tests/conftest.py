# SPDX-License-Identifier: Apache-2.0
"""Regressions of stub tests, in a folder of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from distributed import Client, LocalCluster

from tb.regress import spec

STUBS = ("passes", "fails_on_three", "hangs_on_two", "crashes_on_two", "passes_the_second_time",
         "sleeps", "is_not_swayed")


@pytest.fixture(scope="session")
def client():
    with LocalCluster(n_workers=1, threads_per_worker=2, processes=False, memory_limit=0,
                      dashboard_address=":0") as cluster, Client(cluster) as client:
        yield client


@pytest.fixture
def stubs(tmp_path: Path, monkeypatch) -> dict[str, spec.Test]:
    """The stub tests as tests.yaml; a preset that runs one."""
    tests = {name: {"kind": "python", "function": f"tb.regress.tests.stubs:{name}"}
             for name in STUBS}
    tests["hangs_on_two"]["limit"] = 3
    presets = {"stub": {"configs": ["2x2"], "coverage": 0, "seeds": {"passes": 3}},
               "none": {"configs": ["2x2"], "coverage": 0, "seeds": {"passes": 0}}}
    for name, data in (("TESTS", tests), ("PRESETS", presets)):
        path = tmp_path / f"{name.lower()}.yaml"
        path.write_text(yaml.safe_dump(data), encoding="utf-8")
        monkeypatch.setattr(spec, name, path)
    monkeypatch.setenv("REGRESS_TEST_FOLDER", str(tmp_path))
    return spec.load_tests()


@pytest.fixture
def regress(tmp_path: Path, stubs) -> Callable[..., int]:
    """Runs `sat regress`, or `sat cov`, on `tmp_path`/regress; returns the exit code."""
    from tb.regress import cli, cov

    def command(*words: object) -> int:
        options = ["--folder", str(tmp_path / "regress")]
        if words[0] == "cov":
            return cov.main([*options, *map(str, words[1:])])
        return cli.main([*options, *map(str, words)])

    return command
