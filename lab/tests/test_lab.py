# SPDX-License-Identifier: Apache-2.0
"""`sat lab`: trainings, and the file, table and curves that they end in. Without torch the tests
are skipped."""

import dataclasses
import importlib.util
import json
import signal
import subprocess
import sys

import numpy as np
import pytest

if importlib.util.find_spec("torch") is None:
    pytest.skip("needs torch", allow_module_level=True)

import torch  # noqa: E402
from distributed import LocalCluster  # noqa: E402

from sat.torch import SparseLayer  # noqa: E402
from sat_examples.training import Dataset  # noqa: E402
from sat_lab import cli, data, train  # noqa: E402
from sat_lab.clos import Clos  # noqa: E402
from sat_lab.experiment import DENSE_METHOD, SPARSE_WU, Experiment, Setting, grid  # noqa: E402
from sat_lab.methods import METHODS  # noqa: E402
from sat_lab.networks import NETWORKS  # noqa: E402
from sat_lab.results import Results, Run  # noqa: E402


def random_data(network: str) -> Dataset:
    """Two batches for a network, and some to test."""
    rng, count = np.random.default_rng(1), 2 * train.BATCH + 10
    if NETWORKS[network].text:
        x = rng.integers(0, 256, (count, 12), np.uint8)
        return Dataset("text", 256, x, x, x[:5], x[:5])
    x = rng.random((count, 9, 9, 3)).astype(np.float16)  # an odd side
    y = rng.integers(0, 10, count)
    return Dataset("images", 10, x, y, x[:5], y[:5])


def setting(network: str = "mlp", method: str = "bdwp", epochs: int = 1) -> Setting:
    return Setting(network, "text" if NETWORKS[network].text else "digits", epochs, method, 2, 8,
                   "4:8" if method in SPARSE_WU else "")


@pytest.mark.parametrize("method", sorted(METHODS.keys() - {DENSE_METHOD}))
@pytest.mark.parametrize("network", NETWORKS)
def test_networks_train_with_all_methods(network: str, method: str, monkeypatch):
    """Finite losses; all layers are N:M but those that the recipe keeps."""
    found, one = random_data(network), setting(network, method)
    monkeypatch.setitem(data.DATA, one.data, lambda folder: found)
    curves = train.train(Experiment(one, 1))
    assert np.isfinite(curves.losses).all() and len(curves.losses) == len(curves.accuracies) == 1
    model = train.model_of(one, found)
    kept = {path for path, layer in model.named_modules()
            if type(layer) in (torch.nn.Linear, torch.nn.Conv2d) and ".stages." not in path}
    assert kept == set(NETWORKS[network].dense)
    assert sum(isinstance(layer, (SparseLayer, Clos)) for layer in model.modules()) >= 2


def test_the_seed_determines_a_training(monkeypatch):
    found = random_data("resnet")
    monkeypatch.setitem(data.DATA, "digits", lambda folder: found)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    first, again, other = (train.train(Experiment(setting("resnet"), seed)) for seed in (1, 1, 2))
    assert first == again and first.losses != other.losses


def test_the_grid():
    """Dense has no N:M; every setting of a seed comes before the next seed."""
    found = list(grid(["bdwp", "dense"], ["mlp"], ["digits"], [(2, 8), (1, 4)], 3, (1, 2)))
    assert [(one.setting.method, one.setting.n, one.setting.m, one.seed) for one in found] == [
        ("dense", 2, 2, 1), ("bdwp", 1, 4, 1), ("bdwp", 2, 8, 1),
        ("dense", 2, 2, 2), ("bdwp", 1, 4, 2), ("bdwp", 2, 8, 2)]


def test_the_grid_of_all_passes():
    """WU is as the weights, or as it is said; it means nothing to other methods."""
    def names(*wus):
        found = grid(["bdwp", "all-sample"], ["mlp"], ["digits"], [(2, 8)], 3, [1], wus)
        return [one.setting.name for one in found]

    assert names() == ["all-sample 2:8, WU 2:8", "bdwp 2:8"]
    assert names((2, 8), (4, 8)) == ["all-sample 2:8, WU 2:8", "all-sample 2:8, WU 4:8", "bdwp 2:8"]
    model = train.model_of(setting("resnet", "all-largest"), random_data("resnet"))
    assert repr(model).count("Bdwp 2:8, WU largest 4:8") == 8 and "WU" not in repr(model[0])


def test_a_dense_end(monkeypatch):
    """WU is sparse in the first four of five epochs, and its samples are those of a training that
    has no such end."""
    monkeypatch.setitem(data.DATA, "digits", lambda folder: random_data("mlp"))
    ended, never = (train.train(Experiment(setting("mlp", method, epochs=5), 1))
                    for method in ("all-largest-end", "all-largest"))
    assert ended.losses[:4] == never.losses[:4] and ended.losses[4] != never.losses[4]


