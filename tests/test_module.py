"""The module tree: what is found, in which order, under which name, and what happens to all of it."""

import collections
import copy
import itertools
import pickle
import threading
import types

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn.tree import members


class Block(nn.Module):
    """A layer, its normalisation and an activation."""

    def __init__(self, width):
        self.fc = nn.Linear(width, width)
        self.bn = nn.BatchNorm1d(width)
        self.act = nn.ReLU()

    def forward(self, x):
        return self.act(self.bn(self.fc(x)))


class Net(nn.Module):
    """A tree with everything in it: plain attributes, a list, a chain, a buffer of its own."""

    def __init__(self):
        self.scale = nn.Parameter(mg.ones(1))
        self.stem = nn.Linear(4, 8)
        self.blocks = [Block(8), Block(8)]
        self.seen = nn.Buffer(mg.zeros((), dtype=np.int64))
        self.net = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.BatchNorm1d(8), nn.Linear(8, 2))

    def forward(self, x):
        x = self.stem(x) * self.scale
        for block in self.blocks:
            x = block(x)
        return self.net(x)


class Parent(nn.Module):
    """A module whose child knows it: a cycle."""

    def __init__(self):
        self.child = nn.Linear(2, 2)
        self.child.parent = self

    def forward(self, x):
        return self.child(x)


def leaf(*values):
    return nn.Parameter(mg.tensor([float(v) for v in values]))


def values_of(model):
    """All parameters and buffers, as copies."""
    return {name: value.numpy().copy() for name, value in [*model.named_parameters(), *model.named_buffers()]}


def assert_values(model, expected):
    found = values_of(model)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def names(pairs):
    return [name for name, _ in pairs]


def train_a_little(model, x):
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        (model(x) ** 2).mean().backward()
        optimizer.step()


@pytest.fixture
def x():
    return mg.tensor(np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32))


# -- what is found -----------------------------------------------------------------------------


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


# -- parameters and buffers --------------------------------------------------------------------


def test_parameters_share_the_memory_of_a_tensor_but_not_what_cannot_be_written():
    source = mg.zeros(3)
    parameter = nn.Parameter(source)
    source.fill_(2)
    assert parameter.tolist() == [2, 2, 2] and parameter.requires_grad and not source.requires_grad
    stretched = nn.Parameter(mg.zeros(1).expand(3))
    optimizer = optim.SGD([stretched], lr=1.0)
    stretched.grad = mg.tensor([1.0, 2.0, 3.0])
    optimizer.step()
    assert stretched.tolist() == [-1, -2, -3]
    assert not nn.Parameter([1.0], requires_grad=False).requires_grad
    assert nn.Parameter(mg.ones(2, requires_grad=True) * 2).is_leaf


@pytest.mark.parametrize("kind", [nn.Parameter, nn.Buffer])
def test_a_misspelt_attribute_of_a_leaf_is_refused(kind):
    with pytest.raises(AttributeError, match="gard"):
        kind([1.0]).gard = mg.ones(1)


def test_a_parameter_prints_as_one():
    assert repr(nn.Parameter([0.5])) == "Parameter containing:\ntensor([0.5000], requires_grad=True)"
    assert repr(nn.Buffer([0.5])) == "tensor([0.5000])"


@pytest.mark.parametrize(
    "attempt",
    [
        lambda b, t: b.requires_grad_(),
        lambda b, t: setattr(b, "requires_grad", True),
        lambda b, t: b.add_(t),
        lambda b, t: b.mul_(0.9).add_(t * 0.1),
        lambda b, t: b.__iadd__(t),
        lambda b, t: b.__isub__(t),
        lambda b, t: b.__imul__(t),
        lambda b, t: b.__itruediv__(t),
        lambda b, t: b.copy_(t),
        lambda b, t: b.__setitem__(0, t[0]),
    ],
)
def test_a_buffer_never_joins_a_graph(attempt):
    model = nn.Module()
    model.statistic = nn.Buffer(mg.ones(2))
    trained = mg.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"requires? grad"):
        attempt(model.statistic, trained)
    assert not model.statistic.requires_grad and model.statistic.is_leaf


