"""Each rule with each setting against its formula."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from tests.optim.formulas import (
    BLOCK,
    SETTINGS,
    SHAPES,
    SMALL,
    PlainAdam,
    PlainSGD,
    every_setting,
    give_gradients,
    parameters_of,
)

KINDS = sorted({kind for kind, *_ in SETTINGS.values()}, key=lambda kind: kind.__name__)

pytestmark = pytest.mark.usefixtures("small_blocks")


def follow(optimizer, plain, settings, parameters, steps, missing=lambda step: (), before=lambda step: None):
    """Take steps with both; the plain ones compute in float64. ``settings`` has one dict per parameter."""
    rng = np.random.default_rng(1)
    for step in range(steps):
        before(step)
        give_gradients(parameters, rng, missing(step))
        kept = [None if p.grad is None else p.grad.numpy().copy() for p in parameters]
        optimizer.step()
        for p, one, gradient, own in zip(parameters, plain, kept, settings):
            if gradient is not None:
                np.testing.assert_array_equal(p.grad.numpy(), gradient)  # step never changes it
                one.step(gradient.astype(np.float64), **own)


def assert_follows(parameters, plain):
    for i, (p, one) in enumerate(zip(parameters, plain)):
        # values and steps are of the order of 1; float32 rounds each of 25 steps
        tolerance = {"rtol": 1e-5, "atol": 1e-5} if p.dtype == np.float32 else {"rtol": 1e-11, "atol": 1e-12}
        np.testing.assert_allclose(p.numpy(), one.p, **tolerance, err_msg=f"parameter {i}")


def plain_of(kind, parameters):
    return [kind(p.numpy().astype(np.float64)) for p in parameters]


@every_setting
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["single", "double"])
def test_steps_follow_the_formula(name, dtype):
    kind, plain_kind, settings = SETTINGS[name]
    parameters = parameters_of(dtype)
    arrays = [p.array for p in parameters]
    plain = plain_of(plain_kind, parameters)
    follow(kind(parameters, **settings), plain, [settings] * len(SHAPES), parameters, 25)
    assert_follows(parameters, plain)
    assert all(p.array is a and p.dtype == dtype and p.requires_grad for p, a in zip(parameters, arrays))


@pytest.mark.slow
@every_setting
@pytest.mark.parametrize("first", [0, 4], ids=["from the start", "later"])
def test_a_parameter_without_gradient_is_skipped_and_counts_its_own_steps(name, first):
    kind, plain_kind, settings = SETTINGS[name]
    parameters = parameters_of(np.float64)
    plain = plain_of(plain_kind, parameters)
    absent = {0: {1, 6}, 1: {1}, 2: set(), 5: {8}, 6: range(len(SHAPES)), 9: {0, 1, 2, 3, 4}, 12: {10, 11}}
    absent = {first + step: numbers for step, numbers in absent.items()}
    optimizer = kind(parameters, **settings)
    follow(optimizer, plain, [settings] * len(SHAPES), parameters, 22, lambda step: absent.get(step, ()))
    assert_follows(parameters, plain)
    taken = [22 - sum(i in numbers for numbers in absent.values()) for i in range(len(SHAPES))]
    assert [entry["step"] for entry in optimizer.state_dict()["state"].values()] == taken


@every_setting
def test_a_parameter_that_never_has_a_gradient_does_not_move(name):
    kind, _, settings = SETTINGS[name]
    still, moving = nn.Parameter([1.0, 2.0]), nn.Parameter([1.0, 2.0])
    optimizer = kind([still, moving], **settings)
    for _ in range(3):
        moving.grad = mg.ones(2)
        optimizer.step()
    assert still.tolist() == [1, 2] and moving.tolist() != [1, 2]
    assert list(optimizer.state_dict()["state"]) == ([0, 1] if kind is optim.Adagrad else [1])


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
def test_groups_have_settings_of_their_own_and_defaults_for_the_rest(kind):
    plain_kind = {optim.SGD: PlainSGD, optim.Adam: PlainAdam}[kind]
    parameters = parameters_of(np.float64)
    first, second, third = parameters[:3], parameters[3:9], parameters[9:]
    optimizer = kind(
        [{"params": first}, {"params": iter(second), "lr": 0.5, "weight_decay": 0.1}], lr=0.01, weight_decay=0.02
    )
    optimizer.add_param_group({"params": third, "lr": 0.2})
    own = [{"lr": 0.01, "weight_decay": 0.02}] * 3
    own += [{"lr": 0.5, "weight_decay": 0.1}] * 6 + [{"lr": 0.2, "weight_decay": 0.02}] * 3
    plain = plain_of(plain_kind, parameters)
    follow(optimizer, plain, own, parameters, 20)
    assert_follows(parameters, plain)
    assert [group["lr"] for group in optimizer.param_groups] == [0.01, 0.5, 0.2]
    assert all(a is b for a, b in zip(optimizer.param_groups[1]["params"], second))


@pytest.mark.slow
@every_setting
def test_settings_may_change_between_steps(name):
    kind, plain_kind, settings = SETTINGS[name]
    settings = dict(settings)
    parameters = parameters_of(np.float64)
    plain = plain_of(plain_kind, parameters)
    optimizer = kind(parameters, **settings)

    def change(step):
        settings["lr"] = optimizer.param_groups[0]["lr"] = 0.1 / (1 + step)
        settings["weight_decay"] = optimizer.param_groups[0]["weight_decay"] = 0.01 * (step % 3)

    follow(optimizer, plain, [settings] * len(SHAPES), parameters, 20, before=change)
    assert_follows(parameters, plain)


def test_a_momentum_that_comes_and_goes_starts_with_the_first_gradient_and_waits():
    parameters = parameters_of(np.float64)
    plain = plain_of(PlainSGD, parameters)
    optimizer = optim.SGD(parameters, lr=0.1, dampening=0.5)
    settings = {"lr": 0.1, "dampening": 0.5, "momentum": 0}

    def change(step):
        settings["momentum"] = optimizer.param_groups[0]["momentum"] = 0.9 if step in (2, 3, 4, 8, 9) else 0

    follow(optimizer, plain, [settings] * len(SHAPES), parameters, 20, before=change)
    assert_follows(parameters, plain)


def test_different_precisions_side_by_side():
    single, double = parameters_of(np.float32), parameters_of(np.float64, seed=1)
    parameters = [p for pair in zip(single, double) for p in pair]
    plain = plain_of(PlainAdam, parameters)
    optimizer = optim.Adam(parameters, lr=0.01)
    follow(optimizer, plain, [{"lr": 0.01}] * len(parameters), parameters, 20)
    assert_follows(parameters, plain)
    for p, entry in zip(parameters, optimizer.state_dict()["state"].values(), strict=True):
        assert all(v.dtype == p.dtype for key, v in entry.items() if key != "step")


@every_setting
def test_gradients_may_be_laid_out_in_any_way(name):
    kind, _, settings = SETTINGS[name]
    rng = np.random.default_rng(3)
    results = []
    for arrange in (np.ascontiguousarray, np.asfortranarray, lambda a: np.stack([a, a], -1)[..., 0]):
        parameters = [nn.Parameter(mg.ones(*shape)) for shape in ((200, 300), (3, 4), (5, 2))]
        optimizer = kind(parameters, **settings)
        rng = np.random.default_rng(3)
        for _ in range(3):
            for p in parameters:
                p.grad = mg.from_numpy(arrange(rng.standard_normal(p.shape).astype(np.float32)))
            optimizer.step()
        results.append([p.numpy().copy() for p in parameters])
    for other in results[1:]:
        for a, b in zip(results[0], other):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_how_parameters_are_grouped_changes_no_bit(count):
    sizes = [SMALL - 5] * 7 + [2 * BLOCK + 1, 5]
    results = []
    for cut in (1, count):
        parameters = [nn.Parameter(mg.ones(size)) for size in sizes]
        groups = [{"params": parameters[i : i + cut]} for i in range(0, len(parameters), cut)]
        optimizer = optim.Adam(groups, lr=0.1, weight_decay=0.1)
        rng = np.random.default_rng(0)
        for _ in range(3):
            give_gradients(parameters, rng)
            optimizer.step()
        results.append([p.numpy().copy() for p in parameters])
    for a, b in zip(*results):
        np.testing.assert_array_equal(a, b)


def test_a_model_learns():
    mg.manual_seed(0)
    rng = np.random.default_rng(0)
    x = mg.tensor(rng.standard_normal((64, 2)).astype(np.float32))
    target = mg.tensor((x.numpy()[:, 0] * x.numpy()[:, 1] > 0).astype(np.int64))
    for kind, settings in ((optim.SGD, {"lr": 0.5, "momentum": 0.9}), (optim.Adam, {"lr": 0.05})):
        model = nn.Sequential(nn.Linear(2, 32), nn.BatchNorm1d(32), nn.Tanh(), nn.Linear(32, 2))
        criterion, optimizer = nn.CrossEntropyLoss(), kind(model.parameters(), **settings)
        for _ in range(60):
            optimizer.zero_grad()
            loss = criterion(model(x), target)
            loss.backward()
            optimizer.step()
        assert loss.item() < 0.1


@every_setting
def test_to_maximize_is_to_minimize_the_opposite(name):
    kind, _, settings = SETTINGS[name]
    settings = {key: value for key, value in settings.items() if key != "maximize"}
    up, down = parameters_of(np.float64), parameters_of(np.float64)
    rising, falling = kind(up, **settings, maximize=True), kind(down, **settings)
    rng = np.random.default_rng(1)
    for _ in range(6):
        give_gradients(up, rng)
        for one, other in zip(up, down):
            other.grad = -one.grad
        rising.step()
        falling.step()
    assert all((a.numpy() == b.numpy()).all() for a, b in zip(up, down))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hints", [{"foreach": True, "fused": True}, {"foreach": False}, {"fused": None}])
def test_hints_are_accepted_and_other_implementations_refused(kind, hints):
    weight = nn.Parameter(mg.ones(2))
    assert kind([weight], capturable=False, differentiable=False, **hints).param_groups[0]["params"] == [weight]
    for name in ("capturable", "differentiable"):
        with pytest.raises(ValueError, match=rf"{kind.__name__}: {name}=True is not available"):
            kind([weight], **{name: True})


@pytest.mark.parametrize("kind", KINDS)
def test_each_number_of_a_rule_has_a_name(kind, monkeypatch):
    counts = []
    monkeypatch.setattr(kind, "change", lambda _, gradient, out, state, numbers, __: counts.append(len(numbers)))
    parameters = parameters_of(np.float32)
    give_gradients(parameters, np.random.default_rng(0))
    kind(parameters).step()
    assert set(counts) == {len(kind.number_names)}
