"""Tensors: how they are made, what they convert to, their methods, copies and pickles."""

import copy
import inspect
import pickle
import pydoc

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

f2, f4, f8, i4, i8, u1, b1 = map(np.dtype, ("f2", "f4", "f8", "i4", "i8", "u1", "?"))


def check(t, array, dtype):
    """A tensor of exactly these values, this shape and this dtype."""
    assert isinstance(t, mg.Tensor)
    assert t.dtype == dtype
    assert isinstance(t.dtype, np.dtype)
    assert t.shape == np.shape(array)
    np.testing.assert_array_equal(t.numpy(), np.asarray(array, dtype))


# -- making tensors --------------------------------------------------------------------------------

DATA = [
    (2.5, f4),
    (3, i8),
    (True, b1),
    ([1.0, 2.0], f4),
    ([1, 2.0], f4),
    ([1, 2], i8),
    ([True, 2], i8),
    ([True, False], b1),
    ([], f4),
    ([[], []], f4),
    ((1.0, (2.0)), f4),
    ([[1, 2], [3, 4]], i8),
    (range(3), i8),
    (float("inf"), f4),
    (np.float64(0.1), f8),
    (np.float32(0.1), f4),
    (np.int32(3), i4),
    (np.bool_(True), b1),
    (np.array(0.1), f8),
    (np.array([1.5], f2), f2),
    (np.array([1, 2], u1), u1),
    ([np.float64(0.1), 1.0], f8),
    ([1.0, np.float64(0.1)], f8),
    ([[1.0], [np.float64(0.1)]], f8),
    ([np.float32(0.1), 1.0], f4),
    ([np.float32(0.1), np.int64(1)], f4),
    ([np.array([1.0, 2.0]), [3.0, 4.0]], f8),
    ([np.array([1, 2]), [3.5, 4.5]], f4),
    ([np.array([1.0], f4), np.array([2.0], f4)], f4),
]


@pytest.mark.parametrize(("data", "dtype"), DATA, ids=map(repr, DATA))
def test_tensor_from_data(data, dtype):
    check(mg.tensor(data), data, dtype)


@pytest.mark.parametrize("dtype", [f2, f4, f8, i4, i8, u1, b1, "float64", float, int, np.float32])
def test_tensor_of_a_given_dtype(dtype):
    for data in ([0, 1, 2], [0.0, 1.0], np.array([0, 1], u1), mg.tensor([0.0, 1.0])):
        check(mg.tensor(data, dtype=dtype), np.asarray(data), np.dtype(dtype))


def test_a_given_dtype_keeps_all_digits():
    assert mg.tensor(0.1, dtype=f8).item() == 0.1
    assert mg.full((1,), 0.1, dtype=f8).item() == 0.1
    assert mg.tensor(2**53 + 1).item() == 2**53 + 1


def test_tensors_of_tensors():
    single, double = mg.tensor([1.5, 2.5]), mg.tensor([1.5, 2.5], dtype=f8)
    check(mg.tensor(single), [1.5, 2.5], f4)
    check(mg.tensor([single, single]), [[1.5, 2.5]] * 2, f4)
    check(mg.tensor([double[0], 1.0]), [1.5, 1.0], f8)
    check(mg.tensor([single[0], single[1]]), [1.5, 2.5], f4)
    assert not mg.tensor(mg.tensor(1.0, requires_grad=True)).requires_grad


@pytest.mark.parametrize("data", [np.zeros(3), mg.zeros(3, dtype=f8)])
@pytest.mark.parametrize("make", [mg.tensor, mg.Tensor, lambda d: mg.tensor(d, dtype=f8)])
def test_tensor_copies(make, data):
    t = make(data)
    assert not np.shares_memory(t.array, np.asarray(data))
    t[0] = 1
    assert data.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        ([[1.0, 2.0], [3.0]], ValueError, r"inhomogeneous.*Nested lists need rows of one length"),
        ([[1.0], 2.0], ValueError, "rows of one length"),
        ("abc", TypeError, "no tensor can be made of <U3 values: expected real numbers or booleans"),
        (["1", "2"], TypeError, "<U1 values"),
        (b"ab", TypeError, "expected real numbers"),
        (1j, TypeError, "complex128 values"),
        (np.array([1j]), TypeError, "complex128 values"),
        (None, TypeError, "no tensor can be made of NoneType"),
        ([1.0, None], TypeError, "no tensor can be made of list"),
        ({1, 2}, TypeError, "no tensor can be made of set"),
        ({"a": 1}, TypeError, "no tensor can be made of dict"),
        ((x for x in "ab"), TypeError, "no tensor can be made of generator"),
        (object(), TypeError, "no tensor can be made of object"),
        (10**30, TypeError, "no tensor can be made of int"),
        (np.array(["2020-01-01"], "M8[D]"), TypeError, "expected real numbers"),
    ],
)
@pytest.mark.parametrize("dtype", [None, f4])
def test_what_is_no_numbers_is_refused(data, kind, words, dtype):
    with pytest.raises(kind, match=words):
        mg.tensor(data, dtype=dtype)


