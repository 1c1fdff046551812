"""Which modules and parameters are found, in which order and under which name."""

import collections
import copy
import pickle
import types

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from tests.nn.nets import Net, Parent, leaf, names


@pytest.mark.parametrize("calls_super", [True, False])
def test_attributes_register_themselves(calls_super):
    class Small(nn.Module):
        def __init__(self):
            if calls_super:
                super().__init__()
            self.weight = leaf(1, 2)
            self.statistic = nn.Buffer(mg.zeros(2))
            self.layer = nn.Linear(2, 3)
            self.name, self.count, self.plain = "text", 3, mg.ones(2)

    model = Small()
    assert model.training is True
    assert names(model.named_parameters()) == ["weight", "layer.weight", "layer.bias"]
    assert names(model.named_buffers()) == ["statistic"]
    assert names(model.named_modules()) == ["", "layer"]
    assert names(model.named_children()) == ["layer"]
    assert list(model.children()) == [model.layer]
    assert list(model.modules()) == [model, model.layer]


def test_lists_tuples_and_dicts_are_found_however_nested():
    model = nn.Module()
    model.layers = [nn.Linear(1, 1, bias=False), (nn.Linear(1, 1, bias=False), [nn.ReLU()])]
    model.heads = {"a": nn.Linear(1, 1, bias=False), "deep": {"b": [leaf(1), nn.Buffer(mg.ones(1))]}, 3: leaf(2)}
    model.layers.append(nn.Linear(1, 1))
    assert names(model.named_modules()) == [
        "", "layers.0", "layers.1.0", "layers.1.1.0", "layers.2", "heads.a",
    ]  # fmt: skip
    assert names(model.named_parameters()) == [
        "heads.deep.b.0", "heads.3", "layers.0.weight", "layers.1.0.weight", "layers.2.weight", "layers.2.bias",
        "heads.a.weight",
    ]  # fmt: skip
    assert names(model.named_buffers()) == ["heads.deep.b.1"]
    assert set(model.state_dict()) == set(names(model.named_parameters())) | {"heads.deep.b.1"}
    model.eval()
    assert not any(module.training for module in model.modules())


def test_the_order_is_that_of_definition():
    model = nn.Module()
    for name in ("zeta", "alpha", "mid"):
        setattr(model, name, leaf(1))
    model.later = nn.Linear(1, 1)
    model.own = leaf(1)
    model.zeta = leaf(2)  # a new value keeps the old place
    assert names(model.named_parameters()) == ["zeta", "alpha", "mid", "own", "later.weight", "later.bias"]
    bn = nn.BatchNorm1d(2)
    assert list(bn.state_dict()) == ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    del model.alpha
    model.alpha = leaf(3)
    assert names(model.named_parameters(recurse=False)) == ["zeta", "mid", "own", "alpha"]
    assert names(model.named_parameters(prefix="net"))[-1] == "net.later.bias"


def test_what_is_shared_counts_once():
    model = nn.Module()
    model.a = nn.Linear(2, 2)
    model.b = nn.Linear(2, 2)
    model.b.weight = model.a.weight
    model.again = model.a
    model.listed = [model.b, model.b]
    model.statistic = nn.Buffer(mg.ones(1))
    model.same = model.statistic
    assert names(model.named_parameters()) == ["a.weight", "a.bias", "b.bias"]
    assert len(list(model.parameters())) == 3
    assert names(model.named_modules()) == ["", "a", "b"]
    assert names(model.named_children()) == ["a", "b"]
    assert names(model.named_buffers()) == ["statistic"]
    optim.SGD(model.parameters(), lr=0.1)  # refuses a parameter that appears twice


def test_tied_weights_stay_tied_through_saving_copying_and_training(x):
    model = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
    model[1].weight = model[0].weight
    state = model.state_dict()
    assert list(state) == ["0.weight", "1.weight"]
    model.load_state_dict(state)
    for twin in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin[0].weight is twin[1].weight
        twin(x).sum().backward()
        w, ones = twin[0].weight.numpy(), np.ones((6, 4))
        expected = (ones @ w).T @ x.numpy() + ones.T @ (x.numpy() @ w.T)
        np.testing.assert_allclose(twin[0].weight.grad.numpy(), expected, rtol=1e-5, atol=1e-5)


def test_what_would_be_lost_is_refused():
    model = nn.Module()
    model.layers = {nn.Linear(1, 1)}
    with pytest.raises(TypeError, match="layers is a set of modules or parameters, without order: use a list"):
        model.parameters().__next__()
    model.layers = {1: nn.Linear(1, 1), "1": nn.Linear(1, 1)}
    with pytest.raises(RuntimeError, match=r"two different layers\.1\.weight"):
        model.state_dict()
    model.layers = {"words", "are", "no", "modules"}
    assert list(model.parameters()) == []


def test_a_cycle_ends(x):
    model = Parent()
    assert names(model.named_modules()) == ["", "child"]
    assert names(model.child.named_modules()) == ["", "parent"]
    assert list(model.state_dict()) == ["child.weight", "child.bias"]
    assert model.eval().train().double().float().requires_grad_() is model
    with model.evaluating():
        assert not model.child.training
    model.zero_grad()
    visited = []
    model.apply(visited.append)
    assert visited == [model.child, model]
    assert model.load_state_dict(model.state_dict()) == ([], [])
    assert repr(model).count("Linear") == 1
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin.child.parent is twin is not model


