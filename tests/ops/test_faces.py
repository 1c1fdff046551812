"""Where users find an operation is what its entry says: functions, methods, functionals, layers, NumPy's functions."""

from __future__ import annotations

import inspect
import re

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
    "celu": nn.CELU,
    "cross_entropy": nn.CrossEntropyLoss,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "glu": nn.GLU,
    "hardshrink": nn.Hardshrink,
    "hardsigmoid": nn.Hardsigmoid,
    "hardswish": nn.Hardswish,
    "hardtanh": nn.Hardtanh,
    "l1_loss": nn.L1Loss,
    "leaky_relu": nn.LeakyReLU,
    "linear": nn.Linear,
    "log_softmax": nn.LogSoftmax,
    "logsigmoid": nn.LogSigmoid,
    "mish": nn.Mish,
    "mse_loss": nn.MSELoss,
    "nll_loss": nn.NLLLoss,
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "selu": nn.SELU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "softmax": nn.Softmax,
    "softmin": nn.Softmin,
    "softplus": nn.Softplus,
    "softshrink": nn.Softshrink,
    "softsign": nn.Softsign,
    "tanh": nn.Tanh,
    "tanhshrink": nn.Tanhshrink,
    "threshold": nn.Threshold,
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
    if re.fullmatch("dropout[23]d", name):
        pytest.skip("it warns of other than images")
    x, others = mg.tensor([[0.5, -0.25]]), (0.25, -3.0) if name == "threshold" else ()
    mg.manual_seed(0)
    y = getattr(F, name)(x.clone(), *others)
    mg.manual_seed(0)
    assert getattr(F, name)(x, *others, inplace=True) is x and x.tolist() == y.tolist()


@pytest.mark.parametrize("name", ["celu", "elu", "hardtanh", "leaky_relu", "relu", "rrelu", "selu", "threshold"])
def test_a_functional_with_an_underscore_works_in_place(name):
    x, others = mg.tensor([[0.5, -2.25]]), (0.75, -3.0) if name == "threshold" else ()
    y = getattr(F, name)(x.clone(), *others)
    assert getattr(F, f"{name}_")(x, *others) is x and x.tolist() == y.tolist()
    assert parameters(getattr(F, f"{name}_")) == parameters(FACES["functional_inplace"][name])


def test_inplace_of_an_array_is_refused():
    with pytest.raises(TypeError, match=r"^elu: inplace=True changes a tensor: expected a tensor, got .*mg\.tensor"):
        F.elu(np.ones(2), inplace=True)


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
    assert method.__name__ in {f"{name}_", f"{FACES['in_place'][name].__name__}_"}
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
        np.moveaxis: (x, 0, 1), np.roll: (x, 1), np.tile: (x, 2), np.repeat: (x, 2), np.take: (x, [1, 2]),
        np.take_along_axis: (x, np.array([[1], [0]]), 1), np.hstack: ([x, x],), np.vstack: ([x, x],),
        np.dstack: ([x, x],), np.column_stack: ([x, x],),
        np.einsum: ("ij,kj", x, x), np.tensordot: (x, x, 1), np.dot: (x, x), np.inner: (x, x), np.outer: (x[0], x[1]),
        np.kron: (x, x), np.cross: (mg.cat([x, x], 1)[:, :3], mg.cat([x, x], 1)[:, 1:]),
        np.linalg.multi_dot: ([x, x, x],), np.linalg.matrix_power: (x, 3),
    }  # fmt: skip
    count = function.nin if isinstance(function, np.ufunc) else 1
    inputs = arguments.get(function, (x,) * count)
    if function in (np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert):
        inputs = (mg.tensor([True, False]),) * count
    if function in (np.gcd, np.lcm, np.left_shift, np.right_shift):
        inputs = mg.tensor([6, 4]), mg.tensor([4, 1])
    if function is np.ldexp:
        inputs = x, mg.tensor([2, -1])
    if function is np.arccosh:
        inputs = (x + 1,)
    plain = [list(map(array_of, value)) if isinstance(value, list) else array_of(value) for value in inputs]
    y = function(*inputs)
    assert isinstance(y, mg.Tensor)
    np.testing.assert_allclose(y.detach().numpy(), function(*plain), rtol=1e-12)


def test_operations_in_place_are_numpys():
    assert {op.name for op in ufuncs()} >= {"add", "sub", "mul", "div", "bitwise_and", "bitwise_or"}


def test_an_unknown_face_is_refused():
    with pytest.raises(ValueError, match="no faces metod: there are function, method"):
        public("metod")
