# SPDX-License-Identifier: Apache-2.0
"""Mermaid diagrams, drawn when the site is built: no page needs a script for them, and a diagram
with a mistake stops the build. docs/stylesheets/site.css has their colours."""

from __future__ import annotations

import hashlib
from pathlib import Path

import mermaidx
from pymdownx.superfences import SuperFencesException

CACHE = Path(__file__).resolve().parents[2] / "build" / "diagrams"  # seconds each: by content
VERSION = f"mermaidx {mermaidx.__version__}"


def draw(source: str) -> str:
    """SVG of a diagram. SuperFencesException if Mermaid does not understand it."""
    name = hashlib.sha256(f"{VERSION}\n{source}".encode()).hexdigest()[:16]
    path = CACHE / f"{name}.svg"
    if not path.is_file():
        try:
            svg = mermaidx.render(source).svg()
        except Exception as error:
            raise SuperFencesException(f"no Mermaid diagram: {error}\n{source}") from error
        CACHE.mkdir(parents=True, exist_ok=True)
        path.write_text(svg.replace("my-svg", f"diagram-{name}"), encoding="utf-8")
    return path.read_text(encoding="utf-8")


def fence(source: str, language: str, css_class: str, options: dict, md: object,
          **extra: object) -> str:
    """A fence of pymdownx.superfences."""
    return f'<div class="diagram">{draw(source)}</div>'
