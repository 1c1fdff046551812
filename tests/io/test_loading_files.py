"""What ``load`` says of files of other kinds, and how much memory it takes."""

from __future__ import annotations

import errno
import io
import pickle
import tracemalloc
import zipfile

import numpy as np
import pytest

import minigrad as mg


def zipped(**members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/"), data)
    return stream.getvalue()


def numpy_file(save, *arguments, **keywords):
    stream = io.BytesIO()
    save(stream, *arguments, **keywords)
    return stream.getvalue()


OLD_TORCH = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2)
FOREIGN = {
    "old PyTorch": (OLD_TORCH, "a damaged checkpoint of PyTorch's"),
    "npz": (numpy_file(np.savez, w=np.ones(3)), "arrays of NumPy's: load it with np.load"),
    "compressed npz": (numpy_file(np.savez_compressed, w=np.ones(3)), "arrays of NumPy's"),
    "npy": (numpy_file(np.save, np.ones(3)), "an array of NumPy's"),
    "pickle": (pickle.dumps({"w": 1}), "is a pickle"),
    "text": (b"# minigrad\n\nA small tensor", "is not a minigrad checkpoint"),
    "nothing": (b"", "is not a minigrad checkpoint"),
    "zip": (zipped(readme="hello"), "a zip file of another kind"),
    "format": (zipped(**{"structure.json": '{"format": "other"}'}), "a zip file of another kind"),
    "no format": (zipped(**{"structure.json": "{}"}), "is not a minigrad checkpoint"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_of_another_kind_is_named_in_one_line_without_python(name, tmp_path):
    path = tmp_path / "file.pt"
    data, said = FOREIGN[name]
    path.write_bytes(data)
    with pytest.raises(mg.CheckpointError, match=said) as refused:
        mg.load(path)
    text = str(refused.value)
    assert text.startswith(str(path)) and "\n" not in text
    assert "Error(" not in text and "BadZipFile" not in text


def test_a_folder_is_refused_by_that_name(tmp_path):
    with pytest.raises(FileNotFoundError, match="it is a folder: name the file in it"):
        mg.load(tmp_path)


def test_a_part_that_claims_more_than_it_holds_is_refused_before_memory_is_asked_for(tmp_path):
    claimed = 1 << 30
    path = tmp_path / "run.ckpt"
    mg.save({"w": np.zeros(4, np.uint8)}, path)
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"0.npy") - 46
    assert data[entry : entry + 4] == b"PK\x01\x02"
    data[entry + 20 : entry + 24] = claimed.to_bytes(4, "little")  # compress_size; file_size follows
    path.write_bytes(data)
    tracemalloc.start()
    with pytest.raises(mg.CheckpointError, match="two different sizes"):
        mg.load(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.slow
@pytest.mark.parametrize("order", ["C", "F"])
def test_loading_takes_little_more_memory_than_what_is_loaded(order, tmp_path):
    path = tmp_path / "run.ckpt"
    array = np.asarray(np.random.default_rng(0).standard_normal((1000, 2000)), order=order)
    mg.save([array, mg.tensor(array)], path)
    tracemalloc.start()
    first, second = mg.load(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.3 * path.stat().st_size
    assert first.flags[f"{order}_CONTIGUOUS"]
    np.testing.assert_array_equal(first, array)
    np.testing.assert_array_equal(second.numpy(), array)


def test_a_file_that_cannot_be_read_has_its_cure(tmp_path, monkeypatch):
    path = tmp_path / "run.ckpt"
    mg.save({}, path)

    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(PermissionError, match=r"cannot read .*: Permission denied. Make it readable.") as refused:
        mg.load(path)
    assert refused.value.errno == errno.EACCES


def test_memory_that_is_short_is_no_fault_of_the_file(tmp_path, monkeypatch):
    path = tmp_path / "run.ckpt"
    mg.save({"w": np.zeros(4)}, path)

    def full(*_, **__):
        raise MemoryError("Unable to allocate")

    monkeypatch.setattr(np, "empty", full)
    with pytest.raises(MemoryError, match="not enough memory to load"):
        mg.load(path)
