"""Tables of vectors: which gradient rows get, and rows that are shortened in place."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad.compile import capture
from tests.helpers.inputs import leaf
from tests.ops.edges import both_ways

INDEX = np.array([[1, 3, 1], [0, 1, 2]])
DY = np.random.default_rng(0).standard_normal((2, 3, 2))


def gradient(padding=None, by_frequency=False):
    """Row by row."""
    found = np.zeros((4, 2))
    for place, row in np.ndenumerate(INDEX):
        if row != padding:
            found[row] += DY[place] / ((row == INDEX).sum() if by_frequency else 1)
    return found


@pytest.mark.parametrize(("padding_idx", "row"), [(None, None), (1, 1), (-1, 3), (-4, 0)])
@pytest.mark.parametrize("by_frequency", [False, True])
@both_ways
def test_gradients_of_rows(padding_idx, row, by_frequency, create_graph):
    weight = leaf(np.arange(8.0).reshape(4, 2))
    y = F.embedding(mg.tensor(INDEX), weight, padding_idx, scale_grad_by_freq=by_frequency)
    np.testing.assert_array_equal(y.detach().numpy(), weight.detach().numpy()[INDEX])
    (dw,) = mg.grad(y, weight, mg.tensor(DY), create_graph=create_graph)
    np.testing.assert_allclose(dw.detach().numpy(), gradient(row, by_frequency), rtol=1e-14)


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint8, list, int])
def test_numbers_of_rows(kind):
    weight = mg.tensor(np.arange(8.0).reshape(4, 2))
    index = 2 if kind is int else INDEX.tolist() if kind is list else INDEX.astype(kind)
    np.testing.assert_array_equal(F.embedding(index, weight).numpy(), weight.numpy()[index])


def test_a_row_that_is_looked_up_is_a_copy_and_the_index_may_change():
    weight, index = leaf(np.arange(8.0).reshape(4, 2)), np.array([1, 2])
    one, rows = F.embedding(np.array(1), weight), F.embedding(index, weight)
    index[:] = 3
    with mg.no_grad():
        weight += 1
    assert one.tolist() == [2, 3]
    rows.sum().backward()
    assert weight.grad.tolist() == [[0, 0], [1, 1], [1, 1], [0, 0]]


@pytest.mark.parametrize(("norm_type", "norm"), [(2.0, 5), (1.0, 7), (np.inf, 4)])
def test_long_rows_are_shortened_in_place(norm_type, norm):
    """Only those that are looked up and too long; the gradient is as if they had always been."""
    weight = leaf([[3.0, 4.0], [0.3, 0.4], [30.0, 40.0]])
    y = F.embedding([0, 1, 0], weight, max_norm=1.0, norm_type=norm_type)
    short = np.array([3.0, 4.0]) / (norm + 1e-7)
    np.testing.assert_allclose(weight.detach().numpy(), [short, [0.3, 0.4], [30, 40]], rtol=1e-14)
    np.testing.assert_array_equal(y.detach().numpy(), weight.detach().numpy()[[0, 1, 0]])
    y.sum().backward()
    assert weight.grad.tolist() == [[2, 2], [1, 1], [0, 0]]


def test_shortening_is_noticed_by_a_graph_that_needs_the_old_rows():
    weight = leaf([[3.0, 4.0]])
    loss = (weight * weight).sum()
    F.embedding([0], weight, max_norm=1.0)
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


def test_a_captured_step_looks_up_and_shortens_other_rows():
    def step(index):
        y = F.embedding(index, weight, padding_idx=0, max_norm=1.0, scale_grad_by_freq=True)
        (dw,) = mg.grad(y.sum(), weight)
        return y, dw

    start = np.arange(8.0).reshape(4, 2)
    weight = leaf(start)
    program, _ = capture(step, mg.tensor([1, 1, 0]), state=[weight])
    found = [value.numpy() for value in program.run(mg.tensor([2, 0, 3]))]
    after = weight.detach().numpy().copy()
    weight = leaf(start)
    step(mg.tensor([1, 1, 0]))
    for value, expected in zip(found, step(mg.tensor([2, 0, 3])), strict=True):
        np.testing.assert_array_equal(value, expected.detach().numpy())
    np.testing.assert_array_equal(after, weight.detach().numpy())
    with pytest.raises(IndexError, match="4 is no row"):
        program.run(mg.tensor([2, 0, 4]))


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_one_hot(shape):
    index = np.arange(int(np.prod(shape))).reshape(shape) % 4
    for classes, given in ((index.max() + 1, ()), (7, (7,))):
        y = F.one_hot(mg.tensor(index), *given)
        assert y.dtype == np.int64
        np.testing.assert_array_equal(y.numpy(), np.eye(classes, dtype=int)[index])
