# SPDX-License-Identifier: Apache-2.0
"""Types of command line options; argparse shows what they complain of."""

from __future__ import annotations

import argparse

from sat_golden.compress import check_nm


def parse_nm(text: str) -> tuple[int, int]:
    """"2:8" -> (2, 8)"""
    try:
        n, m = (int(part) for part in text.split(":"))
        check_nm(n, m)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no legal N:M ({error})") from None
    return n, m


def show_nm(nm: tuple[int, int], wu: tuple[int, int] | None = None) -> str:
    """(2, 8) -> "2:8", N = M -> "dense"; with N:M of the output gradients in WU "2:8, WU 2:8"."""
    weights = "dense" if nm[0] == nm[1] else f"{nm[0]}:{nm[1]}"
    return f"{weights}, WU {wu[0]}:{wu[1]}" if wu else weights


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not positive")
    return value
