"""Indices that repeat, are negative, empty or masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests.helpers.differences import gradients
from tests.helpers.inputs import leaf
from tests.ops.edges import both_ways

INDEXED: dict[str, tuple[Any, list[Any]]] = {
    # the index, and how often it names each element of (2, 3)
    "twice the same row": ([0, 0], [[2, 2, 2], [0, 0, 0]]),
    "three times an element": (([0, 0, 0, 1], [1, 1, 1, 2]), [[0, 3, 0], [0, 0, 1]]),
    "a tuple in a tuple": (((1, 1),), [[0, 0, 0], [2, 2, 2]]),
    "counted from both ends": ((slice(None), [2, -1]), [[0, 0, 2], [0, 0, 2]]),
    "broadcast": (([[0], [0]], [0, 1]), [[2, 2, 0], [0, 0, 0]]),
    "tensor": (mg.tensor([1, 1]), [[0, 0, 0], [2, 2, 2]]),
    "mask": (np.array([[True, False, True], [False, False, True]]), [[1, 0, 1], [0, 0, 1]]),
    "mask as a tensor": (mg.tensor([True, False]), [[1, 1, 1], [0, 0, 0]]),
    "new axes": ((None, 1, None, ...), [[0, 0, 0], [1, 1, 1]]),
    "ellipsis": ((..., 1), [[0, 1, 0], [0, 1, 0]]),
    "negative step": ((slice(None, None, -1), slice(None, None, -2)), [[1, 0, 1], [1, 0, 1]]),
    "nothing": (slice(2, None), [[0, 0, 0], [0, 0, 0]]),
}


@pytest.mark.parametrize("name", INDEXED)
@both_ways
def test_the_gradient_adds_up_where_an_index_names_an_element_again(name, create_graph):
    index, expected = INDEXED[name]
    (dx,) = gradients(lambda x: x[index].sum(), [np.ones((2, 3))], create_graph, np.ones(()))
    np.testing.assert_array_equal(dx, expected)


def test_an_index_is_kept_as_it_was():
    """Whoever changes an index array afterwards does not change the gradient."""
    for index in (np.array([0, 0]), [0, 0], mg.tensor([0, 0])):
        x = leaf(np.ones(3))
        y = x[index]
        index[:] = 2 if not isinstance(index, list) else [2, 2]
        y.sum().backward()
        assert x.grad.tolist() == [2, 0, 0]


def test_a_mask_puts_each_gradient_in_its_place():
    x = mg.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    mask = np.array([[True, False, True], [False, True, False]])
    (x[mask] * mg.tensor(np.array([1.0, 2.0, 3.0]))).sum().backward()
    assert x.grad.tolist() == [[1, 0, 2], [0, 3, 0]]
