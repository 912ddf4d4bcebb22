# SPDX-License-Identifier: Apache-2.0
"""Package the core as an IP for Vivado, without Vivado: build/package/ and a zip of it.

Point `ip_repo_paths` at the folder, or unpack the zip there (docs/guide/packaging.md). The result
is checked against the IP-XACT schema and the RTL. `description.tcl` serves scripts/vivado.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..terminal import run
from ..toolchain import ToolError

OUT = Path("build", "package")


def make_parser(**options) -> argparse.ArgumentParser:
    """Those of `sat package`."""
    parser = argparse.ArgumentParser(
        prog="sat package", description="Write the core as an IP for Vivado, without Vivado.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter, **options)
    parser.add_argument("--out", type=Path, default=OUT, help="folder to write, emptied first")
    return parser


def main(argv: list[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    if sys.version_info < (3, 11):
        raise ToolError("sat package needs Python 3.11 or newer, as the parsers that it uses do")
    from .write import package

    try:
        line, problems = package(args.out)
    except FileExistsError as error:
        raise ToolError(str(error)) from None
    print(*(problems or [line]), sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    run(main)
