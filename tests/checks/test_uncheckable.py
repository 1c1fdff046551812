"""Checks that could not fail are errors."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.checks.inputs import CHECKS, error_of, leaf


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize(
    ("function", "inputs", "text"),
    [
        (mg.exp, mg.ones(3), "no input with elements requires grad"),
        (mg.exp, leaf(0, 3), "no input with elements requires grad"),
        (mg.exp, np.ones(3), "no input is a tensor, got an array (3,) float64: make it one, mg.tensor("),
        (mg.mul, (2.0, 3), "no input is a tensor, got 2.0, 3: make it one, mg.tensor("),
        (lambda x: x.detach(), leaf(3), "no output requires grad"),
        (lambda x: x.argmax(), leaf(3), "no output requires grad"),
        (nn.ReLU(), mg.arange(3), "no input with elements requires grad"),
        (lambda x: x * 2, mg.tensor([1.0, np.inf], requires_grad=True), "input 0 (2,) has NaN or infinite elements"),
    ],
)
def test_a_check_that_could_not_fail_is_an_error(function, inputs, text, check):
    with pytest.raises(ValueError) as caught:
        check(function, inputs, raise_exception=False)
    assert text in str(caught.value)


@pytest.mark.parametrize("check", [mg.gradcheck, mg.gradgradcheck])
def test_the_function_comes_first(check):
    with pytest.raises(TypeError, match=r"comes first, then its inputs, got \(3,\) float64 for the function"):
        check(leaf(3), mg.exp)


def test_what_is_not_a_tensor_is_refused_as_output():
    with pytest.raises(TypeError, match="must return a tensor or a tuple of tensors"):
        mg.gradcheck(lambda x: x.sum().item(), leaf(3))


def test_outputs_whose_shape_depends_on_the_values_are_refused():
    x = mg.tensor([1.0, 1e-9, -2.0], requires_grad=True)
    assert "shapes of the outputs depend on the values of input 0" in error_of(lambda x: x[x > 0], x)
    assert mg.gradcheck(lambda x: x[x > 0], leaf(5))


def test_errors_of_the_function_reach_the_user():
    with pytest.raises(ZeroDivisionError):
        mg.gradcheck(lambda x: x * (1 // 0), leaf(3), raise_exception=False)
