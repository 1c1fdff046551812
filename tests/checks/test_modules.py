"""Gradient checks of modules and their parameters."""

import copy

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.checks import numeric
from tests.checks.inputs import CHECKS, error_of


class Wrong(nn.Module):
    """Applies a wrong operation to what a right layer returns and to a parameter."""

    def __init__(self, op):
        self.layers = [nn.Linear(3, 3), nn.Linear(3, 3)]
        self.scale = nn.Parameter(mg.tensor([1.5, -0.5, 2.0]))
        self.op = op

    def forward(self, x):
        return self.op(self.layers[0](x), self.scale)


def test_parameters_are_checked_under_their_dotted_names(new_op):
    op = new_op(lambda x, w: x * w * w, lambda dy, _y, _x, w: dy * w * w, lambda dy, _y, x, w: dy * x * w)
    wrong = nn.Sequential(nn.Tanh(), Wrong(op))
    message = error_of(wrong, mg.randn(4, 3))
    assert "\nparameter 1.scale (3,): 3 of 3 elements differ." in message
    assert "constant factor: backward gives the derivative times 0.5" in message
    assert message.count("elements differ") == 1


def test_a_frozen_parameter_is_a_constant(new_op):
    op = new_op(lambda x, w: x * w, lambda dy, _y, _x, w: dy * w, lambda dy, _y, x, _w: -dy * x)
    wrong = Wrong(op)
    assert "parameter scale" in error_of(wrong, mg.randn(4, 3))
    wrong.scale.requires_grad_(False)
    assert mg.gradcheck(wrong, mg.randn(4, 3))
    assert not wrong.scale.requires_grad


@pytest.mark.parametrize("check", CHECKS)
def test_batch_norm_without_or_with_frozen_parameters_passes(check):
    for bn in (nn.BatchNorm1d(3, affine=False), nn.BatchNorm1d(3).requires_grad_(False)):
        assert check(bn, mg.randn(6, 3))
        assert check(bn.eval(), mg.randn(6, 3))


def test_all_float_inputs_of_a_module_are_checked_unless_some_are_chosen(new_op):
    class Product(nn.Module):
        def forward(self, a, b):
            return product(a, b)

    product = new_op(np.multiply, lambda dy, _y, _a, b: dy * b, lambda dy, _y, a, _b: -dy * a)
    a, b = mg.randn(3), mg.randn(3)
    assert "input 1 (3,): 3 of 3" in error_of(Product(), (a, b))
    assert mg.gradcheck(Product(), (a.requires_grad_(), b))


G1 = {
    "x": np.array([[1, 2], [3, 4], [5, 8], [7, 2]], float),
    "dy": np.array([[1, 0], [0, 1], [2, -1], [0, 3]], float),
    "train": [[0.044721, -1.292784], [-0.35777, 0.204124], [0.581377, -0.068044], [-0.268328, 1.156704]],
    "eval": [[0.798933, 0], [0, 1.533925], [1.597866, -1.533925], [0, 4.601776]],
}


def test_the_golden_batch_norm_passes_in_both_modes_and_keeps_its_statistics():
    bn = nn.BatchNorm1d(2)
    with mg.no_grad():
        bn.weight.copy_([1, 2])
        bn.bias.copy_([0, 1])
    x = mg.tensor(G1["x"], "float32")
    for mode, mean, var, batches in (("train", [0, 0], [1, 1], 0), ("eval", [0.4, 0.4], [1.566667, 1.7], 1)):
        bn.train(mode == "train")
        for check in CHECKS:
            assert check(bn, x)
        assert bn.training == (mode == "train")
        np.testing.assert_allclose(bn.running_mean.numpy(), mean, atol=1e-6)
        np.testing.assert_allclose(bn.running_var.numpy(), var, atol=1e-6)
        assert bn.num_batches_tracked.item() == batches
        twin = copy.deepcopy(bn).double()

        def function(value, twin=twin):
            return (G1["dy"] * twin(mg.tensor(value)).numpy()).ravel()

        found = [numeric.derivative(function, G1["x"], index, 1e-3).sum() for index in np.ndindex(4, 2)]
        np.testing.assert_allclose(found, np.ravel(G1[mode]), atol=1e-6)
        bn(x)
