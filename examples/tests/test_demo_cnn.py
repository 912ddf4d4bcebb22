# SPDX-License-Identifier: Apache-2.0
"""The convolutional demo on the golden model, its data sets, and its tables."""

import gzip
import json

import numpy as np
import pytest
from rich.console import Console

from sat import SatConfig
from sat_examples import demo_cnn
from sat_examples.report import Outcome, print_outcome, write_summary
from sat_examples.training import load_digits, load_fashion, move

pytestmark = pytest.mark.quick


def write_fashion(folder, images: int = 12) -> np.ndarray:
    """Random pictures in the format of Fashion-MNIST, one file of them compressed."""
    rng = np.random.default_rng(2)
    pixels = rng.integers(0, 256, (images, 28, 28), np.uint8)
    for name in ("train", "t10k"):
        header = b"\0\0\x08\x03" + np.array(pixels.shape, ">u4").tobytes()
        path = folder / f"{name}-images-idx3-ubyte"
        if name == "train":
            path.write_bytes(header + pixels.tobytes())
        else:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(header + pixels.tobytes()))
        labels = (np.arange(images) % 10).astype(np.uint8)
        header = b"\0\0\x08\x01" + np.array(labels.shape, ">u4").tobytes()
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(header + labels.tobytes())
    return pixels


def test_golden_demo_learns_and_writes_its_results(tmp_path, capsys):
    arguments = ["--backend", "golden", "--epochs", "2", "--batch", "128", "--out", str(tmp_path)]
    assert demo_cnn.main(arguments) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "seed 1; no RTL" in said and "steps in RTL" not in said
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert summary["test_accuracy"] > 0.3 and summary["epochs"] == 2
    assert summary["data"] == "handwritten digits" and summary["steps_rtl"] == 0
    assert (tmp_path / "training.png").stat().st_size > 1000


def test_fashion_trains_where_the_files_are(tmp_path):
    write_fashion(tmp_path)
    arguments = ["--data", "fashion", "--data-dir", str(tmp_path), "--backend", "golden",
                 "--batch", "4", "--epochs", "1", "--out", str(tmp_path / "out")]
    assert demo_cnn.main(arguments) == 0
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert summary["data"] == "Fashion-MNIST" and summary["epochs"] == 1


def test_missing_fashion_says_how_to_get_it(tmp_path, capsys):
    assert demo_cnn.main(["--data", "fashion", "--data-dir", str(tmp_path)]) == 2
    text = capsys.readouterr().out
    assert "apt install dataset-fashion-mnist" in text and "--data-dir" in text


def test_fashion_files_are_read(tmp_path):
    pixels = write_fashion(tmp_path)
    data = load_fashion(tmp_path)
    assert data.train_x.shape == data.test_x.shape == (12, 28, 28, 1)
    assert np.array_equal(data.test_x[..., 0], (pixels / 255).astype(np.float16))
    assert data.train_y.tolist() == [*range(10), 0, 1]
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"\0\0\x0d\x03")
    with pytest.raises(ValueError, match="no IDX file of bytes"):
        load_fashion(tmp_path)


@pytest.mark.parametrize("batch", [16, 64])
def test_memory_fits_the_network(batch: int):
    data = load_digits(np.random.default_rng(0))
    backend = demo_cnn.make_backend("golden", SatConfig.from_name(),
                                    demo_cnn.memory_bytes(data, batch))
    demo_cnn.make_net(backend, data, (2, 8), batch, seed=1)


def test_images_move_by_a_pixel_at_most():
    rng = np.random.default_rng(1)
    images = np.zeros((64, 5, 6, 2), np.float16)
    images[:, 2, 3] = 1
    assert np.array_equal(move(images, 0.0, rng), images)
    moved = move(images, 1.0, rng)
    places = {tuple(place[:2]) for image in moved for place in np.argwhere(image)}
    assert places == {(y, x) for y in (1, 2, 3) for x in (2, 3, 4)} and moved.sum() == 128


def test_one_step_in_rtl_is_too_few(capsys):
    with pytest.raises(SystemExit):
        demo_cnn.parse_args(["--rtl-steps", "1"])
    assert "--rtl-steps" in capsys.readouterr().err


def test_layers_are_reported(tmp_path):
    outcome = Outcome(SatConfig.from_name("8x8"), (2, 8), batch=64, seed=1, data="digits")
    outcome.losses, outcome.accuracies = [2.0, 1.0], [0.5]
    outcome.steps_rtl, outcome.rtl_accuracy = 2, 0.5
    outcome.layers.sparse = {"FF stem": 1000, "FF stage1.conv1": 2000, "WU stem": 500}
    outcome.layers.dense = {"FF stem": 1000, "FF stage1.conv1": 6000, "WU stem": 500}
    outcome.layers.macs = {"FF stem": 32000, "FF stage1.conv1": 96000}
    outcome.passes.sparse = {**demo_cnn.by_pass(outcome.layers.sparse), "step": 3000}
    outcome.passes.dense = {**demo_cnn.by_pass(outcome.layers.dense), "step": 7000}
    assert outcome.passes.sparse["FF"] == 3000 and outcome.passes.sparse["WU"] == 500
    write_summary(outcome, tmp_path / "summary.json")
    layers = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))["layers"]
    assert layers["FF stage1.conv1"] == {"cycles": 2000, "dense_cycles": 6000, "macs": 96000,
                                         "utilization": 0.75, "speedup": 3.0}
    console = Console(record=True, width=120)
    print_outcome(outcome, console, tmp_path)
    rows = [line for line in console.export_text().splitlines() if "stage1.conv1" in line]
    assert "3.00x" in rows[0] and "75.0%" in rows[0]
