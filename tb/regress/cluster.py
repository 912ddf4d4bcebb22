# SPDX-License-Identifier: Apache-2.0
"""Where batches run: this machine, a dask cluster that is already there, or a batch system."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from dask_jobqueue import LSFCluster, SLURMCluster
from dask_jobqueue.core import JobQueueCluster
from distributed import Client, LocalCluster

from tb.regress import ROOT


@dataclass(frozen=True)
class Where:
    """`scheduler` is the address of a running dask scheduler, `system` slurm or lsf; without
    both, this machine. All must see the same file system. `workers` is how many batches run at a
    time (on a running cluster it has its own number)."""

    workers: int
    scheduler: str | None = None
    system: str | None = None
    queue: str | None = None
    walltime: str = "04:00"
    memory: str = "4GB"


def job_cluster(where: Where) -> JobQueueCluster:
    """A dask-jobqueue cluster: a job runs one batch at a time, on one core. No job yet."""
    kind = {"slurm": SLURMCluster, "lsf": LSFCluster}[where.system]
    walltime = where.walltime + (":00" if where.system == "slurm" else "")
    return kind(cores=1, processes=1, memory=where.memory, queue=where.queue, walltime=walltime,
                python=sys.executable, job_script_prologue=[f"cd {shlex.quote(str(ROOT))}"])


@contextlib.contextmanager
def connected(where: Where) -> Iterator[Client]:
    """A dask client. The work is done in processes that the workers start, so that on this
    machine threads do for workers."""
    with contextlib.ExitStack() as stack:
        if where.scheduler:
            cluster = where.scheduler
        elif where.system:
            cluster = stack.enter_context(job_cluster(where))
            cluster.scale(jobs=where.workers)
        else:
            cluster = stack.enter_context(LocalCluster(
                n_workers=1, threads_per_worker=where.workers, processes=False,
                dashboard_address=":0", memory_limit=0))
        yield stack.enter_context(Client(cluster))