@pytest.mark.parametrize("dtype", [complex, object, str, "S3", "M8[s]"])
@pytest.mark.parametrize(
    "make",
    [
        lambda dtype: mg.tensor([1.0], dtype=dtype),
        lambda dtype: mg.zeros(2, dtype=dtype),
        lambda dtype: mg.full((2,), 1, dtype=dtype),
        lambda dtype: mg.ones(2).to(dtype),
        lambda dtype: mg.ones(2).astype(dtype),
    ],
)
def test_what_is_no_dtype_of_numbers_is_refused(make, dtype):
    with pytest.raises(TypeError, match="a tensor cannot be of dtype"):
        make(dtype)


SIZED = {
    "zeros": (mg.zeros, lambda shape: np.zeros(shape)),
    "ones": (mg.ones, lambda shape: np.ones(shape)),
}


@pytest.mark.parametrize("name", SIZED)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 2), (1, 1, 4)])
def test_filled_tensors(name, shape):
    make, expected = SIZED[name]
    for size in ((shape,), ([*shape],), shape):
        check(make(*size), expected(shape), f4)
        check(make(*size, dtype=None), expected(shape), f4)
        check(make(*size, dtype=i4), expected(shape), i4)
    check(make(np.int64(2), np.int32(3)), expected((2, 3)), f4)
    assert make(*shape, requires_grad=True).requires_grad


@pytest.mark.parametrize(
    ("t", "array", "dtype"),
    [
        (mg.full((2, 3), 1.5), np.full((2, 3), 1.5), f4),
        (mg.full((2,), 7), [7, 7], i8),
        (mg.full([2], True), [True, True], b1),
        (mg.full(2, 0.5), [0.5, 0.5], f4),
        (mg.full((), 2.0), 2.0, f4),
        (mg.full((2,), 3, dtype=f4), [3.0, 3.0], f4),
        (mg.eye(2), np.eye(2), f4),
        (mg.eye(2, 3, dtype=i8), np.eye(2, 3), i8),
        (mg.arange(4), [0, 1, 2, 3], i8),
        (mg.arange(2, 5), [2, 3, 4], i8),
        (mg.arange(5, 0, -2), [5, 3, 1], i8),
        (mg.arange(0, 1, 0.25), [0, 0.25, 0.5, 0.75], f4),
        (mg.arange(3.0), [0, 1, 2], f4),
        (mg.arange(np.float32(0), 2), [0, 1], f4),
        (mg.arange(3, dtype=f8), [0, 1, 2], f8),
        (mg.linspace(0, 1, 5), np.linspace(0, 1, 5), f4),
        (mg.linspace(0, 1, 5, dtype=f8), np.linspace(0, 1, 5), f8),
        (mg.zeros_like(mg.arange(3)), [0, 0, 0], i8),
        (mg.ones_like(mg.ones(2, dtype=f8)), [1, 1], f8),
        (mg.ones_like(mg.arange(2), dtype=f4), [1, 1], f4),
        (mg.full_like(mg.ones(2), 3), [3, 3], f4),
    ],
)
def test_other_tensors(t, array, dtype):
    check(t, array, dtype)


