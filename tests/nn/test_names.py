"""The attributes of a module are the user's: which names are free, which are refused, what may hold modules."""

import collections
import inspect
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim

KINDS = [
    nn.Module, nn.Linear, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.Dropout, nn.ReLU, nn.Softmax, nn.Flatten,
    nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.CrossEntropyLoss, nn.NLLLoss, nn.BCEWithLogitsLoss, nn.MSELoss,
]  # fmt: skip

PYTORCH = {
    "T_destination", "add_module", "append", "apply", "bfloat16", "bias", "buffers", "call_super_init", "children",
    "clear", "compile", "cpu", "cuda", "double", "dump_patches", "eval", "extend", "extra_repr", "float", "forward",
    "get_buffer", "get_extra_state", "get_parameter", "get_submodule", "half", "insert", "ipu", "items", "keys",
    "load_state_dict", "modules", "mtia", "named_buffers", "named_children", "named_modules", "named_parameters",
    "parameters", "pop", "register_backward_hook", "register_buffer", "register_forward_hook",
    "register_forward_pre_hook", "register_full_backward_hook", "register_full_backward_pre_hook",
    "register_load_state_dict_post_hook", "register_load_state_dict_pre_hook", "register_module",
    "register_parameter", "register_state_dict_post_hook", "register_state_dict_pre_hook", "requires_grad_",
    "reset_parameters", "reset_running_stats", "set_extra_state", "set_submodule", "share_memory", "state_dict", "to",
    "to_empty", "train", "training", "type", "update", "values", "xpu", "zero_grad",
}  # fmt: skip
"""The public attributes of ``torch.nn.Module`` and of the layers and containers here, PyTorch 2.14."""

OURS = {"evaluating", "explain", "freeze", "unfreeze"}
"""Documented names of minigrad's own."""


@pytest.mark.parametrize("kind", KINDS)
def test_public_names_are_pytorchs(kind):
    arguments = set(inspect.signature(kind).parameters)
    assert {name for name in dir(kind) if not name.startswith("_")} <= PYTORCH | OURS | arguments


FREE = [
    "members", "switch", "switch_gradients", "named_leaves", "saved_leaves", "inner_first", "convert", "register",
    "name_of", "not_saved", "optional_keys", "named", "append_all", "check_item", "replace_all", "child_lines",
    "ranks", "expected", "cure", "warned", "misfit", "layers", "body", "weights", "leaves", "state", "hidden",
]  # fmt: skip


@pytest.mark.parametrize("name", FREE)
@pytest.mark.parametrize("base", [nn.Module, nn.Sequential, nn.ModuleList])
def test_free_names_hold_modules_through_everything(name, base):
    class Net(base):
        def __init__(self):
            super().__init__()
            setattr(self, name, nn.Linear(3, 3))
            self.rest = {name: [nn.BatchNorm1d(3)]}

        def forward(self, x):
            return self.rest[name][0](getattr(self, name)(x))

    net = Net()
    parameters = [f"{name}.weight", f"{name}.bias", f"rest.{name}.0.weight", f"rest.{name}.0.bias"]
    assert [key for key, _ in net.named_parameters()] == parameters
    assert net.train().eval().double().float().requires_grad_() is net
    with net.evaluating():
        net(mg.randn(2, 3))
    state = net.state_dict()
    assert net.load_state_dict(state) == ([], []) and len(state) == 7
    assert net.get_submodule(name) is getattr(net, name)
    assert f"({'0' if base is nn.ModuleList else name}): Linear" in repr(net)
    assert mg.gradcheck(net, mg.randn(4, 3))
    optim.SGD(net.parameters(), lr=0.1).zero_grad()
    assert list(pickle.loads(pickle.dumps(net.rest))) == [name]


