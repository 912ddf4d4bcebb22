# SPDX-License-Identifier: Apache-2.0
"""`sat`: the command line. Each command is a module with `make_parser()` and `main(argv)`."""

from __future__ import annotations

import argparse
import importlib
import sys
from types import ModuleType
from typing import NoReturn

import shtab

from .regs import VERSION_VALUE
from .terminal import run
from .toolchain import ToolError

COMMANDS = {  # name: (module, what it does)
    "demo": ("sat_examples.demo", "train an MLP on handwritten digits inside the core"),
    "demo-cnn": ("sat_examples.demo_cnn", "train a residual network inside the core"),
    "transformer": ("sat_examples.transformer", "cycles of a transformer block's training step"),
    "bench": ("sat.bench", "cycles, utilization and speed-up of the core"),
    "build": ("sat.build_sim", "build the simulations of configurations ahead of their use"),
}
# What a command needs besides the package's own dependencies: module -> extra.
EXTRAS = {"sklearn": "demo", "matplotlib": "demo"}


def module_of(name: str) -> ModuleType:
    return importlib.import_module(COMMANDS[name][0])


def run_command(name: str, argv: list[str]) -> int:
    """ToolError if the command needs a package that an extra brings."""
    try:
        return module_of(name).main(argv) or 0
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        raise ToolError(f"sat {name} needs {package}: "
                        f"pip install 'sat-core[{EXTRAS[package]}]'") from None


def make_parser() -> argparse.ArgumentParser:
    version = ".".join(str(VERSION_VALUE >> shift & 0xFF) for shift in (16, 8, 0))
    parser = argparse.ArgumentParser(
        prog="sat", description="Train sparse neural networks in hardware: the SAT core.",
        epilog="`sat COMMAND --help` lists the options of a command.")
    parser.add_argument("--version", action="version", version=f"sat {version}")
    shells = ", ".join(shtab.SUPPORTED_SHELLS)
    parser.add_argument("--print-completion", choices=shtab.SUPPORTED_SHELLS, metavar="SHELL",
                        help=f"a script that completes commands and options ({shells})")
    return parser


def add_commands(parser: argparse.ArgumentParser, full: bool) -> None:
    """The commands; with `full` their options too, which takes loading all of them."""
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    for name, (_, text) in COMMANDS.items():
        parents = [module_of(name).make_parser(add_help=False)] if full else []
        commands.add_parser(name, help=text, parents=parents)


def entry() -> NoReturn:
    """What the console script calls."""
    run(main)


def main(argv: list[str] | None = None) -> int:
    argv = sys.argv[1:] if argv is None else argv
    if argv and argv[0] in COMMANDS:
        return run_command(argv[0], argv[1:])
    parser = make_parser()
    wants_completion = any(word.startswith("--print-completion") for word in argv)
    add_commands(parser, full=wants_completion)
    args = parser.parse_args(argv)
    if args.print_completion:
        print(shtab.complete(parser, args.print_completion))
    else:
        parser.print_help()
    return 0
