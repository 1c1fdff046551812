"""First steps and corners of the rules, as PyTorch 2.14.1 takes them, and where they depart from it."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim


def path(make, gradients, start=0.0, dtype=mg.float64):
    """The values of one parameter after each of some gradients."""
    weight = nn.Parameter(mg.tensor([start], dtype=dtype))
    optimizer, values = make([weight]), []
    for gradient in gradients:
        weight.grad = None if gradient is None else mg.tensor([gradient], dtype=dtype)
        optimizer.step()
        values.append(weight.item())
    return values


GOLDEN = {
    "adam waits without a gradient": (lambda p: optim.Adam(p, lr=0.1), [1, 0, None], [-0.1, -0.167006, -0.167006]),
    "adam, tiny gradient": (lambda p: optim.Adam(p, lr=0.1), [1e-8], [-0.05]),
    "adamax, tiny gradient": (lambda p: optim.Adamax(p, lr=0.1), [1e-8], [-0.05]),
    "rmsprop, tiny gradient": (lambda p: optim.RMSprop(p, lr=0.1), [1e-8], [-0.0909091]),
    "nadam": (lambda p: optim.NAdam(p, lr=0.1), [1], [-0.1056452]),
    "rprop": (lambda p: optim.Rprop(p, lr=0.01), [1, 1, -1, -1], [-0.01, -0.022, -0.022, -0.016]),
    "radam": (lambda p: optim.RAdam(p, lr=0.1), [1] * 6, [-0.1, -0.2, -0.3, -0.4, -0.5, -0.502582]),
    "adadelta": (lambda p: optim.Adadelta(p, lr=1), [1], [-0.0031623]),
    "adagrad": (lambda p: optim.Adagrad(p, lr=0.1), [1, 1], [-0.1, -0.1707107]),
    "the first step is not dampened": (
        lambda p: optim.SGD(p, lr=1, momentum=0.9, dampening=0.5), [1, 1], [-1, -2.4],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GOLDEN)
def test_steps_are_pytorchs(name):
    make, gradients, values = GOLDEN[name]
    np.testing.assert_allclose(path(make, gradients), values, rtol=2e-5)


def test_maximize_turns_the_gradient_and_not_the_decay():
    (value,) = path(lambda p: optim.SGD(p, lr=0.1, weight_decay=0.1, maximize=True), [1], start=1.0)
    assert value == pytest.approx(1.09)


def test_asgd_decays_without_a_gradient():
    assert path(optim.ASGD, [0], start=1.0) == [pytest.approx(0.999999)]


@pytest.mark.parametrize("dtype", [mg.float32, mg.float64])
@pytest.mark.parametrize("constant", np.linspace(0.1, 9, 40).tolist())
def test_a_centred_rmsprop_with_a_constant_gradient_stays_finite(constant, dtype):
    weight = nn.Parameter(mg.zeros(1, dtype=dtype))
    optimizer = optim.RMSprop([weight], centered=True)
    for _ in range(1500):
        weight.grad = mg.full((1,), constant, dtype=dtype)
        optimizer.step()
    assert np.isfinite(weight.item())


def test_a_rate_may_be_a_tensor_or_a_number_of_numpy():
    for rate in (mg.tensor(0.5), np.float32(0.5), np.array(0.5)):
        assert path(lambda p, rate=rate: optim.SGD(p, lr=rate), [1]) == [-0.5]


def test_hints_change_nothing():
    plain = path(lambda p: optim.AdamW(p, lr=0.1), [1, 2])
    assert path(lambda p: optim.AdamW(p, lr=0.1, foreach=True, fused=False, capturable=False), [1, 2]) == plain


def test_named_parameters_name_the_group():
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.named_parameters(), lr=0.1)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    assert optimizer.param_groups[0]["params"][0] is model.weight
    with pytest.raises(ValueError, match="with names and without"):
        optimizer.add_param_group({"params": [nn.Parameter([1.0])]})


def test_the_state_by_parameter_is_a_copy_that_is_not_to_be_changed():
    weight = nn.Parameter([1.0, 2.0])
    optimizer = optim.Adam([weight])
    assert dict(optimizer.state) == {}
    weight.grad = mg.ones(2)
    optimizer.step()
    state = optimizer.state[weight]
    assert list(state) == ["step", "exp_avg", "exp_avg_sq"] and state["step"].dtype == mg.float32
    np.testing.assert_allclose(state["exp_avg"].numpy(), [0.1, 0.1], rtol=1e-6)
    with pytest.raises(ValueError, match="cannot take"):
        state["exp_avg"].zero_()


def test_the_state_of_adagrad_is_there_before_the_first_step():
    weight = nn.Parameter([1.0, 2.0])
    optimizer = optim.Adagrad([weight], initial_accumulator_value=0.25)
    assert optimizer.state[weight]["sum"].tolist() == [0.25, 0.25]


def test_hooks_are_called_around_steps_and_states():
    weight = nn.Parameter([1.0])
    optimizer, calls = optim.SGD([weight], lr=0.5), []
    handles = [
        optimizer.register_step_pre_hook(lambda own, args, kwargs: calls.append(("before", own is optimizer, args))),
        optimizer.register_step_post_hook(lambda own, args, kwargs: calls.append(("after", weight.item()))),
        optimizer.register_state_dict_post_hook(lambda own, state: {**state, "note": 1}),
        optimizer.register_state_dict_post_hook(lambda own, state: calls.append("first"), prepend=True),
        optimizer.register_load_state_dict_pre_hook(lambda own, state: calls.append(state["note"])),
        optimizer.register_load_state_dict_post_hook(lambda own: calls.append("loaded")),
    ]
    weight.grad = mg.ones(1)
    optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
    assert calls == [("before", True, (None,)), ("after", 0.5), "first", 1, "loaded"]
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert len(calls) == 5


def test_bad_settings_are_refused_by_name():
    weight = nn.Parameter([1.0])
    for make, message in [
        (lambda: optim.Adadelta([weight], rho=2), "rho must be a number from 0 to 1, got 2"),
        (lambda: optim.Rprop([weight], etas=(1.2, 0.5)), "etas must be"),
        (lambda: optim.Rprop([weight], step_sizes=3), "step_sizes must be two numbers"),
        (lambda: optim.AdamW([weight], betas=(1.0, 0.9)), "betas must be two numbers from 0 to below 1"),
        (lambda: optim.RMSprop([weight], momentum=-1), "momentum must be a number of at least 0"),
        (lambda: optim.ASGD([weight], alpha="a"), "alpha must be a number"),
        (lambda: optim.NAdam([weight], momentum_decay=-1), "momentum_decay must be a number of at least 0"),
        (lambda: optim.Adam([weight], maximize="yes"), "maximize must be True or False"),
    ]:
        with pytest.raises(ValueError, match=message):
            make()
