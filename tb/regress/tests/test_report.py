# SPDX-License-Identifier: Apache-2.0
"""The report: what stands in it, that it needs nothing else, and how a browser shows it."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tb.regress.code_coverage import HEADER
from tb.regress.outcome import Outcome
from tb.regress.plan import Request, Result, Run
from tb.regress.report import write_report
from tb.regress.store import Store
from tb.regress.tests.test_coverage import data_line

pytestmark = pytest.mark.quick

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
               None)
PHONE = 360  # CSS pixels
LONG = "0x00 instead of 0x42: " + "MATMUL 7x12x8 6:8 flags 0x30f; " * 20


@pytest.fixture
def outcome(tmp_path: Path, stubs) -> Outcome:
    """Three regressions; the last has failures, a missing run, and coverage."""
    store = Store(tmp_path / "regress")
    for number in range(3):
        request = Request("stub", {"passes": 4, "fails_on_three": 4}, ("2x2", "4x4"), coverage=1)
        campaign = store.begin(request)
        for test in request.seeds:
            for config in request.configs:
                for seed in range(1, 4 if config == "4x4" and number == 2 else 5):
                    bad = test == "fails_on_three" and seed == 3 and number == 2
                    store.add(campaign.id, Result(
                        Run(test, config, seed), "failed" if bad else "passed", 0.5 * seed,
                        1000 * seed + number, f"AssertionError: <b>{LONG}" if bad else "",
                        log=str(tmp_path / "log.txt"), before=[1]))
        for config in request.configs:
            runs = store.files(campaign) / "runs" / f"passes-{config}-1"
            (runs / "functional").mkdir(parents=True)
            (runs / "functional" / "x.json").write_text(json.dumps(
                {"points": {"cp_command": {"MATMUL": 3, "PRUNE": 0 if config == "2x2" else 2}}}),
                encoding="utf-8")
            (runs / "coverage.dat.gz").write_bytes(compressed(
                data_line("line", "block", 5, 30, "30-34") + data_line("line", "elsif", 0, 36, "36")
                + data_line("toggle", "level_q[1]:0->1", 0, 20)))
        store.set_state(campaign.id, "finished", 12.5)
        outcome = Outcome(store, store.campaign(campaign.id))
        outcome.write_coverage()
    store.add(campaign.id, Result(Run("fails_on_three", "2x2", 3), "passed", 1.0, attempt=1,
                                  waves=str(tmp_path / "seed3.vcd")))
    return outcome


def compressed(text: str) -> bytes:
    import gzip

    return gzip.compress((HEADER + text).encode())


@pytest.fixture
def page(outcome: Outcome, tmp_path: Path) -> str:
    write_report(tmp_path / "report.html", outcome)
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def text_of(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", page))


def test_verdict_and_failures(page):
    text = text_of(page)
    assert "✗ FAILED" in text and "12 of 16 runs passed, 2 failed, 2 without result" in text
    assert "replay fails_on_three 2x2 1 3 --waves" in text  # it passed alone
    assert "replay fails_on_three 4x4 3 --waves" in text
    assert "AssertionError: <b>0x00" in text and "<b>0x00" not in page
    assert "passes 4x4 seed 4" in text


def test_coverage_drills_down_to_bins_and_lines(page):
    assert re.search(r"cp_command, 2x2:.*?PRUNE</td><td class=\"n\">0</td>"
                     r"<td class=\"bad\">hole", page, re.DOTALL)
    text = text_of(page)
    assert "rtl/common/sat_fifo.v: 2 lines with holes" in text
    assert "✗ never runs" in text and "✗ toggle level_q[1] 0->1" in text


def test_trends_are_drawn(page):
    assert page.count("<svg") == 3
    for title in ("Coverage", "Cycles per run", "Simulation speed"):
        assert f'aria-label="{title}"' in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_needs_nothing_else(page):
    links = re.findall(r'(?:src|href)="([^"]*)"', page) + re.findall(r"url\(([^)]*)\)", page)
    assert links and all(link.startswith("#") for link in links)
    assert not re.search(r"<script|<link|@import", page)
    targets = set(re.findall(r'\bid="([^"]+)"', page))
    assert {link[1:] for link in links} <= targets


def test_list_of_holes(outcome, regress, capsys):
    assert regress("cov", "--holes") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "cp_command: PRUNE (2x2)" in lines
    assert "rtl/common/sat_fifo.v:20: toggle level_q[1] 0->1" in lines
    assert not any(line.endswith("(4x4)") for line in lines)
    outcome.store.set_state(outcome.campaign.id, "stopped", 1.0)
    number = outcome.campaign.id
    assert regress("cov", "--number", number) == 0
    assert f"regression {number} of" in capsys.readouterr().out
    assert regress("cov", "--number", 99) == 2
    assert "no regression 99" in capsys.readouterr().out


def test_good_first_regression(tmp_path, stubs):
    store = Store(tmp_path / "regress")
    campaign = store.begin(Request("stub", {"passes": 1}, ("2x2",)))
    store.add(campaign.id, Result(Run("passes", "2x2", 1), "passed", 1.0))
    write_report(tmp_path / "r.html", Outcome(store, store.campaign(campaign.id)))
    text = text_of((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "✓ PASSED" in text and "did not measure code coverage" in text
    assert "Nothing to compare yet." in text
    assert re.search(r"0 of \d+ entries of the test plan closed by tests alone, "
                     "coverage was not measured", text)
    assert "not run" in text and "cover points</th>" not in text


# In a browser

PROBE = """<!doctype html><body><iframe id="f" src="report.html" width="{width}" height="800"
 style="border:0"></iframe><script>
document.getElementById("f").onload = event => {{
  const page = event.target.contentDocument, root = page.documentElement;
  const seen = {{width: page.body.clientWidth, closed: root.scrollWidth}};
  page.querySelectorAll("details").forEach(item => item.open = true);
  seen.open = root.scrollWidth;
  seen.visible = [...page.querySelectorAll("h1, h2, #verdict, svg")].map(
    item => [item.id || item.tagName, item.getBoundingClientRect().width]);
  seen.font = parseFloat(page.defaultView.getComputedStyle(page.body).fontSize);
  document.body.textContent = "PROBE" + JSON.stringify(seen) + "END";
}};</script></body>"""


@pytest.mark.skipif(BROWSER is None, reason="no Chromium here (apt install chromium)")
@pytest.mark.parametrize("width", [PHONE, 1200])
def test_browser_shows_it_without_sideways_scrolling(page, tmp_path, width):
    (tmp_path / "probe.html").write_text(PROBE.format(width=width), encoding="utf-8")
    done = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
         f"--user-data-dir={tmp_path / 'profile'}", "--host-resolver-rules=MAP * ~NOTFOUND",
         "--window-size=1400,1000", "--virtual-time-budget=20000", "--dump-dom",
         (tmp_path / "probe.html").as_uri()], capture_output=True, text=True, timeout=240)
    found = re.search(r"PROBE(.*)END</body>", done.stdout)
    assert found, f"the page did not load: {done.stderr[-2000:]}"
    seen = json.loads(html.unescape(found[1]))
    assert seen["closed"] <= width and seen["open"] <= width
    assert seen["font"] >= 14
    assert seen["visible"] and all(0 < size <= width for _, size in seen["visible"])
