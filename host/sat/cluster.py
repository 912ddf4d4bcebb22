# SPDX-License-Identifier: Apache-2.0
"""Where many tasks run: this machine, a dask cluster that is there, or a batch system."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dask_jobqueue import LSFCluster, SLURMCluster
from dask_jobqueue.core import JobQueueCluster
from distributed import Client, LocalCluster
from rich.console import Console

from .files import InUse, claimed
from .toolchain import ROOT


@dataclass(frozen=True)
class Where:
    """`scheduler` is the address of a running dask scheduler, `system` slurm or lsf; without
    both, this machine. All must see the same file system. `workers` is how many tasks run at a
    time (on a running cluster it has its own number)."""

    workers: int
    scheduler: str | None = None
    system: str | None = None
    queue: str | None = None
    walltime: str = "04:00"
    memory: str = "4GB"

    @classmethod
    def of(cls, args: argparse.Namespace) -> Where:
        """What `add_options` has taken from the command line."""
        system = "slurm" if args.slurm else "lsf" if args.lsf else None
        return cls(args.jobs, args.scheduler, system, args.queue, args.walltime, args.memory)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)),
                        help="tasks at a time (default: one per processor)")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--scheduler", metavar="ADDRESS", help="a running dask scheduler")
    place.add_argument("--slurm", action="store_true", help="as jobs of SLURM")
    place.add_argument("--lsf", action="store_true", help="as jobs of LSF")
    parser.add_argument("--queue", help="queue or partition of the batch system")
    parser.add_argument("--walltime", default="04:00", help="of a job, HH:MM (default: 04:00)")
    parser.add_argument("--memory", default="4GB", help="of a job (default: 4GB)")


def job_cluster(where: Where) -> JobQueueCluster:
    """A dask-jobqueue cluster: a job runs one task at a time, on one core. No job yet."""
    kind = {"slurm": SLURMCluster, "lsf": LSFCluster}[where.system]
    walltime = where.walltime + (":00" if where.system == "slurm" else "")
    return kind(cores=1, processes=1, memory=where.memory, queue=where.queue, walltime=walltime,
                python=sys.executable, job_script_prologue=[f"cd {shlex.quote(str(ROOT))}"])


def resumable(folder: Path, console: Console, run: Callable[[], int],
              *mistakes: type[Exception]) -> int:
    """The exit code of a command that goes on where it was stopped, with `folder` for itself: what
    `run` returns; or 2 for a user's mistake, or a folder in use, which is said; or 130 after
    Ctrl-C."""
    said: tuple[type[Exception], ...] = (InUse, *mistakes)
    try:
        with claimed(folder):
            return run()
    except said as error:
        console.print(str(error), highlight=False, soft_wrap=True)
        return 2
    except KeyboardInterrupt:
        console.print("stopped; the same command goes on")
        return 130


@contextlib.contextmanager
def connected(where: Where) -> Iterator[Client]:
    """A dask client. The work is done in processes that the workers start, so that on this
    machine threads do for workers. SIGINT and SIGTERM raise KeyboardInterrupt from here on."""
    for number in (signal.SIGINT, signal.SIGTERM):  # dask_jobqueue ends with 0
        signal.signal(number, signal.default_int_handler)
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
