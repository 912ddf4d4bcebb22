# SPDX-License-Identifier: Apache-2.0
"""How every command prints, and how it ends."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Iterator
from typing import NoReturn

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from .toolchain import ToolError

WIDE = 1000  # columns that no table needs


def run(main: Callable[[], int | None]) -> NoReturn:
    """Runs a command and exits with its code. What the terminal cannot show becomes `?`; what is
    missing on this machine is said in a line, without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        code = main()
    except ToolError as error:
        print(error, file=sys.stderr)
        code = 2
    sys.exit(code)


def print_table(console: Console, table: Table) -> None:
    """Prints every word and number whole: where the table does not fit, lines are longer than the
    terminal is wide."""
    table.box, table.pad_edge = box.SIMPLE_HEAD, False
    for column in table.columns:
        column.no_wrap = True
    wide = console.options.update(width=WIDE)
    table.width = Measurement.get(console, wide, table).maximum
    console.print(table, crop=False)


@contextlib.contextmanager
def status(console: Console, text: str) -> Iterator[Callable[[str], None]]:
    """While something takes long: what it says of how far it is, with a sign of life on a terminal
    and as lines elsewhere."""
    if not console.is_terminal:
        console.print(text, highlight=False)
        yield lambda line: console.print(line, highlight=False, soft_wrap=True)
        return
    with console.status(text) as shown:
        yield lambda line: shown.update(f"{text} {line}")
