# SPDX-License-Identifier: Apache-2.0
"""A core as a user sees it: allocate tensors, build programs, run them."""

from __future__ import annotations

from sat_golden.defs import DESC_BYTES

from .backend import Backend, Result
from .memory import Memory
from .program import Program

MAX_COMMANDS = 1024  # of a program


class Core(Memory):
    """Memory and programs of one backend. Several of one backend get different parts of its memory,
    and may use each other's tensors and programs.

        core = Core(SimBackend())
        x = core.from_array("x", np.ones((4, 16), np.float16))
        w = core.from_array("w", np.ones((16, 8), np.float16))
        y = core.tensor("y", (4, 8), FP32)
        program = core.program()
        program.matmul(x, w, y)
        print(core.run(program).cycles, y.read())
    """

    backend: Backend  # an address space that also runs programs

    def __init__(self, backend: Backend):
        super().__init__(backend)
        self._program_addr = self.reserve(MAX_COMMANDS * DESC_BYTES, DESC_BYTES)

    def program(self) -> Program:
        """A new, empty program for this core."""
        return Program(self.backend.config, backend=self.backend)

    def next_samples(self) -> None:
        """From here on samples have other random bits: for the next step, or micro-batch."""
        self.backend.sample_step = (self.backend.sample_step + 1) % (1 << 32)

    def run(self, program: Program) -> Result:
        """Run a program to its end. Raises SatError if the core reports an error."""
        if program.backend is not self.backend:
            maker = "another core" if program.backend else "no core"
            raise ValueError(f"program: is of {maker}, but must come from this one's program()")
        if any(tensor.backend is not self.backend for command in program
               for tensor in (*command.reads, *command.writes)):
            raise ValueError("program: has tensors whose memory is not given out (sat.scratch)")
        if not 1 <= len(program) <= MAX_COMMANDS:
            raise ValueError(f"program: {len(program)} commands, but 1..{MAX_COMMANDS} fit")
        return self.backend.run(self._program_addr, program)
