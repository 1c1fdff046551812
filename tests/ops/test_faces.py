"""Where users find an operation is what its entry says: functions, methods, functionals, layers, NumPy's functions."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn
from minigrad.engine.faces import FACES, NUMPY, public
from minigrad.ops.table import functions, ufuncs

METHODS_OF_THEIR_OWN = {"add", "sub"}
"""Methods with an argument that the operation has not: ``alpha``."""

DIFFERENT = {"where", "astype"}
"""Methods that take other arguments, or convert only if need be."""

LAYERS = {
    "binary_cross_entropy": nn.BCELoss,
    "binary_cross_entropy_with_logits": nn.BCEWithLogitsLoss,
    "cross_entropy": nn.CrossEntropyLoss,
    "gelu": nn.GELU,
    "l1_loss": nn.L1Loss,
    "linear": nn.Linear,
    "log_softmax": nn.LogSoftmax,
    "mse_loss": nn.MSELoss,
    "nll_loss": nn.NLLLoss,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "softmax": nn.Softmax,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
}


def array_of(value):
    return value.detach().numpy() if isinstance(value, mg.Tensor) else value


def parameters(function):
    return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]


@pytest.mark.parametrize("name", functions("function"))
def test_a_function_is_in_the_package_and_says_what_it_does(name):
    assert getattr(mg, name) is FACES["function"][name] and inspect.getdoc(getattr(mg, name))


@pytest.mark.parametrize("name", functions("functional"))
def test_a_functional_is_in_nn_functional(name):
    assert getattr(F, name) is FACES["functional"][name] and name in F.__all__


@pytest.mark.parametrize("name", functions("functional_inplace"))
def test_a_functional_that_can_work_in_place_takes_inplace_last(name):
    own = parameters(FACES["functional_inplace"][name])
    assert parameters(getattr(F, name)) == [*own, ("inplace", inspect.Parameter.POSITIONAL_OR_KEYWORD, False)]
    x = mg.tensor([0.5, -0.25])
    y = getattr(F, name)(x.clone())
    assert getattr(F, name)(x, inplace=True) is x and x.tolist() == y.tolist()


@pytest.mark.parametrize(("place", "module"), [("linalg", mg.linalg), ("special", mg.special)])
def test_a_namespace_has_its_functions(place, module):
    assert module.__all__ == list(functions(place))
    assert all(getattr(module, name) is function for name, function in functions(place).items())


@pytest.mark.parametrize("name", sorted(set(functions("method")) - METHODS_OF_THEIR_OWN))
def test_a_method_has_the_arguments_of_the_function(name):
    method = inspect.getattr_static(mg.Tensor, name)
    assert parameters(method)[1:] == parameters(FACES["method"][name])[1:]


@pytest.mark.parametrize("name", functions("in_place"))
def test_a_method_in_place_has_the_arguments_of_the_function(name):
    method = inspect.getattr_static(mg.Tensor, f"{name}_")
    assert method.__name__ == f"{name}_"
    assert parameters(method)[1:] == parameters(FACES["in_place"][name])[1:]


def test_every_layer_of_an_operation_is_there():
    assert set(functions("module")) == set(LAYERS)


def test_a_method_that_is_an_operation_is_a_face():
    own = {name for name in functions("function") if hasattr(mg.Tensor, name)}
    assert own - set(functions("method")) == DIFFERENT, "these are methods whose entries do not say so"


@pytest.mark.parametrize("function", NUMPY, ids=lambda function: function.__name__)
def test_numpys_function_of_tensors_is_recorded(function):
    x = mg.tensor(np.array([[0.5, 0.25], [0.75, 0.125]]), requires_grad=True)
    arguments = {
        np.where: (x > 0.3, x, x), np.reshape: (x, (4,)), np.swapaxes: (x, 0, 1), np.expand_dims: (x, 0),
        np.broadcast_to: (x, (2, 2, 2)), np.concatenate: ([x, x],), np.stack: ([x, x],), np.clip: (x, 0.2, 0.6),
        np.einsum: ("ij,kj", x, x), np.tensordot: (x, x, 1), np.dot: (x, x), np.inner: (x, x), np.outer: (x[0], x[1]),
        np.kron: (x, x), np.cross: (mg.cat([x, x], 1)[:, :3], mg.cat([x, x], 1)[:, 1:]),
        np.linalg.multi_dot: ([x, x, x],), np.linalg.matrix_power: (x, 3),
    }  # fmt: skip
    count = function.nin if isinstance(function, np.ufunc) else 1
    inputs = arguments.get(function, (x,) * count)
    if function in (np.bitwise_and, np.bitwise_or, np.invert):
        inputs = (mg.tensor([True, False]),) * count
    plain = [list(map(array_of, value)) if isinstance(value, list) else array_of(value) for value in inputs]
    y = function(*inputs)
    assert isinstance(y, mg.Tensor)
    np.testing.assert_allclose(y.detach().numpy(), function(*plain), rtol=1e-12)


def test_operations_in_place_are_numpys():
    assert {op.name for op in ufuncs()} >= {"add", "sub", "mul", "div", "pow", "bitwise_and", "bitwise_or"}


def test_an_unknown_face_is_refused():
    with pytest.raises(ValueError, match="no faces metod: there are function, method"):
        public("metod")
