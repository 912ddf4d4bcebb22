# SPDX-License-Identifier: Apache-2.0
"""What the programs that ran well consisted of."""

from __future__ import annotations

from sat.config import SatConfig
from sat_golden.defs import FenceFlag, MatmulFlag, MatmulSlot, Opcode, PruneFlag, UpdateFlag
from sat_golden.descriptor import Descriptor
from sat_golden.operands import NIBBLE
from sat_golden.tensors import tensors_of
from tb.uvm.agents.axi_mem.axi_mem_knobs import Latency, Stall
from tb.uvm.cov.commands import (
    COMMANDS,
    DENSE_COMMANDS,
    LEGAL_NM,
    SPARSE_COMMANDS,
    command_name,
)
from tb.uvm.cov.coverage_model import CoverageModel
from tb.uvm.cov.operands import NUMERIC_CLASSES, numeric_classes
from tb.uvm.cov.sat_cov_base import SatCovBase
from tb.uvm.env.run import Run

STALLS = [stall.value for stall in Stall]
EDGES = ("below", "at", "one_above", "multiple", "between")
LENGTHS = {"1": 1, "2..5": 5, "6..12": 12, "13 or more": 1 << 32}
VECTOR_TILE = 16
EPILOGUE = [flag.name.lower() for flag in MatmulFlag if flag != MatmulFlag.CONV]
IN_PLACE = ("residual", "residual_fp32", "mask")


def edge(size: int, unit: int) -> str:
    """Where a size lies among the multiples of what the hardware takes at once."""
    if size < unit:
        return "below"
    if size % unit == 0:
        return "at" if size == unit else "multiple"
    return "one_above" if size == unit + 1 else "between"


class ProgramCov(SatCovBase):
    @staticmethod
    def declare(model: CoverageModel, core: SatConfig) -> None:
        model.point("cp_command", COMMANDS)
        model.point("cp_program_length", LENGTHS)
        working = [name for name in COMMANDS if name != "FENCE"]
        model.cross("cx_command_overlap", working, ("alone", "overlap"))
        model.cross("cx_nm_command_class_stall", LEGAL_NM, SPARSE_COMMANDS, NUMERIC_CLASSES, STALLS)
        model.cross("cx_command_class_stall", DENSE_COMMANDS, NUMERIC_CLASSES, STALLS)
        model.cross("cx_stall_latency", STALLS, [latency.name.lower() for latency in Latency])
        model.cross("cx_matmul_epilogue", *(("no", name) for name in EPILOGUE))
        model.point("cp_matmul_in_place", IN_PLACE)
        model.point("cp_row_interleave", range(8))
        model.cross("cx_weights_flags", ("PRUNE", "UPDATE"), range(4), ("fp16", "fp32"),
                    unless=lambda op, copies, kind: op == "UPDATE" and kind == "fp16"
                    or op == "PRUNE" and copies == 0)
        model.cross("cx_update_options", ("plain", "decay"), ("always", "skip_on_overflow"))
        model.point("cp_update_skipped", ("skipped", "done"))
        model.point("cp_fence_irq", ("silent", "irq"))
        model.point("cp_overflow", ("clear", "set"))
        model.cross("cx_matmul_edges", ("rows", "cols", "depth"), EDGES)
        model.cross("cx_tile_edges", ("rows", "cols"), EDGES)
        model.cross("cx_vector_edges", ("rows", "cols"), EDGES)
        model.point("cp_chunks", ("part", "one", "several"))

    def write(self, run: Run) -> None:
        if not run.clean:
            return
        prediction = run.prediction
        length = next(name for name, most in LENGTHS.items() if prediction.length <= most)
        self.model.hit("cp_program_length", length)
        knobs = prediction.knobs
        self.model.hit("cx_stall_latency", knobs.stall.value, knobs.latency.name.lower())
        result = prediction.expected.result
        self.model.hit("cp_overflow", "set" if result.overflow else "clear")
        for desc in prediction.commands:
            self._command(run, desc)

    def _command(self, run: Run, desc: Descriptor) -> None:
        name = command_name(desc)
        self.model.hit("cp_command", name)
        if desc.opcode == Opcode.FENCE:
            self.model.hit("cp_fence_irq", "irq" if desc.flags & FenceFlag.IRQ else "silent")
            return
        self.model.hit("cx_command_overlap", name, "overlap" if desc.overlap else "alone")
        stall = run.prediction.knobs.stall.value
        for kind in self._classes(run, desc):
            if name in SPARSE_COMMANDS:
                self.model.hit("cx_nm_command_class_stall", f"{desc.n}:{desc.m}", name, kind, stall)
            else:
                self.model.hit("cx_command_class_stall", name, kind, stall)
        if desc.opcode == Opcode.MATMUL:
            self._matmul(desc, name)
        elif desc.opcode in (Opcode.PRUNE, Opcode.UPDATE):
            self._weights(run, desc)

    def _classes(self, run: Run, desc: Descriptor) -> set[str]:
        """Of the operands, index planes apart. The second operand of a MATMUL has the groups."""
        found: set[str] = set()
        for tensor in tensors_of(desc):
            if tensor.read and tensor.bits != NIBBLE:
                sparse = desc.opcode == Opcode.MATMUL and tensor.slot == MatmulSlot.S_VALUES
                group = desc.n if sparse else desc.m
                found |= numeric_classes(run.prediction.elements(tensor), group or 4)
        return found

    def _matmul(self, desc: Descriptor, name: str) -> None:
        flags, core = desc.flags, self.cfg.core
        if name == "MATMUL":
            self.model.hit("cx_matmul_epilogue", *(
                name if flags & MatmulFlag[name.upper()] else "no" for name in EPILOGUE))
            for side, unit in (("rows", core.rows), ("cols", core.cols), ("depth", desc.m)):
                self.model.hit("cx_matmul_edges", side, edge(getattr(desc, side), unit))
            for side, unit in (("rows", core.rows * core.t), ("cols", core.cols * core.t)):
                self.model.hit("cx_tile_edges", side, edge(getattr(desc, side), unit))
            chunks = desc.depth / core.chunk_k
            self.model.hit("cp_chunks", "part" if chunks < 1 else "one" if chunks == 1
                           else "several")
        self.model.hit("cp_row_interleave", flags >> 8 & 7)
        single = "_fp32" if flags & MatmulFlag.OUT_FP32 else ""
        for kind, slot in ((f"residual{single}", MatmulSlot.RESIDUAL), ("mask", MatmulSlot.MASK)):
            if desc.slot(slot).address and desc.slot(slot) == desc.slot(MatmulSlot.C):
                self.model.hit("cp_matmul_in_place", kind)

    def _weights(self, run: Run, desc: Descriptor) -> None:
        flags, update = desc.flags, desc.opcode == Opcode.UPDATE
        kind = "fp16" if not update and flags & PruneFlag.SRC_FP16 else "fp32"
        self.model.hit("cx_weights_flags", Opcode(desc.opcode).name, flags & 3, kind)
        for side in ("rows", "cols"):
            self.model.hit("cx_vector_edges", side, edge(getattr(desc, side), VECTOR_TILE))
        if update:
            skips = bool(flags & UpdateFlag.SKIP_ON_OVERFLOW)
            self.model.hit("cx_update_options", "decay" if flags & UpdateFlag.DECAY else "plain",
                           "skip_on_overflow" if skips else "always")
            if skips:
                skipped = run.prediction.was_skipped(desc)
                self.model.hit("cp_update_skipped", "skipped" if skipped else "done")
