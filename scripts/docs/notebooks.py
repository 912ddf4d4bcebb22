# SPDX-License-Identifier: Apache-2.0
"""The notebooks of examples/: stored without outputs, run by the tests and by `make docs`, which
shows what came of it.

    python -m scripts.docs.notebooks        runs all, into build/notebooks
"""

from __future__ import annotations

import base64
import importlib.util
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from traitlets.config import Config

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
EXECUTED = ROOT / "build" / "notebooks"
TIMEOUT = 1200  # seconds of a cell, which may build a simulator
OPTIONAL = {"train_a_torch_model": "torch"}  # notebook: package that it needs
NOT_RUN = "*Without results: it has not been run since it was changed. `make docs` runs it.*"


def lacks(path: Path) -> str | None:
    """The package without which a notebook does not run, if it is not installed."""
    package = OPTIONAL.get(path.stem)
    return package if package and importlib.util.find_spec(package) is None else None


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def execute(path: Path, folder: Path = EXECUTED) -> Path:
    """Runs a notebook in a kernel of its own and stores it with outputs in `folder`.
    nbclient.exceptions.CellExecutionError if a cell fails."""
    notebook = read(path)
    with tempfile.TemporaryDirectory() as sockets:  # files, and no port that others see
        ipc = {"transport": "ipc", "connection_file": f"{sockets}/kernel.json"}
        client = NotebookClient(notebook, kernel_name="python3", timeout=TIMEOUT,
                                coalesce_streams=True, config=Config(KernelManager=ipc),
                                resources={"metadata": {"path": str(path.parent)}})
        client.execute()
    folder.mkdir(parents=True, exist_ok=True)
    executed = folder / path.name
    nbformat.write(notebook, executed)
    return executed


def sources(notebook: NotebookNode) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def fence(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"


def output_markdown(output: NotebookNode, alt: str, name: str, files: dict[str, bytes]) -> str:
    """An output; a picture goes into `files`."""
    if output.output_type == "stream":
        return fence("{ .text .output }", output.text)
    data = output.data
    if "image/png" in data:
        files[name] = base64.b64decode(data["image/png"])
        width = output.metadata.get("image/png", {}).get("width")
        return f"![{alt}]({name})" + (f'{{ width="{width}" }}' if width else "")
    return data["text/markdown"] if "text/markdown" in data \
        else fence("{ .text .output }", data["text/plain"])


def page(path: Path, folder: Path = EXECUTED) -> tuple[str, dict[str, bytes]]:
    """A notebook as Markdown and its pictures by file name. Outputs are those of its last run, if
    that was of the same cells."""
    notebook = read(path)
    files: dict[str, bytes] = {}
    executed = folder / path.name
    fresh = executed.is_file() and sources(read(executed)) == sources(notebook)
    if fresh:
        notebook = read(executed)

    def parts() -> Iterator[str]:
        heading = path.stem
        for number, cell in enumerate(notebook.cells):
            if cell.cell_type == "markdown":
                yield cell.source
                heading = (re.findall(r"^#+ (.*)", cell.source, re.MULTILINE) or [heading])[-1]
                if number == 0 and not fresh:
                    yield NOT_RUN
                continue
            yield fence("python", cell.source)
            for index, output in enumerate(cell.outputs):
                name = f"{path.stem}_{number}_{index}.png"
                yield output_markdown(output, heading, name, files)

    return "\n\n".join([*parts(), ""]), files


def main() -> None:
    for path in NOTEBOOKS:
        if lacks(path):
            print(f"{path.name}: not run, it needs {lacks(path)}", flush=True)
            continue
        start = time.monotonic()
        execute(path)
        print(f"{path.name}: {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
