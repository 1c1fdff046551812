"""Derivatives at kinks and ties."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from tests.helpers.differences import gradients
from tests.helpers.inputs import leaf
from tests.ops.edges import both, both_ways, inf

KINKS: dict[str, tuple[Callable[..., Any], list[Any], list[Any]]] = {
    # the function of the inputs, the inputs, and the gradient of the sum by each
    "relu": (mg.relu, [[0.0, -0.0, 1.0, -1.0]], [[0, 0, 1, 0]]),
    "abs": (mg.abs, [[0.0, -0.0, 2.0, -3.0]], [[0, 0, 1, -1]]),
    "clamp": (lambda x: mg.clamp(x, -1, 2), [[-1.0, 2.0, -1.5, 2.5, 0.0]], [[0, 0, 0, 0, 1]]),
    "clamp to a point": (lambda x: mg.clamp(x, 1, 1), [[0.0, 1.0, 2.0]], [[0, 0, 0]]),
    "clamp, bounds crossed": (lambda x: mg.clamp(x, 1, -1), [[-2.0, 0.0, 2.0]], [[0, 0, 0]]),
    "maximum": (mg.maximum, [[1.0, 2.0, 3.0], [1.0, 3.0, 2.0]], [[0.5, 0, 1], [0.5, 1, 0]]),
    "minimum": (mg.minimum, [[1.0, 2.0, 3.0], [1.0, 3.0, 2.0]], [[0.5, 1, 0], [0.5, 0, 1]]),
    "maximum with a number": (lambda x: mg.maximum(x, 0.0), [[0.0, 1.0, -1.0]], [[0.5, 1, 0]]),
    "maximum of infinities": (mg.maximum, [[inf, -inf], [inf, 0.0]], [[0.5, 0], [0.5, 1]]),
    "clamp by tensors": (mg.clamp, [[1.0, 0.0], [1.0, 1.0], [2.0, 2.0]], [[0.5, 0], [0.5, 1], [0, 0]]),
    "amax": (lambda x: mg.amax(x, 1), [[[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]]], [[[0, 1 / 2, 1 / 2], [1 / 3] * 3]]),
    "amin": (lambda x: mg.amin(x, 0), [[[1.0, 3.0], [1.0, 2.0]]], [[[0.5, 0], [0.5, 1]]]),
    "amax of all": (mg.amax, [[[1.0, 3.0], [3.0, 2.0]]], [[[0, 0.5], [0.5, 0]]]),
    "max of all": (mg.max, [[[1.0, 3.0], [3.0, 2.0]]], [[[0, 0.5], [0.5, 0]]]),
    "min of all": (mg.min, [[[1.0, 1.0], [3.0, 2.0]]], [[[0.5, 0.5], [0, 0]]]),
    "max along an axis": (
        lambda x: mg.max(x, 1).values,
        [[[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]]],
        [[[0, 1, 0], [1, 0, 0]]],
    ),
    "min along an axis": (lambda x: mg.min(x, 0).values, [[[1.0, 3.0], [1.0, 2.0]]], [[[1, 0], [0, 1]]]),
    "l1_loss": (lambda x, t: F.l1_loss(x, t, reduction="sum"), [[1.0, 2.0], [1.0, 3.0]], [[0, -1], [0, 1]]),
    "where": (lambda x: mg.where(x > 0, x, 0), [[0.0, 1.0]], [[0, 1]]),
}


@pytest.mark.parametrize("name", KINKS)
@both_ways
def test_kinks_and_ties(name, create_graph):
    function, inputs, expected = KINKS[name]
    for dx, right in zip(
        gradients(lambda *xs: function(*xs).sum(), both(*inputs), create_graph, np.ones(())), expected
    ):
        np.testing.assert_allclose(dx, right, rtol=1e-15)


def test_max_and_min_of_two_tensors_are_elementwise():
    a, b = both([1.0, 5.0], [2.0, 3.0])
    np.testing.assert_array_equal(mg.max(leaf(a), leaf(b)).detach().numpy(), [2, 5])
    np.testing.assert_array_equal(mg.min(leaf(a), b).detach().numpy(), [1, 3])


def test_indices_at_a_tie_are_the_first():
    x = leaf([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    assert mg.max(x, 1).indices.tolist() == mg.argmax(x, 1).tolist() == [1, 0]
    assert mg.min(x, 1).indices.tolist() == mg.argmin(x, 1).tolist() == [0, 0]
