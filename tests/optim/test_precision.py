"""What optimisers compute in: float16 parameters, zero and tiny gradients, overflow."""

import copy
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim

KINDS = {
    "adam": (optim.Adam, {}),
    "amsgrad": (optim.Adam, {"amsgrad": True}),
    "adam, decay": (optim.Adam, {"weight_decay": 0.1}),
    "sgd": (optim.SGD, {}),
    "momentum": (optim.SGD, {"momentum": 0.9}),
    "nesterov": (optim.SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
}
every_kind = pytest.mark.parametrize("name", KINDS)


def parameter(values, dtype):
    return nn.Parameter(mg.from_numpy(np.array(values, dtype)))


def give(p, gradient):
    p.grad = mg.from_numpy(np.broadcast_to(np.array(gradient, p.dtype), p.shape).copy())


def stepped(kind, dtype, gradient, steps=1, **settings):
    """A parameter of ones after steps with the same gradient."""
    p = parameter(np.ones(3), dtype)
    optimizer = kind([p], **settings)
    for _ in range(steps):
        give(p, gradient)
        optimizer.step()
    return p.numpy()


# -- Adam near 0 -------------------------------------------------------------------------------


@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("gradient", [0.0, 6e-8, 1e-4, 1e-2, 1.0, -6e4])
def test_adams_first_step_is_the_rate_whatever_the_gradients_size(dtype, gradient, amsgrad):
    """Up to eps: lr * g / (abs(g) + eps), as m' = g and v' = g**2."""
    given = float(np.array(gradient, dtype))
    expected = 1 - 0.01 * given / (abs(given) + 1e-8)
    result = stepped(optim.Adam, dtype, gradient, lr=0.01, amsgrad=amsgrad)
    np.testing.assert_allclose(result, expected, rtol=2 * np.finfo(dtype).eps)
    assert result.dtype == dtype


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("eps", [0, 1e-60])
@pytest.mark.parametrize("steps", [1, 3])
def test_without_eps_a_gradient_of_zero_moves_nothing(dtype, eps, steps):
    gradient = [0.0, 1e-3, -2.0]
    result = stepped(optim.Adam, dtype, gradient, steps, lr=0.01, eps=eps)
    expected = 1 - 0.01 * steps * np.sign(gradient)  # equal gradients: each step is the rate
    np.testing.assert_allclose(result, expected, rtol=4 * np.finfo(dtype).eps)


def test_without_eps_a_square_that_is_zero_moves_nothing():
    assert stepped(optim.Adam, np.float32, [1e-30, 0.0, -1e-30], lr=0.01, eps=0).tolist() == [1, 1, 1]


# -- float16 -----------------------------------------------------------------------------------


def formula(name, gradients, lr=0.01):
    """The values of a float16 parameter of ones: computed in float64, rounded once in each step."""
    kind, settings = KINDS[name]
    p, m, v, largest = np.ones(gradients.shape[1], np.float16), 0.0, 0.0, 0.0
    for t, gradient in enumerate(gradients, 1):
        wide = p.astype(np.float64)
        g = gradient.astype(np.float64) + settings.get("weight_decay", 0) * wide
        if kind is optim.Adam:
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            largest = np.maximum(largest, v)
            second = largest if settings.get("amsgrad") else v
            change = m / (1 - 0.9**t) / (np.sqrt(second / (1 - 0.999**t)) + 1e-8)
        else:
            momentum = settings.get("momentum", 0)
            m = momentum * m + g
            change = g + momentum * m if settings.get("nesterov") else m
        p = (wide - lr * change).astype(np.float16)
    return p


@every_kind
@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0])
def test_steps_of_float16_are_rounded_only_when_the_parameter_is_written(name, scale):
    kind, settings = KINDS[name]
    gradients = (np.random.default_rng(0).standard_normal((40, 50)) * scale).astype(np.float16)
    p = parameter(np.ones(50), np.float16)
    optimizer = kind([p], lr=0.01, **settings)
    for gradient in gradients:
        give(p, gradient)
        optimizer.step()
    expected = formula(name, gradients)
    assert (p.numpy() == expected).mean() > 0.95  # the others were nearly halfway between two float16
    np.testing.assert_allclose(p.numpy(), expected, rtol=np.finfo(np.float16).eps)


@every_kind
def test_the_state_of_float16_parameters_is_float32_also_after_loading(name):
    kind, settings = KINDS[name]
    p, q = parameter(np.ones(3), np.float16), parameter(np.ones(2), np.float64)
    optimizer = kind([p, q], **settings)
    for _ in range(2):
        for one in (p, q):
            give(one, 1e-4)
        optimizer.step()
    saved = optimizer.state_dict()
    half = copy.deepcopy(saved)
    for key in saved["state"][0]:
        if key != "step":
            assert saved["state"][0][key].dtype == np.float32 and saved["state"][1][key].dtype == np.float64
            half["state"][0][key] = saved["state"][0][key].half()
    for state in (saved, half):  # of older versions too
        optimizer.load_state_dict(state)
        again = optimizer.state_dict()["state"][0]
        for key, value in state["state"][0].items():
            if key != "step":
                assert again[key].dtype == np.float32
                np.testing.assert_array_equal(again[key].numpy(), value.numpy())


def test_a_sum_of_float16_gradients_that_is_too_large_for_float16():
    """A velocity of 20,000 / (1 - 0.9) is above 65,504."""
    result = stepped(optim.SGD, np.float16, 2e4, 100, lr=1e-6, momentum=0.9)
    velocity = np.cumsum(2e4 * 0.9 ** np.arange(100))
    assert velocity[-1] > 65504
    np.testing.assert_allclose(result, 1 - 1e-6 * velocity.sum(), rtol=100 * np.finfo(np.float16).eps / 2)