@pytest.mark.parametrize("make", [mg.randn, mg.rand])
def test_random_tensors(make):
    mg.manual_seed(0)
    first = make(2, 3)
    assert (first.shape, first.dtype) == ((2, 3), f4)
    assert make((4,), dtype=f8).dtype == f8
    assert make().shape == ()
    assert make(0, 2).shape == (0, 2)
    mg.manual_seed(0)
    np.testing.assert_array_equal(make([2, 3]).numpy(), first.numpy())
    assert not np.array_equal(make(2, 3).numpy(), first.numpy())
    assert make(2, requires_grad=True).requires_grad
    like = mg.randn_like if make is mg.randn else mg.rand_like
    assert (like(first).shape, like(first).dtype, like(first, dtype=f8).dtype) == ((2, 3), f4, f8)


def test_random_numbers_are_distributed_as_said():
    mg.manual_seed(3)
    normal, even, whole = mg.randn(40_000).numpy(), mg.rand(40_000).numpy(), mg.randint(-2, 3, (40_000,)).numpy()
    # the standard deviation of a mean of n values is that of one value over sqrt(n): five of them
    assert abs(normal.mean()) < 5 / 200
    assert abs(normal.std() - 1) < 5 / 200
    assert 0 <= even.min() < even.max() < 1
    assert abs(even.mean() - 0.5) < 5 * 12**-0.5 / 200
    assert set(whole.tolist()) == {-2, -1, 0, 1, 2}
    assert abs(whole.mean()) < 5 * 2**0.5 / 200


def test_evenly_distributed_numbers_stay_below_1_in_every_dtype():
    mg.manual_seed(0)
    coarse = mg.rand(100_000, dtype=f2)
    assert coarse.dtype == f2
    assert 0.999 < coarse.amax().item() < 1


def test_random_integers_and_permutations():
    assert (mg.randint(0, 5, (3, 2)).shape, mg.randint(0, 5, (3,)).dtype) == ((3, 2), i8)
    assert set(mg.randint(2, (50,)).tolist()) == {0, 1}
    assert mg.randint(0, 5, (3,), dtype=i4).dtype == i4
    assert sorted(mg.randperm(6).tolist()) == [0, 1, 2, 3, 4, 5]


def test_the_random_state_can_be_saved_and_set():
    mg.manual_seed(1)
    mg.randn(3)
    state = pickle.loads(pickle.dumps(mg.get_rng_state()))
    first = mg.randn(3).tolist()
    mg.set_rng_state(state)
    assert mg.randn(3).tolist() == first


@pytest.mark.parametrize("seed", [-1, 1.5, "a", None, True])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(ValueError, match="a seed must be an integer of at least 0"):
        mg.manual_seed(seed)


def test_as_tensor_copies_only_to_convert():
    array, t = np.zeros(2), mg.zeros(2)
    assert mg.as_tensor(t) is t
    assert mg.as_tensor(t, dtype=f4) is t
    check(mg.as_tensor(t, dtype=f8), [0, 0], f8)
    assert np.shares_memory(mg.as_tensor(array).array, array)
    assert np.shares_memory(mg.as_tensor(array, dtype="float64").array, array)
    check(mg.as_tensor(array, dtype=f4), [0, 0], f4)
    check(mg.as_tensor([1.0, 2.0]), [1, 2], f4)


def test_from_numpy_shares():
    array = np.zeros(2)
    t = mg.from_numpy(array)
    t += 1
    assert array.tolist() == [1.0, 1.0]
    for wrong in ([1.0], 1.0, np.array(["a"]), np.array([1j])):
        with pytest.raises(TypeError, match="from_numpy expects an array of numbers or booleans, got"):
            mg.from_numpy(wrong)


# -- dtypes of results -----------------------------------------------------------------------------

