# SPDX-License-Identifier: Apache-2.0
"""What a dask worker does: runs batches in processes of their own, under a time limit."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from sat.toolchain import verilator_env
from tb.common import environment
from tb.regress import ROOT
from tb.regress.plan import Batch, Result, Run

BUILD_LIMIT = 3600
FINISH_LIMIT = 120

_lock = threading.Lock()
_processes: set[Process] = set()
_stopped: set[str] = set()


class Stopped(Exception):
    """A batch's process was over its limit, or ended before it should."""


class Process:
    """A running `python -m tb.regress.batch`."""

    def __init__(self, batch: Batch) -> None:
        self.folder = batch.folder
        env = {**environment.for_work(), **verilator_env()}  # a run depends on its batch alone
        self.process = subprocess.Popen([sys.executable, "-m", "tb.regress.batch"], cwd=ROOT,
                                        env=env,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, start_new_session=True)
        self.process.stdin.write(json.dumps(batch.to_dict()).encode() + b"\n")
        self.process.stdin.flush()
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.unread = b""

    def line(self, limit: float) -> str:
        """The next line; raises Stopped, having ended the process, when there is none in time."""
        end = time.monotonic() + limit
        while b"\n" not in self.unread:
            if not self.selector.select(max(0.0, end - time.monotonic())):
                raise Stopped("timeout", f"over the limit of {limit:.0f} s")
            data = self.process.stdout.read()
            if data == b"":
                code = self.process.wait()
                errors = self.process.stderr.read().decode(errors="replace").strip()
                raise Stopped("crashed", f"the process ended with code {code}. {errors[-1000:]}")
            self.unread += data or b""
        line, _, self.unread = self.unread.partition(b"\n")
        return line.decode()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def end(self) -> None:
        self.kill()
        self.process.wait()
        self.selector.close()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(BrokenPipeError):
                stream.close()


@contextlib.contextmanager
def started(batch: Batch) -> Iterator[Process]:
    """A process whose simulator is built and ready."""
    with _lock:
        if is_stopped(batch.folder):
            raise Stopped("stopped", "the regression was stopped")
        process = Process(batch)
        _processes.add(process)
    try:
        process.line(BUILD_LIMIT)
        yield process
    finally:
        with _lock:
            _processes.discard(process)
        process.end()


def is_stopped(folder: str) -> bool:
    return any(folder.startswith(top) for top in _stopped)


def stop(top: str) -> None:
    """Ends all batches below folder `top` that this worker runs, and lets no more start."""
    with _lock:
        _stopped.add(top)
        for process in _processes:
            if process.folder.startswith(top):
                process.kill()


def allow(top: str) -> None:
    """Takes `stop` back."""
    _stopped.discard(top)


def build(batch: Batch) -> str:
    """Builds a batch's simulator; returns what went wrong, or nothing."""
    try:
        with started(replace(batch, seeds=())):
            return ""
    except Stopped as error:
        return f"the build failed: {error.args[1]}\n{tail(batch)}"


def tail(batch: Batch) -> str:
    """The end of what a batch printed."""
    log = Path(batch.folder) / "log.txt"
    return log.read_text(errors="replace", encoding="utf-8")[-1500:] if log.is_file() else ""


def run_batch(batch: Batch, built: str = "",
              report: Callable[[Result], None] = lambda _: None) -> list[Result]:
    """Runs all seeds; `report` is told of each at once. After a seed that hangs or crashes, the
    rest runs in a new process. `built` is what `build` returned."""
    results: list[Result] = []

    def add(result: Result) -> None:
        results.append(result)
        report(result)

    if built:
        for run in batch.runs:
            add(Result(run, "failed", 0.0, message=built, attempt=batch.attempt,
                       measured=batch.coverage))
        return results
    while len(results) < len(batch.seeds):
        done = len(results)
        rest = replace(batch, seeds=batch.seeds[done:],
                       folder=batch.folder + (f"-after{done}" if done else ""))
        began = time.monotonic()
        try:
            with started(rest) as process:
                for _ in rest.seeds:
                    began = time.monotonic()
                    add(Result.from_dict(json.loads(process.line(batch.test.limit))))
                process.line(FINISH_LIMIT)
        except Stopped as error:
            if len(results) == len(batch.seeds) or is_stopped(batch.folder):
                break
            seed = batch.seeds[len(results)]
            status, message = error.args
            if status == "crashed":
                message += f"\n{tail(rest)}"
            add(Result(Run(batch.test.name, batch.config, seed), status,
                       time.monotonic() - began, message=message,
                       log=str(Path(rest.folder) / "log.txt"),
                       before=list(batch.seeds[done : len(results)]), attempt=batch.attempt,
                       measured=batch.coverage))
    return results
