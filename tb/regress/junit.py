# SPDX-License-Identifier: Apache-2.0
"""Results as JUnit XML, for CI systems."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from xml.etree import ElementTree

from sat.files import replacing
from tb.regress.plan import Result, Run


def write_junit(path: Path, runs: Iterable[Run], results: Mapping[Run, Result],
                replay: Callable[[Result], str]) -> None:
    """One suite for each test and configuration, one case for each seed; a run without result is
    an error. `replay` gives the command that repeats a failure."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.test, run.config), []).append(run)
    top = ElementTree.Element("testsuites")
    for (test, config), members in groups.items():
        found = [results[run] for run in members if run in results]
        suite = ElementTree.SubElement(
            top, "testsuite", name=f"{test}.{config}", tests=str(len(members)),
            failures=str(sum(not result.passed for result in found)),
            errors=str(len(members) - len(found)),
            time=f"{sum(result.seconds for result in found):.3f}")
        for run in members:
            case = ElementTree.SubElement(suite, "testcase", classname=f"{test}.{config}",
                                          name=f"seed{run.seed}")
            result = results.get(run)
            if result is None:
                ElementTree.SubElement(case, "error", message="no result")
                continue
            case.set("time", f"{result.seconds:.3f}")
            if not result.passed:
                failure = ElementTree.SubElement(case, "failure", type=result.status,
                                                 message=printable(result.message.split("\n")[0]))
                failure.text = printable(f"{result.message}\nreplay: {replay(result)}")
    ElementTree.indent(top)
    with replacing(path) as draft:
        ElementTree.ElementTree(top).write(draft, encoding="utf-8", xml_declaration=True)


def printable(text: str) -> str:
    """Without the control characters that XML forbids."""
    return re.sub(r"[^\t\n\x20-\ud7ff\ue000-\ufffd]", "?", text)
