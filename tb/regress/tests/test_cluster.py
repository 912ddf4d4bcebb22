# SPDX-License-Identifier: Apache-2.0
"""Regressions on clusters: a dask scheduler that runs already, and batch systems (imitated)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sat.cluster import Where, job_cluster

# Submitting is running it here and now. Like the real one, it keeps a copy of the script.
SBATCH = """#!/bin/sh
copy=$(mktemp "$(dirname "$0")/job.XXXX")
cp "$1" "$copy"
setsid bash "$copy" > "$copy.log" 2>&1 &
echo "Submitted batch job $!"
"""
SCANCEL = """#!/bin/sh
kill -- "-$1"
"""


def test_running_scheduler(client, regress):
    assert regress("run", "--preset", "stub", "--scheduler", client.scheduler.address) == 0


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_slurm(regress, slurm):
    assert regress("run", "--preset", "stub", "--slurm", "--jobs", 1, "--queue", "short") == 0


@pytest.mark.parametrize("system, lines", [
    ("slurm", ["#SBATCH -p short", "#SBATCH -t 04:00:00", "#SBATCH --cpus-per-task=1"]),
    ("lsf", ["#BSUB -q short", "#BSUB -W 04:00", "#BSUB -n 1"])])
def test_job_script(system, lines):
    with job_cluster(Where(3, system=system, queue="short")) as cluster:
        script = cluster.job_script()
        assert all(line in script for line in lines), script
