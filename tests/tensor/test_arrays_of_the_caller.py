"""The caller may change arrays after giving them to an operation."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.tensor.changes import OTHER, START, leaf

TAKES_CONSTANT = {
    "mul": lambda x, c: x * c,
    "rmul": lambda x, c: c * x,
    "div": lambda x, c: x / c,
    "rdiv": lambda x, c: c / x,
    "pow": lambda x, c: x**c,
    "maximum": mg.maximum,
    "where": lambda x, c: mg.where(c, x, 0.0),
    "ufunc": lambda x, c: np.multiply(c, x),
}


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("kind", ["array", "list"])
@pytest.mark.parametrize("name", TAKES_CONSTANT)
def test_an_array_or_list_of_the_caller_may_change_after_the_operation(name, kind, create_graph):
    if (name, kind) in (("rmul", "array"), ("rdiv", "array"), ("ufunc", "list")):
        kind = "array"
    given = OTHER.copy() if kind == "array" else OTHER.tolist()
    x, twin = leaf(), leaf()
    y = TAKES_CONSTANT[name](x, given)
    expected = TAKES_CONSTANT[name](twin, mg.tensor(OTHER))
    given[0][0] = given[1][1] = 0.0
    expected.sum().backward()
    y.sum().backward(create_graph=create_graph)
    np.testing.assert_allclose(x.grad.numpy(), twin.grad.numpy(), rtol=1e-6)


TARGETS = {
    "mse_loss": (nn.functional.mse_loss, OTHER),
    "l1_loss": (nn.functional.l1_loss, OTHER),
    "binary_cross_entropy": (lambda x, t: nn.functional.binary_cross_entropy(x / 4, t), OTHER / 4),
    "cross_entropy": (nn.functional.cross_entropy, np.array([0, 2])),
    "cross_entropy of probabilities": (nn.functional.cross_entropy, OTHER / OTHER.sum(1, keepdims=True)),
    "nll_loss": (nn.functional.nll_loss, np.array([0, 2])),
    "linear": (lambda x, w: mg.square(nn.functional.linear(x, w)).sum(), OTHER),
    "matmul": (lambda x, w: mg.square(x @ w).sum(), OTHER.T),
    "matmul from the left": (lambda x, w: mg.square(mg.matmul(w, x)).sum(), OTHER.T),
    "batch_norm": (lambda x, w: mg.sin(mg.ops.batch_norm(x, w[0], w[1])).sum(), OTHER),
    "cat": (lambda x, c: mg.square(mg.cat([c, x])).sum(), OTHER),
}


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("name", TARGETS)
def test_targets_and_weights_of_the_caller_may_change_too(name, create_graph):
    function, constant = TARGETS[name]
    found = []
    for change in (False, True):
        x, given = leaf(), constant.copy()
        loss = function(x, given)
        if change:
            given[...] = given[::-1].copy()
        loss.backward(create_graph=create_graph)
        found.append(x.grad.numpy())
    np.testing.assert_array_equal(*found)
    assert np.any(found[0])


def test_indices_of_the_caller_may_change_after_the_operation():
    x = leaf()
    rows, mask = np.array([1, 1]), np.array([True, False])
    y = x[rows].sum() + x[mask].sum()
    rows[...], mask[...] = 0, True
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[1.0] * 3, [2.0] * 3])


def test_a_gradient_argument_may_change_after_backward():
    x = leaf()
    given = np.ones((2, 3))
    y = x * 1.0
    y.backward(given, retain_graph=True)
    given[...] = 100
    np.testing.assert_array_equal(x.grad.numpy(), np.ones((2, 3)))


def test_numpy_views_cannot_be_written_to():
    x = leaf()
    for view in (x.numpy(), np.asarray(x.detach()), x.detach().numpy()):
        with pytest.raises(ValueError, match="read-only"):
            view[0, 0] = 1
    changed = np.array(x.detach())
    changed[...] = 0
    np.testing.assert_array_equal(x.numpy(), START)
