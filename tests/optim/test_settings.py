"""Settings of optimisers of every kind of number, what is refused and when, and what an optimiser prints."""

import copy
import math
import pickle
from fractions import Fraction

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim

SETTINGS = {
    optim.SGD: {"lr": 0.25, "momentum": 0.5, "dampening": 0.125, "weight_decay": 0.75},
    optim.Adam: {"lr": 0.25, "betas": (0.5, 0.75), "eps": 0.125, "weight_decay": 0.5},
}
every_setting = pytest.mark.parametrize(
    ("make", "key"), [(make, key) for make, settings in SETTINGS.items() for key in settings]
)
NUMBERS = {
    **{dtype: np.dtype(dtype).type for dtype in ("float16", "float32", "float64", "longdouble")},
    "array": np.array,
    "float16 array": lambda value: np.array(value, np.float16),
    "tensor": mg.tensor,
    "double tensor": lambda value: mg.tensor(np.float64(value)),
    "fraction": Fraction,
}
INTEGERS = ["int8", "uint8", "int32", "uint32", "int64", "uint64"]
BAD = {
    "text": "0.9", "None": None, "True": True, "NumPy's True": np.True_, "negative": -0.5, "NaN": math.nan,
    "infinite": math.inf, "NumPy's NaN": np.float32("nan"), "huge": 10**400, "complex": 1j, "list": [0.5],
    "vector": np.ones(2), "vector of one": mg.ones(1), "tensor of booleans": mg.tensor(True),
}  # fmt: skip


def one_of(key, value):
    return (value, value) if key == "betas" else value


def number_of(number, value):
    return tuple(map(number, value)) if isinstance(value, tuple) else number(value)


def trained(make, settings, later=None, steps=3):
    """A parameter after steps with settings that are given at first, or set when the optimiser is there."""
    p = nn.Parameter([1.0, -2.0, 3.0])
    optimizer = make([p], **settings)
    optimizer.param_groups[0].update(later or {})
    for step in range(steps):
        p.grad = mg.tensor([1.0, -2.0, 0.5]) * (step + 1)
        optimizer.step()
    return p.numpy(), optimizer


@every_setting
@pytest.mark.parametrize("kind", NUMBERS)
def test_settings_may_be_any_real_number(make, key, kind):
    """All are exact in float16."""
    expected, _ = trained(make, SETTINGS[make])
    own = {key: number_of(NUMBERS[kind], SETTINGS[make][key])}
    result, optimizer = trained(make, {**SETTINGS[make], **own})
    np.testing.assert_array_equal(result, expected)
    later, changed = trained(make, {**SETTINGS[make], key: one_of(key, 0.0625)}, own)
    np.testing.assert_array_equal(later, expected)
    for saved in (optimizer.state_dict(), changed.state_dict()):
        (group,) = saved["param_groups"]
        assert group[key] == SETTINGS[make][key] and type(group[key]) in (float, int, tuple)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_settings_may_be_integers(dtype):
    one = np.dtype(dtype).type(1)
    for make, keys in ((optim.SGD, ("lr", "momentum", "weight_decay")), (optim.Adam, ("lr", "eps", "weight_decay"))):
        results = [trained(make, dict.fromkeys(keys, number))[0] for number in (one, np.array(one), 1, 1.0)]
        for result in results[1:]:
            np.testing.assert_array_equal(result, results[0])


@pytest.mark.parametrize("lr", [np.float32(0.1), np.linspace(0.1, 0.2, 3, dtype=np.float32)[0], np.float16(0.1)])
def test_a_rate_keeps_the_value_it_has_in_its_precision(lr):
    p = nn.Parameter(mg.ones(1, dtype=np.float64))
    p.grad = mg.ones(1, dtype=np.float64)
    optim.SGD([p], lr=lr).step()
    assert p.item() == 1 - float(lr)


@every_setting
@pytest.mark.parametrize("kind", BAD)
def test_a_bad_setting_is_refused_by_name(make, key, kind):
    with pytest.raises(ValueError, match=rf"^{make.__name__}: {key} must be .*got "):
        make([nn.Parameter([1.0])], **{**SETTINGS[make], key: one_of(key, BAD[kind])})


