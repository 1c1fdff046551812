"""In-place changes between first and second derivatives."""

import numpy as np
import pytest

import minigrad as mg
from tests.tensor.changes import OTHER, START, leaf


def test_a_change_between_the_first_and_the_second_derivative_is_refused():
    x = leaf()
    y = mg.exp(x)
    seen = y.detach()
    total = y.sum()
    del y
    (dx,) = mg.grad(total, x, create_graph=True)
    seen.zero_()
    with pytest.raises(RuntimeError, match="was changed in place"):
        mg.grad(dx.sum(), x)


def test_a_change_of_what_only_the_second_derivative_needs_is_refused():
    x, u, constant = leaf(), leaf(OTHER), mg.tensor(OTHER)
    seen = constant.detach()
    y = (x * constant) * mg.exp(u)
    constant.data = mg.tensor(START)
    (dx,) = mg.grad(y.sum(), x, create_graph=True)
    seen.zero_()
    with pytest.raises(RuntimeError, match=r"mul: operand 1, .* was changed in place"):
        mg.grad(dx.sum(), u)


@pytest.mark.parametrize("create_graph", [False, True])
def test_new_data_is_another_array(create_graph):
    x, constant = leaf(), mg.tensor(OTHER)
    y = x * x * constant
    x.data = mg.tensor(OTHER)
    constant.data = mg.tensor(START)
    (dx,) = mg.grad(y.sum(), x, create_graph=create_graph)
    np.testing.assert_array_equal(dx.numpy(), 2 * START * OTHER)
    if create_graph:
        (ddx,) = mg.grad(dx.sum(), x)
        np.testing.assert_array_equal(ddx.numpy(), 2 * OTHER)


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_constant_that_becomes_part_of_the_graph_was_none(create_graph):
    x, rebound, trained = leaf(), mg.tensor(OTHER), mg.tensor(OTHER)
    y = (x * rebound + x * trained).sum()
    rebound += x
    trained.requires_grad_()
    dx, dt = mg.grad(y, [x, trained], create_graph=create_graph, allow_unused=True)
    np.testing.assert_array_equal(dx.numpy(), 2 * OTHER)
    assert dt is None
    assert not dx.requires_grad


@pytest.mark.parametrize(
    ("wrong", "requires_grad"),
    [(np.zeros((3, 2)), True), (np.zeros((3, 2)), False), (np.zeros((2, 3), np.float32), True)],
)
def test_new_data_must_fit(wrong, requires_grad):
    x = mg.tensor(START, requires_grad=requires_grad)
    with pytest.raises(ValueError, match=r"data keeps its shape, and its dtype .*\(2, 3\) float64, got"):
        x.data = mg.tensor(wrong)
    np.testing.assert_array_equal(x.numpy(), START)
