"""PyTorch's words: dtypes and their limits, the default dtype, constants, switches that are accepted."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.kernels import threads
from tests.tensor.dtypes import b1, f2, f4, f8, i4, i8, u1

DTYPES = {
    "bool": b1, "bool_": b1, "uint8": u1, "int8": np.int8, "int16": np.int16, "short": np.int16, "int32": i4,
    "int": i4, "int64": i8, "long": i8, "float16": f2, "half": f2, "float32": f4, "float": f4, "float64": f8,
    "double": f8, "uint16": np.uint16, "uint32": np.uint32, "uint64": np.uint64,
}  # fmt: skip


@pytest.mark.parametrize("name", DTYPES)
def test_a_word_is_one_of_numpys_dtypes(name):
    word = getattr(mg, name)
    assert isinstance(word, mg.dtype) and word == DTYPES[name] and word is np.dtype(DTYPES[name])
    x = mg.zeros(2, dtype=word)
    assert x.dtype == word and {word: "found"}[x.dtype] == "found"


def test_the_words_hide_nothing_of_python_from_the_package():
    assert mg.ops.sum is mg.sum and isinstance(mg.__version__, str)
    assert mg.tensor([True, False]).dtype == mg.bool and mg.tensor(3).dtype == mg.long


# golden values of PyTorch 2.14.1
FINFO = {
    "float16": "finfo(resolution=0.001, min=-65504, max=65504, eps=0.000976562, smallest_normal=6.10352e-05, "
    "tiny=6.10352e-05, dtype=float16)",
    "float32": "finfo(resolution=1e-06, min=-3.40282e+38, max=3.40282e+38, eps=1.19209e-07, "
    "smallest_normal=1.17549e-38, tiny=1.17549e-38, dtype=float32)",
    "float64": "finfo(resolution=1e-15, min=-1.79769e+308, max=1.79769e+308, eps=2.22045e-16, "
    "smallest_normal=2.22507e-308, tiny=2.22507e-308, dtype=float64)",
}


@pytest.mark.parametrize("name", FINFO)
def test_the_limits_of_floats(name):
    found, own = mg.finfo(getattr(mg, name)), np.finfo(name)
    assert repr(found) == FINFO[name]
    assert (found.eps, found.max, found.min, found.tiny) == (own.eps, own.max, own.min, own.tiny)
    assert {type(value) for value in (found.eps, found.max, found.min, found.tiny, found.resolution)} == {float}
    assert (found.bits, found.dtype, found.smallest_normal) == (own.bits, name, own.smallest_normal)


def test_the_limits_of_integers():
    assert repr(mg.iinfo(mg.int64)) == "iinfo(min=-9.22337e+18, max=9.22337e+18, dtype=int64)"
    assert repr(mg.iinfo(mg.uint8)) == "iinfo(min=0, max=255, dtype=uint8)"
    found = mg.iinfo(mg.int64)
    assert (found.min, found.max, found.bits, found.dtype) == (-(2**63), 2**63 - 1, 64, "int64")
    assert mg.finfo().dtype == "float32"


def test_constants():
    assert (mg.pi, mg.e, mg.inf, mg.newaxis) == (math.pi, math.e, math.inf, None) and math.isnan(mg.nan)
    assert mg.ones(2)[:, mg.newaxis].shape == (2, 1)


CASTS = [("bool", "int8", True), ("int64", "uint8", True), ("int8", "bool", False), ("int64", "float16", True),
         ("float32", "int64", False), ("float64", "float16", True), ("float16", "bool", False)]  # fmt: skip


@pytest.mark.parametrize(("one", "other", "possible"), CASTS)
def test_can_cast_as_pytorch(one, other, possible):
    assert mg.can_cast(getattr(mg, one), getattr(mg, other)) is possible


@pytest.fixture
def default_dtype():
    yield mg.set_default_dtype
    mg.set_default_dtype(mg.float32)


@pytest.mark.parametrize("dtype", [f2, f8])
def test_the_default_dtype_is_that_of_python_floats(default_dtype, dtype):
    default_dtype(dtype)
    ints, bools = mg.tensor([1, 2]), mg.tensor([True, False])
    made = [
        mg.tensor(0.5), mg.tensor([1.0, 2]), mg.zeros(2), mg.ones(2), mg.empty(2), mg.eye(2), mg.full((2,), 0.5),
        mg.arange(0, 1, 0.5), mg.linspace(0, 1, 3), mg.logspace(0, 1, 3), mg.rand(2), mg.randn(2), mg.Tensor(2),
        mg.normal(0, 1, (2,)), ints * 0.5, ints / 2, mg.sqrt(ints), mg.exp(bools), mg.add(ints, [0.5, 0.5]),
        mg.distributions.Normal(0, 1).sample(),
    ]  # fmt: skip
    assert {x.dtype for x in made} == {np.dtype(dtype)}
    assert mg.get_default_dtype() == dtype and mg.finfo().dtype == np.dtype(dtype).name
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    assert {p.dtype for p in model.parameters()} == {np.dtype(dtype)}
    np.testing.assert_allclose(mg.sqrt(ints).numpy(), np.sqrt([1.0, 2.0]).astype(dtype), rtol=0)
    np.testing.assert_allclose(mg.sqrt(ints.char()).numpy(), np.sqrt([1.0, 2.0]).astype(dtype), rtol=1e-3)


def test_what_has_a_dtype_does_not_follow_the_default(default_dtype):
    x = mg.ones(2)
    default_dtype(mg.float64)
    assert (x * 0.5).dtype == (x + x).dtype == mg.zeros_like(x).dtype == x.new_zeros(2).dtype == f4
    assert mg.tensor(np.float32(1)).dtype == f4 and mg.tensor([1, 2]).dtype == i8


@pytest.mark.parametrize("wrong", [int, bool, "int64", None, complex])
def test_the_default_dtype_is_a_float_dtype(default_dtype, wrong):
    with pytest.raises(TypeError, match="the default dtype must be float16, float32 or float64"):
        default_dtype(wrong)
    assert mg.get_default_dtype() == f4


def test_older_names_of_tensors():
    zeros, values = mg.FloatTensor(2, 3), mg.LongTensor([1.5, 2])
    assert (zeros.shape, zeros.dtype, values.tolist(), values.dtype) == ((2, 3), f4, [1, 2], i8)
    assert isinstance(zeros, mg.FloatTensor) and not isinstance(zeros, mg.LongTensor)
    assert not isinstance(np.zeros(2, f4), mg.FloatTensor)
    for name in ("Bool", "Byte", "Char", "Short", "Int", "Long", "Half", "Float", "Double"):
        make = getattr(mg, f"{name}Tensor")
        x = make([0, 1])
        assert x.type() == f"minigrad.{name}Tensor" and make().shape == (0,)
        assert zeros.type(make).dtype == zeros.type(f"torch.{name}Tensor").dtype == x.dtype
    array = np.ones(2, f4)
    mg.FloatTensor(array)[0] = 5
    assert array.tolist() == [1, 1]


def test_switches_are_accepted():
    mg.use_deterministic_algorithms(True, warn_only=True)
    mg.backends.cudnn.deterministic = True
    mg.backends.cudnn.benchmark = False
    mg.backends.cuda.matmul.allow_tf32 = True
    mg.cuda.manual_seed_all(3)
    mg.cuda.manual_seed(3)
    mg.cuda.synchronize()
    mg.cuda.empty_cache()
    assert mg.backends.cudnn.deterministic
    assert not any((mg.cuda.is_available(), mg.cuda.device_count(), mg.backends.mps.is_available()))
    assert not mg.backends.mps.is_built()
    assert mg.utils.data.DataLoader is mg.data.DataLoader


def test_the_number_of_threads():
    before, helpers = mg.get_num_threads(), threads.helpers()
    try:
        for n in (3, 1):
            mg.set_num_threads(n)
            pool = threads.helpers()
            assert mg.get_num_threads() == n and (pool._max_workers if pool else 0) == n - 1
        for wrong in (0, 1.5, True, "2"):
            with pytest.raises(ValueError, match="the number of threads must be an integer of at least 1"):
                mg.set_num_threads(wrong)
    finally:
        mg.set_num_threads(before)
    assert mg.get_num_threads() == before and (threads.helpers() is None) is (helpers is None)


def test_questions():
    x = mg.ones(2, 3)
    assert (mg.is_tensor(x), mg.is_tensor(x.numpy()), mg.is_tensor(3)) == (True, False, False)
    assert (mg.is_floating_point(x), mg.is_floating_point(x.long()), mg.is_complex(x)) == (True, False, False)
    assert (mg.numel(x), mg.is_nonzero(mg.tensor([0.5])), mg.is_nonzero(mg.tensor(0))) == (6, True, False)
    assert [x.is_signed(), x.long().is_signed(), x.byte().is_signed(), x.bool().is_signed()] == [
        True,
        True,
        False,
        False,
    ]
    assert (x.is_floating_point(), x.is_complex(), x.is_cuda) == (True, False, False)


REFUSED = {
    "finfo": (lambda: mg.finfo(mg.int8), TypeError, "finfo is for float dtypes, got int8: use mg.iinfo"),
    "iinfo": (lambda: mg.iinfo(mg.float32), TypeError, "iinfo is for integer dtypes, got float32: use mg.finfo"),
    "iinfo bool": (lambda: mg.iinfo(mg.bool), TypeError, "iinfo is for integer dtypes, got bool"),
    "is_nonzero": (lambda: mg.is_nonzero(mg.ones(2)), ValueError, r"\(2,\) float32 is ambiguous"),
    "numel": (lambda: mg.numel([1, 2]), TypeError, "expected a tensor, got list"),
    "FloatTensor": (lambda: mg.FloatTensor(2.5), TypeError, "FloatTensor takes lengths or one list"),
    "a negative length": (lambda: mg.FloatTensor(-1), ValueError, "must not be negative"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name):
    call, kind, words = REFUSED[name]
    with pytest.raises(kind, match=words):
        call()
    with pytest.raises(RuntimeError, match=words):
        call()
