# SPDX-License-Identifier: Apache-2.0
"""What a dask worker does for `sat lab` and `sat sweep`: tasks, in processes of their own.

The process is a module that calls `serve`: it gets a task as a line of JSON, and answers with one.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from typing import Any

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


def run(module: str, task: dict[str, Any]) -> dict[str, Any]:
    """The module's answer; {ERROR: the end of what its process said} if that ended without one."""
    with (tempfile.TemporaryFile() as said,
          subprocess.Popen([sys.executable, "-m", module], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, stderr=said) as process):
        with _lock:
            _processes.add(process)
        try:
            answer = _ask(process, json.dumps(task).encode() + b"\n")
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
    """Ends the tasks of this worker."""
    with _lock:
        for process in _processes:
            process.kill()


def serve(answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """In the process: one task. It ends with the worker that asks."""
    task = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    print(json.dumps(answer(task)), flush=True)


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)
