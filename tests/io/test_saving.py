"""What is saved is loaded with the same types, dtypes and layout."""

import io
import json
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.io.files import content, form

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
        ([0, (1, object())], r"cannot save the object\[1\]\[1\]: an object"),
        ({"model": nn.Linear(1, 1)}, r"cannot save the object\['model'\]: a Linear.*save module.state_dict\(\)"),
        ({"x": 1j}, r"\['x'\]: a complex"),
        ({"x": np.ones(2, complex)}, r"\['x'\]: an array of complex128"),
        ([np.array(["a"])], r"the object\[0\]: an array of <U1"),
        ([np.array([{}], object)], r"the object\[0\]: an array of object"),
        ([np.datetime64("2020-01-01")], r"the object\[0\]: an array of datetime64"),
        ([np.zeros(1, [("a", "f4")])], r"the object\[0\]: an array of \[\('a'"),
        ({"a": {(1, 2): 3}}, r"cannot save the object\['a'\]: its key \(1, 2\) is a tuple; expected str or int"),
        ({2.5: 1}, "its key 2.5 is a float"),
        ({None: 1}, "its key None is None"),
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
