"""Checkpoints: what goes in comes out, a file is whole or as before, and no file can do harm."""

import io
import json
import os
import pickle
import struct
import tracemalloc
import zipfile
import zlib
from collections import OrderedDict

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim


def form(value):
    """A value as something that compares type, dtype, shape and every bit."""
    if isinstance(value, mg.Tensor):
        return "tensor", form(value.numpy())
    if isinstance(value, (np.ndarray, np.generic)):
        kind = "scalar" if isinstance(value, np.generic) else "array"
        return kind, value.dtype.str, value.shape, np.ascontiguousarray(value).tobytes()
    if isinstance(value, dict):
        return "dict", [(form(k), form(v)) for k, v in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [form(item) for item in value]
    if isinstance(value, float):
        return "float", struct.pack("<d", value)
    return type(value).__name__, value


def content(size=3):
    """A small checkpoint with one of each."""
    return {
        "model": {"weight": mg.tensor([1.5, -2.5]), "count": mg.tensor(3)},
        7: (np.arange(size, dtype=np.int16), None, [True, "text"]),
        "scalar": np.float64(0.1),
        "bits": np.array([True, False]),
    }


def small():
    """The smallest that has every part of the format."""
    return {1: (mg.tensor([1.5, -2.5]), np.float32(3))}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.ckpt"


# -- what goes in comes out --------------------------------------------------------------------

rng = np.random.default_rng(0)
VALUES = {
    "none": None,
    "booleans": [True, False],
    "integers": [0, -1, 2**63, -(2**200), 10**300],
    "floats": [0.0, -0.0, 0.1, 1e308, 5e-324, float("nan"), float("inf"), float("-inf")],
    "texts": ["", "a", "ümläut 漢 🙂", 'quote " back \\ line \n nul \0', "$tensor", "\ud800"],
    "nested": {"a": [(), [], {}, ((1,), [2, (3,)])], "b": {"c": {"d": {"e": [None]}}}},
    "keys": {1: "int", "1": "text", -5: 0, 2**70: 1, "": 2, "$dict": 3, "$tensor": {"$array": 4}},
    "order": {"z": 1, "a": 2, "m": 3},
    "tuple in tuple": ((1, (2, [3])), ()),
    "0-d": [np.array(3.5), mg.tensor(2.5), mg.tensor(7), np.array(True)],
    "empty": [np.zeros((0,)), np.zeros((3, 0, 2), np.float16), mg.zeros(0, 4)],
    "scalars": [np.float32(0.1), np.float64("nan"), np.int8(-3), np.uint64(2**64 - 1), np.bool_(True)],
    "dtypes": [
        (rng.standard_normal((2, 3)) * 50).astype(dtype)
        for dtype in ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", ">f4", ">i2", "longdouble")
    ],
    "special": [np.array([np.nan, np.inf, -np.inf, -0.0], dtype) for dtype in ("f2", "f4", "f8")],
    "nan payload": np.array([0x7FC00001, 0xFFC12345], np.uint32).view(np.float32),
    "layouts": [
        np.asfortranarray(rng.standard_normal((3, 4, 2))), rng.standard_normal((4, 6))[::2, ::-3],
        np.broadcast_to(np.float32(3), (2, 2)), mg.tensor(rng.standard_normal((2, 3))).T,
    ],
    "random state": np.random.default_rng(3).bit_generator.state,
    "an array alone": np.arange(4.0),
    "a text alone": "text",
    "large": rng.standard_normal((300, 400)),
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_what_goes_in_comes_out(path, name):
    value = VALUES[name]
    mg.save(value, path)
    assert form(mg.load(path)) == form(value)


def test_what_comes_out_is_ones_own(path):
    value = content()
    mg.save(value, path)
    first, second = mg.load(path), mg.load(path)
    assert type(first["model"]["weight"]) is mg.Tensor and not first["model"]["weight"].requires_grad
    first["model"]["weight"].fill_(9)
    first[7][0][...] = 9
    assert form(second) == form(value)


def test_parameters_and_subclasses_become_plain_values(path):
    value = OrderedDict(p=nn.Parameter([1.0]), b=nn.Buffer([2.0]), s=np.str_("x"))
    mg.save(value, path)
    loaded = mg.load(path)
    assert [type(v) for v in (loaded, *loaded.values())] == [dict, mg.Tensor, mg.Tensor, str]


def test_a_path_may_be_text(path):
    mg.save({"a": 1}, str(path))
    assert mg.load(str(path)) == {"a": 1}


def test_the_file_is_a_zip_other_programs_can_read(path):
    mg.save(content(), path)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names == ["structure.json", "0.npy", "1.npy", "2.npy", "3.npy", "4.npy"]
        assert json.loads(archive.read("structure.json"))["format"] == "minigrad checkpoint"
        np.testing.assert_array_equal(np.load(io.BytesIO(archive.read("0.npy"))), [1.5, -2.5])
    with np.load(path) as arrays:
        np.testing.assert_array_equal(arrays["2"], [0, 1, 2])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({1, 2}, "cannot save the object: a set. A checkpoint holds dicts, lists"),
        ({"a": [1, {"b": print}]}, r"cannot save the object\['a'\]\[1\]\['b'\]: a builtin_function_or_method"),
        ([0, (1, object())], r"cannot save the object\[1\]\[1\]: a object"),
        ({"model": nn.Linear(1, 1)}, r"cannot save the object\['model'\]: a Linear.*save module.state_dict\(\)"),
        ({"x": 1j}, r"\['x'\]: a complex"),
        ({"x": np.ones(2, complex)}, r"\['x'\]: an array of complex128"),
        ([np.array(["a"])], r"the object\[0\]: an array of <U1"),
        ([np.array([{}], object)], r"the object\[0\]: an array of object"),
        ([np.datetime64("2020-01-01")], r"the object\[0\]: an array of datetime64"),
        ([np.zeros(1, [("a", "f4")])], r"the object\[0\]: an array of \[\('a'"),
        ({"a": {(1, 2): 3}}, r"cannot save the object\['a'\]: its key \(1, 2\) is a tuple; expected str or int"),
        ({2.5: 1}, "its key 2.5 is a float"),
        ({None: 1}, "its key None is a NoneType"),
        ({"a": b"bytes"}, r"\['a'\]: a bytes"),
    ],
)
def test_what_cannot_be_saved_says_where_it_is(path, value, message):
    with pytest.raises(TypeError, match=message):
        mg.save(value, path)
    assert not any(path.parent.iterdir())


