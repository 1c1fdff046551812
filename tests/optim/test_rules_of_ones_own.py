"""Rules of optimisers: functions of vectors, whose numbers are computed apart, and which users write for themselves."""

import copy

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim


class RMSprop(optim.Optimizer):
    """``p -= lr * g / (sqrt(v) + eps)`` with ``v = alpha * v + (1 - alpha) * g**2``; centred by the gradients' mean."""

    state_names = ("square_avg", "grad_avg")
    optional_state = {"grad_avg": "centered"}  # noqa: RUF012 - as users write it
    at_least_zero = ("lr", "alpha", "eps")
    switches = ("centered",)

    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8, centered=False):
        super().__init__(params, {"lr": lr, "alpha": alpha, "eps": eps, "centered": centered})

    def numbers(self, step, settings, new):
        return settings["lr"], settings["alpha"], 1 - settings["alpha"], settings["eps"]

    def change(self, gradient, out, state, numbers, settings):
        lr, alpha, rest, eps = numbers
        square = state[0]
        square *= alpha
        square += rest * gradient * gradient
        out[...] = square
        if settings["centered"]:
            mean = state[1]
            mean *= alpha
            mean += rest * gradient
            out -= mean * mean
        np.divide(lr * gradient, np.sqrt(out) + eps, out)


@pytest.mark.parametrize("centered", [False, True])
def test_a_rule_of_ones_own_follows_its_formula_and_is_saved(centered):
    rng = np.random.default_rng(0)
    start = [rng.standard_normal(shape) for shape in ((2, 3), (), (4,))]
    parameters = [nn.Parameter(mg.from_numpy(a.copy())) for a in start]
    optimizer = RMSprop(parameters, lr=0.1, alpha=0.75, centered=centered)
    plain, v, mean = [a.copy() for a in start], [0 * a for a in start], [0 * a for a in start]
    for step in range(8):
        for i, p in enumerate(parameters):
            g = rng.standard_normal(p.shape)
            p.grad = mg.tensor(g, dtype=np.float64)
            v[i] = 0.75 * v[i] + 0.25 * g**2
            mean[i] = 0.75 * mean[i] + 0.25 * g
            plain[i] = plain[i] - 0.1 * g / (np.sqrt(v[i] - centered * mean[i] ** 2) + 1e-8)
        optimizer.step()
        for p, expected in zip(parameters, plain):
            np.testing.assert_allclose(p.numpy(), expected, rtol=1e-12)
        if step == 3:
            saved = copy.deepcopy(optimizer.state_dict())
            optimizer = RMSprop(parameters)
            optimizer.load_state_dict(saved)
    names = ["step", "grad_avg", "square_avg"] if centered else ["step", "square_avg"]
    assert sorted(optimizer.state_dict()["state"][0]) == sorted(names)
    np.testing.assert_allclose(optimizer.state_dict()["state"][2]["square_avg"].numpy(), v[2], rtol=1e-12)


class Watched(np.ndarray):
    """An array that writes down the functions called with it, and refuses to be looked at."""

    calls = None

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **options):
        self.calls.append((ufunc.__name__, method, *sorted(options)))
        plain = [np.asarray(value) for value in inputs]
        result = getattr(ufunc, method)(*plain, **options, **({"out": tuple(map(np.asarray, out))} if out else {}))
        return out[0] if out else watched(result, self.calls)

    def __bool__(self):
        raise AssertionError("a rule branches on a value")

    __float__ = __int__ = item = __bool__


def watched(array, calls):
    view = np.asarray(array).view(Watched)
    view.calls = calls
    return view