def test_a_buffer_moves_by_constants_and_stays_a_buffer():
    model = nn.Module()
    model.statistic = nn.Buffer(mg.ones(2))
    before = model.statistic
    trained = mg.ones(2, requires_grad=True)
    model.statistic += (trained * 3).detach()
    assert model.statistic is before and before.tolist() == [4, 4]
    with mg.no_grad():
        model.statistic *= trained * 2
    assert model.statistic is before and before.tolist() == [8, 8]
    model.statistic = trained * 5  # a tensor put in a buffer's place becomes a buffer
    assert type(model.statistic) is nn.Buffer and not model.statistic.requires_grad
    assert not (model.statistic * 2).requires_grad
    model.statistic = None
    assert list(model.buffers()) == []


def test_training_trains_parameters_only(x):
    model = Net().requires_grad_()
    assert not any(buffer.requires_grad for buffer in model.buffers())
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert {id(p) for p in model.parameters()}.isdisjoint(id(b) for b in model.buffers())
    model.eval()
    before = values_of(model)
    train_a_little(model, x)
    after = values_of(model)
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    # a bias in front of an evaluating BatchNorm has a gradient, so everything moves
    assert changed == set(names(model.named_parameters()))
    model.requires_grad_(False)
    assert not any(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("weight", 3.0, r"Linear\.weight is a Parameter \(2, 2\) float32; it cannot become a float"),
        ("weight", mg.ones(2, 2), "cannot become a Tensor"),
        ("bias", nn.Buffer(mg.ones(2)), "cannot become a Buffer"),
        ("statistic", 3.0, r"Linear\.statistic is a Buffer \(2,\) float32; it cannot become a float"),
        ("statistic", np.ones(2), r"under no_grad\(\), statistic.copy_"),
        ("statistic", nn.ReLU(), "cannot become a ReLU"),
    ],
)
def test_parameters_and_buffers_are_not_replaced_by_accident(name, value, message):
    layer = nn.Linear(2, 2)
    layer.statistic = nn.Buffer(mg.ones(2))
    before = getattr(layer, name)
    with pytest.raises(TypeError, match=message):
        setattr(layer, name, value)
    assert getattr(layer, name) is before


@pytest.mark.parametrize("set_to_none", [True, False])
def test_zero_grad(x, set_to_none):
    model = Net()
    model.unused = leaf(1)
    model(x).sum().backward()
    first = model.stem.weight.grad
    assert first is not None
    model.zero_grad(set_to_none=set_to_none)
    assert model.unused.grad is None
    if set_to_none:
        assert all(parameter.grad is None for parameter in model.parameters())
    else:
        np.testing.assert_array_equal(model.stem.weight.grad.numpy(), np.zeros((8, 4)))
        assert first.numpy().any() == False  # noqa: E712 - the same memory, as in PyTorch


def test_zero_grad_lets_go_of_a_gradient_that_is_a_graph():
    weight = leaf(1, 2)
    (weight**3).sum().backward(create_graph=True)
    assert weight.grad.requires_grad
    model = nn.Module()
    model.weight = weight
    model.zero_grad(set_to_none=False)
    assert not weight.grad.requires_grad and weight.grad.tolist() == [0, 0]


# -- modes -------------------------------------------------------------------------------------


def test_train_and_eval_walk_the_tree_and_return_it():
    model = Net()
    modules = list(model.modules())
    assert len(modules) == 15
    assert model.eval() is model and [m.training for m in modules] == [False] * 15
    assert model.train() is model and [m.training for m in modules] == [True] * 15
    assert model.train(False) is model and [m.training for m in modules] == [False] * 15
    model.net.train()
    assert [name for name, m in model.named_modules() if m.training] == ["net", "net.0", "net.1", "net.2", "net.3"]


@pytest.mark.parametrize("mode", [1, 0, None, "eval", np.True_])
def test_the_mode_is_a_boolean(mode):
    model = Net().eval()
    with pytest.raises(ValueError, match="training mode is expected to be boolean"):
        model.train(mode)
    assert not any(module.training for module in model.modules())


class KeepsStatistics(Block):
    """The usual way to keep BatchNorm in evaluation while the rest trains."""

    def train(self, mode=True):
        super().train(mode)
        self.bn.eval()
        return self


@pytest.mark.parametrize("wrap", [lambda m: m, nn.Sequential, lambda m: nn.Sequential(nn.Sequential(m), nn.ReLU())])
def test_a_train_of_its_own_is_respected_at_any_depth(wrap):
    block = KeepsStatistics(3)
    model = wrap(block).train()
    assert [block.training, block.fc.training, block.bn.training] == [True, True, False]
    assert [m.training for m in model.eval().modules()] == [False] * len(list(model.modules()))


