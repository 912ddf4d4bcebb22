# SPDX-License-Identifier: Apache-2.0
"""Formal proofs and a table of them; the exit status is 0 if every verdict is as expected.

    sat formal             the proofs that take seconds
    sat formal --full      also those that take minutes
    sat formal -k wr_dma   only those whose description contains wr_dma
"""

import argparse
import time

from sat.terminal import run
from tb.formal import modules, nm_equivalence
from tb.formal.tools import Proof


def all_proofs(full: bool) -> list[Proof]:
    return modules.proofs(full) + nm_equivalence.proofs(full)


def make_parser(**options) -> argparse.ArgumentParser:
    """Those of `sat formal`."""
    parser = argparse.ArgumentParser(prog="sat formal", description=__doc__.splitlines()[0],
                                     **options)
    parser.add_argument("--full", action="store_true", help="also the proofs that take minutes")
    parser.add_argument("-k", metavar="TEXT", default="", help="only descriptions containing TEXT")
    return parser


def main(argv: list[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    proofs = [proof for proof in all_proofs(args.full) if args.k in proof.what]

    print(f"{'statement':<54} {'method':<9} {'verdict':<9} {'s':>5}")
    surprises = 0
    for proof in proofs:
        start = time.monotonic()
        verdict = proof.decide()
        print(f"{proof.what:<54} {proof.method:<9} {verdict:<9} {time.monotonic() - start:5.0f}",
              flush=True)
        if verdict != proof.expected:
            surprises += 1
            print(f"    ^ expected: {proof.expected}", flush=True)
    print(f"{len(proofs)} verdicts, {surprises} not as expected")
    return 1 if surprises or not proofs else 0


if __name__ == "__main__":
    run(main)
