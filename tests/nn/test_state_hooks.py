"""What ``state_dict`` and ``load_state_dict`` take beside the state: prefixes, extra states, hooks, ``assign``."""

import copy
import pickle
from collections import OrderedDict

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.nn.nets import Net, assert_values, values_of


class Counted(nn.Module):
    """Has a state that is no tensor."""

    def __init__(self, count=0):
        self.layer = nn.Linear(2, 1)
        self.count = count

    def get_extra_state(self):
        return {"count": self.count}

    def set_extra_state(self, state):
        self.count = state["count"]


def test_where_a_state_is_written():
    layer, mine = nn.Linear(2, 1), OrderedDict(a=1)
    assert layer.state_dict(destination=mine, prefix="head.") is mine
    assert list(mine) == ["a", "head.weight", "head.bias"]
    kept = layer.state_dict(keep_vars=True)
    assert kept["weight"] is layer.weight and layer.state_dict()["weight"] is not layer.weight
    with pytest.warns(FutureWarning, match="by name"):
        assert list(layer.state_dict({}, "x.")) == ["x.weight", "x.bias"]
    with pytest.raises(TypeError, match="prefix must be text, got an int"):
        layer.state_dict(prefix=3)


def test_extra_states_are_saved_behind_the_module_and_loaded():
    net = nn.Sequential(Counted(3), nn.Linear(1, 1))
    state = net.state_dict()
    assert list(state) == ["0._extra_state", "0.layer.weight", "0.layer.bias", "1.weight", "1.bias"]
    other = nn.Sequential(Counted(), nn.Linear(1, 1))
    other.load_state_dict(state)
    assert other[0].count == 3
    del state["0._extra_state"]
    with pytest.raises(RuntimeError, match=r"Missing key\(s\) in state_dict: '0._extra_state'"):
        other.load_state_dict(state)
    with pytest.raises(RuntimeError, match=r"Unexpected key\(s\) in state_dict: '_extra_state'"):
        nn.Identity().load_state_dict({"_extra_state": 1})
    for call in (nn.Identity().get_extra_state, lambda: nn.Identity().set_extra_state(1)):
        with pytest.raises(RuntimeError, match="has no extra state: define"):
            call()


FAILURES = {
    "an extra state that does not fit": (lambda net, state: state.update({"1._extra_state": 3}), TypeError),
    "a hook after loading": (lambda net, state: net.register_load_state_dict_post_hook(lambda *_: 1 / 0), Exception),
    "a hook that returns something": (
        lambda net, state: net.register_load_state_dict_post_hook(lambda *_: 1),
        RuntimeError,
    ),
    "a message of a hook": (
        lambda net, state: net.register_load_state_dict_pre_hook(lambda *args: args[-1].append("old")),
        RuntimeError,
    ),
    "a missing name that a hook leaves": (
        lambda net, state: (net.register_load_state_dict_post_hook(lambda *_: None), state.pop("0.scale")),
        RuntimeError,
    ),
}


@pytest.mark.parametrize("assign", [False, True])
@pytest.mark.parametrize("case", FAILURES)
def test_loading_that_fails_late_changes_nothing(case, assign):
    spoil, error = FAILURES[case]
    net, other = nn.Sequential(Net(), Counted(1)), nn.Sequential(Net(), Counted(2)).double()
    state = other.state_dict()
    before, arrays = values_of(net), [p.array for p in net.parameters()]
    spoil(net, state)
    kept = dict(state)
    with pytest.raises(error):
        net.load_state_dict(state, assign=assign)
    assert_values(net, before)
    assert net[1].count == 1 and all(p.array is array for p, array in zip(net.parameters(), arrays))
    assert list(state) == list(kept)
    (sum(p.sum() for p in net.parameters())).backward()  # in its own dtype
    assert {p.grad.dtype for p in net.parameters()} == {np.dtype(np.float32)}


def test_hooks_around_states_are_called_in_this_order():
    inner, calls = nn.Linear(1, 1), []
    net = nn.Sequential(inner)
    for name, module in (("net", net), ("inner", inner)):
        module.register_state_dict_pre_hook(lambda m, prefix, keep, n=name: calls.append(("save", n, prefix, keep)))
        module.register_state_dict_post_hook(lambda m, s, prefix, _, n=name: calls.append(("saved", n, prefix)))
        module.register_load_state_dict_pre_hook(lambda m, s, prefix, *_, n=name: calls.append(("load", n, prefix)))
        module.register_load_state_dict_post_hook(lambda m, keys, n=name: calls.append(("loaded", n)))
    net.load_state_dict(net.state_dict(prefix="x.", keep_vars=True), strict=False)
    assert calls == [
        ("save", "net", "x.", True), ("save", "inner", "x.0.", True),
        ("saved", "inner", "x.0."), ("saved", "net", "x."),
        ("load", "net", ""), ("load", "inner", "0."), ("loaded", "inner"), ("loaded", "net"),
    ]  # fmt: skip


