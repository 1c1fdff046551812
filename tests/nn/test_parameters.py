"""Parameters and buffers: set, replaced, shared and removed."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from tests.nn.nets import Net, leaf, names, train_a_little, values_of


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
