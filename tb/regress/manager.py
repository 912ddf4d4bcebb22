# SPDX-License-Identifier: Apache-2.0
"""Runs a regression to its end: builds, batches, repetition of what failed."""

from __future__ import annotations

import contextlib
import functools
import queue
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from distributed import Client, Future, get_worker

from sat.files import DamagedFile
from tb.regress import worker
from tb.regress.code_coverage import read_file
from tb.regress.functional import read_functional
from tb.regress.plan import (
    CODE_COVERAGE,
    FUNCTIONAL_COVERAGE,
    Batch,
    Result,
    Run,
    expected_seconds,
    make_batches,
)
from tb.regress.progress import Progress
from tb.regress.spec import Test
from tb.regress.store import Campaign, Store

TOPIC = "sat-regress"
REPEATED_MOST = 20


@contextlib.contextmanager
def announced() -> Iterator[Callable[[dict], None]]:
    """Tells the manager when work begins and ends on this dask worker; gives a way to tell more.
    """
    tell = functools.partial(get_worker().log_event, TOPIC)
    tell({"running": 1})
    try:
        yield tell
    finally:
        tell({"running": -1})


def build_task(batch: Batch) -> str:
    with announced() as tell:
        start = time.monotonic()
        built = worker.build(batch)
        tell({"built": time.monotonic() - start})
        return built


def batch_task(batch: Batch, built: str) -> list[Result]:
    """A batch on a dask worker; each result is told to the manager as soon as it is there."""
    with announced() as tell:
        return worker.run_batch(batch, built,
                                lambda result: tell({"result": result.to_dict()}))


class Manager:
    """One campaign on one cluster; `workers` is how many batches are expected to run at a time,
    where the cluster is still to grow."""

    def __init__(self, client: Client, store: Store, campaign: Campaign,
                 tests: Mapping[str, Test], progress: Progress, workers: int = 1) -> None:
        self.client, self.store, self.campaign = client, store, campaign
        self.tests, self.progress, self.workers = tests, progress, workers
        self.folder = store.files(campaign)
        self.measured = campaign.request.measured(tests)
        self.events: queue.Queue[dict] = queue.Queue()
        self.running = 0

    def run(self, runs: Iterable[Run]) -> None:
        """Runs what has no result yet, then what failed once more, with waves."""
        start = time.monotonic()
        self.store.set_state(self.campaign.id, "running")
        state = "stopped"
        try:
            done = self._done()
            todo = [run for run in runs if run not in done]
            workers = max(self.workers, sum(self.client.nthreads().values()))
            kinds = [(run.test, run.config, run in self.measured) for run in todo]
            before = self.store.seconds()
            seconds = {kind: expected_seconds(kind, self.tests, before) for kind in set(kinds)}
            self.progress.begin(kinds, done.values(), seconds, workers)
            self._run_all(self._batches(todo, workers))
            self._repeat_failures()
            state = "finished"
        finally:
            self.store.set_state(self.campaign.id, state, time.monotonic() - start)

    def _done(self) -> dict[Run, Result]:
        """Results so far. With coverage, a run whose batch was cut short, or left a file that is
        damaged, is run again."""
        counted = functools.cache(self._counted)
        results = self.store.results(self.campaign.id)
        return {run: result for run, result in results.items() if run not in self.measured
                or counted(Path(result.log).parent)}

    def _counted(self, folder: Path) -> bool:
        """Whether a batch has left its coverage; a file that is damaged is deleted."""
        code = folder / CODE_COVERAGE
        if not code.is_file():
            return False
        checks = {code: lambda path: deque(read_file(path), 0)}
        checks |= {path: lambda path: read_functional([path])
                   for path in folder.glob(f"{FUNCTIONAL_COVERAGE}/*.json")}
        sound = True
        for path, check in checks.items():
            try:
                check(path)
            except DamagedFile as error:
                self.progress.note(f"{error} -- its runs are done again")
                path.unlink()
                sound = False
        return sound

    def _batches(self, runs: list[Run], workers: int) -> list[Batch]:
        return make_batches(runs, self.measured, self.tests, str(self.folder / "runs"),
                            self.store.seconds(), workers)

    def _run_all(self, batches: list[Batch]) -> None:
        builds: dict[tuple, Future] = {}
        waiting: set[Future] = set()
        self.client.subscribe_topic(TOPIC, self._heard)
        self.client.run(worker.allow, str(self.folder))
        try:
            for number, batch in enumerate(batches):
                submit = functools.partial(self.client.submit, pure=False, priority=-number)
                built = builds.get(key := self._simulator(batch))
                if built is None:
                    built = builds[key] = submit(build_task, batch)
                waiting.add(submit(batch_task, batch, built))
            self.progress.expect_builds(len(builds))
            while waiting:
                self._drain(0.25)
                self.progress.show(self.running)
                finished = {future for future in waiting if future.done()}
                for future in finished:
                    # A batch whose worker died has runs without result: they count as missing.
                    for result in future.result() if future.status == "finished" else ():
                        self._add(result)
                waiting -= finished
        finally:
            if waiting:  # stopped from outside
                self.client.cancel([*waiting, *builds.values()], force=True)
                self.client.run(worker.stop, str(self.folder))
            self.client.unsubscribe_topic(TOPIC)
            self._drain(0.0)

    @staticmethod
    def _simulator(batch: Batch) -> tuple:
        """Batches with the same key use the same build."""
        test = batch.test
        if test.kind == "python":
            design = ()
        elif test.kind == "cocotb":
            design = (test.toplevel, test.sources, *test.parameters_of(batch.config).items())
        else:
            design = ("fast", batch.config)
        return design, batch.coverage, batch.waves

    def _heard(self, event: tuple) -> None:
        """Called in another thread, for each thing that a worker tells."""
        self.events.put(event[1])

    def _drain(self, seconds: float) -> None:
        """Takes in what workers have told; waits up to `seconds` for the first."""
        with contextlib.suppress(queue.Empty):
            event = self.events.get(timeout=seconds) if seconds else self.events.get_nowait()
            while True:
                if "result" in event:
                    self._add(Result.from_dict(event["result"]))
                elif "built" in event:
                    self.progress.add_build(event["built"])
                else:
                    self.running += event["running"]
                event = self.events.get_nowait()

    def _add(self, result: Result) -> None:
        if self.progress.add(result):
            self.store.add(self.campaign.id, result)

    def _repeat_failures(self) -> None:
        """Once more, alone and with waves: the trace is there when somebody looks."""
        failed = [result for result in self.store.results(self.campaign.id).values()
                  if not result.passed]
        repeated = self.store.results(self.campaign.id, attempt=1)
        todo = [result.run for result in failed if result.run not in repeated][:REPEATED_MOST]
        batches = [Batch(self.tests[run.test], run.config, (run.seed,),
                         str(self.folder / "waves" / f"{run.test}-{run.config}-{run.seed}"),
                         waves=True, attempt=1) for run in todo]
        if batches:
            self.progress.note(f"{len(batches)} of {len(failed)} failures once more, with waves")
            self._run_all(batches)
