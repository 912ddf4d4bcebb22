# SPDX-License-Identifier: Apache-2.0
"""In which order the commands of both engines are issued, so that they run beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

ARRAY = "array"  # the two engines
VECTOR = "vector"


@dataclass(frozen=True)
class Job:
    """Work that both engines share: the array makes a gradient, then the vector engine uses it,
    in one command or several."""

    array_cycles: float
    vector_cycles: float
    work: Any = None
    vector_commands: int = 1


def order_jobs(jobs: Sequence[Job]) -> list[Job]:
    """The order in which all are done soonest (Johnson's rule for two machines in a row)."""
    head = [job for job in jobs if job.array_cycles < job.vector_cycles]
    tail = [job for job in jobs if job.array_cycles >= job.vector_cycles]
    return (sorted(head, key=lambda job: job.array_cycles)
            + sorted(tail, key=lambda job: -job.vector_cycles))


def issue_order(jobs: Sequence[Job]) -> tuple[list[tuple[str, Job, int]], float]:
    """The order in which to issue the jobs' commands, as (engine, job, number of the command within
    the job), and the cycles until the last one is done.

    Commands are issued in order, so one that waits for its engine holds up all behind it: the
    command that can start first goes first.
    """
    issued: list[tuple[str, Job, int]] = []
    array_done: list[float] = []
    updates = [(index, part) for index, job in enumerate(jobs)
               for part in range(job.vector_commands)]
    vector_free = 0.0
    while updates:
        array_start = array_done[-1] if array_done else 0.0
        index, part = updates[0]
        ready = index < len(array_done)
        vector_start = max(vector_free, array_done[index]) if ready else float("inf")
        if len(array_done) < len(jobs) and array_start <= vector_start:
            job = jobs[len(array_done)]
            array_done.append(array_start + job.array_cycles)
            issued.append((ARRAY, job, 0))
        else:
            job = jobs[index]
            vector_free = vector_start + job.vector_cycles / job.vector_commands
            issued.append((VECTOR, job, part))
            del updates[0]
    return issued, vector_free