def test_unknown_attributes_are_errors_never_none():
    model = Net()
    for name in ("blocks_", "wieght", "_modules"):
        with pytest.raises(AttributeError, match=name):
            getattr(model, name)
    with pytest.raises(AttributeError):
        del model.wieght
    assert not hasattr(model, "wieght")


@pytest.mark.parametrize(
    ("target", "find"),
    [
        ("", lambda m: m),
        ("stem", lambda m: m.stem),
        ("blocks.1", lambda m: m.blocks[1]),
        ("blocks.1.bn", lambda m: m.blocks[1].bn),
        ("net.2", lambda m: m.net[2]),
        ("alias", lambda m: m.stem),
        ("alias.back", lambda m: m),
        ("alias.back.net.0", lambda m: m.net[0]),
    ],
)
def test_get_submodule(target, find):
    model = Net()
    model.alias = model.stem
    model.stem.back = model
    assert model.get_submodule(target) is find(model)


@pytest.mark.parametrize("target", ["nothing", "stem.weight", "net.9", "blocks", "ne"])
def test_get_submodule_of_what_is_none(target):
    with pytest.raises(AttributeError, match="has no submodule"):
        Net().get_submodule(target)


def test_registration_by_name():
    model = nn.Module()
    model.add_module("layer", nn.Linear(2, 1))
    model.add_module("nothing", None)
    model.register_parameter("scale", leaf(1))
    model.register_parameter("bias", None)
    model.register_buffer("kept", mg.ones(2))
    model.register_buffer("lost", np.ones(2), persistent=False)
    model.register_buffer("none", None)
    assert model.bias is None and model.nothing is None and model.none is None
    assert names(model.named_parameters()) == ["scale", "layer.weight", "layer.bias"]
    assert names(model.named_buffers()) == ["kept", "lost"]
    assert list(model.state_dict()) == ["scale", "kept", "layer.weight", "layer.bias"]
    with pytest.raises(RuntimeError, match=r"Unexpected key\(s\) in state_dict: 'lost'"):
        model.load_state_dict({**model.state_dict(), "lost": np.zeros(2)})
    twin = copy.deepcopy(model)
    model.register_buffer("lost", mg.ones(2))
    assert list(model.state_dict()) == ["scale", "kept", "lost", "layer.weight", "layer.bias"]
    assert "lost" not in twin.state_dict()
    for register, value in ((model.register_parameter, mg.ones(1)), (model.add_module, nn.ReLU)):
        with pytest.raises(TypeError, match=r"Module\.wrong: expected a (Parameter|Module) or None"):
            register("wrong", value)
    assert not hasattr(model, "wrong")


REGISTERED = {
    "add_module": nn.ReLU,
    "register_module": nn.ReLU,
    "register_parameter": lambda: leaf(1),
    "register_buffer": lambda: mg.ones(1),
}
NAMES = {
    3: (TypeError, "the name of a (module|parameter|buffer) must be a string, got an int"),
    "": (KeyError, "'' cannot name a"),
    "a.b": (KeyError, "dots, which separate a path"),
    "forward": (KeyError, "attribute 'forward' already, a method"),
    "training": (KeyError, "attribute 'training' already, a bool"),
    "plain": (KeyError, "attribute 'plain' already, an int"),
}
"""As PyTorch refuses them."""


@pytest.mark.parametrize("register", REGISTERED)
@pytest.mark.parametrize("name", NAMES)
def test_names_that_nothing_can_be_registered_by(register, name):
    model = nn.Linear(1, 1)
    model.plain = 3
    error, message = NAMES[name]
    before = dict(vars(model))
    with pytest.raises(error, match=message):
        getattr(model, register)(name, REGISTERED[register]())
    assert vars(model) == before


@pytest.mark.parametrize("register", REGISTERED)
def test_what_has_the_name_can_be_replaced_by_its_own_kind(register):
    model = nn.Module()
    model.sub, model.weight, model.kept = nn.Tanh(), leaf(2), nn.Buffer(mg.ones(2))
    own = {"add_module": "sub", "register_module": "sub", "register_parameter": "weight", "register_buffer": "kept"}
    for name in ("sub", "weight", "kept"):
        value = REGISTERED[register]()
        if name == own[register]:
            getattr(model, register)(name, value)
            getattr(model, register)("new", None)
            assert model.new is None
        else:
            with pytest.raises(KeyError, match=f"attribute '{name}' already"):
                getattr(model, register)(name, value)
    with pytest.raises(TypeError, match=r"Module\.ok: expected a \w+ or None, got an int"):
        getattr(model, register)("ok", 3)


@pytest.mark.parametrize("name", ["a.b", ""])
def test_names_that_would_confuse_a_path_are_refused(name):
    with pytest.raises(KeyError, match="dots separate the names of a path"):
        nn.ModuleDict({name: nn.ReLU()})


def test_modules_are_found_in_every_ordered_collection():
    class Net(nn.Module):
        def __init__(self):
            self.in_a_deque = collections.deque([nn.Linear(1, 1)])
            self.in_a_mapping = types.MappingProxyType({"a": nn.ReLU()})
            self.values = {"b": nn.Linear(1, 1)}.values()

    net = Net()
    with pytest.raises(TypeError, match=r"values is a dict_values of modules"):
        list(net.parameters())
    del net.values
    assert [name for name, _ in net.named_modules()] == ["", "in_a_deque.0", "in_a_mapping.a"]
