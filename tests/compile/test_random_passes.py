"""Random programs of calls, views and writes in place: after the passes, as NumPy source, the same bits as before."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.compile import capture
from minigrad.compile.numpy_execution import NumPyExecution
from minigrad.compile.passes import improved

SHAPE = (4, 5)
PROGRAMS = 40


def halve(x):
    np.multiply(x, 0.5, out=x)


def bend(x):
    x[...] = np.tanh(x) + 0.1


def copied(x, _y):
    z = np.empty_like(x)
    z[...] = x
    z *= 0.7
    return z


MAKES = [
    lambda x, _y: np.exp(-np.abs(x)),
    lambda x, _y: np.square(x),
    lambda x, y: np.subtract(x, y) if x.shape == y.shape else x * 1,
    lambda x, y: np.where(x > 0, x, y) if x.shape == y.shape else np.where(x > 0, x, 0.5),
    lambda x, _y: np.add.reduce(x, 0, dtype=np.float64, keepdims=True) * x,
    lambda x, _y: x.astype(np.float64),
    lambda x, _y: x @ x.T @ x,
    copied,
]
VIEWS = [
    lambda x, _y: x.T,
    lambda x, _y: x.reshape(x.shape[::-1]),
    lambda x, _y: x[1:4, :3] if min(x.shape) >= 4 else x * 2,
]
WRITES = [halve, bend, lambda x: np.add(x, 1, out=x)]


def random_step(seed, buffer):
    """A step of random calls on random values that it has made so far; it returns four of them."""
    random = np.random.default_rng(seed)
    script = [(random.integers(3), *random.integers(10**6, size=3)) for _ in range(random.integers(5, 40))]

    def step(x):
        state = buffer.array
        values = [x * 1, x.T, state * 1, state]
        writable = [values[0], values[2], state]
        for kind, which, first, second in script:
            if kind == 2:
                WRITES[which % len(WRITES)](writable[first % len(writable)])
                continue
            functions = (MAKES, VIEWS)[kind]
            y = functions[which % len(functions)](values[first % len(values)], values[second % len(values)])
            values.append(y)
            if kind == 0:
                writable.append(y)
        return [values[number % len(values)] * 1 for number in (0, 3, script[0][1], -1)]

    return step


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_random_programs_give_the_same_bits_after_the_passes(seed):
    random = np.random.default_rng(seed)
    buffer = nn.Buffer(mg.tensor(random.standard_normal(SHAPE).astype(np.float32)))
    program, _ = capture(random_step(seed, buffer), np.ones(SHAPE, np.float32), state=[buffer])
    execution = NumPyExecution(improved(program))
    execution.bind([place.array() for place, _ in program.states])
    for _ in range(3):
        x, before = random.standard_normal(SHAPE).astype(np.float32), buffer.array.copy()
        expected, after = program.run(x), buffer.array.copy()
        buffer.array[...] = before
        for found, right in zip(execution([x]), expected, strict=True):
            np.testing.assert_array_equal(found, right)
            assert found.dtype == right.dtype
        np.testing.assert_array_equal(buffer.array, after)


def test_an_index_that_is_out_of_bounds_is_refused_although_nobody_needs_the_element():
    def step(x, index):
        x[index]
        return x * 2

    program, _ = capture(step, np.ones(3), np.array([0]))
    execution = NumPyExecution(improved(program))
    execution.bind([])
    np.testing.assert_array_equal(execution([np.ones(3), np.array([2])])[0], [2, 2, 2])
    with pytest.raises(IndexError, match="index 7 is out of bounds"):
        execution([np.ones(3), np.array([7])])


def test_a_view_of_what_was_computed_before_keeps_that_in_memory():
    def step(x):
        first, again = np.exp(x), np.exp(x)
        view = again.T
        y = np.sin(first)
        for _ in range(3):
            y = np.cos(y)
        return view * 1, y * 1

    program, _ = capture(step, np.ones(SHAPE))
    execution = NumPyExecution(improved(program))
    execution.bind([])
    x = np.random.default_rng(0).standard_normal(SHAPE)
    for found, right in zip(execution([x]), step(x), strict=True):
        np.testing.assert_array_equal(found, right)
