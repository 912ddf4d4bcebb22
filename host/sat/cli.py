# SPDX-License-Identifier: Apache-2.0
"""`sat`: the command line.

Commands are entry points of the group `sat.commands` (setup.cfg): modules with `make_parser()` and
`main(argv)`, and the extra that brings what they need.
"""

from __future__ import annotations

import argparse
import ast
import functools
import importlib.util
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import NoReturn

import shtab

from . import __version__
from .terminal import run
from .toolchain import ToolError

OURS = ("sat", "sat_examples", "sat_golden", "sat_lab")


@functools.cache
def commands() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group="sat.commands")}


def about(point: EntryPoint) -> str | None:
    """First line of a command's docstring, without loading it; None if this installation has not
    got it."""
    try:
        spec = importlib.util.find_spec(point.module)
    except ModuleNotFoundError:
        return None
    if spec is None or spec.origin is None:
        return None
    text = ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0].replace("%", "%%")


def run_command(point: EntryPoint, argv: list[str]) -> int:
    """ToolError if the command needs what is not installed."""
    try:
        return point.load().main(argv) or 0
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in OURS:
            raise
        if package == point.module.partition(".")[0]:
            raise ToolError(f"sat {point.name} works in a checkout only: `make setup` there, "
                            "and use its .venv/bin/sat") from None
        extras = ",".join(point.extras)
        raise ToolError(f"sat {point.name} needs {package}: pip install 'sat-core[{extras}]', from "
                        "where sat-core came, or in a checkout `make setup`") from None


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sat", description="Train sparse neural networks in hardware: the SAT core.",
        epilog="`sat COMMAND --help` lists the options of a command.")
    parser.add_argument("--version", action="version", version=f"sat {__version__}")
    shells = ", ".join(shtab.SUPPORTED_SHELLS)
    parser.add_argument("--print-completion", choices=shtab.SUPPORTED_SHELLS, metavar="SHELL",
                        help=f"a script that completes commands and options ({shells})")
    return parser


def add_commands(parser: argparse.ArgumentParser, full: bool) -> None:
    """The commands that are here; with `full` their options too, which takes loading them (all of
    them that can be)."""
    group = parser.add_subparsers(metavar="COMMAND", title="commands")
    for name, point in commands().items():
        text, parents = about(point), []
        if text is None:
            continue
        if full:
            try:
                parents = [point.load().make_parser(add_help=False)]
            except ModuleNotFoundError:  # of an extra: the name is completed all the same
                pass
        group.add_parser(name, help=text, parents=parents)


def entry() -> NoReturn:
    """What the console script calls."""
    run(main)


def main(argv: list[str] | None = None) -> int:
    argv = sys.argv[1:] if argv is None else argv
    if argv and argv[0] in commands():
        return run_command(commands()[argv[0]], argv[1:])
    parser = make_parser()
    wants_completion = any(word.startswith("--print-completion") for word in argv)
    add_commands(parser, full=wants_completion)
    args = parser.parse_args(argv)
    if args.print_completion:
        print(shtab.complete(parser, args.print_completion))
    else:
        parser.print_help()
    return 0