@every_setting
@pytest.mark.parametrize("kind", BAD)
def test_a_bad_setting_that_is_set_later_is_refused_before_anything_changes(make, key, kind):
    first, second = nn.Parameter([1.0]), nn.Parameter([2.0])
    optimizer = make([{"params": [first]}, {"params": [second]}], **SETTINGS[make])
    steps_and_values = []
    for bad in (False, True):
        for p in (first, second):
            p.grad = mg.ones(1)
        if bad:
            good = optimizer.param_groups[1][key]
            optimizer.param_groups[1][key] = one_of(key, BAD[kind])
            for _ in range(2):  # it is not forgotten
                with pytest.raises(ValueError, match=rf"^{make.__name__}: {key} must be .*got "):
                    optimizer.step()
            optimizer.param_groups[1][key] = good
        else:
            optimizer.step()
        state = optimizer.state_dict()["state"]
        steps_and_values.append(([entry["step"] for entry in state.values()], first.item(), second.item()))
    assert steps_and_values[0] == steps_and_values[1] and steps_and_values[0][0] == [1, 1]


def test_an_infinite_setting_is_called_so():
    with pytest.raises(ValueError, match="SGD: lr must be a number of at least 0, and finite, got inf"):
        optim.SGD([nn.Parameter([1.0])], lr=math.inf)


def test_a_setting_that_is_removed_is_missed():
    p = nn.Parameter([1.0])
    optimizer = optim.SGD([p])
    del optimizer.param_groups[0]["lr"]
    p.grad = mg.ones(1)
    with pytest.raises(ValueError, match="SGD: lr must be a number of at least 0, got None"):
        optimizer.step()


@pytest.mark.parametrize("make", [np.array, mg.tensor])
def test_a_rate_that_changes_in_place_is_seen(make):
    p = nn.Parameter([1.0])
    optimizer, lr = optim.SGD([p]), make(0.5)
    optimizer.param_groups[0]["lr"] = lr
    for _ in range(2):
        p.grad = mg.ones(1)
        optimizer.step()
        lr[...] = 0.25
    assert p.item() == 1 - 0.5 - 0.25


@pytest.mark.parametrize("key, make", [("nesterov", optim.SGD), ("amsgrad", optim.Adam)])
def test_switches_are_true_or_false(key, make):
    settings = {"momentum": 0.9} if make is optim.SGD else {}
    for value in (True, False, np.True_, np.False_, 1, 0):
        optimizer = make([nn.Parameter([1.0])], **settings, **{key: value})
        assert optimizer.param_groups[0][key] is bool(value)
    for value in ("False", None, 2, 0.5, [True]):
        with pytest.raises(ValueError, match=f"{make.__name__}: {key} must be True or False, got "):
            make([nn.Parameter([1.0])], **settings, **{key: value})


@pytest.mark.parametrize("again", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))], ids=["copy", "pickle"])
def test_a_copy_goes_by_its_own_settings(again):
    _, optimizer = trained(optim.SGD, {"lr": 0.5}, {"lr": np.array(0.25)})
    twin = again(optimizer)
    twin.param_groups[0]["lr"] = 0.125
    (p,) = twin.param_groups[0]["params"]
    before, p.grad = p.numpy().copy(), mg.ones(3)
    twin.step()
    np.testing.assert_array_equal(p.numpy(), before - 0.125)


def test_groups_stay_the_same_objects_when_a_state_is_loaded():
    p = nn.Parameter([1.0])
    optimizer = optim.SGD([p], lr=0.5)
    groups, (first,) = optimizer.param_groups, optimizer.param_groups
    optimizer.load_state_dict(optimizer.state_dict())
    first["lr"] = 0.25
    p.grad = mg.ones(1)
    optimizer.step()
    assert optimizer.param_groups is groups and p.item() == 0.75


def test_a_group_that_is_added_behind_the_optimisers_back_is_refused():
    p, other = nn.Parameter([1.0]), nn.Parameter([2.0])
    optimizer = optim.SGD([p], lr=0.5)
    optimizer.param_groups.append({**optimizer.param_groups[0], "params": [other]})
    p.grad, other.grad = mg.ones(1), mg.ones(1)
    for call in (optimizer.step, optimizer.state_dict):
        with pytest.raises(ValueError, match="SGD: groups can only be added, by add_param_group"):
            call()
    assert p.item() == 1


# -- parameters --------------------------------------------------------------------------------


class Net(nn.Module):
    def __init__(self):
        self.weight = nn.Parameter([1.0])


NO_PARAMETERS = {
    "model": (Net, "SGD needs parameters, got Net"),
    "sequence": (lambda: nn.Sequential(nn.Linear(1, 1)), "SGD needs parameters, got Sequential"),
    "method": (lambda: Net().parameters, "SGD needs parameters, got a method without its brackets"),
    "state": (lambda: Net().state_dict(), "SGD got an OrderedDict of tensors by name"),
    "named": (lambda: dict(Net().named_parameters()), "SGD got a dict of tensors by name"),
    "number": (lambda: 3, "SGD needs parameters, got int"),
    "None": (lambda: None, "SGD needs parameters, got NoneType"),
    "text": (lambda: "weight", "SGD needs parameters, got str"),
}


