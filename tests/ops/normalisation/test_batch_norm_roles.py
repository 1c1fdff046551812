"""Batch normalisation when one tensor has two roles, and what it refuses of its buffers and settings."""

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, ops
from tests.helpers.differences import check_derivatives
from tests.helpers.inputs import cotangent, leaf, values

EPS = 1e-5
LARGE = 1 << 19
"""Elements of a batch that is normalised in blocks."""

X = np.random.default_rng(3).standard_normal((6, 3)) * 2 + 1
WEIGHT = np.array([2.0, -3.0, 0.5])
BIAS = np.array([1.0, 0.0, -1.0])


def constant(array):
    return mg.tensor(np.array(array))


def gradient(x, weight, dy):
    """``dx`` in training, by its formula."""
    inverse = 1 / np.sqrt(x.var(0) + EPS)
    xhat, g = (x - x.mean(0)) * inverse, dy * weight
    return (g - g.mean(0) - xhat * (g * xhat).mean(0)) * inverse


# -- one memory in two roles: each case makes x, running_mean, running_var, weight and bias ----------


def weight_is_variance():
    weight = constant(np.abs(WEIGHT))
    return leaf(X), constant(BIAS), weight, weight, constant(BIAS)


def weight_is_mean_and_bias_is_variance():
    weight, bias = constant(WEIGHT), constant(np.abs(BIAS))
    return leaf(X), weight, bias, weight, bias


def weight_of_a_leaf_is_detached():
    weight = leaf(WEIGHT)
    return leaf(X), weight.detach(), constant(WEIGHT), weight, None


def weight_overlaps_variance():
    memory = constant(np.array([2.0, -3.0, 0.5, 4.0]))
    return leaf(X), constant(BIAS), memory[1:], memory[:3], None


def weight_and_variance_are_rows():
    memory = constant(np.stack([WEIGHT, np.abs(WEIGHT)]))
    return leaf(X), constant(BIAS), memory[1], memory[0], None


def weight_and_variance_are_one_array():
    array = WEIGHT.copy()
    return leaf(X), BIAS.copy(), array, array, None


def mean_is_a_row_of_the_input():
    x = leaf(X)
    return x, x.detach()[0], constant(WEIGHT), constant(WEIGHT), constant(BIAS)