def add(results: Results, method: str, *accuracies: float, first: int = 1) -> None:
    one = setting(method=method, epochs=2)
    if method == "dense":
        one = one.dense
    for seed, value in enumerate(accuracies, first):
        results.add(Run(Experiment(one, seed), [2.0, 1.0], [99.0, value], 1.0))


def test_rows(tmp_path):
    """Of the last epoch; the difference is that of the seeds which both have."""
    results = Results(tmp_path / "lab.json")
    add(results, "sr-ste", 88.0)
    add(results, "bdwp", 89.0, 91.0, 96.0)
    add(results, "dense", 90.0, 92.0)
    common = {"network": "mlp", "data": "digits", "epochs": 2, "wu": ""}
    wanted = [
        {"method": "dense", "n": 2, "m": 2, "seeds": 2, "mean": 91.0, "std": 1.414,
         "delta_to_dense": 0.0},
        {"method": "bdwp", "n": 2, "m": 8, "seeds": 3, "mean": 92.0, "std": 3.606,
         "delta_to_dense": -1.0},
        {"method": "sr-ste", "n": 2, "m": 8, "seeds": 1, "mean": 88.0, "std": None,
         "delta_to_dense": -2.0}]
    assert results.rows() == [{**row, **common} for row in wanted]
    content = json.loads((tmp_path / "lab.json").read_text(encoding="utf-8"))
    assert content["rows"] == results.rows()
    assert Results(tmp_path / "lab.json").runs == results.runs


def test_rows_without_dense(tmp_path):
    results = Results(tmp_path / "lab.json")
    add(results, "dense", 90.0, first=5)
    add(results, "bdwp", 89.0)
    assert [row["delta_to_dense"] for row in results.rows()] == [0.0, None]


def test_files_from_before_wu_was_sparse(tmp_path):
    results = Results(tmp_path / "lab.json")
    add(results, "all-sample", 90.0)
    add(results, "bdwp", 89.0)
    text = (tmp_path / "lab.json").read_text(encoding="utf-8")
    assert Results(tmp_path / "lab.json").runs == results.runs
    (tmp_path / "lab.json").write_text(text.replace('"wu": "",', ""), encoding="utf-8")
    assert Results(tmp_path / "lab.json").runs == results.runs


@pytest.fixture
def lab(tmp_path, capsys):
    """Runs `sat lab` with a file of its own; returns its exit code and what it printed."""
    def call(*words: str) -> tuple[int, str]:
        code = cli.main([*words, "--out", str(tmp_path / "lab.json"), "--jobs", "1"])
        return code, capsys.readouterr().out
    return call


def test_a_grid_is_run_once(lab, tmp_path):
    words = "--networks", "mlp", "--epochs", "2", "--seeds", "1"
    code, text = lab(*words)
    assert code == 0 and "2 trainings, of which 0 are done" in text
    assert (tmp_path / "lab.png").stat().st_size > 10000
    before = (tmp_path / "lab.json").read_bytes()
    code, text = lab(*words, "--methods", "bdwp")
    assert code == 0 and "1 trainings, of which 1 are done" in text and "2:8" in text
    assert (tmp_path / "lab.json").read_bytes() == before
    rows = json.loads(before)["rows"]
    assert [row["method"] for row in rows] == ["dense", "bdwp"]
    assert all(row["mean"] > 25 for row in rows)  # one in ten would be chance


def test_a_running_scheduler(lab):
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False,
                      dashboard_address=":0") as scheduler:
        code, text = lab("--networks", "mlp", "--methods", "dense", "--epochs", "1", "--seeds", "1",
                         "--scheduler", scheduler.scheduler_address)
    assert code == 0 and "1/1 dense mlp digits, 1 epochs, seed 1: " in text


def test_a_training_that_fails_is_named(lab, monkeypatch):
    """Its process cannot read what the parent can; the others' results stay."""
    monkeypatch.setitem(data.DATA, "fashion", lambda folder: None)
    code, text = lab("--networks", "mlp", "--data", "fashion", "--seeds", "1", "--methods",
                     "dense", "--data-dir", "/nowhere")
    assert code == 1 and "1/1 dense mlp fashion, 20 epochs, seed 1: failed:" in text
    assert "no Fashion-MNIST in /nowhere" in text


@pytest.mark.parametrize("words, message", [
    (("--data", "fashion", "--data-dir", "nowhere"), "no Fashion-MNIST in nowhere"),
    (("--data", "cifar10", "--data-dir", "nowhere"), "cifar10: no nowhere/data_batch_1.bin"),
    (("--data", "folder", "--data-dir", "nowhere"), "folder: no nowhere/train/<class>/"),
    (("--data", "text", "--networks", "gpt", "--data-dir", "nowhere"), "text: less than"),
])
def test_missing_files_are_named(lab, words, message: str):
    code, text = lab(*words)
    assert code == 2 and message in text


