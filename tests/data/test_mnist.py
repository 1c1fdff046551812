"""MNIST from the files that a user has."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

from minigrad import data
from minigrad.data.idx import read_idx

NAMES = "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


def idx(array, code=8):
    """An array as its format's description says: two zeros, the type, the axes, big-endian sizes, the numbers."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape) + array.tobytes()


def written(folder, spelling=lambda name: name, pack=bytes):
    """Files of 30 and 20 random images; what is in them."""
    generator = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    contents = []
    for number, (images, labels) in zip((30, 20), (NAMES[:2], NAMES[2:])):
        pair = generator.integers(0, 256, (number, 28, 28), np.uint8), (np.arange(number) % 10).astype(np.uint8)
        for name, array in zip((images, labels), pair):
            (folder / spelling(name)).write_bytes(pack(idx(array)))
        contents.append(pair)
    return contents


LAYOUTS = {
    "plain": ("", lambda name: name, bytes),
    "gz": ("", lambda name: f"{name}.gz", gzip.compress),
    "dots": ("", lambda name: name.replace("-idx", ".idx"), bytes),
    "as PyTorch makes it": ("MNIST/raw", lambda name: name, bytes),
    "raw": ("raw", lambda name: f"{name}.gz", gzip.compress),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_mnist_is_found_and_read(layout, tmp_path):
    folder, spelling, pack = LAYOUTS[layout]
    contents = written(tmp_path / folder, spelling, pack)
    for train, (images, labels) in zip((True, False), contents):
        found = data.MNIST(tmp_path, train)
        x, y = found[:]
        assert len(found) == len(images) and x.shape == (len(images), 1, 28, 28)
        np.testing.assert_array_equal(x.numpy()[:, 0], images / np.float32(255))
        np.testing.assert_array_equal(y.numpy(), labels)
        assert x.numpy().dtype == np.float32 and y.numpy().dtype == np.int64


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_named(name, tmp_path):
    written(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"needs the file {name} .*downloads nothing"):
        data.MNIST(tmp_path, name.startswith("train"))


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no such folder"):
        data.MNIST(tmp_path / "none")


IMAGES = np.zeros((3, 28, 28), np.uint8)
DAMAGED = {
    "no IDX file": b"PK\x03\x04",
    "empty": b"",
    "another type": b"\0\0\x07\x03",
    "no axes": b"\0\0\x08\0",
    "a header cut off": idx(IMAGES)[:10],
    "a header of nothing, cut off": b"\0\0\x08\x03\0\0\0\0",
    "cut off": idx(IMAGES)[:-1],
    "too long": idx(IMAGES) + b"\0",
    "gzip, cut off": gzip.compress(idx(IMAGES))[:-10],
    "gzip, too short": gzip.compress(idx(IMAGES)[:-1]),
    "gzip, too long": gzip.compress(idx(IMAGES) + b"\0"),
    "a header of petabytes": b"\0\0\x08\x03" + b"\xff" * 12,
    "a header of petabytes, gzip": gzip.compress(b"\0\0\x08\x03" + b"\xff" * 12),
    "sizes that overflow": b"\0\0\x0e\x04" + b"\x80\0\0\0" * 4,
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_files_are_refused_before_memory_is_asked_for(name, tmp_path):
    (tmp_path / "file").write_bytes(DAMAGED[name])
    with pytest.raises(ValueError) as error:
        read_idx(tmp_path / "file")
    assert str(tmp_path / "file") in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("code, dtype", [(8, "u1"), (9, "i1"), (11, ">i2"), (12, ">i4"), (13, ">f4"), (14, ">f8")])
def test_every_type_of_number_is_read(code, dtype, tmp_path):
    array = np.array([[1, -2, 3], [4, 5, 100]]).astype(dtype)
    (tmp_path / "file").write_bytes(idx(array, code))
    found = read_idx(tmp_path / "file")
    np.testing.assert_array_equal(found, array)
    assert found.dtype.isnative and found.flags.writeable


WRONG = [
    (0, np.zeros((30, 27, 28), np.uint8), "not images of 28x28 bytes"),
    (0, np.zeros((0, 28, 28), np.uint8), "not images of 28x28 bytes"),
    (1, np.zeros(29, np.uint8), "a label from 0 to 9 for each of 30 images"),
    (1, np.full(30, 10, np.uint8), "a label from 0 to 9"),
]


@pytest.mark.parametrize(("number", "array", "message"), WRONG)
def test_files_of_something_else_are_refused(number, array, message, tmp_path):
    written(tmp_path)
    (tmp_path / NAMES[number]).write_bytes(idx(array))
    with pytest.raises(ValueError, match=message):
        data.MNIST(tmp_path)
