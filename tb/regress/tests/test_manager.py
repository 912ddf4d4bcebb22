# SPDX-License-Identifier: Apache-2.0
"""The regression manager, on tests that need no simulator."""

from __future__ import annotations

import gzip
import io
import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from sat.files import claimed
from tb.common.runner import REWRITTEN
from tb.regress import ROOT, worker
from tb.regress.code_coverage import HEADER
from tb.regress.manager import Manager
from tb.regress.outcome import Outcome
from tb.regress.plan import (
    CODE_COVERAGE,
    FUNCTIONAL_COVERAGE,
    Batch,
    Request,
    Result,
    Run,
    make_batches,
)
from tb.regress.progress import Progress
from tb.regress.spec import SpecError, Test, load_presets, load_tests
from tb.regress.store import Store


def request(**seeds: int) -> Request:
    return Request("stub", seeds, ("2x2",))


def run(client, store: Store, stubs, **seeds: int) -> Outcome:
    campaign = store.begin(request(**seeds))
    with Progress(Console(file=io.StringIO())) as progress:
        Manager(client, store, campaign, stubs, progress).run(campaign.request.runs(stubs))
    return Outcome(store, store.campaign(campaign.id))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "regress")


# What there is to run


def test_presets_and_tests_are_sound():
    presets = load_presets()
    assert set(presets) >= {"quick", "small", "wide", "full", "night"}
    for preset in presets.values():
        assert Request("x", preset.seeds, preset.configs).runs(load_tests())
    for name in ("mixed", "SatRandomTest"):
        assert presets["night"].seeds[name] * len(presets["night"].configs) >= 2000
    assert set(presets["full"].seeds) == set(presets["night"].seeds) == set(load_tests())


def test_parameters_of_a_configuration():
    test = Test("x", "cocotb", toplevel="x", module="x",
                parameters=("T", "COUNTERS=11", "LANES=DATA_W/16"))
    assert test.parameters_of("4x4-256") == {"T": 8, "COUNTERS": 11, "LANES": 16}


def test_unknown_names_are_told():
    with pytest.raises(SpecError, match="kind"):
        Test("x", "verilog")
    with pytest.raises(SpecError, match="function is missing"):
        Test("x", "program")


def test_a_terminal_shows_the_table():
    output = io.StringIO()
    with Progress(Console(file=output, force_terminal=True, width=100)) as progress:
        progress.begin([("a", "2x2", False)], [], {("a", "2x2", False): 1.0}, 1)
        progress.live.refresh()
    assert "0/1" in output.getvalue()


def test_time_left_counts_runs_and_builds():
    progress = Progress(Console(file=io.StringIO()))
    kind = ("a", "2x2", False)
    progress.begin([kind] * 4, [], {kind: 20.0}, workers=2)
    assert "0:00:40 left" in progress._line()
    progress.add(Result(Run("a", "2x2", 1), "passed", 10.0))
    assert "0:00:26 left" in progress._line()  # 3 runs of 17 s, two at a time
    progress.expect_builds(3)
    progress.add_build(30.0)
    assert "0:00:56 left" in progress._line()


def test_seeds_that_failed_come_first_and_once():
    test = Test("a", "python", function="x:y", failed=(77, 2))
    runs = request(a=3).runs({"a": test})
    assert [item.seed for item in runs] == [77, 2, 1, 3]


def test_a_test_measures_more_or_fewer_seeds():
    asked = Request("x", dict.fromkeys("abcd", 100), ("2x2",), coverage=12)
    tests = {name: Test(name, "python", function="x:y", measured=measured)
             for name, measured in zip("abcd", (0.01, 0.25, 1, 10))}
    counts = Counter(item.test for item in asked.measured(tests))
    assert counts == {"a": 1, "b": 3, "c": 12, "d": 100}


def test_batches_hold_every_run_once_and_separate_measured_ones():
    test = Test("a", "python", function="x:y")
    asked = Request("x", {"a": 100}, ("2x2", "4x4"), coverage=10)
    runs = asked.runs({"a": test})
    measured = asked.measured({"a": test})
    assert len(measured) == 20
    batches = make_batches(runs, measured, {"a": test}, "f", {("a", "2x2", False): 5.0}, 2)
    assert sorted(item for batch in batches for item in batch.runs) == sorted(runs)
    assert all(batch.coverage == (item in measured) for batch in batches for item in batch.runs)
    assert max(len(batch.seeds) for batch in batches
               if batch.config == "2x2" and not batch.coverage) == 3
    assert len({batch.folder for batch in batches}) == len(batches)


def test_functions_raise_by_themselves():
    """Their modules are not those whose asserts are only rewritten inside a simulation."""
    for test in load_tests().values():
        module = test.function.partition(":")[0].replace(".", "/") + ".py"
        assert not any(Path(module).match(pattern) for pattern in (REWRITTEN, "test_*.py"))