def test_a_train_put_on_one_module_is_respected():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout()).eval()
    model[1].train = lambda mode=True: model[1]
    model.train()
    assert [m.training for m in model.modules()] == [True, True, False]


def test_evaluating_gives_every_module_its_own_mode_back():
    model = Net()
    model.net.eval()
    model.blocks[1].bn.eval()
    modes = [m.training for m in model.modules()]
    assert 0 < sum(modes) < len(modes)
    with model.evaluating() as evaluated:
        assert evaluated is model and not any(m.training for m in model.modules())
        with model.evaluating():
            model.train()
        assert not any(m.training for m in model.modules())
    assert [m.training for m in model.modules()] == modes
    with pytest.raises(ZeroDivisionError), model.evaluating():
        model.train()
        raise ZeroDivisionError
    assert [m.training for m in model.modules()] == modes


# -- state -------------------------------------------------------------------------------------


def test_a_state_is_a_copy_that_training_does_not_change(x):
    model = Net()
    best = model.state_dict()
    expected = {name: value.numpy().copy() for name, value in best.items()}
    assert_values(model, expected)
    train_a_little(model, x)
    for name, value in expected.items():
        np.testing.assert_array_equal(best[name].numpy(), value, err_msg=name)
    assert any(not np.array_equal(value, expected[name]) for name, value in values_of(model).items())
    assert not any(value.requires_grad for value in best.values())
    model.load_state_dict(best)
    assert_values(model, expected)
    train_a_little(model, x)  # nor does what was loaded follow
    for name, value in expected.items():
        np.testing.assert_array_equal(best[name].numpy(), value, err_msg=name)
    best["scale"].fill_(77)
    assert model.scale.item() != 77


def test_loading_is_in_place(x):
    model, other = Net(), Net()
    train_a_little(other, x)
    parameters, arrays = list(model.parameters()), [p.array for p in model.parameters()]
    assert model.load_state_dict(other.state_dict()) == ([], [])
    assert all(a is b for a, b in zip(parameters, model.parameters()))
    assert all(a is p.array for a, p in zip(arrays, model.parameters()))
    assert_values(model, values_of(other))
    np.testing.assert_array_equal(model.eval()(x).numpy(), other.eval()(x).numpy())


def test_loading_is_noticed_by_a_graph_that_needs_the_old_values(x):
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 1))
    loss = model(x).sum()
    model.load_state_dict(model.state_dict())
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


def test_arrays_lists_and_other_precisions_can_be_loaded():
    layer = nn.Linear(2, 1)
    layer.load_state_dict({"weight": np.array([[1.5, 2.5]]), "bias": [7]})
    assert layer.weight.tolist() == [[1.5, 2.5]] and layer.bias.tolist() == [7]
    assert layer.weight.dtype == np.float32 and layer.bias.dtype == np.float32


def bad_states():
    """A state of ``Net`` spoiled in one way each, and what the message must say."""
    good = Net().state_dict()
    without = {k: v for k, v in good.items() if not k.startswith("net.0")}
    shapes = {**good, "stem.weight": mg.ones(4, 8), "net.3.bias": mg.ones(())}
    everything = {**without, "stem.weight": mg.ones(4, 8), "seen": np.ones(()), "old": mg.ones(1), "older": 1}
    return {
        "missing": (without, ["Missing key(s) in state_dict: 'net.0.weight', 'net.0.bias'."]),
        "unexpected": ({**good, "b": 1, "a": 2}, ["Unexpected key(s) in state_dict: 'b', 'a'."]),
        "shape": (
            shapes,
            ["size mismatch for stem.weight: the state has (4, 8), the model (8, 4).", "size mismatch for net.3.bias"],
        ),
        "dtype": ({**good, "seen": np.zeros(())}, ["dtype mismatch for seen: the state has float64, the model int64."]),
        "complex": ({**good, "scale": np.ones(1, complex)}, ["dtype mismatch for scale: the state has complex128"]),
        "text": ({**good, "scale": np.array(["x"])}, ["dtype mismatch for scale"]),
        "nothing": ({**good, "scale": None}, ["size mismatch for scale"]),
        "all at once": (
            everything,
            [
                "Error(s) in loading state_dict for Net:",
                "Missing key(s) in state_dict: 'net.0.weight', 'net.0.bias'.",
                "Unexpected key(s) in state_dict: 'old', 'older'.",
                "size mismatch for stem.weight",
                "dtype mismatch for seen",
            ],
        ),
    }