x2, x4, x8, n4, n8 = (mg.ones(2, dtype=dtype) for dtype in (f2, f4, f8, i4, i8))
RESULTS = [
    ("f4 + float", lambda: x4 + 0.5, f4),
    ("float - f4", lambda: 0.5 - x4, f4),
    ("f4 + int", lambda: x4 * 2, f4),
    ("f4 + True", lambda: x4 + True, f4),
    ("f4 * np.float64", lambda: x4 * np.float64(0.5), f4),
    ("np.float64 * f4", lambda: np.float64(0.5) * x4, f4),
    ("f4 ** np.float64", lambda: x4 ** np.float64(0.5), f4),
    ("f4 * list", lambda: x4 * [0.5, 0.5], f4),
    ("f4 * f8", lambda: x4 * x8, f8),
    ("f4 * float64 array", lambda: x4 * np.ones(2), f8),
    ("f4 * float32 array", lambda: x4 * np.ones(2, f4), f4),
    ("f4 * i8", lambda: x4 * n8, f4),
    ("f4 * int64 array", lambda: x4 * np.arange(2), f4),
    ("f4 / i4", lambda: x4 / n4, f4),
    ("f2 * float", lambda: x2 * 0.5, f2),
    ("f2 * np.float32", lambda: x2 * np.float32(0.5), f2),
    ("f2 * f4", lambda: x2 * x4, f4),
    ("i8 + int", lambda: n8 + 1, i8),
    ("i8 * i4", lambda: n8 * n4, i8),
    ("i8 / i8", lambda: n8 / n8, f4),
    ("i8 * float", lambda: n8 * 0.5, f4),
    ("i8 / 2", lambda: n8 / 2, f4),
    ("i8 ** 2", lambda: n8**2, i8),
    ("exp(i8)", lambda: mg.exp(n8), f4),
    ("sqrt(i4)", lambda: n4.sqrt(), f4),
    ("mean(i8)", lambda: n8.mean(), f4),
    ("sum(i8)", lambda: n8.sum(), i8),
    ("sum(f2)", lambda: x2.sum(), f2),
    ("mean(f4)", lambda: x4.mean(), f4),
    ("std(f4)", lambda: x4.std(), f4),
    ("softmax(f4)", lambda: x4.softmax(0), f4),
    ("where(f4, number)", lambda: mg.where(x4 > 0, x4, 0.0), f4),
    ("f4 < float", lambda: x4 < 0.5, b1),
    ("cat", lambda: mg.cat([x4, x8]), f8),
    ("index", lambda: x4[0], f4),
    ("argmax", lambda: x4.argmax(), i8),
    ("double(f8)", lambda: x8 * 0.1, f8),
]


@pytest.mark.parametrize(("make", "dtype"), [case[1:] for case in RESULTS], ids=[case[0] for case in RESULTS])
def test_nothing_drifts_to_float64(make, dtype):
    assert make().dtype == dtype


CASTS = {"float": f4, "double": f8, "half": f2, "long": i8, "int": i4, "bool": b1}


@pytest.mark.parametrize("name", CASTS)
def test_casts(name):
    t = mg.tensor([0.0, 1.75, -2.0])
    dtype = CASTS[name]
    expected = t.numpy().astype(dtype)
    for made in (getattr(t, name)(), t.astype(dtype), t.to(dtype), t.to(dtype.name), t.to(dtype.type)):
        check(made, expected, dtype)
    assert t.to(dtype).to(dtype).dtype == dtype
    assert t.float() is t


def test_the_gradient_of_a_cast_has_the_dtype_of_its_tensor():
    t = mg.tensor([1.0, 2.0], requires_grad=True)
    (t.double() * 2).sum().backward()
    assert (t.grad.dtype, t.grad.tolist()) == (f4, [2.0, 2.0])


def test_an_unknown_dtype_is_refused():
    with pytest.raises(TypeError, match="cpu"):
        mg.ones(2).to("cpu")


# -- what it is, and what it converts to -----------------------------------------------------------


def test_shapes():
    t = mg.zeros(2, 3, 4)
    assert t.shape == t.size() == (2, 3, 4)
    assert type(t.shape) is type(t.size()) is tuple
    assert (t.size(0), t.size(-1), t.ndim, t.dim(), t.numel(), len(t)) == (2, 4, 3, 3, 24, 2)
    assert t.T.shape == (4, 3, 2)
    assert mg.zeros(()).T.shape == ()
    with pytest.raises(IndexError, match=r"dim 3 is out of range for a tensor of 3 dimensions"):
        t.size(3)
    with pytest.raises(IndexError, match=r"dim 0 is out of range for a tensor of 0 dimensions"):
        mg.tensor(1.0).size(0)


def test_transposing_is_a_view():
    t = mg.arange(6).reshape(2, 3)
    np.testing.assert_array_equal(t.T.numpy(), t.numpy().T)
    assert np.shares_memory(t.T.array, t.array)