METHODS = [
    "modules", "parameters", "buffers", "children", "train", "eval", "forward", "named_modules", "named_parameters",
    "named_children", "apply", "state_dict", "load_state_dict", "zero_grad", "to", "float", "double", "half",
    "requires_grad_", "evaluating", "extra_repr", "register_buffer", "add_module", "get_submodule", "training",
    "_switch",
]  # fmt: skip
HELD = {
    "a module": lambda: nn.Linear(1, 1),
    "a parameter": lambda: nn.Parameter(mg.ones(1)),
    "a buffer": lambda: nn.Buffer(mg.ones(1)),
    "a tensor": lambda: mg.ones(1),
    "a list": lambda: [nn.Linear(1, 1)],
    "an empty list": list,
    "a tuple": lambda: (nn.Linear(1, 1),),
    "a dict": lambda: {"a": nn.Linear(1, 1)},
    "a deque": collections.deque,
    "a set": set,
}


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("value", HELD)
def test_a_method_is_not_overwritten(name, value):
    class Net(nn.Module):
        def forward(self, x):
            return x

        def train(self, mode=True):
            return super().train(mode)

    net = Net()
    with pytest.raises(TypeError, match=rf"Net\.{name} is (a method|the mode) .* cannot become a .* choose another"):
        setattr(net, name, HELD[value]())
    assert net.eval().training is False and list(net.modules()) == [net]


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: nn.BatchNorm1d(2), "freeze"),
        (lambda: nn.BatchNorm1d(2), "reset_running_stats"),
        (lambda: nn.Linear(2, 2), "reset_parameters"),
        (lambda: nn.Sequential(nn.ReLU()), "append"),
        (lambda: nn.ModuleList(), "insert"),
        (lambda: nn.ModuleDict(), "keys"),
    ],
)
def test_methods_of_layers_and_containers_are_not_overwritten(make, name):
    module = make()
    with pytest.raises(TypeError, match=rf"\.{name} is a method"):
        setattr(module, name, nn.Linear(1, 1))
    for register in (module.register_buffer, module.register_parameter):
        with pytest.raises(KeyError, match=f"has an attribute '{name}' already, a method"):
            register(name, nn.Parameter(mg.ones(1)))


def test_functions_may_take_the_place_of_methods():
    net = nn.Linear(2, 2)
    net.forward = lambda x: x * 2
    np.testing.assert_array_equal(net(mg.ones(1, 2)).numpy(), [[2, 2]])


def test_a_users_own_function_is_no_method_of_minigrads():
    class Net(nn.Module):
        activation = staticmethod(lambda x: x)

        def pool(self, x):
            return x

    net = Net()
    net.activation, net.pool = nn.ReLU(), nn.Identity()
    assert [name for name, _ in net.named_children()] == ["activation", "pool"]


# -- what holds modules ----------------------------------------------------------------------------


def test_a_container_in_itself_holds_what_else_it_has():
    net = nn.Module()
    net.layers, net.named = [nn.Linear(1, 1)], {"a": nn.Linear(1, 1)}
    net.layers.append(net.layers)
    net.named["again"] = {"deeper": [net.named]}
    assert [name for name, _ in net.named_parameters()] == [
        "layers.0.weight", "layers.0.bias", "named.a.weight", "named.a.bias",
    ]  # fmt: skip
    assert len(net.state_dict()) == 4 and net.train().double() is net
    assert repr(net).count("Linear(") == 2


def test_one_list_twice_is_no_cycle():
    net, shared = nn.Module(), [nn.Linear(1, 1)]
    net.layers = [shared, shared]
    assert list(net.state_dict()) == ["layers.0.0.weight", "layers.0.0.bias"]
    assert net.get_submodule("layers.1.0") is shared[0]


@pytest.mark.parametrize(
    "make",
    [lambda: (nn.ReLU() for _ in range(2)), lambda: map(nn.Dropout, [0.5]), lambda: zip([nn.ReLU()], [1])],
)
@pytest.mark.parametrize("look", ["parameters", "state_dict", "eval", "__repr__"])
def test_modules_in_a_generator_would_be_lost(make, look):
    net = nn.Module()
    net.layers = make()
    with pytest.raises(TypeError, match=r"Module\.layers is a \w+: .* Make it a list, list\(\.\.\.\)"):
        list(getattr(net, look)())


def test_a_chain_does_not_contain_itself():
    chain = nn.Sequential(nn.ReLU())
    inner = nn.Sequential(nn.Identity(), chain)
    for change in (
        lambda: setattr(chain, "parent", chain),
        lambda: chain.append(inner),
        lambda: chain.append(nn.Sequential(inner)),
        lambda: chain.insert(0, chain),
    ):
        with pytest.raises(ValueError, match=r"a part of the chain, which would contain itself .* \[module\]"):
            change()
    chain.parent = [inner]
    assert len(chain) == 1 and chain(mg.ones(1)).item() == 1
    assert list(chain.modules()) == [chain, chain[0], inner, inner[0]]


