# SPDX-License-Identifier: Apache-2.0
"""The command line: each command is there, by `sat` and as a module."""

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from sat import cli
from sat.toolchain import ToolError

pytestmark = pytest.mark.quick


@pytest.mark.parametrize("name", cli.commands())
def test_every_command_runs_as_a_module_too(name):
    """And does not do nothing."""
    done = subprocess.run([sys.executable, "-m", cli.commands()[name].module, "--help"],
                          capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith(f"usage: sat {name} "), done.stderr


def test_help_has_a_line_for_each(capsys):
    assert cli.main([]) == 0
    shown = capsys.readouterr().out
    for name, point in cli.commands().items():
        assert f"    {name} " in shown and cli.about(point)


def test_completion_knows_commands_and_options(capsys):
    cli.main(["--print-completion", "bash"])
    script = capsys.readouterr().out
    for word in (*cli.commands(), "--golden-epochs", "--resume", "--holes"):
        assert word in script


@pytest.mark.parametrize("module, says", [
    ("nowhere.cli", "sat new works in a checkout only"),
    ("planted", "sat new needs no_such_package: pip install 'sat-core\\[demo\\]'")])
def test_what_is_not_installed_is_named(tmp_path, monkeypatch, module, says):
    (tmp_path / "planted.py").write_text("import no_such_package", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ToolError, match=says):
        cli.run_command(EntryPoint("new", f"{module} [demo]", "sat.commands"), [])