@pytest.mark.parametrize(
    ("value", "kind"), [(2.5, float), (3, int), (True, bool), (np.float64(2.5), float), ([[4.0]], float)]
)
def test_item(value, kind):
    item = mg.tensor(value).item()
    assert type(item) is kind
    assert item == np.ravel(value)[0]


def test_numbers():
    assert (float(mg.tensor(2.5)), int(mg.tensor([2.5])), bool(mg.tensor([0.0])), bool(mg.tensor(3))) == (
        2.5, 2, False, True,
    )  # fmt: skip
    assert [10, 20, 30][mg.tensor(1)] == 20
    assert list(range(mg.tensor([3]))) == [0, 1, 2]
    for many in (mg.ones(2), mg.ones(0)):
        with pytest.raises(ValueError, match=r"item\(\) needs a tensor of one element, got"):
            float(many)
        with pytest.raises(ValueError, match=r"the truth of a tensor .* is ambiguous: use \.any\(\) or \.all\(\)"):
            bool(many)
    for wrong in (mg.tensor(1.0), mg.tensor([1, 2]), mg.tensor(True)):
        with pytest.raises(TypeError, match="only an integer tensor of one element can be an index"):
            [1, 2, 3][wrong]


def test_any_and_all():
    assert [bool(mg.tensor([0, 1]).any()), bool(mg.tensor([0.0, 2.0]).all()), bool(mg.zeros(0).all())] == [
        True, False, True,
    ]  # fmt: skip


@pytest.mark.parametrize("array", [np.float32(2.5), np.arange(6).reshape(2, 3), np.zeros((2, 0)), np.array([True])])
def test_tolist_and_numpy(array):
    t = mg.tensor(array)
    assert t.tolist() == np.asarray(array).tolist()
    view = t.numpy()
    assert type(view) is np.ndarray
    assert view.dtype == t.dtype
    assert not view.flags.writeable
    np.testing.assert_array_equal(view, array)
    assert not view.size or np.shares_memory(view, t.array)


def test_a_numpy_view_follows_its_tensor():
    t = mg.zeros(2)
    view = t.numpy()
    t += 1
    assert view.tolist() == [1.0, 1.0]


def test_arrays_of_tensors():
    t = mg.tensor([1.5, 2.5])
    assert np.shares_memory(np.asarray(t), t.array)
    assert not np.shares_memory(np.array(t), t.array)
    assert np.asarray(t, dtype=f8).dtype == f8
    assert np.array(t, dtype=i8).tolist() == [1, 2]
    assert np.array([t, t]).shape == (2, 2)
    assert np.array(t, copy=False) is not None
    with pytest.raises(ValueError, match="copy"):
        np.array(t, dtype=f8, copy=False)


def test_iteration():
    t = mg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    rows = list(t)
    assert [row.tolist() for row in rows] == [[1.0, 2.0], [3.0, 4.0]]
    first, second = t
    (first * second).sum().backward()
    assert t.grad.tolist() == [[3.0, 4.0], [1.0, 2.0]]
    assert [x.item() for x in mg.arange(3)] == [0, 1, 2]
    assert sum(mg.arange(4)).item() == 6
    for call in (len, iter):
        with pytest.raises(TypeError, match="no length"):
            call(mg.tensor(1.0))


def test_contains():
    t = mg.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert 3 in t
    assert mg.tensor(4.0) in t
    assert 5.0 not in t
    assert "a" not in t


def test_tensors_are_hashed_by_identity():
    a, b = mg.ones(2), mg.ones(2)
    assert len({a, b, a}) == 2
    assert {a: "a", b: "b"}[b] == "b"


def test_comparisons_are_elementwise():
    a, b = mg.tensor([1.0, 2.0, 3.0]), mg.tensor([3.0, 2.0, 1.0])
    for op in ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"):
        expected = getattr(a.numpy(), op)(b.numpy()).tolist()
        assert getattr(a, op)(b).tolist() == expected
        assert getattr(a, op.strip("_"))(b).tolist() == expected
        assert getattr(a, op)(b.tolist()).tolist() == expected
        assert getattr(a, op)(2.0).tolist() == getattr(a.numpy(), op)(2.0).tolist()
        assert not getattr(a, op)(b).requires_grad
    assert ((a > 1) & (a < 3)).tolist() == [False, True, False]
    assert ((a < 2) | ~(a < 3)).tolist() == [True, False, True]