@pytest.mark.parametrize("case", bad_states())
def test_a_state_that_does_not_fit_changes_nothing(case):
    state, messages = bad_states()[case]
    model = Net()
    before = values_of(model)
    with pytest.raises(RuntimeError) as caught:
        model.load_state_dict(state)
    for message in messages:
        assert message in str(caught.value)
    assert_values(model, before)


def test_loading_part_of_a_state():
    model, other = Net(), Net()
    state = {k: v + 1 for k, v in other.state_dict().items() if not k.startswith("net")}
    before = values_of(model)
    result = model.load_state_dict({**state, "old": mg.ones(1)}, strict=False)
    assert result.unexpected_keys == ["old"]
    assert set(result.missing_keys) == {k for k in before if k.startswith("net") and "tracked" not in k}
    assert_values(model, {**before, **{k: v.numpy() for k, v in state.items()}})
    with pytest.raises(RuntimeError, match="size mismatch for scale"):
        model.load_state_dict({"scale": mg.ones(2)}, strict=False)
    with pytest.raises(TypeError, match="expected a state_dict, names with tensors, got Net"):
        model.load_state_dict(other)


# -- copies ------------------------------------------------------------------------------------


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["copy", "pickle"])
@pytest.mark.parametrize("with_gradients", [False, True])
def test_copies_are_equal_and_independent(x, duplicate, with_gradients):
    model = Net()
    model.net.eval()
    model.stem.weight.requires_grad_(False)
    if with_gradients:
        model(x).sum().backward()
    twin = duplicate(model)
    assert repr(twin) == repr(model)
    assert [m.training for m in twin.modules()] == [m.training for m in model.modules()]
    assert [(n, p.requires_grad) for n, p in twin.named_parameters()] == [
        (n, p.requires_grad) for n, p in model.named_parameters()
    ]
    assert [type(b) for b in twin.buffers()] == [nn.Buffer] * len(list(model.buffers()))
    for mine, its in zip(model.parameters(), twin.parameters()):
        assert (mine.grad is None) == (its.grad is None)
        if mine.grad is not None:
            np.testing.assert_array_equal(mine.grad.numpy(), its.grad.numpy())
    before = values_of(model)
    assert_values(twin, before)
    train_a_little(twin, x)
    assert_values(model, before)
    assert not np.array_equal(twin.net[0].weight.numpy(), before["net.0.weight"])


# -- conversion and application ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("convert", "dtype", "statistics"),
    [
        (lambda m: m.double(), np.float64, np.float64),
        (lambda m: m.half(), np.float16, np.float32),
        (lambda m: m.double().float(), np.float32, np.float32),
        (lambda m: m.to("float64"), np.float64, np.float64),
        (lambda m: m.to(mg.float16), np.float16, np.float32),
    ],
)
def test_conversion_is_in_place(x, convert, dtype, statistics):
    model = Net()
    model.stem.bias.requires_grad_(False)
    model(x).sum().backward()
    parameters, buffers, before = list(model.parameters()), list(model.buffers()), values_of(model)
    trained = [p.requires_grad for p in parameters]
    assert convert(model) is model
    assert all(a is b for a, b in zip([*parameters, *buffers], [*model.parameters(), *model.buffers()]))
    assert [p.requires_grad for p in parameters] == trained
    assert {p.dtype for p in parameters} == {np.dtype(dtype)}
    assert {p.grad.dtype for p in parameters if p.grad is not None} == {np.dtype(dtype)}
    assert model.net[2].running_var.dtype == statistics
    assert model.seen.dtype == np.int64 and model.net[2].num_batches_tracked.dtype == np.int64
    tolerance = 1e-3 if dtype == np.float16 else 0
    for name, value in values_of(model).items():
        np.testing.assert_allclose(value.astype(float), before[name].astype(float), rtol=tolerance, atol=tolerance)
    model.zero_grad()
    y = model(mg.tensor(x.numpy(), dtype))
    y.sum().backward()
    assert y.dtype == dtype and model.stem.weight.grad.dtype == dtype


