"""The saved state of optimisers."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from tests.optim.formulas import SETTINGS, every_setting, give_gradients, parameters_of

pytestmark = pytest.mark.usefixtures("small_blocks")


def steps(optimizer, parameters, rng, count, missing=()):
    for _ in range(count):
        give_gradients(parameters, rng, missing)
        optimizer.step()


def flat(state):
    """A state as comparable bytes."""
    if isinstance(state, dict):
        return {key: flat(value) for key, value in state.items()}
    if isinstance(state, (list, tuple)):
        return [flat(value) for value in state]
    return (state.dtype.name, state.shape, state.numpy().tobytes()) if isinstance(state, mg.Tensor) else state


def same_bits(parameters, others):
    return all(a.numpy().tobytes() == b.numpy().tobytes() for a, b in zip(parameters, others))


@every_setting
@pytest.mark.parametrize("missing", [(), {1}], ids=["all", "one was missing"])
def test_a_saved_optimiser_goes_on_bit_for_bit(tmp_path, name, missing):
    kind, _, settings = SETTINGS[name]
    groups = [{**settings, "lr": 0.3}, settings]
    parameters = parameters_of(np.float32)

    def made(parameters):
        halves = parameters[:5], parameters[5:]
        return kind([{"params": half, **own} for half, own in zip(halves, groups)], lr=7)

    optimizer, rng = made(parameters), np.random.default_rng(5)
    steps(optimizer, parameters, rng, 2, missing)
    steps(optimizer, parameters, rng, 2)
    mg.save(optimizer.state_dict(), tmp_path / "state")
    resumed_parameters = copy.deepcopy(parameters)
    resumed = made(resumed_parameters)
    for group in resumed.param_groups:
        group["lr"] = 99
    resumed.load_state_dict(mg.load(tmp_path / "state"))
    assert flat(resumed.state_dict()) == flat(optimizer.state_dict())
    resumed_rng = copy.deepcopy(rng)
    steps(optimizer, parameters, rng, 3)
    steps(resumed, resumed_parameters, resumed_rng, 3)
    assert same_bits(parameters, resumed_parameters)
    assert flat(resumed.state_dict()) == flat(optimizer.state_dict())


def test_a_state_has_pytorchs_form_and_is_a_copy():
    parameters = [nn.Parameter([1.0, 2.0]), nn.Parameter(mg.ones(2, 2)), nn.Parameter([3.0])]
    optimizer = optim.Adam([{"params": parameters[:2]}, {"params": parameters[2:], "lr": 0.5}], amsgrad=True)
    assert optimizer.state_dict()["state"] == {}
    steps(optimizer, parameters, np.random.default_rng(0), 2, missing={1})
    state = optimizer.state_dict()
    assert [group["params"] for group in state["param_groups"]] == [[0, 1], [2]]
    assert [group["lr"] for group in state["param_groups"]] == [1e-3, 0.5]
    assert list(state["state"]) == [0, 2]
    assert list(state["state"][0]) == ["step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"]
    assert state["state"][2]["step"] == 2 and state["state"][0]["exp_avg"].shape == (2,)
    before = flat(state)
    steps(optimizer, parameters, np.random.default_rng(1), 1)
    optimizer.param_groups[0]["lr"] = 3
    assert flat(state) == before
    momentum = optim.SGD(parameters, lr=0.1, momentum=0.5)
    steps(momentum, parameters, np.random.default_rng(0), 1)
    assert list(momentum.state_dict()["state"][1]) == ["step", "momentum_buffer"]


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))], ids=["deepcopy", "pickle"]
)
def test_a_copied_optimizer_goes_on_with_its_copied_parameters(copied):
    parameters = [nn.Parameter([1.0, 2.0]), nn.Parameter(mg.ones(2, 2))]
    optimizer = optim.Adam(parameters, lr=0.1)
    steps(optimizer, parameters, np.random.default_rng(0), 2)
    twins, twin = copied((parameters, optimizer))
    for own, owner in ((parameters, optimizer), (twins, twin)):
        steps(owner, own, np.random.default_rng(1), 2)
    assert [p.tolist() for p in twins] == [p.tolist() for p in parameters]
    assert parameters[0].tolist() != [1.0, 2.0] and twins[0] is not parameters[0]
    assert flat(twin.state_dict()) == flat(optimizer.state_dict())


def test_a_loaded_momentum_goes_on_wherever_ones_own_has_started():
    weight = nn.Parameter([0.0])
    late, early = optim.SGD([weight], lr=1.0), optim.SGD([weight], lr=1.0, momentum=0.5)
    for _ in range(2):
        steps(late, [weight], np.random.default_rng(0), 1)
        steps(early, [weight], np.random.default_rng(0), 1)
    late.param_groups[0]["momentum"] = 0.5
    steps(late, [weight], np.random.default_rng(0), 1)
    late.load_state_dict(early.state_dict())
    results = []
    for optimizer in (late, early):
        weight.data = mg.zeros(1)
        steps(optimizer, [weight], np.random.default_rng(1), 1)
        results.append(weight.item())
    assert results[0] == results[1]


def test_a_loaded_state_has_the_precision_of_its_parameter():
    parameters = [nn.Parameter([1.0, 2.0])]
    optimizer = optim.Adam(parameters, lr=0.1)
    steps(optimizer, parameters, np.random.default_rng(0), 1)
    state = optimizer.state_dict()
    state["state"][0]["exp_avg"] = state["state"][0]["exp_avg"].double()
    optimizer.load_state_dict(state)
    assert optimizer.state_dict()["state"][0]["exp_avg"].dtype == np.float32


def test_a_loaded_state_is_copied():
    parameters = [nn.Parameter([1.0, 2.0])]
    optimizer = optim.SGD(parameters, lr=0.1, momentum=0.9)
    steps(optimizer, parameters, np.random.default_rng(0), 1)
    state = optimizer.state_dict()
    before = flat(state)
    optimizer.load_state_dict(state)
    steps(optimizer, parameters, np.random.default_rng(0), 1)
    assert flat(state) == before


@every_setting
def test_a_fresh_state_can_be_loaded_as_well(name):
    kind, _, settings = SETTINGS[name]
    parameters, others = parameters_of(np.float64), parameters_of(np.float64)
    optimizer, fresh = kind(parameters, **settings), kind(others, **settings)
    steps(optimizer, parameters, np.random.default_rng(0), 2)
    for p, other in zip(parameters, others):
        p.data.copy_(other.data)
    optimizer.load_state_dict(fresh.state_dict())
    assert flat(optimizer.state_dict()) == flat(fresh.state_dict())
    for one, its in ((optimizer, parameters), (fresh, others)):
        steps(one, its, np.random.default_rng(1), 2)
    assert same_bits(parameters, others)


def good_state():
    parameters = [nn.Parameter([1.0, 2.0]), nn.Parameter(mg.ones(2, 2))]
    optimizer = optim.Adam([{"params": parameters[:1]}, {"params": parameters[1:]}], lr=0.1)
    steps(optimizer, parameters, np.random.default_rng(0), 2)
    return optimizer, optimizer.state_dict()


def entry(number, **changes):
    def spoil(state):
        state["state"][number] = {**state["state"][number], **changes}

    return spoil


def group(number, **changes):
    def spoil(state):
        state["param_groups"][number].update(changes)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda s: s.clear(), "not the state of an optimiser"),
        (lambda s: s.update(param_groups=3), "not the state of an optimiser"),
        (lambda s: s.update(param_groups=[3, 4]), "not the state of an optimiser"),
        (lambda s: s.update(state=3), "not the state of an optimiser"),
        (lambda s: s["param_groups"].pop(), r"groups of \[1\] parameters, this optimiser has \[1, 1\]"),
        (group(1, params=[1, 2]), r"groups of \[1, 2\] parameters, this optimiser has \[1, 1\]"),
        (group(1, lr=-1), "lr must be a number of at least 0"),
        (group(1, betas=(2, 2)), "betas must be two numbers"),
        (lambda s: s["param_groups"][1].pop("betas"), "has no betas: it is of another kind of optimiser"),
        (lambda s: s["state"].update({2: s["state"][1]}), "has a parameter 2, this optimiser 2"),
        (lambda s: s["state"].update({-1: s["state"][1]}), "has a parameter -1"),
        (lambda s: s["state"].update({"0": s["state"][1]}), "has a parameter '0'"),
        (lambda s: s["state"].update({1: 3}), "state of parameter 1 must be a dict with a step"),
        (lambda s: s["state"][1].pop("step"), "state of parameter 1 must be a dict with a step"),
        (entry(1, step=-1), "state of parameter 1 must be a dict with a step"),
        (entry(1, step="2"), "state of parameter 1 must be a dict with a step"),
        (entry(1, exp_avg=mg.ones(4)), r"parameter 1 has exp_avg \(4,\) float32, which does not fit \(2, 2\) float32"),
        (entry(1, exp_avg=3.0), r"parameter 1 has exp_avg \(\) float64"),
        (entry(1, exp_avg=np.array([["a", "b"], ["c", "d"]])), "parameter 1 has exp_avg"),
        (entry(1, momentum_buffer=mg.ones(2, 2)), "parameter 1 has momentum_buffer"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(spoil, message):
    optimizer, state = good_state()
    before = flat(optimizer.state_dict())
    state["param_groups"][0]["lr"] = 55  # would be seen if it were taken over
    state["state"][0]["step"] = 55
    spoil(state)
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict(state)
    assert flat(optimizer.state_dict()) == before


@pytest.mark.parametrize("state", [None, 3, [], "state"])
def test_what_is_no_state_is_refused(state):
    optimizer, _ = good_state()
    with pytest.raises(ValueError, match="this is not the state of an optimiser"):
        optimizer.load_state_dict(state)


def test_the_state_of_another_kind_is_refused():
    optimizer, _ = good_state()
    parameters = [p for g in optimizer.param_groups for p in g["params"]]
    other = optim.SGD([{"params": [p]} for p in parameters], lr=0.1)
    steps(other, parameters, np.random.default_rng(0), 1)
    with pytest.raises(ValueError, match="Adam: the state has no betas, eps, amsgrad: it is of another kind"):
        optimizer.load_state_dict(other.state_dict())
