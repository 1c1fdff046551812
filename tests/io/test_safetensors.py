"""The safetensors format, and files in memory."""

from __future__ import annotations

import io
import json
import struct

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

ARRAYS = {
    "float16": np.float16([1.5, -2]),
    "float32": np.arange(6, dtype=np.float32).reshape(2, 3).T,
    "float64": np.float64(0.1),
    "int64": np.arange(5)[::2],
    "int8": np.int8([[-1]]),
    "uint8": np.empty((0, 3), np.uint8),
    "bool": np.array([True, False]),
}


def header_of(content):
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


@pytest.fixture
def safetensors():
    return pytest.importorskip("safetensors")


def test_tensors_come_back_bit_for_bit(tmp_path, safetensors):
    mg.save({name: mg.tensor(array) for name, array in ARRAYS.items()}, tmp_path / "x.safetensors")
    back = mg.load(tmp_path / "x.safetensors")
    assert back.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert back[name].dtype == array.dtype and back[name].shape == array.shape
        assert back[name].numpy().tobytes() == np.asarray(array, order="C").tobytes()


def test_the_file_is_what_the_format_says(tmp_path, safetensors):
    mg.save({"x": mg.tensor(ARRAYS["float32"])}, tmp_path / "x.safetensors")
    header, data = header_of((tmp_path / "x.safetensors").read_bytes())
    assert header["x"] == {"dtype": "F32", "shape": [3, 2], "data_offsets": [0, 24]}
    assert np.frombuffer(data, "<f4").tolist() == [0, 3, 1, 4, 2, 5]


def test_a_model_goes_out_and_in(tmp_path, safetensors):
    first, second = (nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)) for _ in range(2))
    mg.save(first.state_dict(), tmp_path / "model.safetensors")
    second.load_state_dict(mg.load(tmp_path / "model.safetensors"))
    assert all(a.tolist() == b.tolist() for a, b in zip(first.parameters(), second.parameters()))


def file_of(kind, shape, data):
    header = json.dumps({"x": {"dtype": kind, "shape": shape, "data_offsets": [0, len(data)]}}).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + data


def test_bfloat16_becomes_float32_and_says_so(tmp_path, safetensors):
    path = tmp_path / "b.safetensors"
    path.write_bytes(file_of("BF16", [2], struct.pack("<HH", 0x3F80, 0xC000)))
    with pytest.warns(UserWarning, match="bfloat16"):
        assert mg.load(path)["x"].tolist() == [1, -2]


def test_damaged_files_are_refused(tmp_path, safetensors):
    good = file_of("F32", [2], bytes(8))
    for content in (b"", b"abc", good[:-1], good.replace(b"[2]", b"[3]"), file_of("F8_E4M3", [2], bytes(2))):
        (tmp_path / "x.safetensors").write_bytes(content)
        with pytest.raises(
            mg.CheckpointError, match=r"x\.safetensors: (is not a \.safetensors file|has 'x' of F8_E4M3)"
        ):
            mg.load(tmp_path / "x.safetensors")


@pytest.mark.parametrize(
    "obj", [[mg.ones(1)], {"a": 1}, {"a": {"b": mg.ones(1)}}, {1: mg.ones(1)}, {"a": np.array(["x"])}]
)
def test_what_the_format_cannot_hold_is_refused_and_nothing_written(tmp_path, obj, safetensors):
    with pytest.raises(TypeError, match=r"a \.safetensors file holds"):
        mg.save(obj, tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_named_with_the_cure(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "safetensors", None)
    (tmp_path / "x.safetensors").write_bytes(file_of("F32", [2], bytes(8)))
    for act in (
        lambda: mg.load(tmp_path / "x.safetensors"),
        lambda: mg.save({"x": mg.ones(1)}, tmp_path / "y.safetensors"),
    ):
        with pytest.raises(ImportError, match=r'pip install "minigrad\[safetensors\]"'):
            act()


def test_checkpoints_in_memory():
    memory = io.BytesIO()
    mg.save({"x": mg.ones(2), "n": 3}, memory)
    memory.seek(0)
    back = mg.load(memory)
    assert back["x"].tolist() == [1, 1] and back["n"] == 3
    with pytest.raises(mg.CheckpointError, match="the file is not a minigrad checkpoint"):
        mg.load(io.BytesIO(b"nothing"))
