# SPDX-License-Identifier: Apache-2.0
"""Results of all regressions, in SQLite."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from sat.files import DamagedFile
from tb.regress import ROOT
from tb.regress.plan import Kind, Request, Result, Run, sources_digest

FOLDER = ROOT / "build" / "regress"
SCHEMA = """
CREATE TABLE IF NOT EXISTS campaigns (
    id INTEGER PRIMARY KEY,
    started TEXT NOT NULL,
    request TEXT NOT NULL,          -- JSON of plan.Request
    sources TEXT NOT NULL,          -- hash of what the results depend on
    revision TEXT NOT NULL,         -- git describe
    seconds REAL NOT NULL DEFAULT 0,
    state TEXT NOT NULL             -- running, stopped, finished
);
CREATE TABLE IF NOT EXISTS results (
    campaign INTEGER NOT NULL REFERENCES campaigns(id),
    test TEXT NOT NULL,
    config TEXT NOT NULL,
    seed INTEGER NOT NULL,
    attempt INTEGER NOT NULL,       -- 0 the run, 1 its repetition with waves
    status TEXT NOT NULL,
    seconds REAL NOT NULL,
    cycles INTEGER NOT NULL,
    details TEXT NOT NULL,          -- JSON: message, log, waves, cases, before, measured
    PRIMARY KEY (campaign, test, config, seed, attempt)
);
CREATE TABLE IF NOT EXISTS coverage (
    campaign INTEGER NOT NULL REFERENCES campaigns(id),
    config TEXT NOT NULL,
    metric TEXT NOT NULL,
    covered INTEGER NOT NULL,
    total INTEGER NOT NULL,
    PRIMARY KEY (campaign, config, metric)
);
"""
DETAILS = ("message", "log", "waves", "cases", "before", "measured")
MEASURED = "json_extract(details, '$.measured')"


def revision() -> str:
    """What git calls the working tree; 'unknown' where there is none."""
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT,
                          capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


@dataclass(frozen=True)
class Campaign:
    """One regression: what was asked for, and what became of it."""

    id: int
    started: str
    request: Request
    sources: str
    revision: str
    seconds: float
    state: str


class Store:
    """The data base in `folder`, with a folder beside it for the files of each campaign. A
    connection belongs to the thread that made it."""

    def __init__(self, folder: Path = FOLDER) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        path = folder / "history.sqlite"
        self.db = sqlite3.connect(path, timeout=60)
        try:
            (state,), = self.db.execute("PRAGMA quick_check(1)")
            if state != "ok":
                raise sqlite3.DatabaseError(state)
            with self.db:
                self.db.executescript(SCHEMA)
        except sqlite3.DatabaseError as error:
            raise DamagedFile(path, error, "move it away to begin a new history") from error

    def close(self) -> None:
        self.db.close()

    # Campaigns

    def begin(self, request: Request) -> Campaign:
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        with self.db:
            cursor = self.db.execute(
                "INSERT INTO campaigns (started, request, sources, revision, state)"
                " VALUES (?, ?, ?, ?, 'running')",
                (now, json.dumps(request.to_dict()), sources_digest(), revision()))
        return self.campaign(cursor.lastrowid)

    def set_state(self, campaign: int, state: str, more_seconds: float = 0.0) -> None:
        with self.db:
            self.db.execute("UPDATE campaigns SET state = ?, seconds = seconds + ? WHERE id = ?",
                            (state, more_seconds, campaign))

    def campaigns(self) -> list[Campaign]:
        """All of them, the latest first."""
        rows = self.db.execute("SELECT id, started, request, sources, revision, seconds, state"
                               " FROM campaigns ORDER BY id DESC")
        return [Campaign(row[0], row[1], Request.from_dict(json.loads(row[2])), *row[3:])
                for row in rows]

    def campaign(self, number: int | None = None) -> Campaign | None:
        """The campaign `number`, or the latest; None if there is none."""
        found = [item for item in self.campaigns() if number in (None, item.id)]
        return found[0] if found else None

    def files(self, campaign: Campaign) -> Path:
        """Folder of a campaign's files: runs/<batch>, waves/<run>."""
        return self.folder / str(campaign.id)

    def coverage_files(self, campaign: Campaign, name: str) -> dict[str, list[Path]]:
        """Files of the campaign's batches with a name (pattern), by configuration."""
        top = self.files(campaign) / "runs"
        files: dict[str, list[Path]] = {config: [] for config in campaign.request.configs}
        for path in sorted(top.glob(f"*/{name}")):
            batch = path.relative_to(top).parts[0]
            config = batch.partition("-")[2].rpartition("-")[0]  # TEST-CONFIGURATION-SEED
            files[config].append(path)
        return files

    # Results

    def add(self, campaign: int, result: Result) -> None:
        details = {name: getattr(result, name) for name in DETAILS}
        with self.db:
            self.db.execute("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                            (campaign, *result.run, result.attempt, result.status, result.seconds,
                             result.cycles, json.dumps(details)))

    def results(self, campaign: int, attempt: int = 0) -> dict[Run, Result]:
        rows = self.db.execute(
            "SELECT test, config, seed, status, seconds, cycles, details FROM results"
            " WHERE campaign = ? AND attempt = ? ORDER BY test, config, seed", (campaign, attempt))
        return {run: Result(run, row[3], row[4], row[5], **json.loads(row[6]), attempt=attempt)
                for row in rows for run in [Run(*row[:3])]}

    def seconds(self) -> dict[Kind, float]:
        """Seconds per run of each kind, averaged over all regressions."""
        rows = self.db.execute(f"SELECT test, config, {MEASURED}, AVG(seconds) FROM results"
                               " WHERE attempt = 0 GROUP BY 1, 2, 3")
        return {(test, config, bool(measured)): each for test, config, measured, each in rows}

    def flaky(self) -> list[tuple[Run, str, int, int]]:
        """(run, sources, passed, failed) of runs that passed and failed on the same sources."""
        rows = self.db.execute(
            "SELECT test, config, seed, sources, SUM(status = 'passed') AS good,"
            " SUM(status != 'passed') AS bad FROM results JOIN campaigns ON campaign = id"
            " GROUP BY test, config, seed, sources HAVING good AND bad ORDER BY bad DESC")
        return [(Run(*row[:3]), *row[3:]) for row in rows]

    # Coverage

    def set_coverage(self, campaign: int, config: str,
                     figures: dict[str, tuple[int, int]]) -> None:
        """(covered, total) of each metric of a configuration."""
        with self.db:
            self.db.executemany("INSERT OR REPLACE INTO coverage VALUES (?, ?, ?, ?, ?)",
                                [(campaign, config, metric, *pair)
                                 for metric, pair in figures.items()])

    def coverage(self, campaign: int) -> dict[str, dict[str, tuple[int, int]]]:
        figures: dict[str, dict[str, tuple[int, int]]] = {}
        for config, metric, covered, total in self.db.execute(
                "SELECT config, metric, covered, total FROM coverage WHERE campaign = ?"
                " ORDER BY rowid", (campaign,)):
            figures.setdefault(config, {})[metric] = (covered, total)
        return figures

    def trend(self, campaigns: Iterable[Campaign]) -> list[dict]:
        """For each campaign and kind of run: runs, failures, cycles per run, speed."""
        points = []
        for item in campaigns:
            rows = self.db.execute(
                f"SELECT test, config, {MEASURED}, COUNT(*), SUM(status != 'passed'),"
                " AVG(cycles), SUM(cycles), SUM(seconds) FROM results"
                " WHERE campaign = ? AND attempt = 0 GROUP BY 1, 2, 3", (item.id,))
            points += [{"campaign": item.id, "test": row[0], "config": row[1],
                        "measured": bool(row[2]), "runs": row[3], "failed": row[4],
                        "cycles": row[5], "cycles_per_second": row[6] / row[7] if row[7] else 0.0}
                       for row in rows]
        return points
