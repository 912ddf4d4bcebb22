# SPDX-License-Identifier: Apache-2.0
"""Run the formal proofs and print a table; the exit status is 0 if every verdict is as expected.

    python -m formal.prove             the proofs that take seconds
    python -m formal.prove --full      also those that take minutes
    python -m formal.prove -k 2:8      only those whose description contains 2:8
"""

import argparse
import sys
import time

from formal import cells, nm_equivalence
from formal.tools import Proof


def all_proofs(full: bool) -> list[Proof]:
    return cells.proofs() + nm_equivalence.proofs(full)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="also the proofs that take minutes")
    parser.add_argument("-k", metavar="TEXT", default="", help="only descriptions containing TEXT")
    args = parser.parse_args()
    proofs = [proof for proof in all_proofs(args.full) if args.k in proof.what]

    print(f"{'statement':<72} {'method':<24} {'verdict':<10} {'seconds':>7}")
    surprises = 0
    for proof in proofs:
        start = time.monotonic()
        verdict = proof.decide()
        mark = "" if verdict == proof.expected else f"   <-- expected: {proof.expected}"
        surprises += bool(mark)
        print(f"{proof.what:<72} {proof.method:<24} {verdict:<10} "
              f"{time.monotonic() - start:7.1f}{mark}", flush=True)
    print(f"{len(proofs)} verdicts, {surprises} not as expected")
    return 1 if surprises or not proofs else 0


if __name__ == "__main__":
    sys.exit(main())
