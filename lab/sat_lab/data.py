# SPDX-License-Identifier: Apache-2.0
"""Data sets by name. Those that are not part of a package are the user's files."""

from __future__ import annotations

import pydoc_data.topics
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from sat.files import DamagedFile
from sat_examples.training import Dataset, load_digits, load_fashion

SPLIT_SEED = 1  # of data sets that come in one piece: the split is the same for all seeds
MOVED = 0.5  # share of the training images that are moved by a pixel
TEXT = "text"
LENGTH = 64  # bytes of a row of text
TEST_SHARE = 10  # one row of so many
SIDE = 64  # pixels to which images of a folder are cut
CIFAR = "the binary version of https://www.cs.toronto.edu/~kriz/cifar.html"

Half = tuple[np.ndarray, np.ndarray]  # images and labels


def dataset(name: str, classes: int, train: Half, test: Half) -> Dataset:
    return Dataset(name, classes, *train, *test)


def digits(folder: Path | None) -> Dataset:
    return load_digits(np.random.default_rng(SPLIT_SEED))


def text(folder: Path | None) -> Dataset:
    """Python's own documentation, which every Python has with it, or the .txt files of a folder:
    bytes [n][LENGTH], labels the bytes one further on. Rows are split at random."""
    if folder is None:
        source = "\n".join(pydoc_data.topics.topics.values()).encode()
    else:
        source = b"\n".join(path.read_bytes() for path in sorted(folder.glob("**/*.txt")))
    rows = (len(source) - 1) // LENGTH
    if rows < 2 * TEST_SHARE:
        raise FileNotFoundError(f"text: less than {2 * TEST_SHARE * LENGTH} bytes of text in "
                                f"{folder}/**/*.txt")
    values = np.frombuffer(source, np.uint8)[: rows * LENGTH + 1]
    x, y = values[:-1].reshape(rows, LENGTH), values[1:].reshape(rows, LENGTH)
    order = np.random.default_rng(SPLIT_SEED).permutation(rows)
    test, train = np.split(order, [rows // TEST_SHARE])
    return dataset("text", 256, (x[train], y[train]), (x[test], y[test]))


def cifar(name: str, inside: str, label_bytes: int, classes: int, train: tuple[str, ...],
          test: str) -> Callable[[Path | None], Dataset]:
    """A loader of records of label bytes, the last of which counts, and 32x32 pixels in planes of
    red, green and blue, by lines."""
    size = label_bytes + 3 * 32 * 32

    def load(folder: Path | None) -> Dataset:
        place = folder or Path("data", inside)

        def read(files: tuple[str, ...]) -> Iterator[np.ndarray]:
            for file in files:
                if not (place / file).is_file():
                    raise FileNotFoundError(f"{name}: no {place / file}; it is in {CIFAR}")
                values = np.fromfile(place / file, np.uint8)
                if not values.size or values.size % size:
                    raise DamagedFile(place / file, f"{values.size} bytes are no records of {size}",
                                      f"get it again: {CIFAR}")
                yield values.reshape(-1, size)

        def half(files: tuple[str, ...]) -> Half:
            records = np.concatenate(list(read(files)))
            images = records[:, label_bytes:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
            return (images / 255).astype(np.float16), records[:, label_bytes - 1].astype(int)

        return dataset(name, classes, half(train), half((test,)))
    return load


def image_folder(folder: Path | None) -> Dataset:
    """<folder>/train/<class>/* and <folder>/val/<class>/*, as ImageNet's: the middle square of each
    image, SIDE pixels wide. All of it is held in memory, 24 KiB an image."""
    from PIL import Image, ImageOps  # of the extra, needed here only

    place = folder or Path("data", "images")
    classes = sorted(path.name for path in (place / "train").glob("*/"))
    if not classes:
        raise FileNotFoundError(f"folder: no {place}/train/<class>/; name the folder that has "
                                "train and val with --data-dir")

    def half(part: str) -> Half:
        images, labels = [], []
        for label, name in enumerate(classes):
            for path in sorted((place / part / name).glob("*")):
                with Image.open(path) as image:
                    square = ImageOps.fit(image.convert("RGB"), (SIDE, SIDE))
                images.append((np.asarray(square) / 255).astype(np.float16))
                labels.append(label)
        if not images:
            raise FileNotFoundError(f"folder: no images in {place}/{part}/<class>/")
        return np.stack(images), np.array(labels)

    return dataset("folder", len(classes), half("train"), half("val"))


DATA: dict[str, Callable[[Path | None], Dataset]] = {
    "digits": digits,
    "fashion": load_fashion,
    "cifar10": cifar("cifar10", "cifar-10-batches-bin", 1, 10,
                     tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
                     "test_batch.bin"),
    "cifar100": cifar("cifar100", "cifar-100-binary", 2, 100, ("train.bin",), "test.bin"),
    "folder": image_folder,
    TEXT: text,
}