def mean_is_a_row_of_a_large_input():
    x = leaf(np.random.default_rng(0).standard_normal((LARGE // 3 + 1, 3)))
    return x, x.detach()[0], constant(WEIGHT), constant(WEIGHT), None


CASES = [
    weight_is_variance,
    weight_is_mean_and_bias_is_variance,
    weight_of_a_leaf_is_detached,
    weight_overlaps_variance,
    weight_and_variance_are_rows,
    weight_and_variance_are_one_array,
    mean_is_a_row_of_the_input,
    mean_is_a_row_of_a_large_input,
]


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_the_gradient_is_that_at_the_values_of_the_call(case, create_graph):
    x, mean, var, weight, bias = case()
    before = [np.array(value.array if isinstance(value, mg.Tensor) else value) for value in (x, mean, weight)]
    y = F.batch_norm(x, mean, var, weight, bias, training=True)
    assert not np.array_equal(mean.array if isinstance(mean, mg.Tensor) else mean, before[1])
    dy = cotangent(y.shape)
    (dx,) = mg.grad(y, x, constant(dy), create_graph=create_graph)
    np.testing.assert_allclose(dx.detach().numpy(), gradient(before[0], before[2], dy), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("case", CASES[:-1])
def test_the_second_derivative_is_that_at_the_values_of_the_call(case):
    """It is bit for bit that of tensors with memory of their own."""
    found = []
    for apart in (False, True):
        x, mean, var, weight, bias = case()
        if apart:
            x = leaf(x.array.copy())
            mean, var, weight = (constant(getattr(value, "array", value)) for value in (mean, var, weight))
        y = F.batch_norm(x, mean, var, weight, bias, training=True)
        (dx,) = mg.grad(y, x, constant(cotangent(y.shape)), create_graph=True)
        found.append(mg.grad((dx * dx).sum(), x)[0].numpy())
    np.testing.assert_array_equal(*found)


def test_a_leaf_in_two_roles_gets_the_gradient_of_its_weight():
    x, mean, var, weight, _ = weight_of_a_leaf_is_detached()
    y = F.batch_norm(x, mean, var, weight, None, training=True)
    dy = cotangent(y.shape)
    y.backward(constant(dy))
    xhat = (X - X.mean(0)) / np.sqrt(X.var(0) + EPS)
    np.testing.assert_allclose(weight.grad.numpy(), (dy * xhat).sum(0), rtol=1e-9)


def test_a_product_with_a_buffer_is_still_noticed():
    """What was recorded before the call, over a buffer, must not go backward after it."""
    x, _, _, weight, _ = weight_is_variance()
    product = x * weight
    F.batch_norm(x, constant(BIAS), weight, weight, None, training=True)
    with pytest.raises(RuntimeError, match="changed in place after it was recorded"):
        product.sum().backward()


# -- buffers and settings that are refused --------------------------------------------------------


def read_only(array):
    array.flags.writeable = False
    return array


BOTH = mg.zeros(3, dtype=np.float64)
REFUSED = {
    "mean requires grad": ({"running_mean": leaf(BIAS)}, RuntimeError, "running_mean requires grad"),
    "variance requires grad": ({"running_var": leaf(WEIGHT)}, RuntimeError, r"pass running_var\.detach\(\)"),
    "one tensor": ({"running_mean": BOTH, "running_var": BOTH}, ValueError, "share their memory"),
    "overlapping": (
        {"running_mean": (v := mg.zeros(4, dtype=np.float64))[:3], "running_var": v[1:]},
        ValueError,
        "share",
    ),
    "expanded": ({"running_var": constant([1.0]).expand(3)}, ValueError, "running_var is read-only"),
    "read-only arrays": ({"running_mean": read_only(np.zeros(3)), "running_var": np.ones(3)}, ValueError, "read-only"),
    "no momentum": ({"momentum": None}, TypeError, "momentum must be a number, the weight of the new batch, got None"),
    "momentum of text": ({"momentum": "fast"}, TypeError, "momentum must be a number"),
    "lists": (
        {"running_mean": [0.0] * 3, "running_var": [1.0] * 3},
        TypeError,
        "running_mean must be a tensor .* list",
    ),
    "a number as weight": ({"weight": 2.0}, TypeError, r"weight must be a tensor of 3 values, got 2\.0"),
    "no eps": ({"eps": None}, TypeError, "eps must be a number, got None"),
    "eps NaN": ({"eps": np.nan}, ValueError, "eps must be positive"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_changes_nothing(name):
    changes, error, message = REFUSED[name]
    arguments = {"running_mean": constant([0.25] * 3), "running_var": constant([0.5] * 3), "training": True, **changes}
    before = [np.array(getattr(arguments[key], "array", arguments[key])) for key in ("running_mean", "running_var")]
    with pytest.raises(error, match=message) as caught:
        F.batch_norm(leaf(X), **arguments)
    assert "\n" not in str(caught.value)
    for key, value in zip(("running_mean", "running_var"), before):
        np.testing.assert_array_equal(getattr(arguments[key], "array", arguments[key]), value)


def test_statistics_in_a_graph_are_refused_in_evaluation_and_allowed_outside_of_graphs():
    mean, var = leaf(BIAS), constant(np.abs(WEIGHT))
    with pytest.raises(RuntimeError, match=r"pass running_mean\.detach\(\)"):
        F.batch_norm(leaf(X), mean, var)
    with mg.no_grad():
        y = F.batch_norm(leaf(X), mean, var)
    np.testing.assert_allclose(y.numpy(), (X - BIAS) / np.sqrt(np.abs(WEIGHT) + EPS), rtol=1e-12)


def test_a_negative_eps_is_refused_in_evaluation():
    with pytest.raises(ValueError, match="eps must be at least 0, got -1"):
        nn.BatchNorm1d(3, eps=-1).eval()(mg.randn(4, 3))


def test_an_overflow_that_is_an_error_leaves_both_statistics():
    mean, var = np.ones(2, np.float32), np.ones(2, np.float32)
    x = np.array([[0, 1], [1e19, 2]], np.float32)
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        F.batch_norm(x, mean, var, training=True, momentum=1e2)
    assert (mean == 1).all() and (var == 1).all()


# -- numbers whose squares float32 cannot hold -----------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("rows", [4, 3000, LARGE])
@pytest.mark.parametrize("scale", [1e22, 1e38])
def test_large_numbers_are_normalised(rows, scale):
    """As float64 normalises them; an ordinary channel beside them keeps its digits."""
    x = np.random.default_rng(1).uniform(-1, 1, (rows, 2)).astype(np.float32) * np.float32([scale, 1])
    exact = x.astype(np.float64)
    expected = (exact - exact.mean(0)) / np.sqrt(exact.var(0) + EPS)
    inputs, mean, var = leaf(x), mg.zeros(2), mg.ones(2)
    with pytest.warns(UserWarning, match="1 of 2 channels of this batch contain NaN or infinity, or numbers too large"):
        y = F.batch_norm(inputs, mean, var, training=True)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=0, atol=1e-6)
    assert (mean.numpy()[0], var.numpy()[0]) == (0, 1) and var.numpy()[1] != 1
    dy = cotangent(x.shape)
    for create_graph in (False, True):
        (dx,) = mg.grad(y, inputs, mg.tensor(dy, np.float32), retain_graph=True, create_graph=create_graph)
        assert dx.dtype == np.float32
        error = (dx.detach().numpy() - gradient(exact, 1, dy)) * [scale, 1]
        assert abs(error).max() < 1e-5


# -- precision and memory of what the derivative is computed from ----------------------------------


def test_second_derivatives_of_float16_are_computed_in_float32():
    """The square of 1000 is more than float16 can hold."""
    x = (np.random.default_rng(0).standard_normal((64, 2)) * 1000).astype(np.float16)
    dy = cotangent(x.shape).astype(np.float16)
    found = []
    for dtype in (np.float16, np.float64):
        inputs = leaf(x.astype(dtype))
        y = ops.batch_norm(inputs, training=True)
        (dx,) = mg.grad(y, inputs, mg.tensor(dy.astype(dtype)), create_graph=True)
        found.append(dx.detach().numpy().astype(np.float64))
    assert abs(found[1]).max() > 1e-3
    np.testing.assert_allclose(found[0], found[1], rtol=2e-3, atol=2e-6)


@pytest.mark.parametrize("parameter", ["weight", "bias"])
@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("rows", [6, LARGE // 2])
def test_a_batch_that_is_an_array_is_kept_as_it_was(rows, create_graph, parameter):
    """With one parameter that is a tensor the call is recorded: the caller may overwrite the batch.

    Also a large one, which is worked on where it lies.
    """
    x = np.random.default_rng(0).standard_normal((rows, 2))
    before, given, dy = x.copy(), leaf(np.array([2.0, -3.0])), cotangent(x.shape)
    y = ops.batch_norm(x, training=True, **{parameter: given})
    x[...] = 7
    (found,) = mg.grad(y, given, constant(dy), create_graph=create_graph)
    xhat = (before - before.mean(0)) / np.sqrt(before.var(0) + EPS)
    expected = (dy * (xhat if parameter == "weight" else 1)).sum(0)
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-9, atol=1e-7)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("contiguous", [True, False])
def test_a_weight_with_a_stride_is_right(training, contiguous):
    memory = mg.tensor(np.array([2.0, 9.0, -3.0, 9.0, 0.5]))
    x, mean, var = leaf(X), constant(BIAS), constant(np.abs(WEIGHT))
    y = F.batch_norm(x, mean, var, memory[::2], None, training)
    dy = cotangent(X.shape)
    (dx,) = mg.grad(y, x, constant(dy if contiguous else np.asfortranarray(dy)))
    expected = gradient(X, WEIGHT, dy) if training else dy * WEIGHT / np.sqrt(np.abs(WEIGHT) + EPS)
    np.testing.assert_allclose(values([dx])[0], expected, rtol=1e-10, atol=1e-13)


def test_derivatives_of_a_weight_with_a_stride():
    def norm(x, memory):
        return F.batch_norm(x, None, None, memory[::2], None, True)

    check_derivatives(norm, [X, np.array([2.0, 9.0, -3.0, 9.0, 0.5])], 2)
