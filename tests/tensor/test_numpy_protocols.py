"""NumPy's functions on tensors: the listed ones are recorded."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.tensor.numpy_protocols import FUNCTIONS
from tests.tensor.arrays import MASK, A, B

# each function as NumPy is called, and the method (or function) of minigrad it must equal
BINARY = {
    np.add: lambda a, b: a + b,
    np.subtract: lambda a, b: a - b,
    np.multiply: lambda a, b: a * b,
    np.true_divide: lambda a, b: a / b,
    np.power: lambda a, b: a**b,
    np.maximum: mg.maximum,
    np.minimum: mg.minimum,
    np.fmax: mg.fmax,
    np.fmin: mg.fmin,
    np.hypot: mg.hypot,
    np.arctan2: mg.atan2,
    np.copysign: mg.copysign,
    np.logaddexp: mg.logaddexp,
    np.logaddexp2: mg.logaddexp2,
    np.floor_divide: lambda a, b: a // b,
    np.remainder: lambda a, b: a % b,
    np.fmod: mg.fmod,
    np.nextafter: mg.nextafter,
}

INTEGERS = np.array([[12, 18, 7], [3, 0, 5]])

UNRECORDED = [
    (np.sign, (A - 1,)),
    (np.isnan, (A / MASK.astype(float).clip(1e-9),)),
    (np.isinf, (A,)),
    (np.isfinite, (A,)),
    (np.equal, (A, B)),
    (np.not_equal, (A, B)),
    (np.less, (A, B)),
    (np.less_equal, (A, B)),
    (np.greater, (A, B)),
    (np.greater_equal, (A, B)),
    (np.logical_and, (MASK, ~MASK)),
    (np.logical_or, (MASK, ~MASK)),
    (np.logical_not, (MASK,)),
    (np.bitwise_and, (MASK, MASK)),
    (np.bitwise_or, (MASK, ~MASK)),
    (np.invert, (MASK,)),
    (np.bitwise_xor, (MASK, ~MASK)),
    (np.left_shift, (INTEGERS, 2)),
    (np.right_shift, (INTEGERS, 1)),
    (np.gcd, (INTEGERS, 6)),
    (np.lcm, (INTEGERS, 6)),
    (np.logical_xor, (MASK, ~MASK)),
    (np.signbit, (A - 1,)),
    (np.argmax, (A,)),
    (np.argmin, (A,)),
    (np.argwhere, (A - 1.25,)),
    (np.shape, (A,)),
    (np.ndim, (A,)),
    (np.size, (A,)),
]

OTHER_NAMES = {np.rint: "round"}

INSIDE = {np.arccos: A / 4, np.arcsin: A / 4, np.arctanh: A / 4, np.arccosh: A + 1}
"""Arguments of functions that are not defined everywhere."""

UNARY = {
    function: getattr(mg, OTHER_NAMES.get(function, function.__name__))
    for function in FUNCTIONS
    if isinstance(function, np.ufunc) and function.nin == 1 and function not in dict(UNRECORDED)
}

CALLS = [
    (np.sum, lambda t: np.sum(t), lambda t: t.sum()),
    (np.sum, lambda t: np.sum(t, axis=0), lambda t: t.sum(0)),
    (np.sum, lambda t: np.sum(t, (0, 1), keepdims=True), lambda t: t.sum((0, 1), True)),
    (np.mean, lambda t: np.mean(t, axis=-1, keepdims=True), lambda t: t.mean(-1, True)),
    (np.prod, lambda t: np.prod(t, axis=1), lambda t: t.prod(1)),
    (np.var, lambda t: np.var(t), lambda t: t.var(unbiased=False)),
    (np.var, lambda t: np.var(t, axis=1, ddof=1), lambda t: t.var(1)),
    (np.std, lambda t: np.std(t, 1), lambda t: t.std(1, correction=0)),
    (np.std, lambda t: np.std(t, axis=1, ddof=1, keepdims=True), lambda t: t.std(1, keepdim=True)),
    (np.max, lambda t: np.max(t, axis=1), lambda t: t.amax(1)),
    (np.min, lambda t: np.min(t), lambda t: t.amin()),
    (np.reshape, lambda t: np.reshape(t, (3, -1)), lambda t: t.reshape(3, 2)),
    (np.reshape, lambda t: np.reshape(t, 6), lambda t: t.reshape(6)),
    (np.transpose, lambda t: np.transpose(t), lambda t: t.T),
    (np.transpose, lambda t: np.transpose(t[None], (2, 0, 1)), lambda t: t[None].permute(2, 0, 1)),
    (np.transpose, lambda t: np.transpose(t, axes=[0, 1]), lambda t: t.permute(0, 1)),
    (np.swapaxes, lambda t: np.swapaxes(t, 0, 1), lambda t: t.swapaxes(0, 1)),
    (np.swapaxes, lambda t: np.swapaxes(t, axis1=-1, axis2=0), lambda t: t.swapaxes(0, 1)),
    (np.squeeze, lambda t: np.squeeze(t[None, :, None]), lambda t: t[None, :, None].squeeze()),
    (np.squeeze, lambda t: np.squeeze(t[None, :, None], axis=2), lambda t: t[None]),
    (np.expand_dims, lambda t: np.expand_dims(t, 1), lambda t: t.unsqueeze(1)),
    (np.expand_dims, lambda t: np.expand_dims(t, axis=-1), lambda t: t.unsqueeze(-1)),
    (np.broadcast_to, lambda t: np.broadcast_to(t, (4, 2, 3)), lambda t: t.expand(4, 2, 3)),
    (np.sum, lambda t: np.sum(t, 0, np.float64), lambda t: t.sum(0, dtype=np.float64)),
    (np.sort, lambda t: np.sort(t), lambda t: t.sort().values),
    (np.sort, lambda t: np.sort(t, axis=0), lambda t: t.msort()),
    (np.cumsum, lambda t: np.cumsum(t), lambda t: t.flatten().cumsum(0)),
    (np.cumsum, lambda t: np.cumsum(t, axis=1), lambda t: t.cumsum(1)),
    (np.cumprod, lambda t: np.cumprod(t), lambda t: t.flatten().cumprod(0)),
    (np.diff, lambda t: np.diff(t, axis=0), lambda t: t.diff(dim=0)),
    (np.trace, lambda t: np.trace(t), lambda t: t.trace()),
    (np.nansum, lambda t: np.nansum(t, axis=1), lambda t: t.nansum(1)),
    (np.nanmean, lambda t: np.nanmean(t, axis=1, keepdims=True), lambda t: t.nanmean(1, True)),
    (np.linalg.norm, lambda t: np.linalg.norm(t), lambda t: t.norm()),
    (np.linalg.norm, lambda t: np.linalg.norm(t, 1, axis=0), lambda t: t.norm(1, 0)),
    (np.concatenate, lambda t: np.concatenate([t, B]), lambda t: mg.cat([t, B])),
    (np.concatenate, lambda t: np.concatenate((B, t), axis=1), lambda t: mg.cat([B, t], 1)),
    (np.stack, lambda t: np.stack([t, t], axis=-1), lambda t: mg.stack([t, t], -1)),
    (np.round, lambda t: np.round(t), lambda t: t.round()),
    (np.round, lambda t: np.round(t, 1), lambda t: t.round(decimals=1)),
    (np.sinc, lambda t: np.sinc(t / 4), lambda t: (t / 4).sinc()),
    (np.ldexp, lambda t: np.ldexp(t, 2), lambda t: t.ldexp(2)),
    (np.nan_to_num, lambda t: np.nan_to_num(t, nan=2.0), lambda t: t.nan_to_num(2.0)),
    (np.where, lambda t: np.where(MASK, t, 0.0), lambda t: t.where(MASK, 0.0)),
    (np.where, lambda t: np.where(A > 1, B, t), lambda t: t.where(A <= 1, B)),
    (np.ravel, lambda t: np.ravel(t), lambda t: t.reshape(6)),
    (np.moveaxis, lambda t: np.moveaxis(t, 0, -1), lambda t: t.T),
    (np.diagonal, lambda t: np.diagonal(t, 1), lambda t: t[[0, 1], [1, 2]]),
    (np.diag, lambda t: np.diag(t, k=-1), lambda t: t[[1], [0]]),
    (np.diagflat, lambda t: np.diagflat(t[0]), lambda t: mg.diag(t[0])),
    (np.tril, lambda t: np.tril(t), lambda t: t.tril()),
    (np.triu, lambda t: np.triu(t, 1), lambda t: t.triu(1)),
    (np.flip, lambda t: np.flip(t), lambda t: t.flip(0, 1)),
    (np.flip, lambda t: np.flip(t, axis=1), lambda t: t[:, ::-1]),
    (np.fliplr, lambda t: np.fliplr(t), lambda t: t.flip(1)),
    (np.flipud, lambda t: np.flipud(t), lambda t: t.flip(0)),
    (np.roll, lambda t: np.roll(t, 2), lambda t: t.roll(2)),
    (np.roll, lambda t: np.roll(t, 2, axis=1), lambda t: t.roll(2, 1)),
    (np.rot90, lambda t: np.rot90(t, axes=(1, 0)), lambda t: t.rot90(3)),
    (np.tile, lambda t: np.tile(t, 2), lambda t: mg.cat([t, t], 1)),
    (np.tile, lambda t: np.tile(t, (2, 1)), lambda t: t.repeat(2, 1)),
    (np.repeat, lambda t: np.repeat(t, 2), lambda t: t.repeat_interleave(2)),
    (np.repeat, lambda t: np.repeat(t, [2, 1], axis=0), lambda t: t[[0, 0, 1]]),
    (np.take, lambda t: np.take(t, [5, 0]), lambda t: t.reshape(6)[[5, 0]]),
    (np.take, lambda t: np.take(t, [[-1, 0]], axis=1), lambda t: t[:, [[2, 0]]]),
    (np.take_along_axis, lambda t: np.take_along_axis(t, A.argsort(1), 1), lambda t: t.gather(1, A.argsort(1))),
    (np.take_along_axis, lambda t: np.take_along_axis(t, A[:, :1].argsort(1), -1), lambda t: t[:, :1]),
    (np.hstack, lambda t: np.hstack([t, B]), lambda t: mg.cat([t, B], 1)),
    (np.vstack, lambda t: np.vstack([t, B[0]]), lambda t: mg.cat([t, B[:1]])),
    (np.dstack, lambda t: np.dstack([t, B]), lambda t: mg.stack([t, B], 2)),
    (np.column_stack, lambda t: np.column_stack([t[:, 0], B]), lambda t: mg.cat([t[:, :1], B], 1)),
    (np.clip, lambda t: np.clip(t, 0.6, 2.0), lambda t: t.clamp(0.6, 2.0)),
    (np.clip, lambda t: np.clip(t, None, B), lambda t: t.clamp(max=B)),
    (np.matmul, lambda t: np.matmul(t, B.T), lambda t: t.matmul(B.T)),
    (np.matmul, lambda t: np.matmul(B.T, t), lambda t: mg.tensor(B.T) @ t),
    (np.matmul, lambda t: B.T @ t, lambda t: mg.matmul(B.T, t)),
    (np.matmul, lambda t: t @ B.T, lambda t: t.matmul(B.T)),
    (np.dot, lambda t: np.dot(t, B.T), lambda t: t @ B.T),
    (np.dot, lambda t: np.dot(t[0], t[1]), lambda t: t[0].dot(t[1])),
    (np.dot, lambda t: np.dot(t, B.T[None]), lambda t: mg.tensordot(t, B.T[None], ([1], [1]))),
    (np.dot, lambda t: np.dot(t, t[0, 0]), lambda t: t * t[0, 0]),
    (np.einsum, lambda t: np.einsum("ij->j", t), lambda t: t.sum(0)),
    (np.einsum, lambda t: np.einsum("ij,kj->ik", t, B), lambda t: t @ B.T),
    (np.tensordot, lambda t: np.tensordot(t, B.T, 1), lambda t: t @ B.T),
    (np.tensordot, lambda t: np.tensordot(t, B, axes=([0], [0])), lambda t: t.T @ B),
    (np.inner, lambda t: np.inner(t, B), lambda t: t.inner(B)),
    (np.outer, lambda t: np.outer(t, B), lambda t: t.flatten().outer(B.ravel())),
    (np.kron, lambda t: np.kron(t, B), lambda t: t.kron(B)),
    (np.cross, lambda t: np.cross(t, B), lambda t: t.cross(B)),
    (np.cross, lambda t: np.cross(t.T, B.T, axis=0), lambda t: t.T.cross(B.T)),
    (np.linalg.multi_dot, lambda t: np.linalg.multi_dot([t, B.T, t]), lambda t: t @ B.T @ t),
    (np.linalg.matrix_power, lambda t: np.linalg.matrix_power(t[:, :2], 3), lambda t: t[:, :2].matrix_power(3)),
    (np.add, lambda t: B + t, lambda t: t + B),
    (np.subtract, lambda t: B - t, lambda t: -(t - B)),
    (np.multiply, lambda t: B * t, lambda t: t * B),
    (np.true_divide, lambda t: B / t, lambda t: B * t.reciprocal()),
    (np.power, lambda t: B**t, lambda t: mg.pow(B, t)),
    (np.add, lambda t: np.float64(2) + t, lambda t: t + 2.0),
    (np.subtract, lambda t: np.float32(2) - t, lambda t: 2.0 - t),
    (np.multiply, lambda t: np.int64(2) * t, lambda t: t * 2),
    (np.true_divide, lambda t: np.float64(2) / t, lambda t: 2.0 / t),
    (np.power, lambda t: np.float64(2) ** t, lambda t: 2.0**t),
    (np.multiply, lambda t: B[0] * t, lambda t: t * B[0]),
]


def test_every_listed_function_is_tested():
    tested = {*BINARY, *UNARY, *(f for f, _ in UNRECORDED), *(f for f, *_ in CALLS)}
    assert tested == set(FUNCTIONS)


def outcome(function, *arrays):
    """The value of a function of tensors, and its gradients for a fixed cotangent."""
    tensors = [mg.tensor(array, requires_grad=True) for array in arrays]
    y = function(*tensors)
    assert isinstance(y, mg.Tensor)
    assert y.requires_grad
    y.backward(np.cos(np.arange(y.numel())).reshape(y.shape))
    return [y.numpy(), *(t.grad.numpy() for t in tensors)]


def assert_same(function, method, *arrays):
    """The value NumPy gives for arrays, and the gradients of the method form."""
    found, expected = outcome(function, *arrays), outcome(method, *arrays)
    np.testing.assert_allclose(found[0], function(*arrays), rtol=1e-14)
    for one, other in zip(found, expected):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-14)


@pytest.mark.parametrize("function", UNARY, ids=lambda f: f.__name__)
def test_functions_of_one_tensor(function):
    assert_same(function, UNARY[function], INSIDE.get(function, A))


@pytest.mark.parametrize("function", BINARY, ids=lambda f: f.__name__)
def test_functions_of_two_tensors(function):
    method = BINARY[function]
    assert_same(function, method, A, B)
    assert_same(lambda t: function(t, B), lambda t: method(t, B), A)
    assert_same(lambda t: function(A, t), lambda t: method(A, t), B)
    assert_same(lambda t: function(t, 2.0), lambda t: method(t, 2.0), A)
    assert_same(lambda t: function(2.0, t), lambda t: method(2.0, t), A)
    assert_same(lambda t: function(t, B[0]), lambda t: method(t, B[0]), A)


@pytest.mark.parametrize(("function", "call", "method"), CALLS)
def test_calls(function, call, method):
    assert_same(call, method, A)


@pytest.mark.parametrize(("function", "arrays"), UNRECORDED, ids=lambda f: getattr(f, "__name__", ""))
def test_functions_without_a_gradient(function, arrays):
    expected = function(*arrays)
    result = function(*map(mg.tensor, arrays))
    if function in (np.shape, np.ndim, np.size):
        assert result == expected
        return
    assert isinstance(result, mg.Tensor)
    assert not result.requires_grad
    np.testing.assert_array_equal(result.numpy(), expected)
    assert result.dtype == np.asarray(expected).dtype


def test_arguments_of_index_functions():
    t = mg.tensor(A)
    np.testing.assert_array_equal(np.argmax(t, axis=1).numpy(), A.argmax(1))
    np.testing.assert_array_equal(np.argmin(t, axis=0, keepdims=True).numpy(), A.argmin(0, keepdims=True))


@pytest.mark.parametrize("op", ["__lt__", "__le__", "__gt__", "__ge__", "__eq__", "__ne__"])
def test_arrays_and_numbers_of_numpy_compare_from_the_left(op):
    for left in (B, np.float64(1.25)):
        result = getattr(np, {"__lt__": "less", "__le__": "less_equal", "__gt__": "greater", "__ge__": "greater_equal",
                              "__eq__": "equal", "__ne__": "not_equal"}[op])(left, mg.tensor(A))  # fmt: skip
        direct = getattr(left, op)(mg.tensor(A))
        assert isinstance(direct, mg.Tensor)
        np.testing.assert_array_equal(direct.numpy(), getattr(left, op)(A))
        np.testing.assert_array_equal(result.numpy(), direct.numpy())


def test_scalars_of_numpy_do_not_change_the_dtype():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    for y in (np.float64(2) * x, x * np.float64(2), np.exp(x) + np.float64(1), np.multiply(np.float64(3), x)):
        assert y.dtype == np.float32
    assert (np.ones(2) * x).dtype == np.float64
