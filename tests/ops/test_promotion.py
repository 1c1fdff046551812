"""Dtypes of results: PyTorch's rules of promotion, and what is refused."""

import functools
import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F
from tests.helpers.dtypes import BOOL, F2, F4, F8, I1, I2, I4, I8, U1

ALL = [BOOL, U1, I1, I2, I4, I8, F2, F4, F8]
LADDERS = {"f": [F2, F4, F8], "i": [I1, I2, I4, I8]}
"""PyTorch's documentation, "tensor attributes": within a category the wider dtype wins."""


def promoted(a, b):
    """The model: the smallest dtype both can be converted to."""
    if a == b or b == BOOL:
        return a
    if a == BOOL:
        return b
    if a.kind == b.kind:
        ladder = LADDERS[a.kind]
        return ladder[max(ladder.index(a), ladder.index(b))]
    if "f" in (a.kind, b.kind):
        return a if a.kind == "f" else b
    signed = a if a.kind == "i" else b  # uint8 with an integer with sign
    return I2 if signed == I1 else signed


LEVEL = {"b": 0, "u": 1, "i": 1, "f": 2}


def expected(a, b):
    """The model for two operands (rank, dtype), rank 0: with axes, 1: without, 2: a number."""
    dtypes = [
        functools.reduce(promoted, [dtype for own, dtype in (a, b) if own == rank])
        for rank in (0, 1, 2)
        if rank in (a[0], b[0])
    ]
    best = dtypes[0]
    for dtype in dtypes[1:]:
        best = dtype if LEVEL[dtype.kind] > LEVEL[best.kind] else best
    return best


NUMBERS = [
    (True, BOOL),
    (1, I8),
    (1.0, F4),
    (np.True_, BOOL),
    (np.int32(1), I8),
    (np.float64(1), F4),
    (np.float16(1), F4),
]

TENSORS = [
    *[(mg.ones(2, dtype=dtype), (0, dtype)) for dtype in ALL],
    *[(mg.ones((), dtype=dtype), (1, dtype)) for dtype in ALL],
]

OPERANDS = [
    *TENSORS,
    *[(x.numpy(), standing) for x, standing in TENSORS],
    *[(number, (2, dtype)) for number, dtype in NUMBERS],
]

PAIRS = list(itertools.product(TENSORS, OPERANDS))


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda pair: str(pair[1]))
def test_two_operands_promote_as_in_pytorch(one, other):
    (a, standing_a), (b, standing_b) = one, other
    right = expected(standing_a, standing_b)
    assert mg.result_type(a, b) == mg.result_type(b, a) == right
    for operation in (mg.mul, mg.add, mg.maximum, lambda a, b: mg.where(np.array([True, False]), a, b)):
        assert operation(a, b).dtype == operation(b, a).dtype == right
    assert mg.div(a, b).dtype == (right if right.kind == "f" else F4)


@pytest.mark.parametrize(("a", "b"), list(itertools.product(ALL, ALL)), ids=str)
def test_types_promote_as_in_pytorch(a, b):
    assert mg.promote_types(a, b) == promoted(a, b)
    joined = mg.cat([mg.ones(1, dtype=a), mg.ones(1, dtype=b)])
    assert joined.dtype == promoted(a, b)
    assert mg.stack([mg.ones(1, dtype=a), mg.ones(1, dtype=b)]).dtype == promoted(a, b)


def test_integers_without_sign_stay_integers():
    assert mg.promote_types(np.uint64, np.int64) == I8
    assert mg.promote_types(np.uint16, np.uint32) == np.uint32
    assert mg.promote_types(np.uint16, np.float16) == F2


def test_what_is_no_number_has_no_dtype():
    for values in ((), ("a",), (mg.ones(1), np.array(["a"]))):
        with pytest.raises(TypeError):
            mg.result_type(*values)
    with pytest.raises(TypeError, match="expected real numbers or booleans, got complex128"):
        mg.promote_types(np.complex128, F4)


@pytest.mark.parametrize("create_graph", [False, True])
def test_gradients_come_back_in_the_dtypes_of_their_tensors(create_graph):
    x = mg.tensor(np.array([1.5, 2.5]), requires_grad=True)
    w = mg.tensor(np.float32(3.0), requires_grad=True)
    half = mg.tensor(np.array([2.0, 4.0], F2), requires_grad=True)
    y = x * w * half
    assert y.dtype == F8
    y.sum().backward(create_graph=create_graph)
    assert [t.grad.dtype for t in (x, w, half)] == [F8, F4, F2]
    assert [t.grad.tolist() for t in (x, w, half)] == [[6.0, 12.0], 13.0, [4.5, 7.5]]


def test_comparisons_are_made_in_the_promoted_dtype():
    tenth = mg.tensor([0.1])
    for other in (0.1, np.float64(0.1), mg.tensor(np.float64(0.1)), [0.1]):
        assert (tenth == other).tolist() == [True]
    assert (tenth == mg.tensor(np.array([0.1]))).tolist() == [False]  # two tensors with axes: in float64


def test_lists_as_operands_are_float32():
    assert (mg.ones(2) * [0.5, 1.5]).dtype == F4
    assert (mg.ones(2, dtype=I8) * [0.5, 1.5]).tolist() == [0.5, 1.5]


