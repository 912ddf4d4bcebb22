# SPDX-License-Identifier: Apache-2.0
"""The fast simulation of a whole core: sat_top and sat_sim.cpp as a library (`sat build`)."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..config import SatConfig
from ..rtl import sources
from ..terminal import run
from ..toolchain import is_clang
from .verilate import Model
from .verilate import build as build_model

HARNESS = Path(__file__).with_name("sat_sim.cpp")
VERILATOR_FLAGS = ("-O3", "--no-timing", "--x-assign", "fast", "--x-initial", "fast", "--noassert",
                   "-fno-dfg", "-fno-table")
CXX_FLAGS = ("-fPIC", "-fno-plt", "-fvisibility=hidden", "-fno-semantic-interposition")
GCC_FLAGS = ("-fno-gnu-unique",)  # what Clang never does
# One function of C++ serves all PEs: Verilator merges equal ones, so the PE's module stays
# whole, its inputs are variables of its own rather than outputs of its neighbour, and no pass may
# number temporaries through the design (-fno-dfg, -fno-table). Without -fdfg, vectors that depend
# on bits of themselves must be named here to be split; a test finds others.
CONTROL = "\n".join([
    'no_inline -module "sat_uspe"',
    *(f'public_flat_rd -module "sat_uspe" -var "{name}"'
      for name in ("rst_n", "west_i", "north_i", "drain_i", "token_i")),
    'split_var -module "sat_store_mux" -var "chain"',
    'split_var -module "sat_affine" -var "issue"'])


@dataclass(frozen=True)
class Variant:
    """What a library is built with beside the flags of the plain one, which come first. `headers`
    are the files of ours that the harness includes."""

    harness: Path = HARNESS
    headers: tuple[Path, ...] = ()
    verilator_flags: tuple[str, ...] = ()
    cxx_flags: tuple[str, ...] = ()


PLAIN = Variant()
# With the RTL's assertions (rtl/include/sat_assert.vh): for tests, since it takes about 8 % longer.
PRINT = Path(__file__).with_name("sat_print.h")
ASSERTIONS = Variant(headers=(PRINT,), verilator_flags=("-DSAT_ASSERTIONS",),
                     cxx_flags=("-include", str(PRINT)))


def usual() -> Variant:
    """The plain one, or with assertions where the environment says SAT_ASSERTIONS=1."""
    return PLAIN if os.environ.get("SAT_ASSERTIONS", "0") in ("", "0") else ASSERTIONS


def model_of(config: SatConfig, variant: Variant = PLAIN) -> Model:
    """The C++ grows with the number of PEs. Every file of it reads a header that does, too, so that
    a large array takes fewer and larger files; it is also compiled with less effort, and so are the
    small ones, of which hardly one runs for longer than its build takes."""
    pes = config.rows * config.cols
    split = 15000 * max(1, pes // 64)
    optimise = "-O2" if 64 <= pes <= 256 else "-O1"
    return Model(
        "sat_top", tuple(sources()), config.parameters(), variant.harness, "Vsat_top",
        (*VERILATOR_FLAGS, *variant.verilator_flags, "--output-split", str(split)),
        (optimise, *CXX_FLAGS, *(() if is_clang() else GCC_FLAGS), *variant.cxx_flags),
        control=CONTROL, headers=variant.headers, output="libsat_sim.so")


def build(config: SatConfig, log: Callable[[str], None] | None = None,
          variant: Variant | None = None) -> Path:
    """The library of a configuration, from the cache or built now (sat.sim.verilate)."""
    model = model_of(config, variant or usual())
    return build_model(model, f"{config.rows}x{config.cols}", log)


def make_parser(**options) -> argparse.ArgumentParser:
    """Those of `sat build`."""
    parser = argparse.ArgumentParser(
        prog="sat build", description="Build the simulations of configurations.", **options)
    parser.add_argument("configs", nargs="*", metavar="configuration",
                        help=f"one of {', '.join(SatConfig.names())} (default: the default one)")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Build the named configurations."""
    parser = make_parser()
    names = parser.parse_args(argv).configs
    try:
        configs = [SatConfig.from_name(name) for name in names or [None]]
    except ValueError as error:
        parser.error(str(error))
    for config in configs:
        print(build(config))
    return 0


if __name__ == "__main__":
    run(main)