def test_a_rate_that_is_zero_in_float16():
    assert stepped(optim.SGD, np.float16, 6e4, lr=1e-8).tolist() == [np.float16(1 - 6e-4)] * 3


# -- overflow ----------------------------------------------------------------------------------


def two_precisions():
    """Three parameters in two pieces, for the gradients ``LARGE``: the square of the middle one's overflows."""
    return [parameter([1.0, 2.0], np.float64), parameter([3.0, 4.0], np.float32), parameter([[5.0]], np.float32)]


LARGE = [1.0, 3e30, 2.0]


def large_step(optimizer, parameters):
    for p, gradient in zip(parameters, LARGE):
        give(p, gradient)
    optimizer.step()


def test_a_square_that_overflows_is_one_warning_with_the_parameters_name():
    parameters = two_precisions()
    optimizer = optim.Adam(parameters, lr=0.1)
    with pytest.warns(UserWarning) as caught:
        for _ in range(3):
            large_step(optimizer, parameters)
    (warning,) = caught
    message = str(warning.message)
    assert message.startswith("Adam: a step overflowed in parameter 1 (2,) float32: the gradient is finite")
    assert "clip" in message and warning.filename == __file__
    assert parameters[1].tolist() == [3, 4]  # by an infinite average
    np.testing.assert_allclose(parameters[2].numpy(), 5 - 3 * 0.1, rtol=1e-6)


def test_only_parameters_with_finite_gradients_are_named():
    parameters = [parameter([1.0], np.float32) for _ in range(3)]
    for p, gradient in zip(parameters, [np.inf, 1e30, 1.0]):
        give(p, gradient)
    with pytest.warns(UserWarning, match=r"overflowed in parameter 1 \(1,\) float32: the gradient is finite"):
        optim.Adam(parameters).step()


def test_values_that_overflow_are_warned_of():
    p = parameter([1.0, 2.0], np.float32)
    give(p, [1e38, 1.0])
    with pytest.warns(UserWarning, match=r"SGD: a step overflowed in parameter 0 \(2,\) float32"):
        optim.SGD([p], lr=10).step()
    assert p.tolist() == [-np.inf, -8]


@pytest.mark.parametrize("gradient", [np.inf, -np.inf, np.nan, 6e4])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_no_warning_where_a_gradient_is_not_finite_or_nothing_overflows(dtype, gradient):
    p, other = parameter(np.ones(2), dtype), parameter(np.ones(2), dtype)
    optimizer = optim.Adam([p, other], lr=0.1)
    for one, value in ((p, gradient), (other, 1.0)):
        give(one, value)
    optimizer.step()  # warnings are errors here
    np.testing.assert_allclose(other.numpy(), 0.9, rtol=1e-3)


@every_kind
@pytest.mark.parametrize("how", ["raise", "warnings"])
def test_no_setting_stops_a_step_halfway(name, how):
    """Overflow, underflow, division by zero and NaN in the first piece: all is as without the setting."""
    kind, settings = KINDS[name]
    results = []
    for strict in (False, True):
        parameters = [parameter([1.0, 1e38, 1.0, 1.0], np.float32), parameter([1.0, 2.0], np.float64)]
        optimizer = kind(parameters, lr=3.0, **settings)
        give(parameters[0], [1e30, -3.4e38, 1e-44, np.inf])
        give(parameters[1], [1.0, -1e-200])
        with np.errstate(all="raise" if strict and how == "raise" else "warn"), warnings.catch_warnings():
            warnings.simplefilter("error" if strict and how == "warnings" else "ignore")
            try:
                optimizer.step()
            except UserWarning as told:  # of the whole step, when it is done
                assert strict and how == "warnings" and "a step overflowed in parameter 0" in str(told)
        state = [
            (number, key, np.asarray(value).tobytes())
            for number, entry in optimizer.state_dict()["state"].items()
            for key, value in entry.items()
        ]
        results.append(([p.numpy().tobytes() for p in parameters], state))
    assert results[0] == results[1]


def test_the_error_settings_of_the_caller_stay_as_they_were():
    p = parameter([1.0], np.float32)
    give(p, 1e30)
    with np.errstate(over="raise", divide="print"), pytest.warns(UserWarning, match="overflowed"):
        before = np.geterr(), np.geterrcall()
        optim.Adam([p]).step()
        assert (np.geterr(), np.geterrcall()) == before
        with pytest.raises(FloatingPointError):
            np.float32([1e30]) * np.float32(1e30)


def test_a_step_within_a_step():
    inner, outer = parameter([1.0], np.float32), parameter([1.0], np.float32)

    class Nested(optim.SGD):
        def change(self, *arguments):
            give(inner, 1.0)
            optim.SGD([inner], lr=0.5).step()
            super().change(*arguments)

    give(outer, 1.0)
    Nested([outer], lr=0.25).step()
    assert [inner.item(), outer.item()] == [0.5, 0.75]


@pytest.mark.parametrize("gradient, dtype, right", [
    (1e-30, mg.float64, 0.99), (1e-18, mg.float32, 0.99), (1e-30, mg.float32, 1.0), (0.0, mg.float32, 1.0),
])  # fmt: skip
def test_adam_without_eps_moves_where_squares_are_not_0(gradient, dtype, right):
    p = mg.ones(1, dtype=dtype, requires_grad=True)
    p.grad = mg.full((1,), gradient, dtype=dtype)
    optim.Adam([p], lr=0.01, eps=0).step()
    np.testing.assert_allclose(p.item(), right, rtol=1e-5)