# Batches


def batch(stubs, tmp_path: Path, name: str, *seeds: int) -> Batch:
    return Batch(stubs[name], "2x2", seeds, str(tmp_path / "batch"))


@pytest.mark.parametrize("name, status", [("hangs_on_two", "timeout"),
                                          ("crashes_on_two", "crashed")])
def test_after_a_lost_process_the_rest_still_runs(stubs, tmp_path, name, status):
    results = worker.run_batch(batch(stubs, tmp_path, name, 1, 2, 3))
    assert [(item.run.seed, item.status) for item in results] == [
        (1, "passed"), (2, status), (3, "passed")]
    assert results[1].before == [1]


def test_users_environment_does_not_reach_a_batch(stubs, tmp_path, monkeypatch):
    for name in ("SEED", "TESTCASE", "SIM", "WAVES", "PYTHONOPTIMIZE", "COCOTB_RANDOM_SEED",
                 "PYTEST_ADDOPTS", "VERILATOR_ROOT"):
        monkeypatch.setenv(name, "1")
    results = worker.run_batch(batch(stubs, tmp_path, "is_not_swayed", 1))
    assert [item.message for item in results] == [""]


def test_failed_build_fails_every_run(stubs, tmp_path):
    results = worker.run_batch(batch(stubs, tmp_path, "passes", 1, 2), "no compiler")
    assert [item.status for item in results] == ["failed", "failed"]


def test_stop_ends_a_batch_at_once(stubs, tmp_path):
    top = str(tmp_path)
    threading.Timer(1.5, worker.stop, [top]).start()
    results = worker.run_batch(batch(stubs, tmp_path, "sleeps", *range(1000)))
    assert len(results) < 1000
    assert all(item.passed for item in results)
    worker.allow(top)


# Regressions


def test_good_regression(client, store, stubs):
    outcome = run(client, store, stubs, passes=5)
    assert outcome.good and outcome.campaign.state == "finished" and not outcome.repeated


def test_failure_is_repeated_and_reported(client, store, stubs):
    outcome = run(client, store, stubs, passes=2, fails_on_three=4)
    assert not outcome.good
    failed, = outcome.failed
    assert failed.run == Run("fails_on_three", "2x2", 3) and "seed 3 is wrong" in failed.message
    assert not outcome.repeated[failed.run].passed
    assert outcome.replay(failed).endswith("replay fails_on_three 2x2 3 --waves")
    outcome.write_summaries()
    summary = json.loads((store.folder / "summary.json").read_text(encoding="utf-8"))
    assert {**summary, "seconds": 0} == {"runs": 6, "passed": 5, "failed": 1, "seeds": 4,
                                         "configs": ["2x2"], "seconds": 0}
    top = ElementTree.parse(store.folder / "junit.xml").getroot()
    assert len(list(top.iter("testcase"))) == 6
    assert "seed 3 is wrong" in next(top.iter("failure")).attrib["message"]


def test_run_that_passes_the_second_time_is_flaky(client, store, stubs):
    outcome = run(client, store, stubs, passes_the_second_time=2)
    assert len(outcome.failed) == 2 and all(item.passed for item in outcome.repeated.values())
    late = outcome.results[Run("passes_the_second_time", "2x2", 2)]
    assert outcome.replay(late).endswith("2x2 " + " ".join(
        str(seed) for seed in [*late.before, 2]) + " --waves")
    assert {item[0].seed for item in store.flaky()} == {1, 2}


def test_resumed_regression_runs_the_rest_only(client, store, stubs):
    campaign = store.begin(request(passes=6))
    for result in worker.run_batch(Batch(stubs["passes"], "2x2", (1, 2), str(store.folder / "b"))):
        store.add(campaign.id, result)
    before = store.results(campaign.id)
    with Progress(Console(file=io.StringIO())) as progress:
        Manager(client, store, campaign, stubs, progress).run(campaign.request.runs(stubs))
    outcome = Outcome(store, store.campaign(campaign.id))
    assert outcome.good and len(outcome.results) == 6
    assert all(outcome.results[item] == result for item, result in before.items())


def test_damaged_coverage_is_measured_again(client, store, stubs):
    """Runs of the batch that left it run again, with a word about it; others do not."""
    campaign = store.begin(Request("stub", {"passes": 2}, ("2x2",), coverage=2))
    for seed, damage in (1, b""), (2, b"?"):
        folder = store.files(campaign) / "runs" / f"passes-2x2-{seed}"
        folder.mkdir(parents=True)
        whole = gzip.compress(HEADER.encode())
        (folder / CODE_COVERAGE).write_bytes(damage or whole)
        store.add(campaign.id, Result(Run("passes", "2x2", seed), "failed", 0.0, measured=True,
                                      log=str(folder / "log.txt")))
    output = io.StringIO()
    with Progress(Console(file=output, width=500)) as progress:
        manager = Manager(client, store, campaign, stubs, progress)
        assert [item.seed for item in manager._done()] == [1]
    assert f"{folder / CODE_COVERAGE} is damaged: " in output.getvalue()
    assert not (folder / CODE_COVERAGE).exists()