def test_what_contains_itself_or_is_nested_too_deeply_is_refused(path):
    cycle = {"a": []}
    cycle["a"].append(cycle)
    deep = []
    for _ in range(100_000):
        deep = [deep]
    for value in (cycle, deep):
        with pytest.raises(ValueError, match="nested too deeply, or contains itself"):
            mg.save(value, path)
    assert not any(path.parent.iterdir())
    fifty = 1
    for _ in range(50):
        fifty = {"a": (fifty,)}
    mg.save(fifty, path)
    assert mg.load(path) == fifty


# -- a file is whole or as before --------------------------------------------------------------


def fail(*_, **__):
    raise OSError(28, "No space left on device")


def interrupt(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (np.lib.format, "write_array"),
        (zipfile.ZipFile, "writestr"),
        (os, "fsync"),
        (os, "replace"),
    ],
)
@pytest.mark.parametrize("failure", [fail, interrupt])
@pytest.mark.parametrize("existed", [True, False])
def test_a_failure_while_writing_leaves_the_old_file_and_nothing_else(path, monkeypatch, place, name, failure, existed):
    if existed:
        mg.save({"old": 1}, path)
    before = path.read_bytes() if existed else None
    with monkeypatch.context() as patch:
        patch.setattr(place, name, failure)
        with pytest.raises((OSError, KeyboardInterrupt)) as caught:
            mg.save(content(), path)
    if failure is fail:
        assert str(path) in str(caught.value) and "No space left on device" in str(caught.value)
    assert [p.name for p in path.parent.iterdir()] == ["run.ckpt"] * existed
    assert not existed or path.read_bytes() == before
    mg.save(content(), path)
    assert form(mg.load(path)) == form(content())


