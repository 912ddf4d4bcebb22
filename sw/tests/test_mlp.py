# SPDX-License-Identifier: Apache-2.0
"""The C program sw/examples/mlp.c trains in RTL; all that it leaves equals the golden model."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sat import Core, GoldenBackend, SatConfig
from sat.nn import LossScale, Mlp, TrainingDiverged, mlp
from sat.sim.library import build

from .driver import BUILD, SW, compile_c

CONFIG = "2x2"
SEED = 1
LR, MOMENTUM = 0.1, 0.9
EXAMPLE = [SW / "sat.c", SW / "hal" / "sat_linux.c", SW / "examples" / "mlp.c"]


def simulated() -> Path:
    """The example, linked with the simulation of a small core."""
    library = build(SatConfig.from_name(CONFIG))
    return compile_c(BUILD / "mlp_sim", [*EXAMPLE, SW / "hal" / "sat_sim.c"], "-DSAT_WITH_SIM",
                     str(library), f"-Wl,-rpath,{library.parent}", "-lm")


class Batches:
    """Random inputs and labels, the same for both sides."""

    def __init__(self, steps: int, batch: int, inputs: int, classes: int):
        rng = np.random.default_rng([SEED, steps])
        self.x = [rng.standard_normal((batch, inputs)).astype(np.float16) for _ in range(steps)]
        self.labels = [rng.integers(0, classes, batch) for _ in range(steps)]

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return zip(self.x, self.labels)


def write_input(path: Path, net: Mlp, nm: tuple[int, int], batches: Batches) -> None:
    sizes = [layer.spec.inputs for layer in net.layers] + [net.layers[-1].spec.outputs]
    header = struct.pack("<5I9I3f", net.batch, len(net.layers), *nm, len(batches.x),
                         *sizes, *[0] * (9 - len(sizes)), net.lr, net.momentum, net.scale.value)
    path.write_bytes(header + b"".join(layer.w.read().tobytes() for layer in net.layers)
                     + b"".join(x.tobytes() + labels.astype(np.uint32).tobytes()
                                for x, labels in batches))


def expected_output(net: Mlp) -> dict[str, bytes]:
    """What the C program dumps, in its order, from the Python host."""
    tensors, named = {}, {tensor.name: tensor for tensor in net.core.tensors}
    for index, layer in enumerate(net.layers):
        parts = [("w", layer.w), ("v", layer.v), ("dw", layer.dw),
                 *((part, named[f"layer{index}.{part}"].as_row(layer.spec.outputs))
                   for part in ("bias", "bias_v", "bias_dw")),
                 ("out", layer.out), ("d_out", layer.d_out)]
        parts += [(f"ff{i}", plane) for i, plane in enumerate(layer.ff.planes)]
        parts += [(f"bp{i}", plane) for i, plane in enumerate(layer.bp.planes if layer.bp else [])]
        tensors |= {f"layer {index} {name}": tensor.raw().tobytes() for name, tensor in parts}
    return tensors


def differing(net: Mlp, output: bytes) -> list[str]:
    """Names of the tensors in which the C program differs."""
    wrong = []
    for name, wanted in expected_output(net).items():
        got, output = output[:len(wanted)], output[len(wanted):]
        if got != wanted:
            wrong.append(name)
    assert output == b"", "the C program has more tensors"
    return wrong


@pytest.mark.parametrize("nm,scale,steps", [
    ((2, 8), 1024.0, 3), ((1, 4), 1024.0, 2), ((2, 2), 1024.0, 2),
    ((2, 8), 2.0 ** 21, 5),  # gradients overflow: steps are skipped until the scale is small enough
])
def test_training_in_c_equals_the_golden_model(tmp_path: Path, nm: tuple[int, int], scale: float,
                                               steps: int) -> None:
    batch, sizes = 8, (20, 24, 17, 5)
    net = Mlp(Core(GoldenBackend(SatConfig.from_name(CONFIG), memory_size=1 << 20)),
              mlp(sizes, nm), batch, np.random.default_rng(SEED), lr=LR, momentum=MOMENTUM,
              scale=LossScale(scale, largest=2.0**40))
    batches = Batches(steps, batch, sizes[0], sizes[-1])
    write_input(tmp_path / "in", net, nm, batches)
    results = [net.train_step(x, labels) for x, labels in batches]

    process = subprocess.run([simulated(), tmp_path / "in", tmp_path / "out"], text=True,
                             capture_output=True)
    assert process.returncode == 0, process.stderr
    lines = [line.split() for line in process.stdout.splitlines()]
    assert [bool(int(line[3])) for line in lines] == [result.skipped for result in results]
    assert np.allclose([float(line[1]) for line in lines], [result.loss for result in results],
                       rtol=1e-12)
    assert all(int(line[5]) > 0 for line in lines)
    assert any(result.skipped for result in results) == (scale > 1024)
    assert not results[-1].skipped

    assert differing(net, (tmp_path / "out").read_bytes()) == []


def test_another_learning_rate_is_noticed(tmp_path: Path) -> None:
    """The comparison itself: after one step, weights and what is made of them must differ."""
    net = Mlp(Core(GoldenBackend(SatConfig.from_name(CONFIG), memory_size=1 << 20)),
              mlp((16, 16, 4), (2, 8)), 8, np.random.default_rng(SEED), lr=LR)
    batches = Batches(1, 8, 16, 4)
    net.lr = np.nextafter(np.float32(LR), np.float32(1))
    write_input(tmp_path / "in", net, (2, 8), batches)
    net.lr = LR
    for x, labels in batches:
        net.train_step(x, labels)
    subprocess.run([simulated(), tmp_path / "in", tmp_path / "out"], check=True)
    wrong = differing(net, (tmp_path / "out").read_bytes())
    assert "layer 0 w" in wrong and "layer 0 v" not in wrong


@pytest.mark.parametrize("lr,scale,bias,message", [
    (1e9, 1024.0, 0.0, "the update overflowed"),
    (LR, 2.0, 1e6, "a step overflowed at a loss scale of 1"),
])
def test_training_that_diverged_ends_in_an_error(tmp_path: Path, lr: float, scale: float,
                                                 bias: float, message: str) -> None:
    """On both sides: weights that an update has cost, and activations beyond FP16."""
    net = Mlp(Core(GoldenBackend(SatConfig.from_name(CONFIG), memory_size=1 << 20)),
              mlp((16, 16, 4), (2, 8)), 8, np.random.default_rng(SEED), lr=lr,
              scale=LossScale(scale, largest=2.0**40))
    batches = Batches(4, 8, 16, 4)
    net.layers[0].w.write(net.layers[0].w.read() + np.float32(bias))
    program = net.core.program()
    net.layers[0].prune(program)
    net.core.run(program)
    write_input(tmp_path / "in", net, (2, 8), batches)
    skipped = 0
    with pytest.raises(TrainingDiverged, match=message):
        for x, labels in batches:
            skipped += net.train_step(x, labels).skipped
    process = subprocess.run([simulated(), tmp_path / "in", tmp_path / "out"], text=True,
                             capture_output=True)
    assert process.returncode == 1 and f"diverged: {message}" in process.stderr
    assert process.stdout.count("skipped 1") == skipped == (bias > 0)


def test_bad_input_is_reported(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"too short")
    process = subprocess.run([simulated(), tmp_path / "in", tmp_path / "out"], text=True,
                             capture_output=True)
    assert process.returncode == 1 and "bad input" in process.stderr