def test_losses_of_two_float_dtypes_promote_where_pytorchs_do():
    with pytest.raises(TypeError, match="bce_loss: input is float32 but target is float64: convert one"):
        F.binary_cross_entropy(mg.ones(2), mg.ones(2, dtype=F8))
    for loss in (F.mse_loss, F.l1_loss, F.binary_cross_entropy_with_logits):
        x = mg.ones(2, requires_grad=True)
        y = loss(x, mg.ones(2, dtype=F8))
        assert y.dtype == F8
        y.backward()
        assert x.grad.dtype == F4


WIDE = {"matmul": ("input", "other"), "linear": ("input", "weight")}


@pytest.mark.parametrize("as_array", [False, True])
@pytest.mark.parametrize("dtypes", list(itertools.permutations([F2, F4, F8], 2)))
@pytest.mark.parametrize("name", WIDE)
def test_products_refuse_two_float_dtypes(name, dtypes, as_array):
    a, b = (mg.ones(2, 2, dtype=dtype, requires_grad=True) for dtype in dtypes)
    first, second = WIDE[name]
    words = (
        rf"^{name}: {first} is {dtypes[0]} but {second} is {dtypes[1]}: convert one, "
        rf"x\.to\(mg\.{dtypes[1]}\) or module\.to\(mg\.{dtypes[0]}\)\.$"
    )
    with pytest.raises(TypeError, match=words):
        getattr(mg, name)(a.numpy() if as_array else a, b)


def test_layers_refuse_another_float_dtype_and_name_themselves():
    x = mg.from_numpy(np.ones((4, 2)))
    for net, words in (
        (nn.Linear(2, 2), "linear in Linear: input is float64 but weight is float32: convert one"),
        (nn.BatchNorm1d(2), "batch_norm in BatchNorm1d: input is float64 but running_mean is float32: convert one"),
    ):
        with pytest.raises(TypeError, match=words):
            net(x)
        assert net.double()(x).dtype == F8


def test_linear_refuses_a_bias_of_another_float_dtype():
    with pytest.raises(TypeError, match="linear: input is float32 but bias is float64"):
        mg.linear(mg.ones(2, 2), mg.ones(2, 2), mg.ones(2, dtype=F8))


def test_products_of_integers_and_floats_are_floats():
    assert (mg.arange(4).reshape(2, 2) @ mg.ones(2, 2, dtype=F2)).dtype == F2
    assert (mg.ones(2, 2) @ np.ones((2, 2), int)).dtype == F4


@pytest.mark.parametrize(
    "function", [lambda t: t + np.array(["a", "b"]), lambda t: nn.Linear(2, 2)(np.array(["a", "b"]))]
)
def test_text_is_a_wrong_type(function):
    with pytest.raises(TypeError, match="expected real numbers or booleans, got <U1 values"):
        function(mg.ones(2))


@pytest.mark.parametrize("dtype", [dtype for dtype in ALL if dtype.kind != "f"], ids=str)
@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "sin", "cos", "tanh", "sigmoid", "reciprocal"])
def test_float_functions_of_integers_are_float32(name, dtype):
    values = np.array([1, 1, 0, 1] if dtype == BOOL else [1, 2, 5, 11], dtype)
    with np.errstate(divide="ignore"):
        y = getattr(mg, name)(mg.tensor(values))
        right = getattr(mg, name)(values.astype(F8))
    assert y.dtype == F4
    np.testing.assert_allclose(y.numpy(), right, rtol=1e-6)


@pytest.mark.parametrize("dtype", [dtype for dtype in ALL if dtype.kind != "f"], ids=str)
@pytest.mark.parametrize("name", ["sum", "prod"])
def test_sums_and_products_of_integers_are_int64(name, dtype):
    values = np.array([1, 1, 1], dtype) * (dtype.type(1) if dtype == BOOL else dtype.type(100))
    y = getattr(mg, name)(mg.tensor(values))
    assert (y.dtype, y.item()) == (I8, int(getattr(np, name)(values.astype(I8))))


TO_INTEGERS = {
    "long": lambda x: x.long(),
    "int": lambda x: x.int(),
    "bool": lambda x: x.bool(),
    "uint8": lambda x: x.to(np.uint8),
    "argmax": lambda x: x.argmax(),
    "max": lambda x: mg.max(x, 0).indices,
    "greater": lambda x: x > 1,
    "sign of integers": lambda x: x.long().abs(),
    "two steps": lambda x: x.long() * 2 + 1,
}


@pytest.mark.parametrize("name", TO_INTEGERS)
def test_what_is_not_of_floats_has_no_node(name):
    x = mg.tensor([1.5, 2.5, 3.0], requires_grad=True)
    y = TO_INTEGERS[name](x)
    assert (y.requires_grad, y.grad_fn, y.is_leaf) == (False, None, True)
    with pytest.raises(RuntimeError, match="does not require grad"):
        y.sum().backward()
    with pytest.raises(RuntimeError, match="does not require grad"):
        mg.grad(y.sum(), x)
    (y * x).sum().backward()
    assert x.grad.tolist() == np.broadcast_to(y.numpy(), 3).astype(float).tolist()


def test_floats_of_another_precision_keep_their_node():
    x = mg.tensor([1.5], requires_grad=True)
    assert [x.to(dtype).requires_grad for dtype in (F2, F4, F8)] == [True] * 3