def test_a_hook_renames_what_an_older_state_calls_otherwise():
    layer, state = nn.Linear(2, 1), {"w": mg.ones(1, 2), "b": mg.zeros(1)}

    def rename(module, state_dict, prefix, *_):
        for old, new in (("w", "weight"), ("b", "bias")):
            state_dict[prefix + new] = state_dict.pop(prefix + old)

    with layer.register_load_state_dict_pre_hook(rename):
        assert repr(layer.load_state_dict(state)) == "<All keys matched successfully>"
    assert layer.weight.tolist() == [[1, 1]] and list(state) == ["w", "b"]


def test_a_hook_after_loading_may_forgive_missing_names():
    layer = nn.Linear(2, 1)
    layer.register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear())
    assert layer.load_state_dict({"weight": mg.ones(1, 2)}).missing_keys == []
    assert layer.weight.tolist() == [[1, 1]]


def test_a_hook_after_saving_returns_nothing():
    layer = nn.Linear(2, 1)
    layer.register_state_dict_post_hook(lambda m, state, prefix, metadata: state)
    with pytest.raises(RuntimeError, match="returns None"):
        layer.state_dict()


# -- assign ---------------------------------------------------------------------------------------------


def test_assign_takes_over_memory_and_dtype_and_keeps_the_parameter():
    layer, state = nn.Linear(2, 1), nn.Linear(2, 1).double().state_dict()
    weight = layer.weight
    layer.weight.requires_grad_(False)
    layer.load_state_dict(state, assign=True)
    assert layer.weight is weight and weight.array is state["weight"].array and weight.dtype == np.float64
    assert isinstance(weight, nn.Parameter) and not weight.requires_grad and layer.bias.requires_grad
    layer(mg.ones(1, 2, dtype=np.float64)).sum().backward()
    assert layer.bias.grad.dtype == np.float64


ASSIGNED = {
    "another shape": (mg.ones(2), "size mismatch for bias"),
    "integers": (mg.ones(1, dtype=np.int64), "dtype mismatch for bias"),
    "nothing": (None, "size mismatch for bias"),
}


@pytest.mark.parametrize("case", ASSIGNED)
def test_assign_refuses_what_does_not_fit(case):
    value, message = ASSIGNED[case]
    layer = nn.Linear(2, 1)
    before = values_of(layer)
    with pytest.raises(RuntimeError, match=message):
        layer.load_state_dict({"weight": mg.ones(1, 2), "bias": value}, assign=True)
    assert_values(layer, before)


# -- buffers that are not saved ------------------------------------------------------------------------------


def with_cache():
    net = nn.Module()
    net.kept = nn.Buffer(mg.zeros(1))
    net.cache = nn.Buffer(mg.zeros(2), persistent=False)
    net.several = [nn.Buffer(mg.zeros(3), persistent=False), nn.Buffer(mg.zeros(4))]
    return net


@pytest.mark.parametrize("change", [lambda m: m, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m)), copy.copy])
def test_a_buffer_that_is_not_persistent_is_not_saved_and_is_converted(change):
    net = change(with_cache())
    assert list(net.state_dict()) == ["kept", "several.1"]
    assert [name for name, _ in net.named_buffers()] == ["kept", "cache", "several.0", "several.1"]
    assert {b.dtype for b in net.double().buffers()} == {np.dtype(np.float64)}
    net.load_state_dict(net.state_dict())


def test_register_buffer_says_whether_a_buffer_is_saved():
    net = nn.Module()
    net.register_buffer("a", nn.Buffer(mg.zeros(1), persistent=False))
    net.register_buffer("b", mg.zeros(1), persistent=False)
    net.a = mg.ones(1)
    net.b = mg.ones(1)
    assert list(net.state_dict()) == ["a"]
    net.b = nn.Buffer(mg.ones(1))
    assert list(net.state_dict()) == ["a", "b"]
