# SPDX-License-Identifier: Apache-2.0
"""The site is built, whole and without the network; what is wrong in a page stops its build."""

import configparser
import importlib.util
import logging
import re
from pathlib import Path

import pytest

pytest.importorskip("mkdocs", reason="the site needs Python 3.11")
from mkdocs.commands.build import build  # noqa: E402
from mkdocs.config import load_config  # noqa: E402
from mkdocs.exceptions import Abort  # noqa: E402

from scripts.docs.c_api import HEADERS, SW, c_api_page  # noqa: E402
from scripts.docs.docstrings import markdown  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
CONFIG = str(ROOT / "mkdocs.yml")


@pytest.fixture(autouse=True)
def in_the_checkout(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("NO_MKDOCS_2_WARNING", "1")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        build(load_config(CONFIG, site_dir=str(folder)))
    return folder


def test_every_page_is_there(site):
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html").as_posix()
             for path in (ROOT / "docs").rglob("*.md")}
    pages |= {"index.html", "contributing.html", "changelog.html", "reference/c-api.html"}
    assert pages <= {path.relative_to(site).as_posix() for path in site.rglob("*.html")}


def test_nothing_is_fetched(site):
    fetched = [address for page in site.rglob("*.html") for address in re.findall(
        r"<(?:script|link|img|iframe)[^>]*(?:src|href)=\"?((?:https?:)?//[^\" >]+)",
        page.read_text(encoding="utf-8"))]
    assert fetched == []


def test_diagrams_are_drawn(site):
    page = (site / "design/architecture.html").read_text(encoding="utf-8")
    source = (ROOT / "docs/design/architecture.md").read_text(encoding="utf-8")
    assert page.count('<div class="diagram"><svg') == source.count("```mermaid") > 3


def test_python_api_has_what_packages_export(site):
    import sat
    import sat.nn
    import sat.plan
    import sat_golden

    packages = [sat, sat.nn, sat.plan, sat_golden]
    if importlib.util.find_spec("torch"):
        packages.append(importlib.import_module("sat.torch"))
    for package in packages:
        page = (site / f"reference/python/{package.__name__}.html").read_text(encoding="utf-8")
        # Where a function has the name of its module, the latter hides it on the page.
        assert [name for name in package.__all__ if not re.search(
            rf'id="{re.escape(package.__name__)}(\.{name})+"', page)] == []


def test_c_api_has_every_function():
    page = c_api_page()
    headings = " ".join(re.findall(r"^### (.*)", page, re.MULTILINE))
    for header in HEADERS:
        text = re.sub(r"/\*.*?\*/", "", (SW / header).read_text(encoding="utf-8"), flags=re.DOTALL)
        for name in re.findall(r"^\w[\w ]* \*?(sat_\w+)\(|^\} (sat_\w+);", text, re.MULTILINE):
            assert f"`{''.join(name)}`" in headings


@pytest.mark.parametrize("page, complaint", [
    ("[gone](gone.md)", "gone.md"),
    ("[gone](../reference/gone.md)", "gone.md"),
    ("[no such part](index.md#nowhere)", "nowhere"),
    ("[no such file](../../rtl/gone.v)", "gone.v"),
    ("```mermaid\nflowchart LR\n  a --> \n```", "no Mermaid"),
    ("", "other.md"),  # not in the navigation
], ids=("link", "link elsewhere", "anchor", "missing file", "diagram", "orphan"))
def test_build_stops_at(page, complaint, tmp_path, caplog):
    docs = tmp_path / "docs" / "guide"
    docs.mkdir(parents=True)
    (docs / "index.md").write_text(f"# Page\n\n{page}\n", encoding="utf-8")
    if not page:
        (docs / "other.md").write_text("# Other\n", encoding="utf-8")
    config = load_config(CONFIG, docs_dir=str(tmp_path / "docs"), site_dir=str(tmp_path / "site"),
                         nav=["guide/index.md"], plugins=[], hooks=["scripts/docs/hooks.py"])
    with caplog.at_level(logging.WARNING), pytest.raises(Exception) as stop:
        build(config)
    assert isinstance(stop.value, Abort) or complaint in str(stop.value)
    assert complaint in caplog.text + str(stop.value)


def test_every_command_is_on_its_page():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    commands = re.findall(r"^(\S+) =", settings["options.entry_points"]["sat.commands"], re.M)
    page = (ROOT / "docs/guide/command-line.md").read_text(encoding="utf-8")
    assert "demo" in commands
    assert [name for name in commands if f"| `sat {name}` |" not in page] == []


def test_docstrings_are_text():
    assert markdown("x [rows][cols] of `a[1]`") == r"x \[rows\]\[cols\] of `a[1]`"
    assert markdown("Two.\n\na   one\nbb  two") == "Two.\n\n```text\na   one\nbb  two\n```"
