# SPDX-License-Identifier: Apache-2.0
"""`sat networks --verify`: steps of networks in RTL, beside golden model and cycle model."""

import dataclasses
import json

import pytest

from sat import SatConfig, SimBackend
from sat.networks import NETWORKS, cli
from sat.networks.description import Convolutions, Dense, Encoder, Network
from sat.networks.verify import verify
from sat.nn import ConvSpec, StageSpec
from sat.plan import model
from sat.toolchain import ToolError
from sat_golden.defs import DESC_BYTES, MatmulSlot, Opcode
from sat_golden.descriptor import Descriptor

CONFIG = SatConfig.from_name("2x2")
NM = (2, 8)
STAGES = [StageSpec("stem", [ConvSpec(3, 8)], pool=(2, 2, 0)),
          StageSpec("body", [ConvSpec(8, 16, n=2, m=8), ConvSpec(16, 16, n=2, m=8)], residual=True)]
NET = Network("net", 2, [Convolutions(8, STAGES, 10)])
VIT = Network("vit", 2, [Dense("patches", 4, 48, 64, input_gradient=False),
                         Encoder(8, 64, 2, 64, NM, 3)])


@pytest.mark.parametrize("network", [NET, VIT], ids=lambda network: network.name)
def test_a_step_in_rtl(network):
    """All of it: bits, and cycles, in as many lines as there are programs."""
    lines: list[str] = []
    made = verify(network, CONFIG, 2, 1, report=lines.append)
    assert made.holds and not made.differing_bits and not made.reports
    assert len(lines) == len(made.programs) > 3 and made.seconds > 0
    labels = {label for one in made.programs for label in one.labels}
    assert {label.split()[0] for label in labels} >= {"FF", "BP", "WU", "UPDATE"}
    assert abs(made.modelled - made.cycles) <= 0.001 * made.cycles
    assert made.tensors > len(made.programs)


def test_layers_alone():
    """The golden model runs the rest, on whose results those layers work."""
    made = verify(NET, CONFIG, 2, 1, ["body.conv1", "body.conv2"])
    assert made.holds
    labels = [label for one in made.programs for label in one.labels]
    assert set(labels) == {f"{what} body.conv{number}" for number in (1, 2)
                           for what in ("FF", "BP", "WU", "NORM", "UPDATE")}
    with pytest.raises(ToolError, match="net has no layer conv9, but body.conv1, "):
        verify(NET, CONFIG, 2, 1, ["conv9"])


def small(monkeypatch):
    monkeypatch.setitem(NETWORKS, "resnet9", lambda nm: NET)


def test_command_line(tmp_path, monkeypatch, capsys):
    small(monkeypatch)
    out = tmp_path / "verify.json"
    arguments = ["--verify", "--config", "2x2", "--nm", "8:8", "--layers", "body.conv2",
                 "--out", str(out)]
    assert cli.main(arguments) == 0
    shown = capsys.readouterr().out
    assert "seed 1" in shown and "million cycles" in shown
    (row,) = json.loads(out.read_text(encoding="utf-8"))
    assert (row["network"], row["array"], row["batch"], row["layers"]) == (
        "resnet9", "2x2", 2, ["body.conv2"])
    assert row["differing_bits"] == 0 and row["cycles"] == sum(
        one["CYCLES"] for one in row["programs"])


def test_profile_in_rtl(tmp_path, monkeypatch, capsys):
    """Each command alone, as the model has it, too; the trace has them one behind the other."""
    small(monkeypatch)
    out, trace = tmp_path / "verify.json", tmp_path / "trace.json"
    assert cli.main(["--verify", "--config", "2x2", "--nm", "8:8", "--layers", "body.conv2", "head",
                     "--profile", "3", "--trace", str(trace), "--out", str(out)]) == 0
    (row,) = json.loads(out.read_text(encoding="utf-8"))
    assert all(len(one["labels"]) == 1 for one in row["programs"])
    shown = capsys.readouterr().out
    assert "in RTL, each command alone" in shown and f"{row['cycles'] / 1e6:,.1f} M" in shown
    slices = [event for event in json.loads(trace.read_text(encoding="utf-8"))["traceEvents"]
              if event["ph"] == "X" and event["tid"]]
    assert len(slices) == len(row["programs"])
    assert sum(event["dur"] for event in slices) == row["cycles"]
    assert all(one["ts"] + one["dur"] <= two["ts"] for one, two in zip(slices, slices[1:]))


def test_profile_on_the_golden_model(tmp_path, monkeypatch, capsys):
    small(monkeypatch)
    out = tmp_path / "golden.json"
    assert cli.main(["--golden", "--config", "2x2", "--nm", "2:8", "--profile", "2",
                     "--out", str(out)]) == 0
    rows = json.loads(out.read_text(encoding="utf-8"))
    assert [(row["n"], row["m"]) for row in rows] == [(2, 2), (2, 8)]
    for row in rows:
        layers = row["layers"]
        assert sum(one["seconds"] for one in layers) == pytest.approx(row["seconds"], abs=0.01)
        assert all(one["macs"] > 0 for one in layers if one["layer"].startswith("body.conv")
                   and one["pass"] in ("FF", "BP", "WU"))
        assert layers == sorted(layers, key=lambda one: -one["seconds"])
        assert {one["pass"] for one in layers} >= {"FF", "BP", "WU", "NORM", "UPDATE"}
    assert "resnet9 on 2x2 at 2:8" in capsys.readouterr().out


def test_a_wrong_model_is_found(monkeypatch, tmp_path):
    small(monkeypatch)
    right = model.run

    def slower(*arguments, **options):
        made = right(*arguments, **options)
        cycles = made.cycles + max(21, made.cycles * 11 // 1000)
        return dataclasses.replace(made, counters={**made.counters, "CYCLES": cycles})

    monkeypatch.setattr(model, "run", slower)
    assert cli.main(["--verify", "--config", "2x2", "--nm", "8:8", "--layers", "stem",
                     "--out", str(tmp_path / "verify.json")]) == 1


def test_a_wrong_bit_is_found(monkeypatch, tmp_path, capsys):
    """One that RTL leaves in what it has written."""
    small(monkeypatch)
    right = SimBackend.run_at

    def spoils(self, addr, count):
        result = right(self, addr, count)
        command = Descriptor.unpack(bytes(self.read_memory(addr, DESC_BYTES)))
        if command.opcode == Opcode.MATMUL:
            start = command.slots[MatmulSlot.C].address
            self.write_memory(start, self.read_memory(start, 1) ^ 1)
        return result

    monkeypatch.setattr(SimBackend, "run_at", spoils)
    assert cli.main(["--verify", "--config", "2x2", "--nm", "8:8", "--layers", "head",
                     "--out", str(tmp_path / "verify.json")]) == 1
    assert "resnet9 on 2x2 at dense: FF head: head.out differs in 1 bits" in capsys.readouterr().out


@pytest.mark.parametrize("arguments, complaint", [
    (["--verify", "--exact"], "--verify: runs RTL"), (["--layers", "stem"], "--layers: is of"),
    (["--golden", "--trace", "t.json"], "--golden: knows no cycles")])
def test_mistakes(arguments, complaint, capsys):
    with pytest.raises(SystemExit):
        cli.main(arguments)
    assert complaint in capsys.readouterr().err


@pytest.mark.slow
def test_a_layer_of_resnet9_on_8x8(tmp_path):
    assert cli.main(["--verify", "--layers", "stage4", "--out", str(tmp_path / "out.json")]) == 0
