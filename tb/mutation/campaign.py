# SPDX-License-Identifier: Apache-2.0
"""Runs every mutant against its bench, and keeps verdicts so that a run can be resumed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sat.files import DamagedFile, write_text
from tb.mutation import benches, equivalence
from tb.mutation.netlist import Netlist, digest


class Verdicts:
    """Verdicts by mutant number in a file, written after each one."""

    def __init__(self, path: Path, fresh: bool = False) -> None:
        self.path = path
        self.known: dict[str, str] = {}
        if path.is_file() and not fresh:
            self.known = read_verdicts(path)

    def get(self, number: int, find: Callable[[], str]) -> str:
        if str(number) not in self.known:
            self.known[str(number)] = find()
            write_text(self.path, json.dumps(self.known, indent=1))
        return self.known[str(number)]


def read_verdicts(path: Path) -> dict[str, str]:
    known = {benches.SURVIVED, benches.FAILED, benches.TIME_OUT, equivalence.EQUIVALENT,
             equivalence.DIFFERENT, equivalence.UNDECIDED}
    try:
        verdicts = json.loads(path.read_text(encoding="utf-8"))
        if not (isinstance(verdicts, dict) and set(verdicts.values()) <= known):
            raise ValueError("these are no verdicts")
    except ValueError as error:
        raise DamagedFile(path, error, "delete it, and its mutants are run again") from error
    return verdicts


@dataclass
class Score:
    """What became of a unit's mutants."""

    name: str
    total: int = 0
    killed: int = 0
    equivalent: int = 0
    survivors: tuple[int, ...] = ()

    @property
    def rate(self) -> float:
        """Killed among those that can be told from the original."""
        distinct = self.total - self.equivalent
        return self.killed / distinct if distinct else 0.0


@dataclass(frozen=True)
class Options:
    proof_s: int        # time limit of a proof of equivalence
    fresh: bool = False  # forget verdicts


def run(netlist: Netlist, build: Callable[[], benches.Bench], options: Options,
        report: Callable[[int, str], None] = lambda number, verdict: None) -> Score:
    """Mutants 1, 2, ... of a unit; `report` hears each verdict."""
    name, folder = netlist.unit.name, netlist.folder
    bench_files = benches.files(netlist.unit.bench)
    killed = Verdicts(folder / f"bench-{digest(*bench_files)}.json", options.fresh)
    proofs = Verdicts(folder / f"proofs-{equivalence.key(netlist)}.json", options.fresh)
    bench: benches.Bench | None = None
    limit_s = 0
    score = Score(name)
    for number in range(1, len(netlist.mutants) + 1):
        def simulate(number: int = number) -> str:
            nonlocal bench, limit_s
            if bench is None:
                bench = build()
                limit_s = bench.baseline(name)
            return bench.run(name, number, limit_s)

        def prove(number: int = number) -> str:
            return equivalence.decide(netlist, number, options.proof_s)

        verdict = killed.get(number, simulate)
        if verdict == benches.SURVIVED:
            verdict = proofs.get(number, prove)
        score.total += 1
        if verdict == equivalence.EQUIVALENT:
            score.equivalent += 1
        elif verdict in (benches.FAILED, benches.TIME_OUT):
            score.killed += 1
        else:
            score.survivors += (number,)
        report(number, verdict)
    return score


def write_summary(scores: Sequence[Score], path: Path) -> None:
    summary = {score.name: {"killed": score.killed, "total": score.total,
                            "equivalent": score.equivalent} for score in scores}
    write_text(path, json.dumps(summary, indent=2) + "\n")