@pytest.mark.parametrize("dtype", [int, bool, np.int32, complex])
def test_parameters_stay_floating_point(dtype):
    model = Net()
    before = values_of(model)
    with pytest.raises(TypeError, match="must stay floating point"):
        model.to(dtype)
    assert_values(model, before)
    assert model.stem.weight.requires_grad


def test_apply_goes_from_the_inside_out_in_the_order_of_definition():
    model = Net()
    model.alias = model.stem
    visited = []
    assert model.apply(lambda module: visited.append(model._name_of(module))) is model
    assert visited == [
        "stem", "blocks.0.fc", "blocks.0.bn", "blocks.0.act", "blocks.0", "blocks.1.fc", "blocks.1.bn",
        "blocks.1.act", "blocks.1", "net.0", "net.1", "net.2", "net.3", "net", "",
    ]  # fmt: skip


# -- calling -----------------------------------------------------------------------------------


def test_a_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match="Module has no forward: define forward"):
        nn.Module()(1)


def test_forward_gets_all_arguments():
    class Takes(nn.Module):
        def forward(self, *args, **kwargs):
            return args, kwargs

    assert Takes()(1, 2, key=3) == ((1, 2), {"key": 3})


@pytest.mark.parametrize("layer", [nn.Sigmoid, nn.Tanh, nn.Module])
def test_layers_without_settings_take_none(layer):
    with pytest.raises(TypeError, match="unexpected keyword argument 'slope'"):
        layer(slope=1)
    with pytest.raises(TypeError, match="positional argument"):
        layer(1)


@pytest.mark.parametrize(
    ("spoil", "path"),
    [
        (lambda m: setattr(m, "stem", nn.Linear(5, 8)), r"linear in stem \(Linear\): .* expected input \(\.\.\., 5\)"),
        (lambda m: m.blocks.__setitem__(1, nn.BatchNorm1d(9)), r"in blocks\.1 \(BatchNorm1d\)"),
        (lambda m: setattr(m.blocks[0], "bn", nn.BatchNorm1d(9)), r"in blocks\.0\.bn \(BatchNorm1d\)"),
        (lambda m: m.net.__setitem__(2, nn.BatchNorm1d(9)), r"in net\.2 \(BatchNorm1d\): expected 9 channels"),
    ],
)
def test_errors_name_the_module(x, spoil, path):
    model = Net()
    spoil(model)
    with pytest.raises(ValueError, match=path):
        model(x)
    with pytest.raises(ValueError, match=r"linear: .* expected input") as caught:
        nn.functional.linear(x, mg.ones(2, 3))
    assert " in " not in str(caught.value).split(":")[0]  # the call is over, also after the error


def test_calls_in_threads_do_not_see_each_other():
    inside, leave, messages = threading.Event(), threading.Event(), []

    class Waits(nn.Module):
        def forward(self):
            inside.set()
            assert leave.wait(10)

    thread = threading.Thread(target=Waits())
    thread.start()
    assert inside.wait(10)
    try:
        nn.Linear(2, 2)(mg.ones(1, 3))
    except ValueError as error:
        messages.append(str(error))
    leave.set()
    thread.join()
    assert messages[0].startswith("linear in Linear: ")


# -- text --------------------------------------------------------------------------------------


class Zoo(nn.Module):
    def __init__(self):
        self.stem = nn.Sequential(nn.Flatten(), nn.Linear(4, 8, bias=False), nn.Tanh())
        self.blocks = nn.ModuleList([Block(8), Block(8), nn.Identity(), Block(3)])
        self.heads = nn.ModuleDict({"a": nn.Linear(8, 2), "b": nn.Sequential()})
        self.same = nn.ModuleList([nn.ReLU() for _ in range(3)])
        self.loss = nn.CrossEntropyLoss()
        self.out = nn.Softmax(dim=1)
        self.log = nn.LogSoftmax(dim=-1)
        self.sig = nn.Sigmoid()
        self.bn2 = nn.BatchNorm2d(3, momentum=None, affine=False)
        self.bn3 = nn.BatchNorm3d(3, eps=0.001, track_running_stats=False)


class Notes(nn.Module):
    def __init__(self, text, child=None):
        self.text, self.child = text, child

    def extra_repr(self):
        return self.text


