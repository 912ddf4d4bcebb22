# SPDX-License-Identifier: Apache-2.0
"""The notebooks run, and are stored without outputs."""

import json

import pytest

pytest.importorskip("nbclient", reason="the notebooks' tests need Python 3.11")
import nbformat  # noqa: E402
from nbclient.exceptions import CellExecutionError  # noqa: E402

from scripts.docs.notebooks import NOT_RUN, NOTEBOOKS, execute, lacks, page  # noqa: E402

notebooks = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture
def notebook(tmp_path):
    """Makes a notebook of one cell of code."""
    def make(code: str):
        path = tmp_path / "made.ipynb"
        cells = [nbformat.v4.new_markdown_cell("# Made"), nbformat.v4.new_code_cell(code)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
        return path
    return make


def test_there_are_four():
    assert len(NOTEBOOKS) == 4


@notebooks
@pytest.mark.quick
def test_notebook_is_stored_without_outputs(path):
    stored = json.loads(path.read_text(encoding="utf-8"))
    nbformat.validate(stored)
    code = [cell for cell in stored["cells"] if cell["cell_type"] == "code"]
    assert code and all(cell["outputs"] == [] for cell in code)
    assert {cell["execution_count"] for cell in code} == {None}
    assert "SPDX-License-Identifier: Apache-2.0" in "".join(stored["cells"][0]["source"])


@pytest.mark.parametrize("path", [  # the simulator with coverage takes minutes to build
    pytest.param(path, id=path.stem, marks=[pytest.mark.slow] * (path.stem == "read_coverage"))
    for path in NOTEBOOKS])
def test_notebook_runs(path):
    if lacks(path):
        pytest.skip(f"needs {lacks(path)}")
    execute(path)
    text, pictures = page(path)
    assert NOT_RUN not in text and len(pictures) >= 2


def test_failing_cell_fails(notebook, tmp_path):
    with pytest.raises(CellExecutionError, match="wrong sum"):
        execute(notebook("assert 1 + 1 == 3, 'wrong sum'"), tmp_path / "out")


def test_page_shows_the_results_of_the_same_cells_only(notebook, tmp_path):
    path = notebook("6 * 7")
    execute(path, tmp_path / "out")
    assert "```{ .text .output }\n42\n```" in page(path, tmp_path / "out")[0]
    path = notebook("6 * 8")
    text = page(path, tmp_path / "out")[0]
    assert NOT_RUN in text and "42" not in text and "6 * 8" in text
