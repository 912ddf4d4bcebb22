# SPDX-License-Identifier: Apache-2.0
"""Generate the N:M selection network as Verilog, for any fixed N, M and key width.

    python -m tb.formal.generators.nm_select --n 2 --m 8 --width 15 -o build/nm_select_2_8.v

Input `keys_i` holds M keys (key i in bits `i*width +: width`), output `keep_o` has a one for each
of the N largest; ties go to the lower index. Combinational. Golden function: `nm_select()`.
Hand-written counterpart, with a different algorithm: rtl/vector/sat_nm_select.v.

The network is a truncated merge sort. Each key becomes an *entry* {key, M-1-index}: entries are
all different, and the larger of two entries is the one to keep first, ties included. Batcher's
odd-even merge, which Python's recursion writes for lists of any length, joins sorted lists; only
the places that the result needs get comparators. The indices of the N survivors set the mask.
When fewer keys are dropped than kept, the same network looks for the dropped ones instead.
"""

import argparse
from itertools import zip_longest
from pathlib import Path

from myhdl import ConcatSignal, Signal, always_comb, block, intbv


class Network:
    """A comparator network, as data: `picks` lists (wire, a, b), meaning wire = pick(a, b).

    Wires are numbered; the first ones are the inputs. `firsts` holds the picks that take the
    entry which comes first in the order, `lasts` those that take the other one.
    """

    def __init__(self, inputs: int, places: int):
        self.wires = inputs
        self.firsts: list[tuple[int, int, int]] = []
        self.lasts: list[tuple[int, int, int]] = []
        self.outputs = self._sort(list(range(inputs)), places)

    def _pick(self, picks, a, b):
        picks.append((self.wires, a, b))
        self.wires += 1
        return self.wires - 1

    def _exchange(self, a, b, places):
        """The first `places` (at most two) of wires a and b; one of them may be absent."""
        if a is None or b is None:
            return [b if a is None else a]
        return [self._pick(picks, a, b) for picks in (self.firsts, self.lasts)[:places]]

    def _merge(self, a, b, places):
        """The first `places` of two sorted lists (Knuth, TAOCP vol. 3, section 5.3.4)."""
        if not a or not b:
            return (a or b)[:places]
        if len(a) == len(b) == 1:
            return self._exchange(a[0], b[0], places)
        evens = self._merge(a[::2], b[::2], places // 2 + 1)
        odds = self._merge(a[1::2], b[1::2], places // 2)
        merged = evens[:1]
        for even, odd in zip_longest(evens[1:], odds):
            merged += self._exchange(even, odd, places - len(merged))
        return merged

    def _sort(self, wires, places):
        if len(wires) == 1:
            return wires
        half = len(wires) // 2
        left, right = self._sort(wires[:half], places), self._sort(wires[half:], places)
        return self._merge(left, right, places)


def unsigned(bits: int):
    """A signal for an unsigned number of `bits` bits."""
    return Signal(intbv(0)[bits:])


@block
def larger(z, a, b):
    """z = the larger of a and b."""
    @always_comb
    def pick():
        if a > b:
            z.next = a
        else:
            z.next = b

    return pick


@block
def smaller(z, a, b):
    """z = the smaller of a and b."""
    @always_comb
    def pick():
        if a > b:
            z.next = b
        else:
            z.next = a

    return pick


@block
def mark(mask, rank):
    """mask = one-hot code of the index that belongs to a rank."""
    top = len(mask) - 1

    @always_comb
    def decode():
        mask.next = 1 << (top - rank)

    return decode


@block
def nm_select(keys_i, keep_o, n):
    """keep_o marks the n largest of the len(keep_o) keys in keys_i."""
    m = len(keep_o)
    width = len(keys_i) // m
    rank_w = (m - 1).bit_length()
    dropping = n > m - n
    network = Network(inputs=m, places=min(n, m - n))

    wires = [ConcatSignal(keys_i((i + 1) * width, i * width), intbv(m - 1 - i)[rank_w:])
             for i in range(m)]
    wires += [unsigned(width + rank_w) for _ in range(network.wires - m)]
    first, last = (smaller, larger) if dropping else (larger, smaller)
    firsts = [first(wires[z], wires[a], wires[b]) for z, a, b in network.firsts]
    lasts = [last(wires[z], wires[a], wires[b]) for z, a, b in network.lasts]

    masks = [unsigned(m) for _ in network.outputs]
    marks = [mark(masks[i], wires[z](rank_w, 0)) for i, z in enumerate(network.outputs)]

    @always_comb
    def unite():
        found = intbv(0)[m:]
        for i in range(len(masks)):
            found[:] = found | masks[i]
        if dropping:
            keep_o.next = ~found
        else:
            keep_o.next = found

    return firsts, lasts, marks, unite


def generate(n: int, m: int, width: int, path: Path) -> str:
    """Write the network as Verilog to `path`; the module is named after the file, and returned."""
    if not 1 <= n < m:
        raise ValueError(f"n={n} is not in 1..{m - 1}")
    if width < 1:
        raise ValueError(f"width={width} is less than 1")
    path.parent.mkdir(parents=True, exist_ok=True)
    network = nm_select(unsigned(m * width), unsigned(m), n)
    network.convert(hdl="Verilog", path=str(path.parent), name=path.stem,
                    no_testbench=True, no_myhdl_header=True, timescale="1ns/1ps")
    return path.stem


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, required=True, help="keys kept, 1..M-1")
    parser.add_argument("--m", type=int, required=True, help="keys in a group, at least 2")
    parser.add_argument("--width", type=int, default=15, help="bits of a key (default 15)")
    parser.add_argument("-o", "--output", type=Path, required=True, help="Verilog file (.v)")
    args = parser.parse_args()
    print(f"{args.output}: module {generate(args.n, args.m, args.width, args.output)}")


if __name__ == "__main__":
    main()