def test_a_deep_tree_is_walked_without_recursion():
    net = deepest = nn.Module()
    for _ in range(3000):
        deepest.inner = nn.Module()
        deepest = deepest.inner
    deepest.layer = nn.Linear(1, 1)
    assert len(list(net.modules())) == 3002 and len(net.state_dict()) == 2
    assert not net.eval().inner.inner.training


# -- settings that are checked when they are set ------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("momentum", 5, ValueError, r"momentum .* must be from 0 to 1, or None, got 5"),
        ("momentum", "0.1", ValueError, "momentum"),
        ("momentum", np.nan, ValueError, "momentum"),
        ("eps", None, ValueError, "eps must be a number, got None"),
        ("eps", np.nan, ValueError, "eps must be a number, got nan"),
        (
            "num_batches_tracked",
            mg.zeros(()),
            ValueError,
            "num_batches_tracked must be an integer tensor of one number",
        ),
        ("num_batches_tracked", mg.zeros(2, dtype=np.int64), ValueError, "num_batches_tracked must be an integer"),
    ],
)
def test_settings_of_batchnorm_are_refused_where_they_are_set(name, value, error, message):
    bn = nn.BatchNorm1d(2)
    before = getattr(bn, name)
    with pytest.raises(error, match=rf"BatchNorm1d: {message}"):
        setattr(bn, name, value)
    assert getattr(bn, name) is before


@pytest.mark.parametrize("number", [np.float32, np.float64, float])
def test_numpys_numbers_are_settings(number):
    bn = nn.BatchNorm1d(2, eps=number(0.5), momentum=number(0.25))
    bn(mg.tensor([[0.0, 0.0], [2.0, 4.0]]))
    assert bn.running_mean.tolist() == [0.25, 0.5] and bn.running_var.tolist() == [1.25, 2.75]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("missing", ["running_mean", "running_var"])
def test_one_statistic_without_the_other_is_refused(missing, training):
    bn = nn.BatchNorm1d(2).train(training)
    setattr(bn, missing, None)
    with pytest.raises(ValueError, match=r"batch_norm in BatchNorm1d: .*running_mean and running_var"):
        bn(mg.randn(4, 2))


def test_a_negative_count_is_refused_where_it_is_used():
    bn = nn.BatchNorm1d(2, momentum=None)
    bn.load_state_dict({**bn.state_dict(), "num_batches_tracked": -1})
    with pytest.raises(ValueError, match=r"batch_norm in BatchNorm1d: num_batches_tracked is -1: the checkpoint"):
        bn(mg.randn(4, 2))
    assert bn.running_mean.tolist() == [0, 0]


# -- mistakes in layers and initial values -------------------------------------------------------------


def test_relu_takes_inplace_and_overwrites_nothing():
    x = mg.tensor([-1.0, 2.0])
    for relu in (nn.ReLU(True), nn.ReLU(inplace=True)):
        assert relu(x).tolist() == [0, 2] and x.tolist() == [-1, 2]
        assert repr(relu) == "ReLU(inplace=True)"
    assert repr(nn.ReLU()) == "ReLU()"


def test_a_layer_of_text_is_a_type_error():
    with pytest.raises(TypeError, match=r"linear in Linear: .* expected real numbers or booleans, got <U1"):
        nn.Linear(1, 2)(np.array(["a"]))


@pytest.mark.parametrize("fill", ["uniform_", "normal_", "zeros_", "ones_", "xavier_uniform_", "kaiming_normal_"])
def test_initial_values_are_for_tensors_and_draw_nothing_before_that_is_known(fill):
    before = mg.get_rng_state()
    with pytest.raises(TypeError, match=r"nn\.init overwrites a tensor in place, got \(2, 2\) float64"):
        getattr(nn.init, fill)(np.zeros((2, 2)))
    assert mg.get_rng_state() == before


def test_a_dataset_may_have_an_attribute_of_any_name():
    class Rows(mg.data.TensorDataset):
        def __init__(self, x):
            super().__init__(x)
            self.batch = 32

    rows = Rows(mg.arange(6).reshape(3, 2))
    assert [x.tolist() for (x,) in mg.data.DataLoader(rows, batch_size=2)] == [[[0, 1], [2, 3]], [[4, 5]]]