@pytest.mark.parametrize("group", [False, True])
@pytest.mark.parametrize("name", NO_PARAMETERS)
def test_what_is_given_instead_of_parameters(name, group):
    make, message = NO_PARAMETERS[name]
    with pytest.raises(TypeError, match=rf"{message}: pass model\.parameters\(\)"):
        optim.SGD([{"params": make()}] if group else make())


def test_a_loss_instead_of_a_closure():
    optimizer = optim.SGD([nn.Parameter([1.0])])
    with pytest.raises(TypeError, match=r"step takes a function .* got \(\) float32: call loss.backward\(\)"):
        optimizer.step(mg.tensor(1.0))


def test_update_bn_with_its_arguments_exchanged():
    with pytest.raises(TypeError, match=r"update_bn\(loader, model\) needs a module as model, got list"):
        optim.swa_utils.update_bn(nn.BatchNorm1d(2), [mg.ones(3, 2)])


# -- all or nothing ----------------------------------------------------------------------------


def read_only(values, dtype=np.float32):
    array = np.array(values, dtype)
    p = nn.Parameter(mg.from_numpy(array))
    array.flags.writeable = False
    p.array = array
    return p


@pytest.mark.parametrize("make", SETTINGS)
@pytest.mark.parametrize("dtype", ["float32", "float64"], ids=["in one piece", "in two"])
def test_a_parameter_in_read_only_memory_is_refused_before_anything_changes(make, dtype):
    parameters = [nn.Parameter([1.0, 1.0]), read_only([[1.0]], dtype)]
    optimizer = make(parameters, lr=0.25)
    for p in parameters:
        p.grad = mg.ones(*p.shape, dtype=p.dtype)
    message = rf"parameter 1 \(1, 1\) {dtype} of this optimiser is in read-only memory .*parameter.data = "
    for _ in range(2):
        with pytest.raises(ValueError, match=message):
            optimizer.step()
    assert [p.tolist() for p in parameters] == [[1, 1], [[1]]] and optimizer.state_dict()["state"] == {}
    parameters[1].data = parameters[1].data.clone()  # the cure that is named
    optimizer.step()
    np.testing.assert_allclose([p.numpy().item(0) for p in parameters], 0.75, rtol=1e-6)


def test_a_state_that_cannot_be_converted_changes_nothing():
    parameters = [nn.Parameter(mg.ones(2, dtype=np.float64)), nn.Parameter([1.0])]
    optimizer = optim.Adam(parameters, lr=0.1)
    for p in parameters:
        p.grad = mg.ones(*p.shape, dtype=p.dtype)
    optimizer.step()
    kept = optimizer.state_dict()
    state = copy.deepcopy(kept)
    state["param_groups"][0]["lr"] = 0.5
    for entry in state["state"].values():
        entry["step"] = 7
        entry["exp_avg"] = mg.full(entry["exp_avg"].shape, 1e300, dtype=np.float64)
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        optimizer.load_state_dict(state)
    after = optimizer.state_dict()
    assert after["param_groups"] == kept["param_groups"]
    for number, entry in kept["state"].items():
        assert {key: np.asarray(value).tolist() for key, value in entry.items()} == {
            key: np.asarray(value).tolist() for key, value in after["state"][number].items()
        }


# -- printing ----------------------------------------------------------------------------------


def test_an_optimiser_prints_its_groups():
    first, second = nn.Linear(2, 3), nn.Linear(3, 1)
    groups = [{"params": first.parameters()}, {"params": second.weight, "lr": np.float64(0.5)}]
    optimizer = optim.SGD(groups, lr=0.1, momentum=0.9)
    assert repr(optimizer).splitlines() == [
        "SGD (",
        "Parameter Group 0",
        "    params: 2 of 9 elements",
        "    lr: 0.1",
        "    momentum: 0.9",
        "    dampening: 0",
        "    weight_decay: 0",
        "    nesterov: False",
        "    maximize: False",
        "Parameter Group 1",
        "    params: 1 of 3 elements",
        "    lr: 0.5",
        "    momentum: 0.9",
        "    dampening: 0",
        "    weight_decay: 0",
        "    nesterov: False",
        "    maximize: False",
        ")",
    ]
    optimizer.param_groups[0]["lr"] = 0.01
    assert "    lr: 0.01" in repr(optimizer)
    assert "    betas: (0.9, 0.999)" in repr(optim.Adam(second.parameters()))
