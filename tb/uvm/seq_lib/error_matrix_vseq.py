# SPDX-License-Identifier: Apache-2.0
"""Every error code with every command that can fail so, in random order."""

from __future__ import annotations

import numpy as np

from sat.regs import Reg
from sat_golden.defs import DESC_BYTES, FIELDS, SLOT_WORD, SLOT_WORDS, TENSOR_ALIGN, Error, Opcode
from sat_golden.memory import ErrorRegion
from sat_golden.tensors import Tensor, tensors_of
from tb.top.expect import Expected
from tb.top.random_program import Program
from tb.uvm.agents.axi_mem.axi_mem_knobs import SLOW
from tb.uvm.cov.commands import COMMANDS, command_name
from tb.uvm.cov.error_cov import NOT_OF_A_COMMAND, can_fail
from tb.uvm.seq_lib.draw import ADD, draw_program, new_writer
from tb.uvm.seq_lib.hang_vseq import WATCHDOG
from tb.uvm.seq_lib.sat_base_vseq import SatBaseVSeq

READ = {"on_write": False}
BUS = {Error.READ_SLVERR: READ, Error.READ_DECERR: READ | {"decerr": True},
       Error.READ_PROTOCOL: READ | {"rlast": True},
       Error.WRITE_SLVERR: {"on_read": False},
       Error.WRITE_DECERR: {"on_read": False, "decerr": True}}  # properties of the region
TRIES = 400


class ErrorMatrixVSeq(SatBaseVSeq):
    """`share` of the matrix."""

    def __init__(self, rng: np.random.Generator, share: float = 1.0) -> None:
        super().__init__(rng)
        self.share = share

    async def body(self) -> None:
        codes = [code for code in Error if code not in (Error.NONE, *NOT_OF_A_COMMAND)]
        cases = [(code, command) for code in codes for command in ["fetch", *COMMANDS]
                 if can_fail(code, command)]
        cases.append((Error.OPCODE, COMMANDS[0]))
        for at in self.rng.permutation(len(cases))[: max(1, round(self.share * len(cases)))]:
            await self._case(*cases[at])
        await self._program_registers()

    async def _case(self, code: Error, command: str) -> None:
        """One to three commands, of which the last fails."""
        program = self._program(None if command == "fetch" else command, code)
        if code == Error.HANG:
            await self._hang(command, program)
            return
        if command == "fetch":
            address = program.address + (program.length - 1) * DESC_BYTES
            line = address + TENSOR_ALIGN * int(self.rng.integers(2))
            errors = [ErrorRegion(line, line + TENSOR_ALIGN, **BUS[code])]
        elif code in BUS:
            errors = [self._region(code, program)]
        else:
            while Expected(program).result.code != code:  # some changes meet another check before
                program = self._program(command, code)
                spoil(self.rng, program, program.length - 1, code)
            errors = []
        await self.run(program, errors=errors)

    async def _hang(self, command: str, program: Program) -> None:
        """The memory falls silent before the first descriptor, or while the last command runs."""
        await self.load(program, SLOW)
        await self.write(Reg.WATCHDOG, WATCHDOG)
        await self.memory(silent=command == "fetch")
        await self.start_program(program.address, program.length)
        if command != "fetch":
            await self.until_state("end")
        await self.fall_silent()
        await self.answer_again()
        await self.write(Reg.WATCHDOG, 0)

    def _program(self, command: str | None, code: Error) -> Program:
        """A small program that ends with the command (None: any), which can fail in this way."""
        for _ in range(TRIES):
            writer = new_writer(self.rng, chained=0.0)
            if self.rng.random() < 0.5:
                writer.fence(irq=False)
            if command == Opcode.FENCE.name:
                writer.fence(irq=True)
            else:
                ADD[str(self.rng.choice(list(ADD)))](writer, 12)
            program = writer.finish()
            if command is None or (command == command_name(program.descriptors[-1])
                                   and (code not in BUS or reached(program, code))):
                return program
        raise AssertionError(f"no way to make a {command}")

    def _region(self, code: Error, program: Program) -> ErrorRegion:
        """A line of a tensor of the last command, and of no tensor that is used otherwise."""
        tensors = reached(program, code)
        tensor = tensors[self.rng.integers(len(tensors))]
        line = tensor.address + int(self.rng.choice(tensor.rows_used())) * tensor.stride
        return ErrorRegion(line, line + TENSOR_ALIGN, **BUS[code])

    async def _program_registers(self) -> None:
        """Addresses and lengths that name no program."""
        program = draw_program(self.rng, 2, 8)
        space = 1 << self.sequencer.cfg.core.addr_w
        for address, length in ((program.address + 64, 1), (program.address, 0), (space, 1),
                                (space - DESC_BYTES, 2), (program.address + (1 << 63), 1)):
            await self.run(program, address=address, length=length)


def reached(program: Program, code: Error) -> list[Tensor]:
    """Tensors at which the last command can meet a bus error (windows may see none of a map)."""
    return [tensor for tensor in tensors_of(program.descriptors[-1])
            if (tensor.read if BUS[code].get("on_read", True) else tensor.written)
            and tensor.rows_used().size]


def spoil(rng: np.random.Generator, program: Program, index: int, code: Error) -> None:
    """Changes a descriptor so that its check fails with `code`."""
    desc = program.descriptors[index]
    offset = program.address - program.base + index * DESC_BYTES
    words = program.image[offset : offset + DESC_BYTES].view(np.uint32)
    tensors = [tensor for tensor in tensors_of(desc) if tensor.stride]
    slot = tensors[rng.integers(len(tensors))].slot if tensors else 0
    base = SLOT_WORD + SLOT_WORDS * slot

    def put(name: str, value: int) -> None:
        word, low, bits = FIELDS[name]
        words[word] = int(words[word]) & ~(((1 << bits) - 1) << low) | value << low

    if code == Error.OPCODE:
        put("OPCODE", int(rng.choice([0, 8, 255])))
    elif code == Error.FLAGS:
        words[1] |= np.uint32(1 << 31)
    elif code == Error.NM:
        put("M", int(rng.choice([0, 3, 5, 31]))) if rng.integers(2) else put("N", 17)
    elif code == Error.SIZE:
        words[FIELDS["COLS"][0]] = int(rng.choice([0, 65536]))
    elif code == Error.ALIGN:
        words[base + 2 * int(rng.integers(2))] |= np.uint32(16)
    elif code == Error.STRIDE:
        words[base + 2] = int(rng.choice([0, 1 << 24]))
    elif code == Error.RANGE:
        words[base + 1] |= np.uint32(1 << int(rng.integers(8, 32)))
