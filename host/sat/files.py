# SPDX-License-Identifier: Apache-2.0
"""Files and folders that outlive a process: written whole or not at all, read with a name for what
is wrong, and used by one process at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
from collections.abc import Iterator
from pathlib import Path


class DamagedFile(Exception):
    """A file that is not what was written; the message says what is wrong, and what to do."""

    def __init__(self, path: Path, problem: object, remedy: str) -> None:
        super().__init__(f"{path} is damaged: {problem}; {remedy}")


class InUse(Exception):
    """A folder that another process works in."""


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file to write, which takes the place of `path` at the end unless something is raised. Until
    then it has a name that no pattern finds."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield draft
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Text in UTF-8, all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Keeps other processes out of a folder; raises InUse where one is in already. The claim ends
    with the process, however that ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "a+", encoding="utf-8") as handle:
        handle.seek(0)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(f"{folder} is in use by process {handle.read()}: "
                        "wait for its end, or take another folder") from None
        handle.truncate(0)
        handle.write(f"{os.getpid()} on {platform.node()}")
        handle.flush()
        yield