@pytest.mark.parametrize("words, message", [
    (("--networks", "gpt"), "gpt does not train on digits"),
    (("--nm", "3:5"), "'3:5' is no legal N:M"),
    (("--data", "digits", "fashion", "--data-dir", "x"), "--data-dir: holds one data set"),
])
def test_wrong_options_are_named(lab, words, message: str, capsys):
    with pytest.raises(SystemExit):
        lab(*words)
    assert message in capsys.readouterr().err


def test_a_damaged_file_is_named(lab, tmp_path):
    (tmp_path / "lab.json").write_text('{"runs": [{"seed"', encoding="utf-8")
    code, text = lab("--networks", "mlp")
    assert code == 2 and "lab.json is damaged" in text and "--out" in text


def test_a_training_ends_with_its_parent():
    task = {**dataclasses.asdict(Experiment(setting("gpt", epochs=100), 1)), "folder": None}
    with subprocess.Popen([sys.executable, "-m", "sat_lab.train"], stdin=subprocess.PIPE) as child:
        child.stdin.write(json.dumps(task).encode() + b"\n")
        child.stdin.close()
        assert child.wait(120) == 1


def test_an_interrupted_grid_goes_on(tmp_path):
    """What is done is kept; the training that runs ends at once."""
    command = [sys.executable, "-m", "sat_lab.cli", "--networks", "mlp", "--epochs", "1",
               "--methods", "dense", "--seeds", "500", "--jobs", "1", "--out", "lab.json"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert "500 trainings, of which 0 are done" in process.stdout.readline()
        assert process.stdout.readline().startswith("1/500 dense mlp digits, 1 epochs, seed 1: ")
        process.send_signal(signal.SIGTERM)
        assert "stopped; the same command goes on" in process.stdout.read()
        assert process.wait() == 130
    assert Experiment(setting().dense, 1) in Results(tmp_path / "lab.json").runs


@pytest.mark.parametrize("name, label_bytes, train_files, test_file", [
    ("cifar10", 1, [f"data_batch_{number}.bin" for number in (1, 2, 3, 4, 5)], "test_batch.bin"),
    ("cifar100", 2, ["train.bin"], "test.bin"),  # a coarse label, then the one that counts
])
def test_cifar(tmp_path, name: str, label_bytes: int, train_files: list[str], test_file: str):
    """Files as published: labels, then 1024 bytes each of red, green and blue, by lines."""
    rng, images, labels = np.random.default_rng(1), [], []
    for file in (*train_files, test_file):
        pixels = rng.integers(0, 256, (2, 32, 32, 3), np.uint8)
        heads = rng.integers(0, 10, (2, label_bytes), np.uint8)
        (tmp_path / file).write_bytes(b"".join(
            head.tobytes() + b"".join(image[..., colour].tobytes() for colour in range(3))
            for head, image in zip(heads, pixels)))
        images.append(pixels)
        labels.append(heads[:, -1])
    found = data.DATA[name](tmp_path)
    assert found.classes == int(name.removeprefix("cifar"))
    for x, y, wanted in ((found.train_x, found.train_y, slice(-1)),
                         (found.test_x, found.test_y, slice(-1, None))):
        assert np.array_equal(np.rint(x.astype(np.float32) * 255), np.concatenate(images[wanted]))
        assert np.array_equal(y, np.concatenate(labels[wanted]))


def test_a_part_of_a_cifar_file_is_named(lab, tmp_path):
    for file in ("train.bin", "test.bin"):
        (tmp_path / file).write_bytes(bytes(3073))
    code, text = lab("--data", "cifar100", "--data-dir", str(tmp_path))
    assert code == 2 and "train.bin is damaged: 3073 bytes are no records of 3074" in text


def test_a_folder_of_images(tmp_path):
    from PIL import Image

    for half, name, value in (("train", "b", 255), ("train", "a", 51), ("val", "b", 0)):
        (tmp_path / half / name).mkdir(parents=True)
        image = Image.new("RGB", (80, 120), (value, value, 0))
        image.save(tmp_path / half / name / "0.png")
    found = data.DATA["folder"](tmp_path)
    assert found.classes == 2 and found.train_y.tolist() == [0, 1] and found.test_y.tolist() == [1]
    assert found.train_x.shape == (2, 64, 64, 3)
    assert found.train_x[0, 9, 9].tolist() == [np.float16(0.2), np.float16(0.2), 0]


def test_text(tmp_path):
    """Labels are the bytes one further on; Python's documentation is long enough to learn from."""
    (tmp_path / "a.txt").write_bytes(bytes(range(256)) * 10)
    found = data.DATA["text"](tmp_path)
    assert np.array_equal((found.train_x + np.uint8(1)), found.train_y)
    assert len(found.test_x) == 3 and found.train_x.shape == (36, 64)
    assert len(data.DATA["text"](None).train_x) > 5000