ZOO = """Zoo(
  (stem): Sequential(
    (0): Flatten(start_dim=1, end_dim=-1)
    (1): Linear(in_features=4, out_features=8, bias=False)
    (2): Tanh()
  )
  (blocks): ModuleList(
    (0-1): 2 x Block(
      (fc): Linear(in_features=8, out_features=8, bias=True)
      (bn): BatchNorm1d(8, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
      (act): ReLU()
    )
    (2): Identity()
    (3): Block(
      (fc): Linear(in_features=3, out_features=3, bias=True)
      (bn): BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
      (act): ReLU()
    )
  )
  (heads): ModuleDict(
    (a): Linear(in_features=8, out_features=2, bias=True)
    (b): Sequential()
  )
  (same): ModuleList(
    (0-2): 3 x ReLU()
  )
  (loss): CrossEntropyLoss()
  (out): Softmax(dim=1)
  (log): LogSoftmax(dim=-1)
  (sig): Sigmoid()
  (bn2): BatchNorm2d(3, eps=1e-05, momentum=None, affine=False, track_running_stats=True)
  (bn3): BatchNorm3d(3, eps=0.001, momentum=0.1, affine=True, track_running_stats=False)
)"""


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (Zoo, ZOO),
        (lambda: Notes(""), "Notes()"),
        (lambda: Notes("first=1"), "Notes(first=1)"),
        (lambda: Notes("first=1\nsecond=2"), "Notes(\n  first=1\n  second=2\n)"),
        (lambda: Notes("", nn.ReLU()), "Notes(\n  (child): ReLU()\n)"),
        (
            lambda: Notes("first=1", Notes("first=1\nsecond=2", nn.ReLU())),
            "Notes(\n  first=1\n  (child): Notes(\n    first=1\n    second=2\n    (child): ReLU()\n  )\n)",
        ),
        (nn.ModuleList, "ModuleList()"),
        (
            Parent,
            "Parent(\n  (child): Linear(\n    in_features=2, out_features=2, bias=True\n    (parent): ...\n  )\n)",
        ),
    ],
)
def test_the_text_is_pytorchs(make, text):
    assert repr(make()) == text
    assert str(make()) == text


def test_modules_in_plain_lists_are_shown():
    model = nn.Module()
    model.layers = [nn.ReLU(), nn.Tanh()]
    assert repr(model) == "Module(\n  (layers.0): ReLU()\n  (layers.1): Tanh()\n)"


# -- containers --------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [lambda *m: nn.Sequential(*m), lambda *m: nn.ModuleList(m)], ids=["chain", "list"])
def test_lists_of_modules_behave_like_lists(make):
    a, b, c, d = nn.ReLU(), nn.Tanh(), nn.Sigmoid(), nn.Linear(1, 1)
    modules = make(a, b)
    assert len(modules) == 2 and list(modules) == [a, b] and modules[0] is a and modules[-1] is b
    assert modules.append(c) is modules and list(modules) == [a, b, c]
    assert modules.extend([d, a]) is modules and list(modules) == [a, b, c, d, a]
    assert modules.insert(1, d) is modules and list(modules) == [a, d, b, c, d, a]
    modules[0] = c
    modules[-1] = b
    assert list(modules) == [c, d, b, c, d, b]
    del modules[1]
    assert list(modules) == [c, b, c, d, b]
    del modules[3:]
    assert list(modules) == [c, b, c] and names(members(modules)) == ["0", "1", "2"]
    assert a not in list(modules)
    part = modules[1:]
    assert type(part) is type(modules) and list(part) == [b, c]
    assert list(modules[::-1]) == [c, b, c] and list(modules[5:]) == []
    for index in (3, -4):
        with pytest.raises(IndexError):
            modules[index]
        with pytest.raises(IndexError):
            modules[index] = a
        with pytest.raises(IndexError):
            del modules[index]
    assert list(modules) == [c, b, c]


def test_slices_share_their_modules_and_a_chains_slice_its_names():
    chain = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    assert names(members(chain[1:])) == ["1", "2"]
    assert names(members(nn.ModuleList(chain)[1:])) == ["0", "1"]
    assert names(members(nn.Sequential({"body": chain[0], "head": chain[2]})[1:])) == ["head"]
    assert chain[1:][1] is chain[2]
    extended = chain[1:].append(nn.ReLU())
    assert list(extended)[:2] == [chain[1], chain[2]] and len(extended) == 3

    class Perceptron(nn.Sequential):
        def __init__(self, sizes):
            super().__init__(*(nn.Linear(a, b) for a, b in itertools.pairwise(sizes)))

    assert len(Perceptron([1, 2, 3, 4])[:2]) == 2


