"""Files made to do harm are refused, run nothing and cost no memory."""

import io
import json
import pickle
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest

import minigrad as mg
from tests.io.files import form, load_bytes

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
