# SPDX-License-Identifier: Apache-2.0
"""Properties of the leaf cells, proven for all time by ABC's property-directed reachability.

formal/<cell>_props.v wraps a cell and states its properties. Two statements beside them must be
refuted: with COVER defined, that the most interesting state is never reached (so the assumptions
leave room), and that the properties hold for a cell with a planted fault (so they see it).
"""

from functools import partial

from formal.tools import BUILD, ROOT, Proof, never_bad, yosys

LIMIT_S = 120
LIBRARY = "rtl/common/sat_lutram.v"  # what the cells instantiate
# A fault of each cell, as (right text, wrong text).
FAULTS = {
    "sat_fifo": ("!count_o[PTR_W]", "1'b1"),  # overruns when full
    "sat_skid_buffer": ("skid_valid_q ? skid_data_q : in_data_i", "in_data_i"),  # loses a beat
    "sat_arbiter": ("else if (advance_i &&", "else if (!advance_i &&"),  # serves one forever
}


def decide(cell: str, define: str = "", faulty: bool = False) -> str:
    source = (ROOT / "rtl/common" / f"{cell}.v").read_text()
    right, wrong = FAULTS[cell]
    if source.count(right) != 1:
        raise ValueError(f"{cell}.v has not exactly one '{right}' to plant a fault in")
    folder = BUILD / f"{cell}{define}{'_faulty' if faulty else ''}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cell.v").write_text(source.replace(right, wrong) if faulty else source)
    yosys(
        f"read_verilog -formal {define} {LIBRARY} {folder}/cell.v formal/{cell}_props.v",
        f"prep -flatten -top {cell}_props",
        "memory_map",
        "async2sync",
        "chformal -lower",
        "opt -full",
        "techmap",
        "opt -fast",
        "dffunmap",
        "aigmap",
        # Registers without an initial value start with any value.
        f"write_aiger -zinit {folder}/cell.aig",
    )
    return never_bad(folder / "cell.aig", LIMIT_S)


def proofs() -> list[Proof]:
    statements = [("properties", "proven", {}),
                  ("cover is never reached", "refuted", {"define": "-DCOVER"}),
                  ("properties, planted fault", "refuted", {"faulty": True})]
    method = "reachability, ABC pdr"
    return [Proof(f"{cell}: {what}", method, expected, partial(decide, cell, **how))
            for cell in FAULTS for what, expected, how in statements]
