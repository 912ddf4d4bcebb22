# SPDX-License-Identifier: Apache-2.0
"""The algorithm of the hand-written N:M selection network in MyHDL, for M > 2.

It separates language from algorithm in compare; nm_select is the generator to use.
"""

from itertools import combinations
from pathlib import Path

from myhdl import ConcatSignal, Signal, always_comb, block

from tb.formal.generators.nm_select import unsigned


@block
def compare(first, second, a, b):
    """Of two keys, the one with the lower index, a, ranks first unless b is larger."""
    @always_comb
    def order():
        first.next = a >= b
        second.next = not (a >= b)

    return order


@block
def keep_few(keep, before, n):
    """keep = fewer than n keys rank before this one."""
    @always_comb
    def count():
        rank = 0
        for i in range(len(before)):
            rank = rank + before[i]
        keep.next = rank < n

    return count


@block
def nm_rank(keys_i, keep_o, n):
    """keep_o marks the n largest of the len(keep_o) keys in keys_i."""
    m = len(keep_o)
    width = len(keys_i) // m
    keys = [keys_i((i + 1) * width, i * width) for i in range(m)]
    before = [[Signal(bool(0)) for _ in range(m - 1)] for _ in range(m)]
    # Key i's rivals, without itself: j > i stands at place j-1, j < i at place j.
    compares = [compare(before[j][i], before[i][j - 1], keys[i], keys[j])
                for i, j in combinations(range(m), 2)]
    keeps = [Signal(bool(0)) for _ in range(m)]
    counts = [keep_few(keeps[i], ConcatSignal(*before[i]), n) for i in range(m)]
    mask = ConcatSignal(*reversed(keeps))

    @always_comb
    def drive():
        keep_o.next = mask

    return compares, counts, drive


def generate(n: int, m: int, width: int, path: Path) -> str:
    """Write the network as Verilog to `path`; the module is named after the file, and returned."""
    network = nm_rank(unsigned(m * width), unsigned(m), n)
    network.convert(hdl="Verilog", path=str(path.parent), name=path.stem,
                    no_testbench=True, no_myhdl_header=True, timescale="1ns/1ps")
    return path.stem
