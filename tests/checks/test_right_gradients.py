"""Right gradients pass at every scale."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.nn import functional as F
from tests.checks.inputs import CHECKS, SCALES, leaf

RUNNING = (np.array([0.3, -0.2, 0.1]), np.array([0.5, 2.0, 1.5]))

RIGHT = {
    "tanh": (mg.tanh, [(3, 4)]),
    "reciprocal": (lambda x: 1 / x, [(8, 5)]),
    "log": (lambda x: mg.log(x.abs()), [(8, 5)]),
    "sin": (mg.sin, [(3, 4)]),
    "relu": (mg.relu, [(8, 5)]),
    "cube": (lambda x: x**3, [(3, 4)]),
    "broadcast": (lambda a, b: a * b + b, [(3, 4), (4,)]),
    "division": (lambda a, b: a / (1 + b * b), [(3, 1), (4,)]),
    "matmul": (mg.matmul, [(3, 4), (4, 2)]),
    "batched matmul": (mg.matmul, [(2, 3, 4), (4, 2)]),
    "softmax": (lambda x: mg.softmax(x, 1), [(3, 4)]),
    "log_softmax": (lambda x: mg.log_softmax(x, 1), [(3, 4)]),
    "indexing": (lambda x: x[[0, 0, 2], 1:], [(3, 4)]),
    "mean": (lambda x: x.mean(), [(3, 4)]),
    "std": (lambda x: x.std(0), [(5, 3)]),
    "prod": (lambda x: x.prod(1), [(4, 3)]),
    "amax": (lambda x: x.amax(1), [(4, 3)]),
    "several outputs": (lambda x: (x.sum(), x.max(1)[0], x * x), [(3, 4)]),
    "an output that does not depend": (lambda x: (x / 3, x.argmax()), [(3,)]),
    "a leaf as output": (lambda x: x, [(3,)]),
    "a single number": (lambda x: x * x, [()]),
    "dropout": (lambda x: F.dropout(x, 0.5), [(5, 4)]),
    "batch_norm, training": (lambda x, w, b: F.batch_norm(x, None, None, w, b, True, eps=1e-30), [(6, 3), (3,), (3,)]),
    "batch_norm, evaluation": (lambda x, w, b: F.batch_norm(x, *RUNNING, w, b), [(6, 3), (3,), (3,)]),
    "batch_norm, pixels": (lambda x, w, b: F.batch_norm(x, None, None, w, b, True), [(2, 2, 3), (2,), (2,)]),
    "batch_norm, summed to 0": (lambda x, w, b: F.batch_norm(x, None, None, w, b, True).sum(), [(6, 3), (3,), (3,)]),
}


@pytest.mark.slow
@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", RIGHT)
def test_right_gradients_pass_at_every_scale(name, scale, check):
    function, shapes = RIGHT[name]
    inputs = [leaf(*shape, scale=scale, seed=i) for i, shape in enumerate(shapes)]
    if name == "dropout":
        mg.manual_seed(0)
    assert check(function, inputs) is True


def test_elements_of_very_different_scales_pass():
    x = mg.tensor(np.random.default_rng(0).standard_normal((6, 3)) * [1e-2, 1, 1e2], requires_grad=True)
    assert mg.gradcheck(lambda x, w, b: F.batch_norm(x, None, None, w, b, True, eps=1e-30), (x, leaf(3), leaf(3)))


def test_constant_elements_zeros_and_empty_inputs_pass():
    assert mg.gradcheck(mg.exp, mg.zeros(3, requires_grad=True))
    assert mg.gradcheck(mg.exp, mg.full((3,), 0.1, requires_grad=True))
    assert mg.gradcheck(lambda x, y: x.sum() + y.exp(), (leaf(0, 3), leaf(2)))


def test_grad_outputs_can_be_given():
    x, dy = leaf(3, 4), leaf(3, 4, seed=1)
    assert mg.gradgradcheck(mg.tanh, x, dy)
    assert mg.gradgradcheck(mg.tanh, [x], [dy.detach()])
