# SPDX-License-Identifier: Apache-2.0
"""The generated files are current, and agree with each other and with the documents."""

import configparser
import re

import pytest

from sat import regs
from sat.config import SatConfig
from sat_golden import defs
from scripts.generate import ROOT, generate
from tb.common import buses

pytestmark = pytest.mark.quick
DEFINES = (ROOT / "rtl/include/sat_defs.vh").read_text(encoding="utf-8")
VERILOG = dict(re.findall(r"`define SAT_(\w+) (\S+)", DEFINES))


def verilog_value(name):
    text = VERILOG[name]
    return int(text.split("'")[1][1:], 16 if "'h" in text else 10) if "'" in text else int(text)


@pytest.mark.parametrize("path", generate(), ids=lambda path: path.name)
def test_file_is_current(path):
    assert path.read_text(encoding="utf-8") == generate()[path], "run `make generate`"


def test_languages_agree():
    assert {f"OP_{code.name}": code.value for code in defs.Opcode}.items() <= {
        name: verilog_value(name) for name in VERILOG if name.startswith("OP_")}.items()
    for code in defs.Error:
        assert verilog_value(f"ERR_{code.name}") == code
    for flag in defs.MatmulFlag:
        assert 1 << verilog_value(f"FLAG_MATMUL_{flag.name}") == flag
    for register in regs.Reg:
        assert verilog_value(f"REG_{register.name}") == register
    for name, (word, low, bits) in defs.FIELDS.items():
        assert verilog_value(f"DESC_{name}_LSB") == 32 * word + low
        assert verilog_value(f"DESC_{name}_BITS") == bits


def test_buses_agree_with_the_descriptor():
    """spec/buses.yaml says again how wide a slot is, and what a stride and an address are in it."""
    assert buses.OPERAND.bits == 32 * defs.SLOT_WORDS == verilog_value("DESC_SLOT_BITS")
    assert buses.OPERAND.fields == {"ADDR": (0, 64), "STRIDE": (64, 24)}
    assert (1 << buses.STRIDE_BITS) - defs.TENSOR_ALIGN == defs.STRIDE_MAX


def test_records_are_packed_without_gaps():
    word = buses.TILE.pack(last=1, band_end=0, row=0xABC, col=0x123, rows=16, cols=9)
    assert word == 1 << 43 | 0xABC << 22 | 0x123 << 10 | 16 << 5 | 9
    assert buses.TILE.unpack(word) == {"last": 1, "band_end": 0, "row": 0xABC, "col": 0x123,
                                       "rows": 16, "cols": 9}
    assert buses.WEST.get(buses.WEST.pack(write=1, addr=31, wide=0), "addr") == 31


def test_error_codes_are_those_of_the_command_reference():
    text = (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| (\d+) \| `(\w+)` \|", text, re.M)
    errors = {name: int(code) for code, name in table if name in defs.Error.__members__}
    assert errors == {code.name: code.value for code in defs.Error if code}


def test_package_version_is_the_version_register():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    value = regs.VERSION_VALUE
    assert setup["metadata"]["version"] == f"{value >> 16}.{value >> 8 & 0xff}.{value & 0xff}"


def test_counters_are_low_and_high_words():
    for name, offset in regs.COUNTERS.items():
        assert regs.Reg[f"{name}_LO"] == offset
        assert regs.Reg[f"{name}_HI"] == offset + 4


@pytest.mark.parametrize("name", SatConfig.names())
def test_configurations_are_legal(name):
    assert SatConfig.from_name(name).parameters()["DATA_W"] in (128, 256, 512)


def test_unknown_configuration_is_named():
    with pytest.raises(ValueError, match="3x3"):
        SatConfig.from_name("3x3")