@pytest.mark.parametrize("other", [None, "a", object(), {}])
def test_a_tensor_is_not_equal_to_what_is_no_number(other):
    t = mg.ones(3)
    assert (t == other) is False
    assert (t != other) is True
    assert (other == t) is False
    assert t not in [other]


def test_format():
    assert f"{mg.tensor(1.23456):.3f} {mg.tensor(7):>4d} {mg.tensor([[2]]).item():02d}" == "1.235    7 02"
    assert f"{mg.tensor(1.5)} {mg.tensor(3)}" == "1.5 3"
    assert f"{mg.tensor([1.5])}" == "tensor([1.5000])"
    assert f"{mg.tensor(0.25, requires_grad=True) * 2:.1f}" == "0.5"
    with pytest.raises(TypeError, match=r"only a single number can be written as '\.2f', not \(1,\) float32: use item"):
        f"{mg.tensor([1.5]):.2f}"


# -- operators and methods -------------------------------------------------------------------------

A, B = np.array([[0.5, 2.0], [1.5, 3.0]]), np.array([2.0, 0.5])
OPERATORS = {
    "+": (lambda a, b: a + b),
    "-": (lambda a, b: a - b),
    "*": (lambda a, b: a * b),
    "/": (lambda a, b: a / b),
    "**": (lambda a, b: a**b),
    "@": (lambda a, b: a @ b),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_on_both_sides(name):
    op = OPERATORS[name]
    expected = op(A, B)
    a, b = mg.tensor(A, requires_grad=True), mg.tensor(B, requires_grad=True)
    for left, right in ((a, b), (a, B), (A, b)):
        result = op(left, right)
        assert isinstance(result, mg.Tensor)
        assert result.requires_grad
        np.testing.assert_allclose(result.numpy(), expected)
    if name != "@":
        np.testing.assert_allclose(op(a, 2.0).numpy(), op(A, 2.0))
        np.testing.assert_allclose(op(2.0, a).numpy(), op(2.0, A))
        np.testing.assert_allclose(op(np.float64(2.0), a).numpy(), op(2.0, A))
        np.testing.assert_allclose(op(b, [1.0, 3.0]).numpy(), op(B, np.array([1.0, 3.0])))


@pytest.mark.parametrize("name", OPERATORS)
def test_gradients_of_operators_by_finite_differences(name):
    op, h = OPERATORS[name], 1e-6
    a, b = mg.tensor(A, requires_grad=True), mg.tensor(B, requires_grad=True)
    y = op(a, b)
    weights = np.cos(np.arange(y.numel())).reshape(y.shape)
    y.backward(weights)
    for t, at in ((a, lambda d: (op(A + d, B) * weights).sum()), (b, lambda d: (op(A, B + d) * weights).sum())):
        for index in np.ndindex(t.shape):
            d = np.zeros(t.shape)
            d[index] = h
            np.testing.assert_allclose(t.grad.numpy()[index], (at(d) - at(-d)) / (2 * h), rtol=1e-6)


METHODS = [
    ("add", (B,), {}, A + B),
    ("add", (B,), {"alpha": 2}, A + 2 * B),
    ("sub", (B,), {}, A - B),
    ("sub", ([1.0, 2.0],), {"alpha": 2}, A - np.array([2.0, 4.0])),
    ("mul", (B,), {}, A * B),
    ("div", (B,), {}, A / B),
    ("pow", (2,), {}, A**2),
    ("maximum", (1.0,), {}, np.maximum(A, 1)),
    ("minimum", (1.0,), {}, np.minimum(A, 1)),
    ("neg", (), {}, -A),
    ("abs", (), {}, A),
    ("exp", (), {}, np.exp(A)),
    ("log", (), {}, np.log(A)),
    ("sqrt", (), {}, np.sqrt(A)),
    ("square", (), {}, A * A),
    ("reciprocal", (), {}, 1 / A),
    ("sin", (), {}, np.sin(A)),
    ("cos", (), {}, np.cos(A)),
    ("tanh", (), {}, np.tanh(A)),
    ("sigmoid", (), {}, 1 / (1 + np.exp(-A))),
    ("relu", (), {}, A),
    ("sign", (), {}, np.sign(A)),
    ("isnan", (), {}, np.isnan(A)),
    ("isinf", (), {}, np.isinf(A)),
    ("isfinite", (), {}, np.isfinite(A)),
    ("clamp", (1.0,), {"max": 2.5}, np.clip(A, 1, 2.5)),
    ("where", (A > 1, 0.0), {}, np.where(A > 1, A, 0)),
    ("sum", (), {}, A.sum()),
    ("sum", (1,), {"keepdim": True}, A.sum(1, keepdims=True)),
    ("sum", (), {"axis": (0, 1)}, A.sum()),
    ("mean", (), {"axis": 0, "keepdims": True}, A.mean(0, keepdims=True)),
    ("prod", (1,), {}, A.prod(1)),
    ("amax", (1,), {}, A.max(1)),
    ("amin", (), {"dim": 1}, A.min(1)),
    ("max", (), {}, A.max()),
    ("min", (), {}, A.min()),
    ("argmax", (1,), {}, A.argmax(1)),
    ("argmin", (), {}, A.argmin()),
    ("logsumexp", (1,), {}, np.log(np.exp(A).sum(1))),
    ("var", (0,), {}, A.var(0, ddof=1)),
    ("var", (), {"unbiased": False}, A.var()),
    ("std", (1,), {"correction": 0}, A.std(1)),
    ("softmax", (1,), {}, np.exp(A) / np.exp(A).sum(1, keepdims=True)),
    ("log_softmax", (), {"axis": 0}, A - np.log(np.exp(A).sum(0))),
    ("matmul", (B,), {}, A @ B),
    ("reshape", (4,), {}, A.reshape(4)),
    ("reshape", ((1, -1),), {}, A.reshape(1, 4)),
    ("view", (1, 4), {}, A.reshape(1, 4)),
    ("flatten", (), {}, A.ravel()),
    ("transpose", (0, 1), {}, A.T),
    ("swapaxes", (0, -1), {}, A.T),
    ("permute", (1, 0), {}, A.T),
    ("unsqueeze", (1,), {}, A[:, None]),
    ("squeeze", (), {}, A),
    ("expand", (3, -1, 2), {}, np.broadcast_to(A, (3, 2, 2))),
    ("clone", (), {}, A),
    ("copy", (), {}, A),
    ("detach", (), {}, A),
]


@pytest.mark.parametrize(("name", "args", "kwargs", "expected"), METHODS)
def test_methods(name, args, kwargs, expected):
    t = mg.tensor(A, requires_grad=True)
    result = getattr(t, name)(*args, **kwargs)
    assert isinstance(result, mg.Tensor)
    assert result.shape == np.shape(expected)
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-14)


