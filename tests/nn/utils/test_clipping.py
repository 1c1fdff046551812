"""Norms of gradients, and gradients cut down to them."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import utils


def with_gradients(*gradients, dtype=np.float32):
    parameters = []
    for gradient in gradients:
        array = np.asarray(gradient, dtype)
        parameters.append(nn.Parameter(mg.zeros(array.shape, dtype=array.dtype)))
        parameters[-1].grad = mg.tensor(array)
    return parameters


ORDERS = {
    2: lambda x: np.sqrt((x * x).sum()),
    1: lambda x: abs(x).sum(),
    3: lambda x: (abs(x) ** 3).sum() ** (1 / 3),
    0.5: lambda x: (abs(x) ** 0.5).sum() ** 2,
    math.inf: lambda x: abs(x).max(),
    -math.inf: lambda x: abs(x).min(),
    0: lambda x: (x != 0).sum(),
}


@pytest.mark.parametrize("order", ORDERS)
def test_the_norm_of_all_is_that_of_one_vector(order):
    rng = np.random.default_rng(0)
    parts = [rng.standard_normal(shape) for shape in ((2, 3), (), (4,))]
    norm = utils.get_total_norm([mg.tensor(part) for part in parts], order)
    np.testing.assert_allclose(norm.item(), ORDERS[order](np.concatenate([p.reshape(-1) for p in parts])), rtol=1e-14)


def test_gradients_are_scaled_together_and_those_within_stay():
    parameters = [*with_gradients([3.0], [[4.0]]), nn.Parameter([1.0])]
    assert utils.clip_grad_norm_(parameters, 1.0).item() == 5
    np.testing.assert_allclose([parameters[0].grad.item(), parameters[1].grad.item()], [0.6, 0.8], rtol=1e-6)
    before = [p.grad.tolist() for p in parameters[:2]]
    assert utils.clip_grad_norm_(iter(parameters), 2.0).item() == pytest.approx(1)
    assert [p.grad.tolist() for p in parameters[:2]] == before and parameters[2].grad is None


def test_a_norm_at_the_limit_shrinks_as_in_pytorch():
    (parameter,) = with_gradients([0.6, 0.8])
    utils.clip_grad_norm_(parameter, 1.0)
    np.testing.assert_allclose(parameter.grad.numpy(), [0.59999943, 0.79999924], rtol=1e-7)


@pytest.mark.parametrize(("value", "count"), [(300, 1000), (100, 1_000_000)])
def test_norms_of_float16_do_not_overflow(value, count):
    (parameter,) = with_gradients(np.full(count, value), dtype=np.float16)
    norm = utils.clip_grad_norm_([parameter], 1e3)
    assert norm.dtype == mg.float32
    np.testing.assert_allclose(norm.item(), value * math.sqrt(count), rtol=1e-6)
    np.testing.assert_allclose(parameter.grad[0].item(), 1e3 / math.sqrt(count), rtol=1e-3)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_norms_of_float32_neither_overflow_nor_vanish(scale):
    assert utils.get_total_norm([mg.tensor([3 * scale, 4 * scale])]).item() == pytest.approx(5 * scale, rel=1e-6)


def test_what_is_not_finite():
    (parameter,) = with_gradients([math.inf, 1])
    with pytest.raises(RuntimeError, match=r"the norm of order 2\.0 of the gradients is inf"):
        utils.clip_grad_norm_(parameter, 1.0, error_if_nonfinite=True)
    assert parameter.grad.tolist() == [math.inf, 1]
    with np.errstate(invalid="ignore"):
        assert utils.clip_grad_norm_(parameter, 1.0).item() == math.inf
    assert math.isnan(parameter.grad[0].item()) and parameter.grad[1].item() == 0
    assert utils.clip_grad_norm_([], 1.0).item() == 0


def test_values_are_limited_and_nan_stays():
    parameters = with_gradients([3.0, -2, 0.5, math.nan])
    utils.clip_grad_value_(parameters, 1.0)
    np.testing.assert_array_equal(parameters[0].grad.numpy(), [1, -1, 0.5, math.nan])


def test_mistakes():
    for act, kind, message in [
        (lambda: utils.clip_grad_norm_(3, 1.0), TypeError, "not iterable|takes parameters"),
        (lambda: utils.clip_grad_value_([1.0], 1.0), TypeError, "takes parameters, got a float"),
        (lambda: utils.clip_grad_norm_([], -1), ValueError, "max_norm must be a number of at least 0"),
    ]:
        with pytest.raises(kind, match=message):
            act()


def test_parameters_as_a_vector_and_back():
    model = nn.Linear(2, 3)
    vector = utils.parameters_to_vector(model.parameters())
    (vector * mg.arange(9.0)).sum().backward()
    assert model.weight.grad.tolist() == [[0, 1], [2, 3], [4, 5]] and model.bias.grad.tolist() == [6, 7, 8]
    utils.vector_to_parameters(mg.arange(9.0), model.parameters())
    assert model.weight.tolist() == [[0, 1], [2, 3], [4, 5]] and model.bias.tolist() == [6, 7, 8]
    with pytest.raises(RuntimeError, match=r"have 9 elements, and the vector is \(8,\)"):
        utils.vector_to_parameters(mg.zeros(8), model.parameters())
    assert model.bias.tolist() == [6, 7, 8]


@pytest.mark.parametrize(("side", "rows"), [("right", [[1, 2, 3], [4, 0, 0]]), ("left", [[1, 2, 3], [0, 0, 4]])])
def test_sequences_are_padded(side, rows):
    x = mg.tensor([4.0], requires_grad=True)
    padded = utils.rnn.pad_sequence([mg.tensor([1.0, 2, 3]), x], batch_first=True, padding_side=side)
    assert padded.tolist() == rows
    assert utils.rnn.pad_sequence([mg.tensor([1.0, 2, 3]), x], padding_value=7.0).T.tolist()[1] == [4, 7, 7]
    padded.sum().backward()
    assert x.grad.tolist() == [1]
    with pytest.raises(ValueError, match="differ in their first length only"):
        utils.rnn.pad_sequence([mg.ones(2, 3), mg.ones(2, 4)])
