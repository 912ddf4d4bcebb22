# SPDX-License-Identifier: Apache-2.0
"""Speed of the golden MATMUL, compiled and in numpy's functions, on one core:

    python -m sat_golden.benchmark [--size 512] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np

from . import kernel
from .compress import Planes, compress_ff
from .multiply import matmul

CASES = ((8, 8), (4, 8), (2, 8), (1, 8), (2, 4))  # N, M


def measure(n: int, m: int, size: int, rng: np.random.Generator, repeats: int = 3) -> dict:
    """Best of `repeats` runs of a cube of `size`, FP32 out, conversion of the operands included.
    `by` says whether the kernel is compiled."""
    a, s = (
        rng.standard_normal((size, size)).astype(np.float16).view(np.uint16) for _ in range(2)
    )
    planes: Planes = compress_ff(s, n, m)
    seconds = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        matmul(a, planes.values, planes.indices, n, m, out_fp32=True)
        seconds = min(seconds, time.perf_counter() - start)
    macs = size * planes.values.size
    return {
        "case": f"dense-{size}" if n == m else f"nm-{n}:{m}-{size}",
        "by": "compiled" if kernel.library() else "numpy",
        "n": n, "m": m, "i": size, "j": size, "k": size,
        "macs": macs,
        "seconds": seconds,
        "macs_per_second": macs / seconds,
        "dense_equivalent_macs_per_second": size**3 / seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("build/golden_bench.json"))
    args = parser.parse_args()
    # Neither uses threads, so this is the speed of one core. Case by case in turn: the ratio stands
    # where the machine is busy with other things, too.
    results = []
    kernels = [kernel.library(), None] if kernel.library() else [None]
    for n, m in CASES:
        for chosen in kernels:
            with kernel.using(chosen):
                results.append(measure(n, m, args.size, np.random.default_rng(args.seed)))
    print(f"{'case':<14}{'by':<10}{'needed MMAC/s':>15}{'dense-equivalent MMAC/s':>26}"
          f"{'seconds':>10}")
    for r in results:
        print(f"{r['case']:<14}{r['by']:<10}{r['macs_per_second'] / 1e6:>15.0f}"
              f"{r['dense_equivalent_macs_per_second'] / 1e6:>26.0f}{r['seconds']:>10.4f}")
    os.makedirs(args.out.parent, exist_ok=True)
    args.out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
