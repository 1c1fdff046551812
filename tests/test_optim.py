"""Optimisers against their formulas, written out for one parameter at a time."""

import copy
import math
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.optim import blocks

# -- the formulas ------------------------------------------------------------------------------


class PlainSGD:
    """One parameter, one array, one step after the other."""

    def __init__(self, p, **_):
        self.p, self.velocity = p, None

    def step(self, gradient, lr, momentum=0, dampening=0, weight_decay=0, nesterov=False):
        g = gradient + weight_decay * self.p
        if momentum:
            first = self.velocity is None
            self.velocity = g if first else momentum * self.velocity + (1 - dampening) * g
            g = g + momentum * self.velocity if nesterov else self.velocity
        self.p = self.p - lr * g


class PlainAdam:
    def __init__(self, p):
        self.p, self.m, self.v, self.largest, self.t = p, 0 * p, 0 * p, 0 * p, 0

    def step(self, gradient, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False):
        g = gradient + weight_decay * self.p
        self.t += 1
        self.m = betas[0] * self.m + (1 - betas[0]) * g
        self.v = betas[1] * self.v + (1 - betas[1]) * g * g
        self.largest = np.maximum(self.largest, self.v)
        v = self.largest if amsgrad else self.v
        root = np.sqrt(v / (1 - betas[1] ** self.t))
        self.p = self.p - lr * (self.m / (1 - betas[0] ** self.t)) / (root + eps)


