"""A tensor of a graph in place of a plain number: refused with the cure, never cut from its graph."""

import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F


def batch():
    return mg.arange(8.0).reshape(4, 2)


USES = {
    "full": lambda t: mg.full((2,), t),
    "full_like": lambda t: mg.full_like(mg.ones(2), t),
    "arange": lambda t: mg.arange(t),
    "linspace": lambda t: mg.linspace(0, t, 3),
    "var": lambda t: batch().var(correction=t),
    "std": lambda t: batch().std(0, t),
    "add": lambda t: batch().add(batch(), alpha=t),
    "sub": lambda t: batch().sub(batch(), alpha=t),
    "add_": lambda t: batch().add_(1.0, alpha=t),
    "sub_": lambda t: batch().sub_(batch(), alpha=t),
    "eps": lambda t: F.batch_norm(batch(), None, None, training=True, eps=t),
    "momentum": lambda t: F.batch_norm(batch(), mg.zeros(2), mg.ones(2), training=True, momentum=t),
    "dropout": lambda t: F.dropout(batch(), t),
    "Dropout": lambda t: nn.Dropout(t),
    "constant_": lambda t: nn.init.constant_(mg.ones(2), t),
    "normal_": lambda t: nn.init.normal_(mg.ones(2), t),
    "uniform_": lambda t: nn.init.uniform_(mg.ones(2), 0, t),
    "xavier": lambda t: nn.init.xavier_uniform_(mg.ones(2, 2), t),
    "kaiming": lambda t: nn.init.kaiming_normal_(mg.ones(2, 2), t),
    "lr": lambda t: mg.optim.SGD([mg.ones(1, requires_grad=True)], lr=t),
}


@pytest.mark.parametrize(
    "make", [lambda: mg.tensor(1.0, requires_grad=True), lambda: mg.ones((), requires_grad=True) * 1]
)
@pytest.mark.parametrize("name", USES)
def test_a_number_of_a_graph_is_refused(name, make):
    t = make()
    with pytest.raises(RuntimeError, match=r"requires grad is used as a plain number.*x\.item\(\) or x\.detach\(\)"):
        USES[name](t)
    USES[name](t.detach())
    USES[name](t.item())
    with mg.no_grad():
        USES[name](t)


def pair():
    return [mg.tensor(value, requires_grad=True) for value in (0.25, 0.75)]


LISTS = {
    "input": lambda values: F.mse_loss(values, mg.ones(2)),
    "target": lambda values: F.mse_loss(mg.ones(2), values),
    "probabilities": lambda values: F.binary_cross_entropy(mg.full((2,), 0.5), values),
    "min": lambda values: mg.ones(2).clamp(min=values),
    "max": lambda values: mg.ones(2).clamp(0.0, values),
    "sum": lambda values: mg.sum(values),
    "softmax": lambda values: mg.softmax(values, 0),
    "matmul": lambda values: mg.ones(2) @ values,
    "weight": lambda values: F.batch_norm(batch(), None, None, weight=values, training=True),
    "classes": lambda values: F.cross_entropy(mg.ones(1, 2), mg.tensor([0]), weight=values),
    "array": lambda values: mg.tensor(values),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_tensors_of_a_graph_is_refused_with_the_cure(name):
    with pytest.raises((TypeError, RuntimeError), match=r"mg\.stack\("):
        LISTS[name](pair())
    values = mg.stack(pair())
    if name != "array":
        assert LISTS[name](values).requires_grad
