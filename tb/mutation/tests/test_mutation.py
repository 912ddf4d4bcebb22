# SPDX-License-Identifier: Apache-2.0
"""The mutation check itself: verdicts, proofs, resuming, exit status; and one real mutant."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from sat.files import DamagedFile, claimed
from tb.common.runner import Verdict
from tb.mutation import benches, campaign
from tb.mutation import cli as program
from tb.mutation import equivalence, netlist
from tb.mutation.units import UNITS, Unit

SKID = Unit("sat_skid_buffer", "sat_skid_buffer", {"WIDTH": 16})


class FakeBench(benches.Bench):
    """Kills the mutants given."""

    def __init__(self, killed, broken=False):
        self.killed, self.broken, self.asked = killed, broken, []

    def run(self, module, mutant, limit_s):
        self.asked.append(mutant)
        return benches.FAILED if mutant in self.killed or self.broken else benches.SURVIVED

    def log(self, module, mutant):
        return f"log of {mutant}"


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Makes netlists in a folder of this test's own."""
    monkeypatch.setattr(netlist, "BUILD", tmp_path)
    return netlist.make


@pytest.fixture
def skid(make):
    return make(SKID, 12, 1)


def run(skid, bench, **options):
    return campaign.run(skid, lambda: bench, campaign.Options(proof_s=10, **options))


def test_the_modules_of_the_goal_are_there():
    modules = {unit.module for unit in UNITS}
    assert modules >= {"sat_fp32_add", "sat_fp32_mul", "sat_fp32_to_fp16", "sat_uspe",
                       "sat_nm_select", "sat_burst_split", "sat_regs"}


def test_what_depends_on_the_memorys_width_is_mutated_with_a_wide_bus():
    names = [unit.name for unit in UNITS]
    assert len(set(names)) == len(names)
    for unit in UNITS:
        if unit.parameters.get("DATA_W", unit.parameters.get("BEAT_W")) == 512:
            assert unit.name.startswith(f"{unit.module}-512")
    assert {f"{module}-512" for module in (
        "sat_rd_dma", "sat_wr_dma", "sat_map_cache", "sat_s_loader", "sat_unpack",
        "sat_pack", "sat_c_sums", "sat_tile_loader", "sat_plane_store",
        "sat_weight_store")} <= set(names)


def test_variants_of_a_module_are_kept_apart(make):
    narrow, wide = (make(Unit("sat_skid_buffer", "sat_skid_buffer", {"WIDTH": width},
                              variant=variant), 5, 1)
                    for width, variant in ((16, ""), (32, "wide")))
    assert narrow.folder != wide.folder
    assert "mutant_sat_skid_buffer-wide=%d" in wide.verilog.read_text(encoding="utf-8")
    assert "module sat_skid_buffer #(" in wide.verilog.read_text(encoding="utf-8")


def test_mutants_depend_on_the_seed_only(make):
    first, again, other = make(SKID, 12, 1), make(SKID, 12, 1), make(SKID, 12, 2)
    assert first == again
    assert first.mutants != other.mutants
    assert len(first.mutants) == 12
    assert not any(netlist.CLOCKS.search(mutant) for mutant in first.mutants)


def test_place_names_line_and_mutation(skid):
    assert "sat_skid_buffer.v:" in skid.place(1)


def test_netlist_holds_all_mutants_and_a_switch(skid):
    text = skid.verilog.read_text(encoding="utf-8")
    assert "mutant_sat_skid_buffer=%d" in text and "parameter integer WIDTH = 16" in text


@pytest.mark.formal
def test_proofs_tell_difference_and_equivalence(make):
    """Tying a bit of a reduction to another bit of it changes nothing; inverting its result does.
    """
    widen = make(Unit("sat_fp16_widen", "fp"), 60, 1)
    same = [number for number, mutant in enumerate(widen.mutants, 1)
            if "cnot1" in mutant and "$reduce_or" in mutant and "-port A" in mutant]
    changed = [number for number, mutant in enumerate(widen.mutants, 1)
               if "-mode inv" in mutant and "-port Y" in mutant]
    assert equivalence.decide(widen, same[0], 20) == equivalence.EQUIVALENT
    assert equivalence.decide(widen, changed[0], 20) == equivalence.DIFFERENT