def test_a_chain_chains(x):
    first, last = nn.Linear(4, 3), nn.Linear(3, 2)
    expected = last(first(x).tanh()).numpy()
    for chain in (
        nn.Sequential(first, nn.Tanh(), last),
        nn.Sequential({"one": first, "two": nn.Tanh(), "three": last}),
        nn.Sequential(nn.Sequential(first, nn.Tanh()), last),
        nn.Sequential(first).append(nn.Tanh()).append(last),
    ):
        np.testing.assert_array_equal(chain(x).numpy(), expected)
    assert nn.Sequential()(x) is x
    assert nn.Sequential({"one": first, "two": nn.Tanh()}).one is first
    assert list(nn.Sequential({"1": first}).append(last)) == [first, last]


def test_a_dict_of_modules_behaves_like_a_dict():
    a, b = nn.ReLU(), nn.Tanh()
    modules = nn.ModuleDict({"one": a})
    modules["two"] = b
    assert list(modules) == list(modules.keys()) == ["one", "two"] and len(modules) == 2
    assert list(modules.values()) == [a, b] and list(modules.items()) == [("one", a), ("two", b)]
    assert modules["two"] is b is modules.two and "one" in modules and "three" not in modules
    modules.update([("one", b), ("three", a)])
    assert list(modules.items()) == [("one", b), ("two", b), ("three", a)]
    del modules["two"]
    assert list(modules) == ["one", "three"]
    for use in (lambda: modules["two"], lambda: modules.__delitem__("two"), lambda: modules["training"]):
        with pytest.raises(KeyError):
            use()
    assert modules.training is True
    assert len(nn.ModuleDict()) == 0


@pytest.mark.parametrize(
    ("use", "kind", "message"),
    [
        (lambda: nn.Sequential(nn.ReLU), TypeError, r"item '0' is a type.*Classes must be called \(nn.ReLU\(\)"),
        (lambda: nn.Sequential(nn.ReLU(), mg.relu), TypeError, "item '1' is a Op.*a function needs a Module around it"),
        (lambda: nn.Sequential([nn.ReLU()]), TypeError, "item '0' is a list"),
        (lambda: nn.ModuleList([nn.ReLU(), None]), TypeError, "item '1' is a NoneType"),
        (lambda: nn.ModuleDict({"a": 3}), TypeError, "item 'a' is a int"),
        (lambda: nn.ModuleDict({1: nn.ReLU()}), TypeError, "name of a module must be a string, got 1: write '1'"),
        (lambda: nn.ModuleDict({"keys": nn.ReLU()}), KeyError, "attribute 'keys' already: choose another name"),
        (lambda: nn.ModuleDict({"training": nn.ReLU()}), KeyError, "attribute 'training' already"),
        (lambda: nn.Sequential({"forward": nn.ReLU()}), KeyError, "attribute 'forward' already"),
    ],
)
def test_containers_refuse_what_is_not_a_module(use, kind, message):
    with pytest.raises(kind, match=message):
        use()


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.append(3),
        lambda m: m.insert(0, nn.ReLU),
        lambda m: m.extend(["x"]),
        lambda m: m.__setitem__(1, mg.relu),
        lambda m: m.__setitem__(slice(0, 2), [nn.ReLU()]),
    ],
)
@pytest.mark.parametrize("make", [nn.Sequential, lambda *m: nn.ModuleList(m)], ids=["chain", "list"])
def test_a_refused_change_leaves_a_list_as_it_was(make, change):
    modules = make(nn.ReLU(), nn.Tanh())
    before = list(members(modules))
    with pytest.raises(TypeError, match="expected a module"):
        change(modules)
    assert list(members(modules)) == before


def test_a_refused_update_leaves_a_dict_as_it_was():
    modules = nn.ModuleDict({"a": nn.ReLU()})
    with pytest.raises(TypeError, match="expected a module"):
        modules.update({"b": nn.Tanh(), "c": 3})
    assert list(modules) == ["a"]


def test_hooks_stay_when_a_module_is_converted():
    layer, seen = nn.Linear(2, 1), []
    layer.weight.register_hook(lambda gradient: seen.append(gradient.dtype))
    layer.double()(mg.ones(3, 2, dtype=np.float64)).sum().backward()
    assert seen == [np.float64]
    assert layer.weight.grad.dtype == np.float64


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
