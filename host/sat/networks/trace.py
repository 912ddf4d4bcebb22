# SPDX-License-Identifier: Apache-2.0
"""A step as a trace file that Perfetto and chrome://tracing open.

A process for each step, with the engines and the host as threads and the commands as slices; a
microsecond stands for a cycle. The ports' loads are counters, in bytes per cycle, as if a command
spread its traffic evenly.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path

from sat_golden.defs import Opcode

from ..plan import ARRAY, VECTOR
from .cost import Run
from .step import Step

THREADS = {"program": 0, ARRAY: 1, VECTOR: 2}
PORTS = {"read port": "bytes_read", "write port": "bytes_written"}


def write_trace(path: Path, steps: Iterable[Step]) -> None:
    events = [event for number, step in enumerate(steps, 1) for event in step_events(number, step)]
    path.write_text(json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}),
                    encoding="utf-8")


def step_events(process: int, step: Step) -> Iterator[dict]:
    config = step.config
    title = (f"{step.network}, {config.rows}x{config.cols}, {step.nm}, "
             f"batch {step.batch}")
    yield {"ph": "M", "name": "process_name", "pid": process, "args": {"name": title}}
    for name, thread in THREADS.items():
        yield {"ph": "M", "name": "thread_name", "pid": process, "tid": thread,
               "args": {"name": name}}
    runs: list[Run] = []
    for name, start, end, made in step.timeline:
        yield {"ph": "X", "name": name, "pid": process, "tid": THREADS["program"], "ts": start,
               "dur": end - start, "args": {}}
        for item in made:
            runs.append(item)
            if item.command.engine:
                yield {"ph": "X", "name": item.command.label, "pid": process,
                       "tid": THREADS[item.command.engine], "ts": item.start, "dur": item.cycles,
                       "args": details(step, item)}
    for port, attribute in PORTS.items():
        changes = sorted((at, sign * getattr(item, attribute) / item.cycles)
                         for item in runs if item.cycles
                         for at, sign in ((item.start, 1), (item.end, -1)))
        loads = accumulate(change for _, change in changes)
        for (at, _), load in zip(changes, loads):
            yield {"ph": "C", "name": port, "pid": process, "ts": at,
                   "args": {"bytes per cycle": round(max(load, 0.0), 3)}}


def details(step: Step, item: Run) -> dict:
    """What a slice tells when it is clicked on."""
    desc, pes = item.command.descriptor, step.config.rows * step.config.cols
    made: dict[str, str | float] = {
        "command": Opcode(desc.opcode).name, "bytes read": round(item.bytes_read),
        "bytes written": round(item.bytes_written)}
    if item.command.macs:
        made["N:M"] = "dense" if desc.n == desc.m else f"{desc.n}:{desc.m}"
        made["utilization"] = round(item.command.macs / (pes * item.cycles), 4)
    return made