@pytest.mark.formal
def test_proofs_ignore_what_does_not_matter(make):
    """With no output that matters, every mutant is equivalent."""
    unit = Unit("sat_fp16_widen", "fp", matters={"wide_o": "1'b1 ? 17'd0 : 17'd1"})
    assert equivalence.decide(make(unit, 3, 1), 1, 20) == equivalence.EQUIVALENT


@pytest.mark.formal
def test_proofs_know_what_an_input_is(make):
    """With both inputs of a register slice still, what goes wrong with them moving is the same."""
    still = {"in_valid_i": "1'b0", "in_data_i": "16'd0"}
    moving, tied = (make(replace(SKID, tied=tied), 12, 1) for tied in ({}, still))
    data = next(number for number, mutant in enumerate(tied.mutants, 1)
                if "-mode cnot1" in mutant and "data" in mutant)
    assert equivalence.decide(moving, data, 20) == equivalence.DIFFERENT
    assert equivalence.decide(tied, data, 20) == equivalence.EQUIVALENT


def test_a_proof_that_is_too_large_is_not_tried(make, monkeypatch):
    """With `flat` false only the proof without the modules inside."""
    tried = []

    def write_nothing(one, number, cut):
        tried.append(cut)
        return "none.aig"

    monkeypatch.setattr(equivalence, "write_aiger", write_nothing)
    monkeypatch.setattr(equivalence, "abc", lambda script: "")
    for flat in (True, False):
        fifo = make(Unit("sat_fifo", "sat_fifo", {"WIDTH": 4, "DEPTH": 4}, whole=("sat_lutram",),
                         flat=flat), 5, 1)
        assert equivalence.decide(fifo, 1, 1) == equivalence.UNDECIDED
    assert tried == [True, False, True]


@pytest.mark.formal
def test_a_module_that_is_cut_out_must_be_told_the_same(make):
    """An inverted enable of a FIFO's memory shows there, and at the pins."""
    fifo = make(Unit("sat_fifo", "sat_fifo", {"WIDTH": 4, "DEPTH": 4}, whole=("sat_lutram",)), 60,
                1)
    written = [number for number, mutant in enumerate(fifo.mutants, 1)
               if "-mode inv" in mutant and "-wire in_ready_o" in mutant]
    aiger = equivalence.write_aiger(fifo, written[0], cut=True)
    assert "u_memory.we_i" in aiger.with_name("miter.v").read_text(encoding="utf-8")
    assert equivalence.decide(fifo, written[0], 20) == equivalence.DIFFERENT


def test_score_counts_each_verdict(skid, monkeypatch):
    verdicts = {2: equivalence.EQUIVALENT, 3: equivalence.DIFFERENT, 4: equivalence.UNDECIDED}
    monkeypatch.setattr(equivalence, "decide", lambda one, number, limit_s: verdicts[number])
    score = run(skid, FakeBench({1, *range(5, 13)}))
    assert (score.total, score.killed, score.equivalent) == (12, 9, 1)
    assert score.survivors == (3, 4)
    assert score.rate == 9 / 11


def test_interrupted_run_goes_on_where_it_was(skid):
    class Stops(FakeBench):
        def run(self, module, mutant, limit_s):
            if mutant == 5:
                raise KeyboardInterrupt
            return super().run(module, mutant, limit_s)

    everything = set(range(1, 13))
    with pytest.raises(KeyboardInterrupt):
        run(skid, Stops(everything))
    second = FakeBench(everything)
    assert run(skid, second).killed == 12
    assert second.asked == [0, *range(5, 13)]  # 0: the bench must pass without a mutant
    third = FakeBench(everything)
    assert run(skid, third).killed == 12 and third.asked == []
    fourth = FakeBench(everything)
    assert run(skid, fourth, fresh=True).killed == 12 and len(fourth.asked) == 13


def test_bench_that_fails_without_a_mutant_is_an_error(skid):
    with pytest.raises(benches.BenchError):
        run(skid, FakeBench(set(), broken=True))


