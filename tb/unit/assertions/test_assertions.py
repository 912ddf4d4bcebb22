# SPDX-License-Identifier: Apache-2.0
"""Each kind of assertion in the RTL fires, and a violation fails the run with its name."""

from __future__ import annotations

import re

import pytest

from tb.common import runner
from tb.formal.modules import Fault

pytestmark = pytest.mark.quick
QUEUE = {"WIDTH": 16}
SKID = "common/sat_skid_buffer.v"
FIFO = "common/sat_fifo.v"
ARBITER = "common/sat_arbiter.v"
SPLIT = "dma/sat_burst_split.v"
WRITE = "dma/sat_wr_dma.v"
SLAVE = "ctrl/sat_axil_slave.v"
RECORD = "ctrl/sat_error_record.v"


def run(tmp_path, module, fault=None, **options):
    sources = []
    if fault:
        path = tmp_path / f"{module}.v"
        path.write_text(fault.planted(), encoding="utf-8")
        sources = [path]
    runner.run(module, sources=sources, runs=tmp_path, seed=1, **options)


def violates(tmp_path, assertion, module, fault=None, **options):
    with pytest.raises(AssertionError) as error:
        run(tmp_path, module, fault, **options)
    said = re.search(r"assertion violated: (\S+) at \d+; ", str(error.value))
    assert said, error.value
    assert said[1] == f"{module}.{assertion}"


def traffic(source="hold", **more):
    return {"tests": "tb.unit.assertions.assertions_tests", "testcase": "test_stream",
            "extra_env": {"SAT_SOURCE": source}, "parameters": QUEUE, **more}


ANYTHING = {"tests": "tb.unit.assertions.assertions_tests", "testcase": "test_anything"}


@pytest.fixture(autouse=True)
def no_filter(monkeypatch):
    """These tests choose their own test cases and seeds."""
    for name in ("TESTCASE", "SEED"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("module", ["sat_fifo", "sat_skid_buffer"])
def test_held_beats_are_good(tmp_path, module):
    run(tmp_path, module, **traffic())


@pytest.mark.parametrize("sim", ["verilator", "icarus"])
@pytest.mark.parametrize("source, assertion", [("withdraw", "valid_stays"),
                                               ("change", "payload_stays")])
def test_source_that_breaks_the_rules(tmp_path, source, assertion, sim):
    violates(tmp_path, f"check_in.{assertion}", "sat_fifo", **traffic(source, sim=sim))


@pytest.mark.parametrize("assertion, fault", [
    ("no_overflow", Fault("", FIFO, "in_ready_o  = !full_q", "in_ready_o  = 1'b1")),
    ("no_underflow", Fault("", FIFO, "out_fire = out_valid_o && out_ready_i",
                           "out_fire = out_ready_i")),
    ("count_within_depth", Fault("", FIFO, "write_ptr_q <= write_ptr_q + ONE",
                                 "write_ptr_q <= write_ptr_q + DEPTH[PTR_W:0] + ONE")),
    ("flags_tell_count", Fault("", FIFO, "in_fire || (filled_q && !(out_fire && count_o == ONE))",
                               "in_fire || (filled_q && !out_fire)")),
    ("check_out.valid_stays", Fault("", FIFO, "out_valid_o = filled_q",
                                    "out_valid_o = filled_q && !in_valid_i")),
    ("check_out.payload_stays", Fault("", FIFO, ".waddr_i(write_ptr_q[PTR_W-1:0])",
                                      ".waddr_i(read_ptr_q[PTR_W-1:0])")),
    ("check_out.valid_stays", Fault("", SKID, "out_valid_o = main_valid_q",
                                    "out_valid_o = main_valid_q && !in_valid_i")),
    ("check_out.payload_stays", Fault("", SKID, "if (main_free) main_data_q <=",
                                      "main_data_q <=")),
    ("skid_behind_main", Fault("", SKID, "skid_valid_q <= 1'b0", "skid_valid_q <= 1'b1")),
])
def test_queue_that_is_wrong(tmp_path, assertion, fault):
    violates(tmp_path, assertion, fault.file.split("/")[1][:-2], fault, **traffic())


@pytest.mark.parametrize("assertion, fault", [
    ("one_grant", Fault("", ARBITER, "if (preferred[j]) lowest_preferred[i]",
                        "if (1'b0) lowest_preferred[i]")),
    ("granted_asks", Fault("", ARBITER, "preferred = equal & above_q", "preferred = above_q")),
    ("who_asks_is_served", Fault("", ARBITER, "? lowest\n", "? NONE\n")),
    ("index_of_grant", Fault("", ARBITER, "grant_index_o | k[INDEX_W-1:0]", "grant_index_o")),
    ("burst_in_window", Fault("", SPLIT, "room_len = ~offset",
                              "room_len = {OFFSET_W{1'b1}}")),
    ("check_b.valid_stays", Fault("", SLAVE, "(b_valid_q && !s_axil_bready)", "1'b0")),
    ("check_r.payload_stays", Fault("", SLAVE, "if (read_fire_o) begin", "begin")),
])
def test_module_that_is_wrong(tmp_path, assertion, fault):
    violates(tmp_path, assertion, fault.file.split("/")[1][:-2], fault, **ANYTHING)


def test_advance_before_all_outputs_are_there(tmp_path):
    violates(tmp_path, "advance_when_settled.spaced", "sat_feeder_position", **ANYTHING)


def test_descriptor_that_comes_while_another_is_checked(tmp_path):
    violates(tmp_path, "start_behind_done", "sat_cmd_check", **ANYTHING)


@pytest.mark.parametrize("assertion, other", [
    ("hang_while_running", Fault("", RECORD, "hang_q, !begins_i && !rd_err_i && !wr_err_i)",
                                 "hang_q, 1'b1)")),
    ("nothing_behind_hang", Fault("", RECORD, "hang_i, !begins_i)", "hang_i, 1'b1)")),
])
def test_hang_in_bad_company(tmp_path, assertion, other):
    violates(tmp_path, assertion, "sat_error_record", other, **ANYTHING)


def test_burst_that_starts_before_its_data(tmp_path):
    """In the module's own bench."""
    fault = Fault("", WRITE, "split_len[p*8 +: 8] < {", "split_len[p*8 +: 8] <= {")
    violates(tmp_path, "data_is_inside", "sat_wr_dma", fault)
