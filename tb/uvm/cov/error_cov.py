# SPDX-License-Identifier: Apache-2.0
"""Errors that the registers reported."""

from __future__ import annotations

from sat.config import SatConfig
from sat_golden.defs import DESC_BYTES, Error
from sat_golden.descriptor import Descriptor
from tb.uvm.cov.commands import COMMANDS, SPARSE_COMMANDS, command_name
from tb.uvm.cov.coverage_model import CoverageModel
from tb.uvm.cov.sat_cov_base import SatCovBase
from tb.uvm.env.reported_error import ReportedError

READ_ERRORS = (Error.READ_SLVERR, Error.READ_DECERR, Error.READ_PROTOCOL)
NOT_OF_A_COMMAND = (Error.PROGRAM, Error.OPCODE, Error.BUSY)


def can_fail(code: Error, command: str) -> bool:
    """Whether a command, or the fetch of a descriptor, can end with an error."""
    if command == "fetch":
        return code in (*READ_ERRORS, Error.HANG)
    if code == Error.NM:
        return command in SPARSE_COMMANDS
    return code == Error.FLAGS or command != "FENCE"


class ErrorCov(SatCovBase):
    """Takes the errors that the scoreboard has read and accepted."""

    @staticmethod
    def declare(model: CoverageModel, core: SatConfig) -> None:
        codes = [code for code in Error if code != Error.NONE]
        model.point("cp_error", [code.name for code in codes])
        model.cross("cx_error_command",
                    [code.name for code in codes if code not in NOT_OF_A_COMMAND],
                    ["fetch", *COMMANDS],
                    unless=lambda code, command: not can_fail(Error[code], command))
        model.point("cp_error_index", ("first", "later"))

    def write(self, error: ReportedError) -> None:
        self.model.hit("cp_error", error.code.name)
        if error.code in NOT_OF_A_COMMAND:
            return
        self.model.hit("cp_error_index", "later" if error.index else "first")
        self.model.hit("cx_error_command", error.code.name, self._command(error))

    def _command(self, error: ReportedError) -> str:
        """The failing command; "fetch" if the error met its descriptor, or, of a hang, if that had
        certainly not come yet."""
        prediction = error.prediction
        first = prediction.descriptor_address(error.index)
        program = prediction.expected.program
        offset = first - program.base
        data = program.image[max(offset, 0) : max(offset + DESC_BYTES, 0)].tobytes()
        bus = error.code in READ_ERRORS
        started = {command.index for command in prediction.expected.result.commands}
        missing = (error.read_beats * self.cfg.memory.beat_bytes < DESC_BYTES * (error.index + 1)
                   or error.index not in started)
        if (bus and first <= error.address < first + DESC_BYTES
                or error.code == Error.HANG and missing):
            return "fetch"
        return command_name(Descriptor.unpack(data))