@pytest.mark.parametrize("killed, status", [(range(1, 21), 0), (range(1, 20), 0),
                                            (range(1, 19), 1), ((), 1)])
def test_exit_status_follows_the_goal(make, monkeypatch, tmp_path, capsys, killed, status):
    monkeypatch.setattr(program, "UNITS", [SKID])
    monkeypatch.setitem(program.GOALS, SKID.module, 0.95)
    monkeypatch.setattr(program, "SUMMARY", netlist.ROOT / "build" / "test-mutation.json")
    monkeypatch.setattr(benches, "build",
                        lambda netlists: {SKID.module: lambda: FakeBench(set(killed))})
    monkeypatch.setattr(equivalence, "decide", lambda *args: equivalence.DIFFERENT)
    assert program.main(["--count", "20"]) == status
    summary = json.loads(program.SUMMARY.read_text(encoding="utf-8"))
    program.SUMMARY.unlink()
    assert summary == {SKID.module: {"killed": len(killed), "total": 20, "equivalent": 0}}
    output = capsys.readouterr().out
    for number in set(range(1, 21)) - set(killed):
        assert f'make mutation ARGS="{SKID.module}:{number} ' in output


def test_nothing_run_is_a_failure(make, monkeypatch):
    monkeypatch.setattr(program, "UNITS", [])
    monkeypatch.setattr(program, "SUMMARY", netlist.ROOT / "build" / "test-mutation.json")
    assert program.main([]) == 2
    program.SUMMARY.unlink()


def test_one_mutant_shows_its_log(make, monkeypatch, capsys):
    monkeypatch.setattr(program, "UNITS", [SKID])
    monkeypatch.setattr(benches, "build", lambda netlists: {SKID.module: lambda: FakeBench({3})})
    assert program.main([f"{SKID.module}:3", "--count", "5"]) == 0
    assert "log of 3" in capsys.readouterr().out


def test_real_bench_kills_a_mutant_and_passes_without(skid):
    """An inverted bit of the output data cannot be missed."""
    chosen = next(number for number, mutant in enumerate(skid.mutants, 1)
                  if "-mode inv" in mutant or "-mode const1" in mutant)
    bench = benches.build([skid])[SKID.module]()
    assert bench.run(SKID.module, chosen, bench.baseline(SKID.module)) == benches.FAILED


@pytest.mark.parametrize("text", ["", '{"1": "fai', '{"1": "perhaps"}', "[]"])
def test_damaged_verdicts_are_named(tmp_path, text):
    path = tmp_path / "bench.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DamagedFile, match="bench.json is damaged: .*; delete it"):
        campaign.Verdicts(path)
    assert campaign.Verdicts(path, fresh=True).get(1, lambda: benches.FAILED) == benches.FAILED
    assert campaign.Verdicts(path).known == {"1": benches.FAILED}


def test_two_checks_at_a_time_are_refused(make, capsys):
    with claimed(netlist.BUILD):
        assert program.main([]) == 2
    assert "in use by process" in capsys.readouterr().out


@pytest.mark.parametrize("verdict, outcome", [
    (Verdict(3, [], ""), benches.SURVIVED),
    (Verdict(3, ["test_a"], "failed: test_a"), benches.FAILED),
    (Verdict(2, [], "2 tests ran of 3"), None),
    (Verdict(3, [], "the simulator failed: exit code 1"), None),
    (Verdict(0, [], "the simulation ended without results"), None)])
def test_mutant_survives_only_all_tests_to_the_end(monkeypatch, verdict, outcome):
    monkeypatch.setattr(benches, "build_simulator", lambda *args: None)
    monkeypatch.setattr(benches.runner, "simulate", lambda *args, **options: verdict)
    bench = benches.CocotbBench(SimpleNamespace(unit=SKID, verilog="none.v"))
    if outcome:
        assert bench.run(SKID.module, 1, 1000) == outcome
    else:
        with pytest.raises(benches.BenchError, match=verdict.problem):
            bench.run(SKID.module, 1, 1000)
