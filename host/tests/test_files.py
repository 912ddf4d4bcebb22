# SPDX-License-Identifier: Apache-2.0
"""Files are whole or not there; a folder is one process's."""

import subprocess
import sys

import pytest

from sat.files import InUse, claimed, replacing, write_text

pytestmark = pytest.mark.quick


def test_file_is_replaced_at_the_end_only(tmp_path):
    path = tmp_path / "deep" / "file.json"
    write_text(path, "old \u00fc")
    assert path.read_bytes() == "old \u00fc".encode()
    with pytest.raises(KeyboardInterrupt), replacing(path) as draft:
        draft.write_text("half", encoding="utf-8")
        assert not list(path.parent.glob("*.json*")) or path.read_bytes() == b"old \xc3\xbc"
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old \xc3\xbc" and list(path.parent.iterdir()) == [path]


def test_claim_keeps_others_out_until_its_process_ends(tmp_path):
    script = f"""
import sys
from pathlib import Path
from sat.files import claimed
with claimed(Path({str(tmp_path)!r})):
    print("in", flush=True)
    sys.stdin.read()
"""
    other = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
    assert other.stdout.readline() == b"in\n"
    with pytest.raises(InUse, match=f"in use by process {other.pid} on "), claimed(tmp_path):
        pass
    other.kill()
    other.wait()
    with claimed(tmp_path):
        pass
