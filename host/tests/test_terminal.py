# SPDX-License-Identifier: Apache-2.0
"""What commands print: whole numbers, and no word that the terminal cannot show."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from concurrent.futures import Future

import pytest
from rich.console import Console
from rich.table import Table

from sat import bench, terminal
from sat.config import SatConfig
from sat.sim import verilate
from sat_examples import report

pytestmark = pytest.mark.quick
LAYERS = ("FF stem", "FF stage3.shortcut", "BP stage1.conv1", "UPDATE stage1.conv1", "NORM linear")
DENSE, SPARSE = 11_631_845, 1_362_456


def outcome() -> report.Outcome:
    result = report.Outcome(SatConfig.from_name("8x8"), (2, 8), 64, 1, "digits")
    for cycles, names in ((result.layers, LAYERS),
                          (result.passes, ("FF", "BP", "WU", "UPDATE", "NORM", report.STEP))):
        cycles.dense, cycles.sparse = dict.fromkeys(names, DENSE), dict.fromkeys(names, SPARSE)
        cycles.macs = dict.fromkeys(names, SPARSE)
    result.losses, result.accuracies = [1.0], [0.5]
    return result


def printed(table: Table, width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    terminal.print_table(console, table)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [20, 80])
def test_tables_cut_nothing(width):
    row = {"case": "conv3x3-64-stride2", "rows": 32, "cols": 32, "n": 2, "m": 8, "cycles": SPARSE,
           "utilization": 0.9734, "vector_busy": 0.5, "stalls": {"a": 0, "s": 9, "drain": 0},
           "speedup": 3.97, "bytes_ratio": 1.03,
           "cycles_per_second": 234_000}
    table = Table("test", "revision", title="regressions")
    table.add_row("SatSuccessionTest", "0123456789ab")
    text = (printed(report._layer_table(outcome()), width) + printed(table, width)
            + printed(report._pass_table(outcome()), width)
            + printed(bench.table([row], "cycle model"), width))
    assert text.count(f"{DENSE:,}") == text.count(f"{SPARSE:,}") - 1 == len(LAYERS) + 6
    assert "\u2026" not in text
    for word in ("step, overlapped", "conv3x3-64-stride2", "speed-up", "SatSuccessionTest",
                 "stage3.shortcut", "0123456789ab"):
        assert word in text


def test_tables_of_the_demos_fit_into_80_columns():
    text = printed(report._layer_table(outcome()), 80) + printed(report._pass_table(outcome()), 80)
    assert max(map(len, text.splitlines())) <= 80


def overlaps(path, monkeypatch) -> int:
    """Pairs of texts that overlap in the picture of cycles."""
    from matplotlib import pyplot

    kept = []
    monkeypatch.setattr(report, "_axes", lambda *size: kept.extend(
        pyplot.subplots(figsize=size)) or kept)
    report.plot_cycles(outcome(), path)
    figure, axes = kept
    figure.canvas.draw()
    texts = [*axes.texts, *axes.get_legend().get_texts(), axes.title]
    boxes = [text.get_window_extent() for text in texts]
    pyplot.close(figure)
    return sum(one.overlaps(other) for at, one in enumerate(boxes) for other in boxes[:at])


def test_labels_of_the_picture_do_not_overlap(tmp_path, monkeypatch):
    assert overlaps(tmp_path / "cycles.png", monkeypatch) == 0


def command(code: str, **variables: str) -> subprocess.CompletedProcess:
    env = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", **variables}
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True)


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_what_cannot_be_shown_is_replaced(encoding):
    code = ("from sat import terminal; from rich.console import Console; "
            "terminal.run(lambda: Console().print('\\u2714 \\u4e2d', highlight=False))")
    done = command(code, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stdout) == (0, b"? ?\n"), done.stderr


def test_what_is_missing_is_one_line():
    code = ("from sat import terminal, toolchain; "
            "terminal.run(lambda: toolchain.compiler('CXX'))")
    done = command(code, CXX="/nonexistent/g++")
    assert done.returncode == 2 and done.stderr.count(b"\n") == 1 and b"CXX" in done.stderr


def test_a_build_says_how_far_it_is_though_no_file_gets_done(monkeypatch):
    monkeypatch.setattr(verilate, "TELL_SECONDS", 0.01)
    running, said = [Future(), Future()], []

    def log(line: str) -> None:
        running[len(said)].set_result(50)
        said.append(line)

    verilate._tell(running, 100, log)
    assert said[0] == "compiled 0 of 2 files"
    assert said[1].startswith("compiled 1 of 2 files, about ") and len(said) == 2


def test_progress_is_plain_lines_without_a_terminal():
    console = Console(file=io.StringIO(), width=80)
    with terminal.status(console, "building") as log:
        log("compiled 1 of 9 files")
    assert console.file.getvalue() == "building\ncompiled 1 of 9 files\n"
