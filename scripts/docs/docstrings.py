# SPDX-License-Identifier: Apache-2.0
"""Docstrings as Markdown. Ours are text: `[rows][cols]` is a shape and no link, and names stand in
columns of their own."""

from __future__ import annotations

import inspect
import re

import griffe

COLUMNS = re.compile(r"\S {2,}\S|^ {2,}\S", re.MULTILINE)
CODE = re.compile(r"(`[^`]*`)")


def escaped(text: str) -> str:
    """Without a meaning of brackets, stars and underscores outside `code`."""
    return "".join(part if part.startswith("`") else re.sub(r"([\[\]*_<])", r"\\\1", part)
                   for part in CODE.split(text))


def markdown(docstring: str) -> str:
    """Paragraphs as they are, those with columns set as such."""
    parts = re.split(r"\n\s*\n", inspect.cleandoc(docstring))
    return "\n\n".join(f"```text\n{part}\n```" if COLUMNS.search(part) else escaped(part)
                       for part in parts)


class Prose(griffe.Extension):
    """Found by mkdocstrings in this file."""

    def on_instance(self, *, obj: griffe.Object, **extra: object) -> None:
        if obj.docstring:
            obj.docstring.value = markdown(obj.docstring.value)