def test_every_public_method_is_documented_and_visible():
    names = [name for name in dir(mg.tensor(1.0)) if not name.startswith("_")]
    assert {name for name, *_ in METHODS} <= set(names)
    assert {"backward", "grad", "register_hook", "retain_grad", "requires_grad_", "item", "numpy", "add_"} <= set(names)
    for name in names:
        assert inspect.getdoc(getattr(mg.Tensor, name)), name


@pytest.mark.parametrize("name", ["exp", "where", "sum", "batch_norm", "tensor", "no_grad", "Tensor", "randint", "cat"])
def test_help_says_what_a_name_does(name):
    thing = getattr(mg, name)
    text = pydoc.plain(pydoc.render_doc(thing))
    assert thing.__doc__
    assert thing.__doc__.splitlines()[0] in text


def test_unknown_keywords_are_type_errors():
    for call in (
        lambda: mg.tensor([1.0], device="cpu"),
        lambda: mg.zeros(2, size=3),
        lambda: mg.ones(2).sum(dims=0),
        lambda: mg.ones(2).backward(keep=True),
        lambda: mg.exp(mg.ones(2), axis=0),
    ):
        with pytest.raises(TypeError, match="unexpected keyword argument"):
            call()


def test_detach_shares_memory_and_leaves_the_graph():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    d = y.detach()
    assert (d.requires_grad, d.is_leaf, d.grad_fn) == (False, True, None)
    assert np.shares_memory(d.array, y.array)
    assert (y.requires_grad, y.is_leaf, x.is_leaf, y.grad_fn.op.name) == (True, False, True, "mul")


