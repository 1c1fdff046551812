"""Checkpoints that PyTorch wrote, read without it; what could run code is refused by name."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim

FOLDER = Path(__file__).parent / "pytorch"
BASE = np.arange(24, dtype=np.float32)

TENSORS = {
    "slice": BASE[10:12],
    "strided": BASE.reshape(4, 6).T,
    "step": BASE[1::5],
    "expanded": np.float32([[1, 1, 1], [2, 2, 2]]),
    "empty": np.empty((0, 3), np.float32),
    "scalar": np.float32(2.5),
    "parameter": np.float32([1, 2]),
    "leaf": np.float32([3]),
    "bfloat16": np.array([0x3F800000, 0x40490000, 0xD0BA0000], np.uint32).view(np.float32),
}

PLAIN = {
    "epoch": 3, "best": 0.25, "name": "run é", "none": None, "flags": [True, False], "pair": (1, 2.5), "big": 2**70,
    "size": (2, 3), "dtype": np.dtype(np.float32), "device": "cpu",
}  # fmt: skip


def loaded(path):
    with pytest.warns(UserWarning, match="bfloat16, which NumPy lacks: its values are float32 now"):
        return mg.load(path, map_location="cpu", weights_only=True)


@pytest.fixture(params=["checkpoint.pt", "legacy.pt"])
def checkpoint(request):
    return loaded(FOLDER / request.param)


@pytest.mark.parametrize("name", TENSORS)
def test_tensors_are_read_bit_for_bit(checkpoint, name):
    tensor, expected = checkpoint[name], TENSORS[name]
    assert isinstance(tensor, mg.Tensor) and tensor.shape == expected.shape and tensor.dtype == expected.dtype
    assert tensor.detach().numpy().tobytes() == expected.tobytes()
    assert tensor.requires_grad is (name in ("parameter", "leaf"))


@pytest.mark.parametrize("name", ["float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"])
def test_every_dtype_is_read(checkpoint, name):
    tensor = checkpoint["dtypes"][name]
    assert tensor.dtype == np.dtype(name) and tensor.tolist() == np.arange(3).astype(name).tolist()


def bits_of(dtype):
    """Numbers of every kind, NaN and infinity among them, by a formula for their bytes; bfloat16 as float32."""
    width = 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize
    raw = ((np.arange(24 * width) * 73 + 19) % 256).astype(np.uint8)
    if dtype == "bfloat16":
        return (raw.view("<u2").astype(np.uint32) << 16).view(np.float32).reshape(4, 6)
    return (raw % 2 == 1 if dtype == "bool" else raw.view(np.dtype(dtype).newbyteorder("<"))).reshape(4, 6)


@pytest.mark.parametrize(
    "dtype", ["float16", "bfloat16", "float32", "float64", "int8", "uint8", "int16", "int32", "int64", "bool"]
)
@pytest.mark.parametrize("file", ["bits.pt", "bits_legacy.pt"])
def test_every_bit_of_every_view_is_read(file, dtype):
    x = bits_of(dtype)
    views = {"whole": x, "transposed": x.T, "steps": x[1::2, ::3], "empty": x[:0], "number": x[2, 3],
             "expanded": np.repeat(x[0, 0], 5), "tail": x.ravel()[7:9]}  # fmt: skip
    found = loaded(FOLDER / file)[dtype]
    assert found.keys() == views.keys()
    for name, expected in views.items():
        assert found[name].shape == expected.shape and found[name].dtype == x.dtype, name
        assert found[name].numpy().tobytes() == expected.tobytes(), name


def test_other_values_are_plain(checkpoint):
    assert {name: checkpoint[name] for name in PLAIN} == PLAIN


def test_tied_tensors_stay_tied(checkpoint):
    assert checkpoint["tied"]["a"] is checkpoint["tied"]["b"] and checkpoint["tied"]["a"].tolist() == [1.5, 2.5]


def test_integers_without_sign_of_newer_files():
    assert loaded(FOLDER / "checkpoint.pt")["uint16"].tolist() == [1, 65535]


def test_a_model_and_its_optimiser_go_on(checkpoint):
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    optimizer = optim.Adam(model.parameters(), lr=1.0)
    model.load_state_dict(checkpoint["model"])
    assert model[0].weight.tolist() == [[0, 1], [2, 3], [4, 5]] and model[0].bias.tolist() == [-1, 0.5, 2]
    assert model[1].running_mean.tolist() == [1, 2, 3] and int(model[1].num_batches_tracked) == 7
    assert list(checkpoint["optimizer"]["state"]) == [0, 1, 2, 3]
    assert checkpoint["optimizer"]["param_groups"][0]["lr"] == 0.25
    assert checkpoint["optimizer"]["state"][3]["exp_avg"].tolist() == [3, 3, 3]
    assert optimizer is not None


def test_a_file_is_read_from_memory_and_under_any_name(tmp_path):
    content = (FOLDER / "checkpoint.pt").read_bytes()
    (tmp_path / "x.ckpt").write_bytes(content)
    assert loaded(tmp_path / "x.ckpt")["epoch"] == loaded(io.BytesIO(content))["epoch"] == 3


def test_a_whole_module_is_refused_by_name():
    with pytest.raises(mg.CheckpointError, match=r"holds torch\.nn\.modules\.linear\.Linear.*save its state_dict"):
        mg.load(FOLDER / "module.pt")


def test_another_place_than_the_cpu_is_refused():
    with pytest.raises(ValueError, match=r"map_location must be 'cpu'.*got 'cuda:0'"):
        mg.load(FOLDER / "checkpoint.pt", map_location="cuda:0")


# -- files made by hand --------------------------------------------------------------------------


def packed(pickled, storages=(), compression=zipfile.ZIP_STORED, **parts):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", compression) as archive:
        archive.writestr("x/data.pkl", pickled)
        for number, storage in enumerate(storages):
            archive.writestr(f"x/data/{number}", storage)
        for name, content in parts.items():
            archive.writestr(f"x/{name}", content)
    return io.BytesIO(memory.getvalue())


def tensor_pickle(numel=3, offset=0, size=(3,), stride=(1,), kind="FloatStorage", flags=b""):
    """The opcodes of one tensor of a storage."""
    numbers = [b"K" + bytes([n]) if 0 <= n < 256 else b"J" + struct.pack("<i", n) for n in (offset, *size, *stride)]
    first, sizes, strides = numbers[0], numbers[1 : 1 + len(size)], numbers[1 + len(size) :]
    storage = b"(X\x07\x00\x00\x00storagectorch\n" + kind.encode() + b"\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu"
    storage += b"J" + struct.pack("<i", numel) + b"tQ"
    arguments = b"(" + storage + first + b"(" + b"".join(sizes) + b"t(" + b"".join(strides) + b"t\x89"
    return (
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"ccollections\nOrderedDict\n)R" + flags + b"tR."
    )


VALUES = np.float32([1, 2, 3])


def test_a_file_made_by_hand_is_read():
    assert mg.load(packed(tensor_pickle(), [VALUES.tobytes()])).tolist() == [1, 2, 3]


def test_numbers_of_another_byte_order():
    file = packed(tensor_pickle(), [VALUES.astype(">f4").tobytes()], byteorder="big")
    assert mg.load(file).tolist() == [1, 2, 3]


def test_the_sign_flag_turns_the_numbers_round():
    flags = b"}X\x03\x00\x00\x00neg\x88s"
    assert mg.load(packed(tensor_pickle(flags=flags), [VALUES.tobytes()])).tolist() == [-1, -2, -3]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("value", [b"", b"a\xff", bytearray(), bytearray(b"a\xff"), {1, "a"}, set(), 1 + 2j, 2**70])
def test_plain_values_of_every_protocol(value, protocol):
    found = mg.load(packed(pickle.dumps({"value": value}, protocol)))["value"]
    assert found == value and type(found) is type(value)


def test_tensors_of_a_newer_protocol():
    """PyTorch saves by ``pickle_protocol=4`` and refuses to load it; here every protocol is read."""
    memoized = b"\x80\x04\x8c\x0ctorch._utils\x8c\x12_rebuild_tensor_v2\x93"
    older = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n"
    newer = tensor_pickle().replace(older, memoized)
    assert newer != tensor_pickle() and mg.load(packed(newer, [VALUES.tobytes()])).tolist() == [1, 2, 3]


DAMAGED = {
    "beyond its storage": (tensor_pickle(size=(4,)), "reaches beyond its storage of 3 elements"),
    "an offset beyond": (tensor_pickle(offset=2, size=(2,)), "reaches beyond its storage"),
    "a stride beyond": (tensor_pickle(size=(2, 2), stride=(1, 3)), "reaches beyond its storage"),
    "a negative stride": (tensor_pickle(stride=(-1,)), "damaged description"),
    "strides of other axes": (tensor_pickle(size=(3,), stride=(1, 1)), "reaches beyond|damaged"),
    "another length": (tensor_pickle(numel=4), "has 12 bytes for 4 elements"),
    "a conjugate": (tensor_pickle(flags=b"}X\x04\x00\x00\x00conj\x88s"), "complex, which minigrad has not"),
    "complex numbers": (tensor_pickle(kind="ComplexFloatStorage"), r"holds torch\.ComplexFloatStorage"),
    "a function": (pickle.dumps(print), r"holds builtins\.print"),
    "NumPy's numbers": (pickle.dumps(np.float64(1)), r"holds numpy.*scalar"),
    "a memory full of zeros": (b"\x80\x03cbuiltins\nbytearray\nM\xff\xff\x85R.", "damaged bytes"),
    "bytes of a number": (b"\x80\x03cbuiltins\nbytes\nM\xff\xff\x85R.", "damaged checkpoint"),
    "another encoding": (b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x03\x00\x00\x00hex\x86R.", "damaged bytes"),
    "an attribute of a function": (
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\nN}X\x04\x00\x00\x00callNs\x86b.", "sets an attribute|damaged",
    ),
    "no pickle": (b"hello", "damaged checkpoint of PyTorch's"),
    "nothing": (b"", "damaged checkpoint of PyTorch's"),
    "a number of bytes that is not there": (b"\x80\x04\x8e" + b"\xff" * 8 + b".", "damaged checkpoint"),
    "too deep": (b"\x80\x02" + b"(" * 100_000 + b"t" * 100_000 + b".", "damaged checkpoint|is not a"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_damaged_or_hostile_is_refused(name):
    pickled, message = DAMAGED[name]
    if name == "too deep":
        assert mg.load(packed(pickled, [VALUES.tobytes()])) is not None  # nested tuples are plain values
        return
    with pytest.raises(mg.CheckpointError, match=message):
        mg.load(packed(pickled, [VALUES.tobytes()]))


def test_what_is_repeated_takes_no_memory():
    x = mg.load(packed(tensor_pickle(size=(255, 255, 255), stride=(0, 0, 0)), [VALUES.tobytes()]))
    assert x.shape == (255, 255, 255) and x.numpy().strides == (0, 0, 0)
    with pytest.raises((ValueError, RuntimeError)):
        x.zero_()


def test_compressed_files_and_files_without_checksums_are_named():
    with pytest.raises(mg.CheckpointError, match=r"it is compressed: pack it anew with PyTorch"):
        mg.load(packed(tensor_pickle(), [VALUES.tobytes()], zipfile.ZIP_DEFLATED))
    content = bytearray(packed(tensor_pickle(), [VALUES.tobytes()]).getvalue())
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        checksums = [struct.pack("<I", member.CRC) for member in archive.infolist()]
    for checksum in checksums:
        content = content.replace(checksum, b"\0\0\0\0")
    with pytest.raises(mg.CheckpointError, match=r"without checksums \(torch\.serialization\.set_crc32_options"):
        mg.load(io.BytesIO(bytes(content)))


@pytest.mark.parametrize("file", ["checkpoint.pt", "legacy.pt"])
def test_a_truncated_file_is_refused_wherever_it_ends(file):
    content = (FOLDER / file).read_bytes()
    for end in range(0, len(content) - 1, 97):
        with pytest.raises(mg.CheckpointError), np.errstate(all="ignore"):
            mg.load(io.BytesIO(content[:end]))
