# SPDX-License-Identifier: Apache-2.0
"""The hand-written N:M selection network equals the generated one, for fixed N, M and key width.

One side is rtl/vector/sat_nm_select.v for 16 keys, as SORE instantiates it, with n and m tied; the
other is the Verilog that generators.nm_select makes. For each group of M keys, Yosys joins both in
a miter, whose output is one where the group's keep masks differ, and turns it into an and-inverter
graph; ABC decides by SAT sweeping whether that output can ever be one.

Narrow keys lose nothing as long as M different keys fit. Both networks only ever compare keys with
each other, so their outputs depend on the order of the keys alone, and every order of M keys, ties
included, is the order of some M keys of log2(M) bits.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tb.formal.generators.nm_select import generate
from tb.formal.tools import BUILD, Proof, never_one, yosys

HAND_WRITTEN = "rtl/vector/sat_nm_select.v"
KEYS = 16
LIMIT_S = 600


@dataclass(frozen=True)
class Case:
    """A miter of the two networks; `mutation` names a fault put into the hand-written side."""

    n: int
    m: int
    width: int
    mutation: str = "none"


# The narrowest keys that lose nothing (one bit is no vector in the generated Verilog); those of
# the core, 15 bits wide, take minutes.
QUICK = [Case(2, 4, 2), Case(1, 8, 3), Case(2, 8, 3)]
FULL = [Case(1, 2, 2), Case(1, 4, 2), Case(3, 4, 2), Case(4, 8, 3), Case(5, 8, 3), Case(2, 16, 4),
        *(Case(n, m, 15) for n, m in ((1, 2), (1, 4), (2, 4), (3, 4), (1, 8), (2, 8), (4, 8),
                                      (5, 8), (6, 8))), Case(4, 16, 4)]

# Ties go to the higher index; one key too many is kept; two keys change places.
REFUTED = [Case(2, 4, 2, "tie"), Case(2, 4, 2, "count"), Case(2, 4, 2, "swap"),
           Case(2, 8, 3, "tie")]


def sides(case: Case, group: int, generated: str) -> str:
    """Verilog of both sides of a miter: from all keys to one group's keep mask."""
    keys_to, keep_from = list(range(KEYS)), list(range(KEYS))
    if case.mutation == "tie":
        keys_to = keep_from = keys_to[::-1]
    elif case.mutation == "swap":
        keys_to = [1, 0] + keys_to[2:]
    n = case.n + (case.mutation == "count")
    # A concatenation starts with the highest index.
    keys = ", ".join(f"keys_i[{i * case.width} +: {case.width}]" for i in reversed(keys_to))
    keep = ", ".join(f"keep[{i}]" for i in reversed(keep_from))
    first = group * case.m
    return f"""\
module hand_side (
  input  wire [{KEYS * case.width - 1}:0] keys_i,
  output wire [{case.m - 1}:0] keep_o
);
  wire [{KEYS - 1}:0] keep;
  wire [{KEYS - 1}:0] keep_all = {{{keep}}};
  assign keep_o = keep_all[{first} +: {case.m}];
  sat_nm_select #(
    .M_MAX({KEYS}),
    .KEY_W({case.width})
  ) u_select (
    .keys_i  ({{{keys}}}),
    .m_log2_i(3'd{case.m.bit_length() - 1}),
    .n_i     (5'd{n}),
    .keep_o  (keep)
  );
endmodule

module generated_side (
  input  wire [{KEYS * case.width - 1}:0] keys_i,
  output wire [{case.m - 1}:0] keep_o
);
  {generated} u_select (
    .keys_i(keys_i[{first * case.width} +: {case.m * case.width}]),
    .keep_o(keep_o)
  );
endmodule
"""


def build_miter(case: Case, group: int) -> Path:
    """Write the miter of one group as an AIGER file; returns its path."""
    folder = BUILD / f"nm_select_{case.n}_{case.m}_{case.width}_{case.mutation}_{group}"
    folder.mkdir(parents=True, exist_ok=True)
    generated = generate(case.n, case.m, case.width, folder / "generated.v")
    (folder / "sides.v").write_text(sides(case, group, generated), encoding="utf-8")
    yosys(
        f"read_verilog {HAND_WRITTEN} {folder}/generated.v {folder}/sides.v",
        "hierarchy -check",
        "proc",
        "memory_map",
        "flatten",
        "opt -full",
        "miter -equiv -flatten hand_side generated_side miter",
        "hierarchy -top miter",
        "opt -full",
        "techmap",
        "opt -full",
        "aigmap",
        f"write_aiger {folder}/miter.aig",
    )
    return folder / "miter.aig"


def decide(case: Case) -> str:
    """The verdict on all groups: that of the first which is not proven, if there is one."""
    for group in range(KEYS // case.m):
        verdict = never_one(build_miter(case, group), LIMIT_S)
        if verdict != "proven":
            return verdict
    return "proven"


def proof(case: Case) -> Proof:
    what = f"nm_select {case.n}:{case.m} = generated, {case.width}-bit keys"
    if case.mutation != "none":
        what += f", {case.mutation} fault"
    return Proof(what, "sweeping", "proven" if case.mutation == "none" else "refuted",
                 partial(decide, case))


def proofs(full: bool) -> list[Proof]:
    return [proof(case) for case in QUICK + (FULL if full else []) + REFUTED]