@pytest.mark.parametrize("name", [CODE_COVERAGE, f"{FUNCTIONAL_COVERAGE}/a.json"])
def test_damaged_coverage_ends_cov_and_report_with_its_name(regress, store, capsys, name):
    campaign = store.begin(Request("stub", {"passes": 1}, ("2x2",), coverage=1))
    path = store.files(campaign) / "runs" / "passes-2x2-1" / name
    path.parent.mkdir(parents=True)
    path.touch()
    store.set_state(campaign.id, "finished")
    for command in "cov", "report":
        assert regress(command) == 2
        assert f"{path} is damaged: " in capsys.readouterr().out.replace("\n", "")


def test_coverage_files_of_a_configuration_whose_name_begins_another_one(store):
    campaign = store.begin(Request("stub", {"passes": 1}, ("4x8", "4x8-512"), coverage=1))
    path = store.files(campaign) / "runs" / "passes-4x8-512-1" / CODE_COVERAGE
    path.parent.mkdir(parents=True)
    path.touch()
    assert store.coverage_files(campaign, CODE_COVERAGE) == {"4x8": [], "4x8-512": [path]}


def test_lost_counters_are_told(store):
    campaign = store.begin(Request("stub", {"passes": 1}, ("2x2",), coverage=1))
    lost = Result(Run("passes", "2x2", 1), "passed", 1.0, measured=True, log="/nowhere/log.txt")
    store.add(campaign.id, lost)
    assert Outcome(store, campaign).uncounted == [lost.run]


def test_missing_result_is_no_pass(store, stubs):
    outcome = Outcome(store, store.begin(request(passes=2)))
    assert not outcome.good and len(outcome.missing) == 2


# Command line


def test_exit_codes(regress):
    assert regress("run", "--preset", "stub") == 0
    assert regress("run", "--preset", "none") == 1
    assert regress("run", "--preset", "stub", "--test", "fails_on_three", "--seeds", 3) == 1
    assert regress("run", "--preset", "nonsense") == 2
    assert regress("run", "--resume") == 2
    assert regress("replay", "fails_on_three", "2x2", 1, 2) == 0
    assert regress("replay", "fails_on_three", "2x2", 1, 3) == 1
    for command in ("history", "trends", "list", "flaky", "report"):
        assert regress(command) == 0


def test_folder_is_for_one_process(regress, store, capsys):
    with claimed(store.folder):
        assert regress("run", "--preset", "stub") == regress("run", "--resume") == 2
        assert "is in use by process" in capsys.readouterr().out.replace("\n", " ")
        assert regress("history") == 0 and not store.campaigns()
    assert regress("run", "--preset", "stub") == 0


@pytest.mark.parametrize("text", ["no data base", "SQLite format 3\0 and no more"])
def test_damaged_history_is_named(regress, tmp_path, capsys, text):
    folder = tmp_path / "regress"
    folder.mkdir()
    (folder / "history.sqlite").write_text(text, encoding="utf-8")
    for words in ("history",), ("run", "--preset", "stub"), ("cov",):
        assert regress(*words) == 2
        assert "history.sqlite is damaged: " in capsys.readouterr().out.replace("\n", " ")


def test_flaky_exit_code(regress):
    assert regress("run", "--preset", "stub", "--test", "passes_the_second_time") == 1
    assert regress("flaky") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_terminated_regression_goes_on(regress, stubs, tmp_path, number):
    """A signal stops it with what it has; --resume runs the rest."""
    code = ("import sys; from pathlib import Path; from tb.regress import spec;"
            f"spec.TESTS = Path({str(tmp_path / 'tests.yaml')!r});"
            f"spec.PRESETS = Path({str(tmp_path / 'presets.yaml')!r});"
            "from tb.regress.cli import main; sys.exit(main(sys.argv[1:]))")
    process = subprocess.Popen([sys.executable, "-c", code, "--folder", tmp_path / "regress",
                                "run", "--preset", "stub", "--test", "sleeps", "--seeds", "60"],
                               cwd=ROOT)
    store = Store(tmp_path / "regress")
    end = time.monotonic() + 600
    while not (store.campaign() and store.results(store.campaign().id)):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.1)
    process.send_signal(number)
    assert process.wait(600) == 130
    campaign = store.campaign()
    done = len(store.results(campaign.id))
    assert campaign.state == "stopped" and 0 < done < 60
    assert regress("run", "--resume") == 0
    assert store.campaign().id == campaign.id and len(store.results(campaign.id)) == 60
