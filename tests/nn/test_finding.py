"""What has a dotted name is found and set by it; methods that there are none of say why."""

import pytest

import minigrad as mg
from minigrad import nn
from tests.nn.nets import Net


def test_every_parameter_and_buffer_is_found_by_its_name():
    net = Net()
    assert dict(net.named_parameters()) and dict(net.named_buffers())
    for name, parameter in net.named_parameters():
        assert net.get_parameter(name) is parameter
    for name, buffer in net.named_buffers():
        assert net.get_buffer(name) is buffer


WRONG = {
    "a name that is near": (lambda n: n.get_parameter("stem.wieght"), AttributeError, "near names: stem.weight"),
    "a buffer": (lambda n: n.get_parameter("seen"), AttributeError, "Net.seen is a Buffer, not a Parameter"),
    "a module": (lambda n: n.get_buffer("stem"), AttributeError, "Net.stem is a Linear, not a Buffer"),
    "a number": (lambda n: n.get_buffer(3), AttributeError, "has no Buffer 3"),
    "no name": (lambda n: n.set_submodule("", nn.ReLU()), ValueError, "has a name"),
    "no module": (lambda n: n.set_submodule("stem", mg.ones(1)), ValueError, "stem must be a module, got a Tensor"),
    "strict": (lambda n: n.set_submodule("stam", nn.ReLU(), strict=True), AttributeError, "no module 'stam'; near"),
    "behind the end": (lambda n: n.set_submodule("blocks.2", nn.ReLU()), AttributeError, "no module 'blocks.2'"),
    "nowhere": (lambda n: n.set_submodule("a.b", nn.ReLU()), AttributeError, "no module 'a.b'"),
    "a parameter": (lambda n: n.set_submodule("scale", nn.ReLU()), AttributeError, "Net.scale is a Parameter"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_name_that_is_wrong_changes_nothing(case):
    call, error, message = WRONG[case]
    net = Net()
    before = list(net.named_modules())
    with pytest.raises(error, match=message):
        call(net)
    assert list(net.named_modules()) == before


@pytest.mark.parametrize("name", ["stem", "blocks.1", "blocks.0.fc", "net.1", "new", "stem.inside"])
def test_a_module_takes_the_place_of_another(name):
    net, other = Net(), nn.Tanh()
    net.set_submodule(name, other)
    assert net.get_submodule(name) is other


def test_modules_in_several_places_have_all_their_names():
    net, shared = nn.Module(), nn.Linear(1, 1)
    net.a, net.b = shared, [shared]
    assert [name for name, _ in net.named_modules(remove_duplicate=False)] == ["", "a", "b.0"]
    assert list(net.modules(remove_duplicate=False)) == [net, shared, shared]
    names = [name for name, _ in net.named_parameters(remove_duplicate=False)]
    assert names == ["a.weight", "a.bias", "b.0.weight", "b.0.bias"]
    assert [name for name, _ in net.named_modules({shared}, "x")] == ["x"]


def test_the_names_of_an_editor_are_those_that_can_be_written():
    names = dir(nn.Sequential(nn.ReLU()))
    assert "0" not in names and {"training", "append", "state_dict"} <= set(names)


def test_type_converts():
    layer = nn.BatchNorm1d(2)
    assert layer.type(mg.float64) is layer and layer.weight.dtype == mg.float64
    assert layer.num_batches_tracked.dtype == mg.int64
    assert layer.type("torch.FloatTensor").weight.dtype == mg.float32


@pytest.mark.parametrize("name", ["bfloat16", "compile", "ipu", "mtia", "share_memory", "to_empty", "xpu"])
def test_methods_that_are_not_there_say_why(name):
    layer = nn.Linear(1, 1)
    with pytest.raises(AttributeError, match=rf"Linear\.{name}: \w.*\.$"):
        getattr(layer, name)()
    layer_of_that_name = nn.Module()
    setattr(layer_of_that_name, name, layer)
    assert list(layer_of_that_name.children()) == [layer]