def test_requires_grad_of_views_and_copies():
    x = mg.tensor([1.0, 2.0])
    assert not (x * 2).requires_grad
    x.requires_grad = True
    assert (x * 2).requires_grad
    assert x.requires_grad_() is x
    assert x.clone().requires_grad
    x.requires_grad = False
    assert not (x * 2).requires_grad


# -- copies and pickles ----------------------------------------------------------------------------

KEPT = {
    "tensor": lambda: mg.tensor([[1.0, 2.0], [3.0, 4.0]]),
    "leaf": lambda: mg.tensor([1.0, 2.0], dtype=f8, requires_grad=True),
    "integers": lambda: mg.arange(3),
    "0-d": lambda: mg.tensor(2.5),
    "empty": lambda: mg.zeros(0, 3),
    "view": lambda: mg.arange(6).reshape(2, 3).T[1:],
    "Parameter": lambda: nn.Parameter(mg.ones(2)),
    "frozen Parameter": lambda: nn.Parameter(mg.ones(2), requires_grad=False),
    "Buffer": lambda: nn.Buffer(mg.zeros(3)),
}
COPIES = {
    "deepcopy": copy.deepcopy,
    **{f"pickle {n}": lambda t, n=n: pickle.loads(pickle.dumps(t, n)) for n in range(2, pickle.HIGHEST_PROTOCOL + 1)},
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("what", KEPT)
def test_deep_copies_and_pickles(what, how):
    t = KEPT[what]()
    copied = COPIES[how](t)
    assert type(copied) is type(t)
    check(copied, t.numpy(), t.dtype)
    assert (copied.requires_grad, copied.is_leaf, copied.grad) == (t.requires_grad, True, None)
    assert not np.shares_memory(copied.array, t.array)
    with mg.no_grad():
        copied += 1
    np.testing.assert_array_equal(copied.numpy(), t.numpy() + 1)


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("how", COPIES)
def test_copies_keep_the_gradient(how, create_graph):
    p = nn.Parameter(mg.tensor([0.0, 2.0, 3.0]))
    (p * p * p).sum().backward(create_graph=create_graph)
    copied = COPIES[how](p)
    assert copied.grad.tolist() == [0.0, 12.0, 27.0]
    assert not copied.grad.requires_grad
    assert not np.shares_memory(copied.grad.array, p.grad.array)
    (copied * 2).sum().backward()
    assert (copied.grad.tolist(), p.grad.tolist()) == ([2.0, 14.0, 29.0], [0.0, 12.0, 27.0])


@pytest.mark.parametrize("how", COPIES)
def test_copies_keep_what_is_shared(how):
    shared = mg.ones(2)
    copied = COPIES[how]([shared, {"again": shared}])
    assert copied[0] is copied[1]["again"]


@pytest.mark.parametrize("how", COPIES)
def test_modules_are_copied_with_their_gradients(how):
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    x = mg.randn(4, 2)
    (net(x) ** 2).sum().backward()
    copied = COPIES[how](net)
    for (name, p), (other, q) in zip(net.named_parameters(), copied.named_parameters()):
        assert name == other
        np.testing.assert_array_equal(p.grad.numpy(), q.grad.numpy())
    np.testing.assert_array_equal(copied.eval()(x).numpy(), net.eval()(x).numpy())


@pytest.mark.parametrize("how", COPIES)
def test_a_computed_tensor_is_not_copied_with_its_graph(how):
    y = mg.tensor([1.0], requires_grad=True) * 2
    with pytest.raises(RuntimeError, match=r"with its graph: .*x\.detach\(\)"):
        COPIES[how](y)
    assert COPIES[how](y.detach()).tolist() == [2.0]


def test_a_shallow_copy_shares_the_memory_but_not_the_gradient():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    (x * 3).sum().backward()
    other = copy.copy(x)
    assert other is not x
    assert other.requires_grad
    assert other.grad is None
    assert np.shares_memory(other.array, x.array)
    (other * 2).sum().backward()
    assert (x.grad.tolist(), other.grad.tolist()) == ([3.0, 3.0], [2.0, 2.0])


def test_clone_is_a_copy_gradients_flow_through():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = x.clone()
    assert not np.shares_memory(x.array, y.array)
    (y * y).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]
