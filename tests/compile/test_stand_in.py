"""The third reader: every operation and its derivative rules on stand-ins, and what a stand-in refuses.

Each sample of the operations is captured with one set of numbers and replayed with others: a number, a mask or an index
that had become part of the program would show.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import numpy as np
import pytest

import minigrad as mg
from minigrad.compile import capture
from minigrad.compile.execution import Interpreter
from minigrad.compile.numpy_execution import NumPyExecution
from minigrad.compile.passes import improved
from minigrad.engine.node import array_of, is_stand_in
from minigrad.engine.op import Op
from tests.helpers.differences import gradients_or_zero, scalar
from tests.helpers.inputs import cotangent, flat, is_float, leaf, leaves, tensors_of
from tests.ops.samples.constants import CONSTANT, function_of
from tests.ops.samples.table import every_sample

NOT_REPEATED = ("dropout 0.3", "drawn")
"""Names of samples that make a generator anew in each call; a program goes on drawing from the one it has seen."""


def with_derivatives(function):
    """A step: the function's value, and its first and second derivatives, by rules on arrays and as a graph."""

    def step(*inputs):
        number, targets = scalar(function), tensors_of(inputs)
        plain = gradients_or_zero(number(*inputs), targets)
        first = gradients_or_zero(number(*inputs), targets, create_graph=True)
        contracted = sum((dx * cotangent(dx.shape, i)).sum() for i, dx in enumerate(first))
        return [function(*inputs), *plain, *first, *gradients_or_zero(contracted, targets)]

    return step


def others(array):
    """Other values for an input, from the same domain: in another order, and not quite as large."""
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fb":
        return array
    moved = np.roll(array.reshape(-1), 1).reshape(array.shape)
    return np.asarray(moved * 0.97) if is_float(array) else moved


def as_arrays(results):
    return [np.asarray(y.detach() if isinstance(y, mg.Tensor) else y) for y in results]


@every_sample
def test_a_captured_operation_computes_on_other_data_what_it_computes_eagerly(sample):
    if any(name in sample.name for name in NOT_REPEATED):
        pytest.skip("the sample makes a generator anew")
    step = with_derivatives(sample.function)
    program, captured = capture(step, *leaves(sample.inputs))
    replayed = program.run(*leaves(sample.inputs))
    other = [others(x) for x in sample.inputs]
    compared_with_the_source(program, sample.inputs, other)
    for found, expected in zip(as_arrays(captured), as_arrays(replayed)):
        np.testing.assert_array_equal(found, expected)
    for given, found in [(sample.inputs, captured), (other, program.run(*leaves(other)))]:
        for y, expected in zip(as_arrays(found), as_arrays(step(*leaves(given))), strict=True):
            assert (y.shape, y.dtype) == (expected.shape, expected.dtype)
            np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-9 * max(1, np.abs(expected).max(initial=0)))


def compared_with_the_source(program, *many_inputs):
    """The passes and the NumPy source give the bits of the plain program, twice over the same memory."""
    written = NumPyExecution(improved(program))
    written.bind([place.array() for place, _ in program.states])
    plain = Interpreter(program)
    for inputs in [*many_inputs, *many_inputs]:
        arrays = [array_of(x) for x in tensors_of_arrays(program, inputs)]
        for y, z in zip(map(np.asarray, plain(arrays)), written(arrays), strict=True):
            np.testing.assert_array_equal(y, z)
            assert (y.shape, y.dtype) == (z.shape, z.dtype)


def tensors_of_arrays(program, inputs):
    """The arguments that are inputs of the program."""
    given = leaves(inputs)
    return [given[number] for number, _ in program.inputs]


SHAPED_BY_VALUES = {"nonzero"}
"""Operations without a derivative that are refused: the shapes of their results depend on values."""


@pytest.mark.parametrize("name", sorted(set(CONSTANT) - SHAPED_BY_VALUES))
def test_operations_without_a_derivative_are_captured(name):
    formula, inputs = CONSTANT[name]
    program, captured = capture(function_of(name), *map(mg.tensor, inputs))
    for arrays, found in [
        (inputs, captured),
        (other := [others(x) for x in inputs], program.run(*map(mg.tensor, other))),
    ]:
        np.testing.assert_array_equal(found.numpy(), formula(*arrays))
        assert found.dtype == formula(*arrays).dtype


# -- NumPy on a stand-in -------------------------------------------------------------------------


def in_place(x):
    y = x.copy()
    y += 1
    y *= x
    y[1:, ::2] = 7
    y[0] -= x[1]
    np.exp(y, out=y)
    np.copyto(y, 0, where=x > 0)
    return y


def through_views(x):
    y = x * 1
    rows, column = y.reshape(-1), y.T[0]
    rows[3:6] = -1
    column.fill(5)
    return y, rows * 2, column


def scattered(x):
    y = np.zeros_like(x)
    np.put_along_axis(y, np.argmax(x, 1)[:, None], 1, 1)
    return y


