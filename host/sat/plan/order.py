# SPDX-License-Identifier: Apache-2.0
"""In which order the commands of both engines are issued, so that they run beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

ARRAY = "array"  # the two engines
VECTOR = "vector"


@dataclass(frozen=True)
class Job:
    """Work that both engines share: the array makes a gradient, then the vector engine uses it,
    in one command or several. Of their cycles memory is busy with reading for some; where both
    want more of it than there is the vector engine waits."""

    array_cycles: float
    vector_cycles: float
    work: Any = None
    vector_commands: int = 1
    array_reads: float = 0.0  # cycles of memory
    vector_reads: float = 0.0

    def vector_speed(self, beside: Job) -> float:
        """Of its commands beside the array's work on another job; 1 is that alone."""
        left = max(0.0, 1 - beside.array_reads / beside.array_cycles)
        wanted = self.vector_reads / self.vector_cycles
        return min(1.0, left / wanted) if wanted else 1.0


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
    updates = [(index, part) for index, job in enumerate(jobs)
               for part in range(job.vector_commands)]
    now = 0.0
    done = 0  # gradients
    array_left: float | None = None  # cycles of what runs; None: nothing does
    vector_left: float | None = None
    vector_job: Job | None = None
    while updates or vector_left is not None:
        if array_left is None and done < len(jobs):
            issued.append((ARRAY, jobs[done], 0))
            array_left = jobs[done].array_cycles
        if vector_left is None and updates[0][0] < done:
            index, part = updates.pop(0)
            vector_job = jobs[index]
            issued.append((VECTOR, vector_job, part))
            vector_left = vector_job.vector_cycles / vector_job.vector_commands
        speed = vector_job.vector_speed(jobs[done]) if vector_job and array_left else 1.0
        vector_end = vector_left / speed if vector_left is not None and speed else inf
        step = min(inf if array_left is None else array_left, vector_end)
        now += step
        if vector_left is not None:
            vector_left -= step * speed
            if step == vector_end:
                vector_left = vector_job = None
        if array_left is not None:
            array_left -= step
            if array_left <= 0:
                array_left = None
                done += 1
    return issued, now