RULES = {
    "sgd": (optim.SGD, {}),
    "momentum": (optim.SGD, {"momentum": 0.9}),
    "dampening": (optim.SGD, {"momentum": 0.9, "dampening": 0.5}),
    "nesterov": (optim.SGD, {"momentum": 0.9, "nesterov": True}),
    "adam": (optim.Adam, {}),
    "amsgrad": (optim.Adam, {"amsgrad": True}),
    "own": (RMSprop, {"centered": True}),
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_does_the_same_in_every_step_and_looks_at_no_value(name):
    """So that the operations of one step are those of all, whatever its number and the values are."""
    kind, settings = RULES[name]
    p = nn.Parameter(mg.ones(3))
    programs = []

    class Recorded(kind):
        def change(self, gradient, out, state, numbers, settings):
            calls = []
            arrays = [watched(array, calls) for array in (gradient, out, *state, *numbers)]
            ends = 2, 2 + len(state)
            super().change(*arrays[:2], arrays[ends[0] : ends[1]], arrays[ends[1] :], settings)
            assert all(number.shape == () and number.dtype == np.float32 for number in numbers)
            programs.append(calls)

    optimizer = Recorded([p], lr=0.1, **settings)
    for gradient in (1.0, 0.0, -2.0):
        p.grad = mg.full((3,), gradient)
        optimizer.step()
    assert programs[0] and programs[1:] == programs[:1] * 2


def test_a_rule_without_weight_decay_among_its_settings_needs_none():
    p = nn.Parameter(mg.ones(2))
    p.grad = mg.ones(2)
    RMSprop([p], lr=0.5, alpha=0, eps=0).step()
    assert p.tolist() == [0.5, 0.5]
    with pytest.raises(ValueError, match="RMSprop: alpha must be a number of at least 0, got -1"):
        RMSprop([p], alpha=-1)


def test_new_state_is_told_to_the_numbers_in_its_first_step_only():
    told = []

    class Asked(optim.SGD):
        def numbers(self, step, settings, new):
            told.append((step, list(new)))
            return super().numbers(step, settings, new)

    p = nn.Parameter(mg.ones(2))
    optimizer = Asked([p], lr=0.5)
    for momentum in (0, 0.5, 0.5, 0, 0.5):
        optimizer.param_groups[0]["momentum"] = momentum
        p.grad = mg.ones(2)
        optimizer.step()
    assert told == [(1, []), (2, ["momentum_buffer"]), (3, []), (4, []), (5, [])]
    resumed = Asked([p], lr=0.5)
    resumed.load_state_dict(optimizer.state_dict())
    resumed.step()
    assert told[5:] == [(6, [])]


@pytest.mark.parametrize("again", [lambda o: o, copy.deepcopy], ids=["itself", "copy"])
def test_a_large_parameter_is_saved_and_resumed_as_a_whole(monkeypatch, again):
    monkeypatch.setattr(optim.blocks, "PARAMETER_BLOCK", 4)
    monkeypatch.setattr(optim.blocks, "SMALL_PARAMETER", 4)
    rng = np.random.default_rng(0)
    large, small = nn.Parameter(mg.from_numpy(rng.standard_normal((3, 3)))), nn.Parameter(mg.ones(2))
    optimizer = optim.Adam([large, small], lr=0.1, weight_decay=0.1, amsgrad=True)

    def step(optimizer):
        for p in optimizer.param_groups[0]["params"]:
            p.grad = mg.from_numpy(np.random.default_rng(1).standard_normal(p.shape).astype(p.dtype))
        optimizer.step()

    step(optimizer)
    state = optimizer.state_dict()["state"]
    g = large.grad.numpy() + 0.1 * np.random.default_rng(0).standard_normal((3, 3))
    np.testing.assert_allclose(state[0]["exp_avg"].numpy(), 0.1 * g, rtol=1e-12)
    np.testing.assert_allclose(state[0]["exp_avg_sq"].numpy(), 0.001 * g * g, rtol=1e-12)
    resumed = again(optimizer)
    values = large.numpy().copy()
    resumed.load_state_dict(optimizer.state_dict())
    step(resumed)
    (one, _) = resumed.param_groups[0]["params"]
    m, v = 0.9 * 0.1 * g, 0.999 * 0.001 * g * g
    g = one.grad.numpy() + 0.1 * values
    m, v = m + 0.1 * g, np.maximum(v + 0.001 * g * g, v / 0.999)
    expected = values - 0.1 * m / (1 - 0.9**2) / (np.sqrt(v / (1 - 0.999**2)) + 1e-8)
    np.testing.assert_allclose(one.numpy(), expected, rtol=1e-10)


@pytest.mark.parametrize("arrange", [np.ascontiguousarray, np.asfortranarray])
def test_a_large_parameter_in_float16_goes_on_in_float32(monkeypatch, arrange):
    monkeypatch.setattr(optim.blocks, "PARAMETER_BLOCK", 4)
    monkeypatch.setattr(optim.blocks, "SMALL_PARAMETER", 4)
    p = nn.Parameter(mg.from_numpy(arrange(np.ones((3, 5), np.float16))))
    optimizer = optim.SGD([p], lr=1e-8, momentum=0.5)
    p.grad = mg.from_numpy(arrange(np.full((3, 5), 6e4, np.float16)))
    optimizer.step()
    assert (p.numpy() == np.float16(1 - 6e-4)).all()
    assert optimizer.state_dict()["state"][0]["momentum_buffer"].dtype == np.float32


def test_a_state_of_mixed_precision_is_loaded_value_by_value():
    parameters = [nn.Parameter(mg.ones(2)), nn.Parameter(mg.ones(4))]
    optimizer = optim.SGD(parameters, lr=0.5, momentum=0.5)
    for p in parameters:
        p.grad = mg.ones(*p.shape)
    optimizer.step()
    state = optimizer.state_dict()
    state["state"][0]["momentum_buffer"] = mg.tensor([3.0, 4.0], dtype=np.float64)
    state["state"][1]["momentum_buffer"] = np.array([1, 2, 3, 4], np.float16)
    optimizer.load_state_dict(state)
    loaded = [optimizer.state_dict()["state"][i]["momentum_buffer"] for i in (0, 1)]
    assert [t.tolist() for t in loaded] == [[3, 4], [1, 2, 3, 4]] and {t.dtype for t in loaded} == {np.dtype("f4")}


def test_memory_that_becomes_read_only_later_is_refused_before_anything_changes():
    parameters = [nn.Parameter(mg.ones(2)), nn.Parameter(mg.ones(3, dtype=np.float64))]
    optimizer = optim.SGD(parameters, lr=0.5)
    for p in parameters:
        p.grad = mg.ones(*p.shape, dtype=p.dtype)
    optimizer.step()
    parameters[1].array.flags.writeable = False
    with pytest.raises(ValueError, match=r"parameter 1 \(3,\) float64 of this optimiser is in read-only memory"):
        optimizer.step()
    assert [p.tolist() for p in parameters] == [[0.5] * 2, [0.5] * 3]


@pytest.mark.parametrize("decay", [0, 1.0])
@pytest.mark.parametrize("size", [2, 300_000])
def test_two_parameters_over_one_memory_get_both_changes(size, decay):
    """Small ones are read before either is changed, large ones one after the other."""
    values = mg.ones(size)
    parameters = [nn.Parameter(values), nn.Parameter(values)]
    for p in parameters:
        p.grad = mg.ones(size)
    optim.SGD(parameters, lr=0.25, weight_decay=decay).step()
    after = (
        1 - 2 * 0.25 * (1 + decay) if size == 2 else 1 - 0.25 * (1 + decay) - 0.25 * (1 + decay * (0.75 - 0.25 * decay))
    )
    np.testing.assert_array_equal(parameters[0].numpy(), np.float32(after))


def test_public_names_of_an_optimiser_are_pytorchs_or_a_rules():
    """A subclass has its names for itself."""
    own = {name for name in dir(optim.SGD([nn.Parameter([1.0])])) if not name.startswith("_")}
    pytorchs = {
        "add_param_group", "defaults", "load_state_dict", "param_groups", "state", "state_dict", "step", "zero_grad",
        "register_step_pre_hook", "register_step_post_hook", "register_state_dict_pre_hook",
        "register_state_dict_post_hook", "register_load_state_dict_pre_hook", "register_load_state_dict_post_hook",
    }  # fmt: skip
    rule = {
        "at_least_zero", "change", "check_settings", "initial_state", "next_numbers", "number_names", "number_state",
        "numbers", "optional_state", "reads_values", "state_names", "switches",
    }  # fmt: skip
    assert own == pytorchs | rule