SETTINGS = {
    "sgd": (optim.SGD, PlainSGD, {"lr": 0.1}),
    "sgd, decay": (optim.SGD, PlainSGD, {"lr": 0.1, "weight_decay": 0.2}),
    "sgd, momentum": (optim.SGD, PlainSGD, {"lr": 0.1, "momentum": 0.9}),
    "sgd, dampening": (optim.SGD, PlainSGD, {"lr": 0.1, "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.05}),
    "sgd, nesterov": (optim.SGD, PlainSGD, {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    "adam": (optim.Adam, PlainAdam, {"lr": 0.01}),
    "adam, betas": (optim.Adam, PlainAdam, {"lr": 0.01, "betas": (0.5, 0.9), "eps": 1e-3}),
    "adam, decay": (optim.Adam, PlainAdam, {"lr": 0.01, "weight_decay": 0.3}),
    "adam, amsgrad": (optim.Adam, PlainAdam, {"lr": 0.01, "amsgrad": True, "betas": (0.8, 0.6)}),
    "adam, no eps": (optim.Adam, PlainAdam, {"lr": 0.01, "eps": 0}),
    "adam, no memory": (optim.Adam, PlainAdam, {"lr": 0.01, "betas": (0.0, 0.0)}),
}
every_setting = pytest.mark.parametrize("name", SETTINGS)
BLOCK, SMALL = 1 << 12, 1 << 10


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Parameters need not be large to be cut into blocks."""
    monkeypatch.setattr(blocks, "PARAMETER_BLOCK", BLOCK)
    monkeypatch.setattr(blocks, "SMALL_PARAMETER", SMALL)


SHAPES = [(), (3,), (0,), (2, 3), (1,), (5, 0, 2), (4, 4), (2, 1, 3), (BLOCK + 7,), (7,), (200, 300), (3, 3)]


def parameters_of(dtype, seed=0):
    """Many small ones, one of no dimension, empty ones, two larger than a block, two not contiguous."""
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal(shape).astype(dtype) for shape in SHAPES]
    parameters = [nn.Parameter(mg.from_numpy(np.asarray(a))) for a in arrays[:-2]]
    parameters += [nn.Parameter(mg.from_numpy(np.asfortranarray(a))) for a in arrays[-2:]]
    assert [p.array.flags.c_contiguous for p in parameters[-2:]] == [False, False]
    return parameters


def give_gradients(parameters, rng, missing=()):
    """Random gradients, for all but those whose number is missing."""
    for i, p in enumerate(parameters):
        gradient = (rng.standard_normal(p.shape) * 10.0 ** rng.integers(-2, 1)).astype(p.dtype)
        p.grad = None if i in missing else mg.from_numpy(np.asarray(gradient))


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


# -- steps -------------------------------------------------------------------------------------


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
    assert list(optimizer.state_dict()["state"]) == [1]


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
    for p, entry in zip(parameters, optimizer.state_dict()["state"].values()):
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


# -- around the step ---------------------------------------------------------------------------


def test_a_closure_is_called_once_records_and_is_returned():
    weight = nn.Parameter([2.0])
    optimizer, calls = optim.SGD([weight], lr=0.25), []

    def closure():
        calls.append(mg.is_grad_enabled())
        optimizer.zero_grad()
        loss = (weight**2).sum()
        loss.backward()
        return loss

    with mg.no_grad():
        assert optimizer.step(closure).item() == 4
    assert calls == [True] and weight.tolist() == [1]
    assert optimizer.step() is None and weight.tolist() == [0]  # the same gradient again


@pytest.mark.parametrize("set_to_none", [True, False])
def test_zero_grad(set_to_none):
    parameters = [nn.Parameter([1.0, 2.0]), nn.Parameter([3.0])]
    optimizer = optim.SGD([{"params": [p]} for p in parameters], lr=0.1)
    (parameters[0] ** 2).sum().backward()
    optimizer.zero_grad(set_to_none=set_to_none)
    assert parameters[1].grad is None
    assert parameters[0].grad is None if set_to_none else parameters[0].grad.tolist() == [0, 0]


def test_a_step_is_noticed_by_a_graph_that_needs_the_old_values():
    weight, other = nn.Parameter([2.0]), nn.Parameter([2.0])
    optimizer = optim.SGD([weight, other], lr=0.1)
    loss = (weight * weight).sum()
    unaffected = (other * 3).sum() * 2
    weight.grad = mg.ones(1)
    optimizer.step()
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()
    unaffected.backward()
    assert other.grad.tolist() == [6]


def test_gradients_that_are_graphs_are_used_as_values():
    weight = nn.Parameter([2.0, 3.0])
    (weight**3).sum().backward(create_graph=True)
    optim.SGD([weight], lr=0.1).step()
    np.testing.assert_allclose(weight.numpy(), [2 - 0.1 * 12, 3 - 0.1 * 27], rtol=1e-6)
    assert weight.is_leaf and weight.requires_grad


def test_parameters_may_be_given_in_every_usual_way():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    for params in (
        model.parameters(),
        list(model.parameters()),
        tuple(model.parameters()),
        {"params": model.parameters()},
        [{"params": model[0].parameters()}, {"params": [model[1].weight, model[1].bias]}],
        [{"params": model[0].parameters()}, {"params": model[1].weight}, {"params": [model[1].bias]}],
    ):
        optimizer = optim.SGD(params, lr=0.1)
        assert [id(p) for g in optimizer.param_groups for p in g["params"]] == [id(p) for p in model.parameters()]
    assert len(optim.SGD(model[0].weight, lr=1).param_groups[0]["params"]) == 1


def test_the_defaults_are_pytorchs():
    weight = nn.Parameter([1.0])
    assert optim.SGD([weight]).defaults == {
        "lr": 1e-3, "momentum": 0, "dampening": 0, "weight_decay": 0, "nesterov": False,
    }  # fmt: skip
    assert optim.Adam([weight]).defaults == {
        "lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0, "amsgrad": False,
    }  # fmt: skip


W = nn.Parameter([1.0])


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: optim.SGD([W], lr=-1), ValueError, "SGD: lr must be a number of at least 0, got -1"),
        (lambda: optim.Adam([W], lr=math.nan), ValueError, "Adam: lr must be a number of at least 0, got nan"),
        (
            lambda: optim.SGD([W], weight_decay=-0.1),
            ValueError,
            "weight_decay must be a number of at least 0, got -0.1",
        ),
        (lambda: optim.SGD([W], momentum=-0.1), ValueError, "momentum must be a number of at least 0, got -0.1"),
        (lambda: optim.SGD([W], momentum=math.nan), ValueError, "momentum must be a number of at least 0, got nan"),
        (lambda: optim.SGD([W], nesterov=True), ValueError, "nesterov needs a momentum above 0 and no dampening"),
        (lambda: optim.SGD([W], momentum=0.9, dampening=0.1, nesterov=True), ValueError, "nesterov needs a momentum"),
        (lambda: optim.Adam([W], betas=(1.0, 0.9)), ValueError, r"betas must be two numbers .*, got \(1.0, 0.9\)"),
        (lambda: optim.Adam([W], betas=(0.9, -0.1)), ValueError, "betas must be two numbers"),
        (lambda: optim.Adam([W], betas=(0.9,)), ValueError, "betas must be two numbers"),
        (lambda: optim.Adam([W], betas=(0.9, 0.9, 0.9)), ValueError, "betas must be two numbers"),
        (lambda: optim.Adam([W], eps=-1e-8), ValueError, "eps must be a number of at least 0"),
        (lambda: optim.SGD([{"params": [W], "lr": -1}], lr=1), ValueError, "lr must be a number of at least 0"),
        (lambda: optim.SGD([]), ValueError, "SGD got an empty parameter list: does the model have parameters"),
        (lambda: optim.SGD(nn.ReLU().parameters()), ValueError, "empty parameter list"),
        (lambda: optim.SGD([W, W]), ValueError, "a parameter appears more than once"),
        (lambda: optim.SGD([{"params": [W]}, {"params": [W]}]), ValueError, "a parameter appears more than once"),
        (lambda: optim.SGD([W * 2]), ValueError, "can only train floating point leaves"),
        (lambda: optim.SGD([mg.tensor([1, 2])]), ValueError, "can only train floating point leaves"),
        (
            lambda: optim.SGD([np.ones(2)]),
            TypeError,
            r"can only train tensors, got ndarray: pass model\.parameters\(\)",
        ),
        (lambda: optim.SGD(nn.Linear(1, 1).named_parameters()), TypeError, "can only train tensors, got tuple"),
        (lambda: optim.SGD({W, nn.Parameter([2.0])}), TypeError, "a set of parameters has no order"),
        (lambda: optim.SGD([{"params": {W}}]), TypeError, "a set of parameters has no order"),
        (lambda: optim.SGD([{"lr": 0.1}]), TypeError, 'a group must be a dict with "params"'),
        (lambda: optim.SGD([{"params": [W]}, nn.Parameter([2.0])]), TypeError, "must be a dict.*, got Parameter"),
        (
            lambda: optim.SGD([{"params": [W], "momentun": 0.9}]),
            TypeError,
            "SGD has no setting 'momentun'; it has lr, ",
        ),
        (lambda: optim.SGD([W], momentun=0.9), TypeError, "unexpected keyword argument 'momentun'"),
        (lambda: optim.Adam([W], beta=0.9), TypeError, "unexpected keyword argument 'beta'"),
    ],
)
def test_bad_settings_are_refused(make, kind, message):
    with pytest.raises(kind, match=message):
        make()


def test_a_refused_group_is_not_added():
    optimizer = optim.SGD([W], lr=0.1)
    other = nn.Parameter([2.0])
    for group in ({"params": [other], "lr": -1}, {"params": [other, W]}, {"params": [other, 3]}):
        with pytest.raises((ValueError, TypeError)):
            optimizer.add_param_group(group)
    assert len(optimizer.param_groups) == 1 and len(optimizer.state_dict()["param_groups"]) == 1


def test_a_step_changes_nothing_of_an_empty_parameter():
    empty, full = nn.Parameter(mg.ones(0)), nn.Parameter(mg.ones(1))
    for parameters in ([empty], [empty, full]):
        loss = (empty * empty).sum()
        for p in parameters:
            p.grad = mg.ones(*p.shape)
        optim.SGD(parameters, lr=0.5).step()
        loss.backward()
        assert empty.grad.tolist() == []


def test_all_optimisers_of_a_thread_share_the_memory_they_compute_in():
    def places():
        return [blocks.scratch(np.dtype(np.float32), size) for size in (5, 3, 8, 8)]

    first, shorter, longer, again = places()
    assert np.shares_memory(first, shorter) and np.shares_memory(longer, again)
    assert [place.size for place in (first, shorter, longer, again)] == [5, 3, 8, 8]
    with ThreadPoolExecutor(1) as pool:
        assert not np.shares_memory(pool.submit(places).result()[-1], again)
    assert blocks.scratch(np.dtype(np.float64), 8).dtype == np.float64


def test_a_step_that_fails_halfway_is_noticed_by_backward(monkeypatch):
    """A block has been changed by then."""
    monkeypatch.setattr(blocks, "PARAMETER_BLOCK", 4)
    monkeypatch.setattr(blocks, "SMALL_PARAMETER", 4)

    class Interrupted(optim.SGD):
        calls = 0

        def change(self, *arguments):
            super().change(*arguments)
            self.calls += 1
            if self.calls == 2:
                raise KeyboardInterrupt

    weight = nn.Parameter(mg.ones(6))
    loss = (weight * weight).sum()
    weight.grad = mg.ones(6)
    with pytest.raises(KeyboardInterrupt):
        Interrupted([weight], lr=0.5).step()
    assert weight.tolist() == [0.5] * 4 + [1.0] * 2
    with pytest.raises(RuntimeError, match="was changed in place"):
        loss.backward()


def test_a_kind_of_ones_own():
    class SignDescent(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr, "weight_decay": 0})

        def change(self, gradient, out, state, numbers, settings):
            np.multiply(*numbers, np.sign(gradient), out)

    weight = nn.Parameter([1.0, 2.0, 3.0])
    weight.grad = mg.tensor([5.0, -7.0, 0.0])
    SignDescent([weight], lr=0.5).step()
    assert weight.tolist() == [0.5, 2.5, 3.0]
    with pytest.raises(NotImplementedError):
        optim.Optimizer([weight], {"lr": 1, "weight_decay": 0}).step()


# -- saving ------------------------------------------------------------------------------------


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
    assert optimizer.state_dict()["state"] == {}
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


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.array, mg.tensor])
def test_settings_may_be_numbers_of_any_kind(kind):
    """Also when they are changed between two steps; 0.25 and 0.5 are exact in every precision."""
    results = []
    for number in (float, kind):
        for make in (optim.SGD, optim.Adam):
            weight = mg.ones(3, requires_grad=True)
            optimizer = make([weight], lr=1.0)
            for lr in (0.25, 0.5):
                group = optimizer.param_groups[0]
                group["lr"] = number(lr)
                if make is optim.Adam:
                    group["betas"] = number(0.5), number(0.75)
                weight.grad = mg.tensor([1.0, -2.0, 3.0])
                optimizer.step()
            results.append(weight.numpy())
    np.testing.assert_array_equal(results[:2], results[2:])


def test_a_rate_that_is_no_number_is_refused():
    weight = mg.ones(3, requires_grad=True)
    optimizer = optim.SGD([weight], lr=1.0)
    optimizer.param_groups[0]["lr"] = None
    weight.grad = mg.ones(3)
    with pytest.raises(ValueError, match="lr must be a number of at least 0, got None"):
        optimizer.step()
    assert weight.tolist() == [1, 1, 1]
