# SPDX-License-Identifier: Apache-2.0
"""Hooks of MkDocs: pages that lie outside docs/, and links to files that are no pages."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from scripts.docs import notebooks
from scripts.docs.c_api import c_api_page

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {"index.md": "README.md", "contributing.md": "CONTRIBUTING.md",
           "changelog.md": "CHANGELOG.md",
           **{f"guide/notebooks/{path.stem}.md": path.relative_to(ROOT).as_posix()
              for path in notebooks.NOTEBOOKS}}  # page: file of the repository
PAGES = {source: page for page, source in SOURCES.items()}
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s#:]+)(#[^)\s]*)?\)")


def title(path: Path) -> str | None:
    """First heading of a page."""
    found = path.is_file() and re.match(r"# (.*)", path.read_text(encoding="utf-8"))
    return found[1] if found else None


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for page, source in SOURCES.items():
        if source.endswith(".ipynb"):
            text, pictures = notebooks.page(ROOT / source)
            for name, content in pictures.items():
                files.append(File.generated(config, f"guide/notebooks/{name}", content=content))
        else:
            text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    files.append(File.generated(config, "reference/c-api.md", content=c_api_page()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """A link to a file of the repository becomes its name, as the site does not have it; one that
    leads nowhere stays, and MkDocs stops at it."""
    here = page.file.src_uri
    folder = Path(SOURCES.get(here, f"docs/{here}")).parent

    def follow(link: re.Match) -> str:
        text, target, anchor = link[1], link[2], link[3] or ""
        path = Path(os.path.normpath(folder / target)).as_posix()
        goal = PAGES.get(path, path.removeprefix("docs/") if path.startswith("docs/") else None)
        if goal is not None:
            if text == Path(target).name:  # good in a folder of files; a site has titles
                text = title(ROOT / path) or text
            return f"[{text}]({os.path.relpath(goal, Path(here).parent)}{anchor})"
        if not (ROOT / path).exists():
            return link[0]
        return text if "`" in text else f"`{text}`"

    return LINK.sub(follow, markdown)