CALLS = {
    "arithmetic": lambda x: ((2 - x) / (x * x + 1) ** 0.5 @ x.T - -abs(x).sum(), x // 2 + x % 2, 1 - +x),
    "comparisons": lambda x: ((x > 0) & ~(x >= 1) | (x == x[0]), x != 0, x < x.mean(), x <= 0),
    "where": lambda x: np.where(x > 0, x, 0),
    "ufuncs": lambda x: (np.exp(x), np.log1p(x * x), np.isfinite(x), np.hypot(x, 2), np.divmod(x, 0.3)),
    "reduce": lambda x: (np.add.reduce(x, 1), np.maximum.reduce(x, None, initial=0), np.multiply.accumulate(x, 0)),
    "where=": lambda x: np.add.reduce(x, 0, where=x > 0),
    "joined": lambda x: (np.concatenate([x, x[:1], np.ones((1, 4))]), np.stack((x, x), -1), np.hstack([x, x])),
    "split": lambda x: np.split(x, 2, axis=1),
    "reductions": lambda x: (x.mean(1), np.var(x, 0), x.std(), x.prod(1), x.min(0), np.max(x), x.any(), np.all(x)),
    "counts": lambda x: np.count_nonzero(x > 0) * x,
    "arguments": lambda x: (x.argmax(), np.argmin(x, 1), np.argsort(x, 1)),
    "sorted": lambda x: (np.sort(x, 0), np.take_along_axis(x, np.argsort(-x, 1), 1)),
    "scans": lambda x: (np.cumsum(x, 1), x.cumprod(0), np.diff(x)),
    "shapes": lambda x: (x.T, x.reshape(4, -1), x.ravel(), x[None].squeeze(), np.moveaxis(x, 0, 1), x.swapaxes(0, 1)),
    "repeated": lambda x: (np.broadcast_to(x, (2, 3, 4)), np.tile(x, 2), np.repeat(x, 2, 0), np.pad(x, 1)),
    "moved": lambda x: (np.flip(x, 1), np.roll(x, 1), np.rot90(x), np.tril(x)),
    "products": lambda x: (x.dot(x.T), np.einsum("ij,ij->i", x, x), np.tensordot(x, x, 2), np.outer(x[0], x[1])),
    "indices": lambda x: (x[1], x[:, [0, 2]], x[..., None, 0], x[np.argmax(x, 0), np.arange(4)], x[x.argmax() % 3]),
    "a mask that is known": lambda x: x[np.arange(12).reshape(3, 4) % 2 == 0],
    "conversions": lambda x: (x.astype(np.float16), x.astype(x.dtype, copy=False) * 1, np.clip(x, -1, 1), x.round(1)),
    "new": lambda x: (np.ones_like(x), np.full_like(x, 3), x * np.empty_like(x).size),
    "rows": lambda x: [row * 2 for row in x],
    "in place": in_place,
    "through views": through_views,
    "scattered": scattered,
    "questions": lambda x: x * (np.ndim(x) + np.size(x) + len(x) + x.ndim + x.size + (np.shape(x) == x.shape)),
}


@pytest.mark.parametrize("name", CALLS)
def test_numpy_on_a_stand_in_is_carried_out_and_written_down(name):
    first, other = np.random.default_rng(5).standard_normal((2, 3, 4))
    kept = first.copy()
    program, results = capture(CALLS[name], first)
    for array, found in [(first, results), (other, program.run(other))]:
        for y, expected in zip(flat(found), flat(CALLS[name](array.copy())), strict=True):
            np.testing.assert_array_equal(y, expected)
            assert np.shape(y) == np.shape(expected) and y.dtype == np.asarray(expected).dtype
    np.testing.assert_array_equal(first, kept)


def test_a_stand_in_is_an_array_to_isinstance_and_not_by_its_type():
    seen = []
    capture(lambda x: seen.append((isinstance(x, np.ndarray), type(x) is np.ndarray, is_stand_in(x))), np.ones(3))
    assert seen == [(True, False, True)]
    assert not is_stand_in(np.ones(3)) and not is_stand_in(np.float32(1)) and not is_stand_in(mg.ones(3))


def test_an_operation_of_ones_own_is_captured_by_its_definition_and_its_rules():
    used = []
    softsign = Op(
        "softsign of a test",
        lambda x: x / (1 + np.absolute(x)),
        lambda dy, _y, x: dy / (1 + mg.abs(x)) ** 2,
        kernel=lambda x: used.append("kernel") or x / (1 + np.absolute(x)),
        on_arrays=lambda dy, _cache, _needs, _y, x: (used.append("fused") or dy / (1 + np.absolute(x)) ** 2,),
    )
    try:
        x, other = leaf([-1.5, 0.5, 2.0]), leaf([0.25, -3.0, 1.0])
        program, _ = capture(lambda x: mg.grad(softsign(x).sum(), x)[0], x)
        assert used == []
        expected = mg.grad(softsign(other).sum(), other)[0]
        assert used == ["kernel", "fused"]
        np.testing.assert_allclose(program.run(other).numpy(), expected.numpy(), rtol=1e-6)
    finally:
        del Op.registry["softsign of a test"]


def test_another_thread_with_a_copy_of_the_context_writes_nothing_down():
    def step(x):
        with ThreadPoolExecutor(1) as pool:
            drawn = pool.submit(copy_context().run, mg.randn, 3).result()
        return x + drawn

    program, _ = capture(step, mg.ones(3))
    assert {instruction.kind for instruction in program.instructions} == {"call"}
