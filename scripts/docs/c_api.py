# SPDX-License-Identifier: Apache-2.0
"""The C API as a page: the headers of sw/, a heading and a comment at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

SW = Path(__file__).resolve().parents[2] / "sw"
HEADERS = ("sat.h", "hal/sat_linux.h", "hal/sat_mmio.h", "hal/sat_sim.h")
COMMENT = re.compile(r"/\*(.*?)\*/", re.DOTALL)
# A comment at the start of a line, if there is one, and what it is about: up to the next.
PART = re.compile(r"^(?:(/\*.*?\*/)\s*)?((?:(?!^/\*).)*)", re.DOTALL | re.MULTILINE)
NAMES = re.compile(r"^\} (\w+);|^(?:static inline )?[a-z]\w*(?: \w+)* \*?(\w+)\(|^#define (\w+)"
                   r"|^typedef enum .*\} (\w+);", re.MULTILINE)
NOISE = re.compile(r"^#(?!define \w+ ).*\n|^extern \"C\".*\n|^\}\n", re.MULTILINE)


def prose(comment: str) -> str:
    """Text of a comment; lines that are indented in it stay a block."""
    text = re.sub(r"^ ?\* ?", "", COMMENT.sub(r"\1", comment).strip(), flags=re.MULTILINE)
    paragraphs = text.split("\n\n")
    return "\n\n".join(
        f"```c\n{paragraph}\n```" if paragraph.startswith("  ")
        else re.sub(r"([\[\]*_<])", r"\\\1", paragraph) for paragraph in paragraphs)


def declarations(paragraph: str) -> Iterator[str]:
    """Markdown of what stands together: a comment, and the declarations below it."""
    for comment, code in PART.findall(paragraph):
        names = [next(filter(None, found)) for found in NAMES.findall(code)]
        if comment and not code.strip():  # a section
            yield f"**{prose(comment)}**"
        elif names or "enum" in code:
            title = ", ".join(f"`{name}`" for name in names) or "Return codes"
            yield from (f"### {title}", prose(comment), f"```c\n{code.strip()}\n```")


def header_section(header: str) -> str:
    """A header as Markdown: what it is for, then each declaration under its name."""
    text = NOISE.sub("", (SW / header).read_text(encoding="utf-8"))
    text = text.removeprefix("/* SPDX-License-Identifier: Apache-2.0 */\n")
    comment = re.match(r"\s*(/\*.*?\*/)", text, re.DOTALL)
    if comment is None:
        raise ValueError(f"sw/{header}: does not begin with a comment")
    parts = [part for paragraph in text[comment.end():].split("\n\n")
             for part in declarations(paragraph.strip())]
    return "\n\n".join([f"## `{header}`", prose(comment[1]), *filter(None, parts)])


def c_api_page() -> str:
    """Markdown of the whole page."""
    intro = ("What the headers of `sw/` declare; `sw/examples` shows how programs use it. "
             "Constants of commands and registers are in `sw/include`, named as in "
             "[commands](commands.md) and [registers](registers.md).")
    return "\n\n".join(["# C API", intro, *map(header_section, HEADERS), ""])