def test_the_file_is_complete_before_it_gets_its_name(path, monkeypatch):
    order = []
    for place, name in ((os, "fsync"), (os, "replace")):
        original = getattr(place, name)
        monkeypatch.setattr(place, name, lambda *a, _o=original, _n=name: (order.append((_n, *a)), _o(*a))[1])
    real_replace = os.replace

    def replace(source, target):
        assert not os.path.exists(target)
        assert form(mg.load(source)) == form(content())
        real_replace(source, target)

    monkeypatch.setattr(os, "replace", replace)
    mg.save(content(), path)
    assert [step[0] for step in order] == ["fsync", "replace"]


def test_saving_over_a_file_replaces_it(path):
    for size in (1000, 3):
        mg.save(content(size), path)
        assert form(mg.load(path)) == form(content(size))
    assert [p.name for p in path.parent.iterdir()] == ["run.ckpt"]


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_the_file_has_the_usual_permissions(path, mask):
    before = os.umask(mask)
    try:
        mg.save({"a": 1}, path)
        assert path.stat().st_mode & 0o777 == 0o666 & ~mask
    finally:
        os.umask(before)


def test_a_folder_that_is_missing_is_not_made(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*none.* Make it first"):
        mg.save({"a": 1}, tmp_path / "none" / "run.ckpt")
    assert not any(tmp_path.iterdir())


def test_a_folder_is_no_file(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(OSError, match="folder"):
        mg.save({"a": 1}, folder)
    assert [p.name for p in tmp_path.iterdir()] == ["folder"] and not any(folder.iterdir())
    with pytest.raises(OSError, match="folder"):
        mg.load(folder)


def test_a_folder_that_cannot_be_written_to_is_named_with_a_cure(path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(PermissionError, match=r"run\.ckpt: Permission denied\. .*(another|writable)"):
        mg.save({"a": 1}, path)
    assert not any(path.parent.iterdir())


def test_what_is_not_there_cannot_be_loaded(path):
    with pytest.raises(FileNotFoundError, match=r"no checkpoint .*run\.ckpt: there is no such file"):
        mg.load(path)


# -- damaged files -----------------------------------------------------------------------------


def load_bytes(path, data):
    """What ``load`` makes of these bytes: a form, or the refusal."""
    path.write_bytes(data)
    try:
        return form(mg.load(path))
    except mg.CheckpointError as error:
        assert str(path) in str(error)
        return "refused"


def test_a_truncated_file_is_refused_at_every_length(path):
    mg.save(small(), path)
    whole = path.read_bytes()
    for length in range(len(whole)):
        assert load_bytes(path, whole[:length]) == "refused", length


def test_a_changed_byte_is_noticed_or_does_not_matter(path):
    mg.save(small(), path)
    whole, expected = path.read_bytes(), form(small())
    refused = 0
    for i in range(len(whole)):
        for flip in (1 << (i % 8), 0xFF):
            data = bytearray(whole)
            data[i] ^= flip
            result = load_bytes(path, bytes(data))
            assert result in ("refused", expected), (i, flip)
            refused += result == "refused"
    assert refused > len(whole)  # more than half of all changes matter


def test_blocks_that_were_lost_doubled_or_exchanged_are_noticed(path):
    mg.save(content(2000), path)
    whole, expected = path.read_bytes(), form(content(2000))
    draw = np.random.default_rng(0)
    for _ in range(100):
        a, b, c = sorted(draw.integers(0, len(whole), 3))
        for data in (
            whole[:a] + whole[b:],
            whole[:b] + whole[a:],
            whole[:a] + whole[b:c] + whole[a:b] + whole[c:],
            whole[:a] + bytes(b - a) + whole[b:],
            whole[:a] + draw.bytes(b - a) + whole[b:],
        ):
            assert load_bytes(path, data) in ("refused", expected)


# -- hostile files -----------------------------------------------------------------------------

EXECUTED = []


def execute():
    EXECUTED.append(True)


class Bomb:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return execute, ()


def npy(array, **settings):
    """The bytes of an .npy file."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(array), **settings)
    return stream.getvalue()


def npy_header(shape="(2,)", descr="'<f4'", order="False", version=(1, 0), body=b"\0" * 8):
    """An .npy file with a header of one's own."""
    header = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n".encode()
    length = struct.pack("<H" if version == (1, 0) else "<I", len(header))
    return b"\x93NUMPY" + bytes(version) + length + header + body


def structure(value, **changes):
    return json.dumps({"format": "minigrad checkpoint", "version": 1, "content": value, **changes})


def archive(members, compression=zipfile.ZIP_STORED):
    """The bytes of a zip file."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as file:
        for name, data in members:
            file.writestr(name, data)
    return stream.getvalue()


def one_array(data):
    return archive([("structure.json", structure({"$array": 0})), ("0.npy", data)])


def holding(value, *arrays):
    members = [(f"{i}.npy", npy(array)) for i, array in enumerate(arrays)]
    return archive([("structure.json", structure(value)), *members])


OBJECT = np.array([Bomb()], object)
NESTED = 100_000
GOOD = holding({"$array": 0}, np.ones(2, np.float32))
HOSTILE = {
    "empty": b"",
    "one byte": b"P",
    "random bytes": np.random.default_rng(0).bytes(5000),
    "a pickle": pickle.dumps(Bomb()),
    "a pickle with a zip's beginning": b"PK\x03\x04" + pickle.dumps(Bomb()),
    "a text": b'{"format": "minigrad checkpoint", "version": 1, "content": 1}',
    "an npy": npy(np.ones(3)),
    "a pickled npy": npy(OBJECT, allow_pickle=True),
    "an empty zip": archive([]),
    "another zip": archive([("readme.txt", "hello")]),
    "a zip of another kind": archive([("structure.json", '{"format": "other", "version": 1, "content": 1}')]),
    "another version": archive([("structure.json", structure(1, version=2))]),
    "no version": archive([("structure.json", '{"format": "minigrad checkpoint", "content": 1}')]),
    "no content": archive([("structure.json", '{"format": "minigrad checkpoint", "version": 1}')]),
    "a structure that is no object": archive([("structure.json", "[1, 2]")]),
    "a structure that is no JSON": archive([("structure.json", "{'a': print()}")]),
    "a structure of no text": archive([("structure.json", b"\xff\xfe\xfa\x00\x80")]),
    "deep lists": archive([("structure.json", structure(0).replace("0", "[" * NESTED + "]" * NESTED))]),
    "deep dicts": archive(
        [("structure.json", structure(0).replace(": 0", ": " + '{"$tuple": [' * NESTED + "0" + "]}" * NESTED))]
    ),
    "a number of many digits": archive([("structure.json", structure(0).replace(": 0", ": " + "9" * 100_000))]),
    "a compressed bomb": archive(
        [("structure.json", structure({"$array": 0})), ("0.npy", npy(np.zeros(10_000_000)))], zipfile.ZIP_DEFLATED
    ),
    "a compressed structure": archive([("structure.json", structure("a" * 10**7))], zipfile.ZIP_DEFLATED),
    "bzip2": archive([("structure.json", structure(1))], zipfile.ZIP_BZIP2),
    "lzma": archive([("structure.json", structure(1))], zipfile.ZIP_LZMA),
    "an array is missing": holding([{"$array": 0}, {"$array": 1}], np.ones(2)),
    "the structure is missing": archive([("0.npy", npy(np.ones(2)))]),
    "one array many times": holding([{"$array": 0}] * 100, np.ones(2)),
    "arrays out of order": holding([{"$array": 1}, {"$array": 0}], np.ones(2), np.ones(3)),
    "a number that is a text": holding({"$array": "0"}, np.ones(2)),
    "a number that is a path": holding({"$array": "../0"}, np.ones(2)),
    "a number that is none": holding({"$array": None}, np.ones(2)),
    "a negative number": holding({"$array": -1}, np.ones(2)),
    "an unknown part": holding({"$code": "print()"}),
    "two parts in one": holding({"$array": 0, "$tensor": 0}, np.ones(2)),
    "no part": holding({}),
    "a dict of no pairs": holding({"$dict": [1, 2]}),
    "a dict of triples": holding({"$dict": [[1, 2, 3]]}),
    "a dict with a list as key": holding({"$dict": [[[1], 2]]}),
    "a tuple of nothing": holding({"$tuple": None}),
    "an array of objects": one_array(npy(OBJECT, allow_pickle=True)),
    "an object header": one_array(npy_header(descr="'|O'", body=pickle.dumps([Bomb()] * 2))),
    "an object of length 8": one_array(npy_header("(1,)", "'|O'")),
    "a record with objects": one_array(npy_header("(1,)", "[('a', '|O')]")),
    "records": one_array(npy_header("(1,)", "[('a', '<f4'), ('b', '<f4')]")),
    "a nested dtype": one_array(npy_header("()", "('<f4', (2,))")),
    "times": one_array(npy_header("(1,)", "'<M8[s]'")),
    "texts": one_array(npy_header("(2,)", "'<U1'")),
    "complex numbers": one_array(npy_header("(1,)", "'<c8'")),
    "raw bytes": one_array(npy_header("(1,)", "'|V8'")),
    "a huge shape": one_array(npy_header("(1000000000000,)")),
    "a huge product": one_array(npy_header("(4294967296, 4294967296)")),
    "a product that wraps to 0": one_array(npy_header("(4294967296, 4294967296)", body=b"")),
    "a huge length of nothing": one_array(npy_header(f"(0, {10**30})", body=b"")),
    "a negative length": one_array(npy_header("(-2,)")),
    "two negative lengths": one_array(npy_header("(-1, -2)")),
    "too many axes": one_array(npy_header("(" + "1, " * 100 + ")", body=b"\0" * 4)),
    "too little data": one_array(npy_header("(3,)")),
    "too much data": one_array(npy_header("(1,)")),
    "a shape that is no tuple": one_array(npy_header("2")),
    "a shape of floats": one_array(npy_header("(2.0,)")),
    "a shape that is code": one_array(npy_header("__import__('os').system('true')")),
    "a dtype that is no dtype": one_array(npy_header(descr="'nonsense'")),
    "a dtype that is none": one_array(npy_header(descr="None")),
    "an order that is none": one_array(npy_header(order="None")),
    "a deep header": one_array(npy_header("(" * 4000 + ")" * 4000)),
    "a header of signs": one_array(npy_header("(" + "-" * 9000 + "1,)")),
    "a header without end": one_array(b"\x93NUMPY\x01\x00\xff\xff{"),
    "a header too long": one_array(npy_header(shape="(2,)" + " " * 60_000)),
    "an unknown npy version": one_array(npy_header(version=(9, 0))),
    "no npy": one_array(b"nothing of the kind"),
    "an empty npy": one_array(b""),
    "only npy's first bytes": one_array(b"\x93NUMPY"),
    "one byte behind the npy": one_array(npy(np.ones(2)) + b"\0"),
    "the directory cut off": GOOD[: GOOD.index(b"PK\x01\x02")],
    "an encrypted part": GOOD.replace(b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"),
    "a directory far away": GOOD[:-6] + b"\xff\xff\xff\x7f" + GOOD[-2:],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_and_runs_nothing(path, name):
    EXECUTED.clear()
    assert load_bytes(path, HOSTILE[name]) == "refused"
    assert EXECUTED == []


def test_the_hostile_files_are_made_as_meant(path):
    """The unspoiled forms of the same makers load, so it is the spoiling that is refused."""
    assert load_bytes(path, GOOD) == form(np.ones(2, np.float32))
    assert load_bytes(path, one_array(npy_header())) == form(np.zeros(2, np.float32))
    assert load_bytes(path, one_array(npy_header(version=(2, 0)))) == form(np.zeros(2, np.float32))
    assert load_bytes(path, holding({"$dict": [["a", {"$tuple": [1]}]]})) == form({"a": (1,)})
    arrays = np.ones(2), np.ones(3)
    assert load_bytes(path, holding([{"$array": 0}, {"$scalar": 1}], arrays[0], np.float32(3))) == form(
        [arrays[0], np.float32(3)]
    )
    assert GOOD not in HOSTILE.values()
    pickle.loads(pickle.dumps(Bomb()))
    assert EXECUTED


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["structure.json", "0.npy"])
def test_two_parts_of_one_name_are_refused(path, name):
    members = {"structure.json": structure({"$array": 0}), "0.npy": npy(np.ones(2))}
    assert load_bytes(path, archive([*members.items(), (name, members[name])])) == "refused"


def test_parts_that_lie_inside_each_other_are_refused(path):
    """A small file whose parts add up to a large one: each array is the bytes of the part after it."""
    count, data, parts = 20, npy(np.zeros(100_000, np.uint8)), []
    for i in reversed(range(count)):
        info = zipfile.ZipInfo(f"{i}.npy")
        info.CRC, info.file_size, info.compress_size = zlib.crc32(data), len(data), len(data)
        block = info.FileHeader() + data
        parts.insert(0, (info, len(block)))
        data = npy(np.frombuffer(block, np.uint8))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("structure.json", structure([{"$array": i} for i in range(count)]))
        end = file.start_dir + len(block)
        stream.write(block)
        file.start_dir = stream.tell()
        for info, length in parts:  # all of them end together
            info.header_offset = end - length
            file.filelist.append(info)
            file.NameToInfo[info.filename] = info
    with zipfile.ZipFile(stream) as file:
        assert sum(info.file_size for info in file.infolist()) > 15 * len(stream.getvalue())
    assert load_bytes(path, stream.getvalue()) == "refused"


def test_refusing_costs_no_memory(path):
    names = ["a compressed bomb", "a compressed structure", "a huge shape", "a huge product", "one array many times"]
    for name in names:
        path.write_bytes(HOSTILE[name])
        tracemalloc.start()
        with pytest.raises(mg.CheckpointError):
            mg.load(path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 2_000_000, name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("random bytes", "is not a minigrad checkpoint, or was truncated or altered. Load a file that mg.save wrote"),
        ("a zip of another kind", "a zip file of another kind"),
        ("another version", "it has version 2, this minigrad reads version 1: update minigrad"),
        ("a compressed bomb", "it is compressed, which no checkpoint is"),
        ("deep lists", "nested too deeply"),
        ("an array of objects", r"an array of object \(1,\) does not fit"),
        ("an array is missing", r"1\.npy"),
        ("arrays out of order", "refers to array 1 where number 0 is due"),
        ("an unknown part", r"unknown part '\$code'"),
    ],
)
def test_refusals_say_why(path, name, message):
    path.write_bytes(HOSTILE[name])
    with pytest.raises(mg.CheckpointError, match=message):
        mg.load(path)


# -- a resumed run -----------------------------------------------------------------------------


def fresh_run(kind, settings, dtype):
    model = nn.Sequential(
        nn.Linear(4, 16, dtype=dtype), nn.BatchNorm1d(16, dtype=dtype), nn.ReLU(), nn.Dropout(0.3),
        nn.Linear(16, 3, dtype=dtype),
    )  # fmt: skip
    return model, kind(model.parameters(), **settings)


def train(model, optimizer, epochs, dtype):
    """Epochs with data, dropout and order from the global random state; the losses."""
    losses, criterion = [], nn.CrossEntropyLoss()
    for _ in range(epochs):
        x = mg.tensor(mg.randn(32, 4).numpy(), dtype=dtype)
        target = mg.tensor((x.numpy().sum(1) > 0).astype(np.int64))
        for rows in mg.randperm(32).numpy().reshape(4, 8):
            optimizer.zero_grad()
            loss = criterion(model(x[rows]), target[rows])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (optim.SGD, {"lr": 0.1}),
        (optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
        (optim.Adam, {"lr": 0.01, "amsgrad": True}),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_resumed_run_is_the_run_that_was_not_interrupted(path, kind, settings, dtype):
    mg.manual_seed(5)
    model, optimizer = fresh_run(kind, settings, dtype)
    train(model, optimizer, 3, dtype)
    saved = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "random": mg.get_rng_state(), "epoch": 3}
    mg.save(saved, path)
    losses = train(model, optimizer, 3, dtype)
    final = mg.randn(3).numpy()

    mg.manual_seed(99)
    resumed, resumed_optimizer = fresh_run(kind, {**settings, "lr": 7}, dtype)
    train(resumed, resumed_optimizer, 1, dtype)
    state = mg.load(path)
    resumed.load_state_dict(state["model"])
    resumed_optimizer.load_state_dict(state["optimizer"])
    mg.set_rng_state(state["random"])
    assert state["epoch"] == 3
    assert train(resumed, resumed_optimizer, 3, dtype) == losses
    assert form(resumed.state_dict()) == form(model.state_dict())
    assert form(resumed_optimizer.state_dict()) == form(optimizer.state_dict())
    np.testing.assert_array_equal(mg.randn(3).numpy(), final)
