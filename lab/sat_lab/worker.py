# SPDX-License-Identifier: Apache-2.0
"""What a dask worker does: trainings, in processes of their own."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict
from typing import Any

from .experiment import Experiment

ERROR = "error"  # key of an answer that is none
_processes: set[subprocess.Popen] = set()
_lock = threading.Lock()


def _ask(process: subprocess.Popen, task: bytes) -> bytes:
    """The line with which it answers, or nothing. Its standard input stays open until then."""
    with contextlib.suppress(BrokenPipeError):
        if process.stdin and process.stdout:
            process.stdin.write(task)
            process.stdin.flush()
            return process.stdout.readline()
    return b""


def run(experiment: Experiment, folder: str | None) -> dict[str, Any]:
    """A training; {ERROR: the end of what its process said} if that ended without an answer."""
    command = [sys.executable, "-m", "sat_lab.train"]
    with (tempfile.TemporaryFile() as said,
          subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                           stderr=said) as process):
        with _lock:
            _processes.add(process)
        try:
            task = json.dumps({**asdict(experiment), "folder": folder})
            answer = _ask(process, task.encode() + b"\n")
        finally:
            process.kill()
            with _lock:
                _processes.discard(process)
        if answer:
            return json.loads(answer)
        said.seek(0)
        text = said.read().decode(errors="replace").strip()
        return {ERROR: text[-1000:] or f"its process ended with code {process.wait()}"}


def stop() -> None:
    """Ends the trainings of this worker."""
    with _lock:
        for process in _processes:
            process.kill()
