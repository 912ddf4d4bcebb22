# SPDX-License-Identifier: Apache-2.0
"""What a regression shows while it runs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tb.regress.plan import Kind, Result, Run

PLAIN_SECONDS = 30  # between two lines where the output is no terminal
LEARN = 0.3  # weight of a run's time against what was expected of it


class Progress:
    """Counts of running, passed, failed; the time left. A context: the display is live inside."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.total, self.running, self.passed, self.failed = 0, 0, 0, 0
        self.seen: set[tuple[Run, int]] = set()
        self.todo: Counter[Kind] = Counter()
        self.seconds: dict[Kind, float] = {}
        self.builds_left = 0
        self.build_seconds: list[float] = []
        self.workers = 1
        self.start = self.last_line = time.monotonic()
        # The last: Live draws the table at once.
        self.live = Live(console=console, refresh_per_second=4, transient=True,
                         get_renderable=self._table) if console.is_terminal else None

    def __enter__(self) -> Progress:
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *_) -> None:
        if self.live:
            self.live.stop()

    def begin(self, todo: Iterable[Kind], done: Iterable[Result], seconds: Mapping[Kind, float],
              workers: int) -> None:
        """The kind of each run to come, results that are there, and the seconds expected of a run
        of each kind."""
        for result in done:
            self.add(result, quiet=True)
        self.todo = Counter(todo)
        self.total = self.passed + self.failed + self.todo.total()
        self.seconds, self.workers = dict(seconds), workers
        self.start = time.monotonic()

    def add(self, result: Result, quiet: bool = False) -> bool:
        """Counts a result; says whether it is new."""
        if (result.run, result.attempt) in self.seen:
            return False
        self.seen.add((result.run, result.attempt))
        if result.attempt == 0:
            self.passed += result.passed
            self.failed += not result.passed
            kind = (result.run.test, result.run.config, result.measured)
            if self.todo[kind]:
                self.todo[kind] -= 1
                self.seconds[kind] += LEARN * (result.seconds - self.seconds[kind])
        if not result.passed and not quiet:
            again = " again" if result.attempt else ""
            text = result.message.strip().split("\n")[0][:200]
            self.note(f"{result.status}{again}: {result.run.test} {result.run.config} "
                      f"seed {result.run.seed}: {text}")
        return True

    def expect_builds(self, count: int) -> None:
        self.builds_left += count

    def add_build(self, seconds: float) -> None:
        """A simulator is there, after so long; hardly any time if it was cached."""
        self.builds_left -= 1
        self.build_seconds.append(seconds)

    def note(self, text: str) -> None:
        self.console.print(Text(text), soft_wrap=True)

    def show(self, running: int) -> None:
        """Called often: the number of builds and batches that run now."""
        self.running = running
        if self.live is None and time.monotonic() - self.last_line >= PLAIN_SECONDS:
            self.last_line = time.monotonic()
            self.console.print(self._line(), highlight=False, soft_wrap=True)

    def _left(self) -> str:
        """Time left, by what is expected of runs and what builds took so far."""
        seconds = sum(count * self.seconds[kind] for kind, count in self.todo.items())
        if self.build_seconds:
            seconds += self.builds_left * sum(self.build_seconds) / len(self.build_seconds)
        return str(timedelta(seconds=round(seconds / self.workers)))

    def _line(self) -> str:
        done = self.passed + self.failed
        elapsed = timedelta(seconds=round(time.monotonic() - self.start))
        return (f"{done}/{self.total} runs, {self.running} jobs running, "
                f"{self.passed} passed, {self.failed} failed, {elapsed} gone, {self._left()} left")

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 1))
        table.add_row(ProgressBar(total=max(self.total, 1), completed=self.passed + self.failed,
                                  width=30), self._line())
        return table
