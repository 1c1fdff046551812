"""Groups that keep weight decay off normalisation and biases."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim


class OwnNorm(nn.Module):
    def __init__(self) -> None:
        self.gain = nn.Parameter(mg.ones(3, 3))


class Derived(nn.BatchNorm1d):
    pass


class Tied(nn.Module):
    def __init__(self) -> None:
        self.first = nn.Linear(3, 3)
        self.second = nn.Linear(3, 3)
        self.second.weight = self.first.weight


MODELS = {
    "linear": (lambda: nn.Linear(2, 3), ["weight"], ["bias"]),
    "no bias": (lambda: nn.Linear(2, 3, bias=False), ["weight"], []),
    "norm": (lambda: nn.BatchNorm1d(3), [], ["weight", "bias"]),
    "norm of users": (lambda: nn.Sequential(OwnNorm(), nn.Linear(3, 1)), ["1.weight"], ["0.gain", "1.bias"]),
    "derived norm": (lambda: nn.Sequential(Derived(2), nn.PReLU()), [], ["0.weight", "0.bias", "1.weight"]),
    "tied": (Tied, ["first.weight"], ["first.bias", "second.bias"]),
    "nothing": (nn.ReLU, [], []),
}


@pytest.mark.parametrize(("model", "decaying", "others"), MODELS.values(), ids=MODELS)
def test_groups(model, decaying, others):
    model = model()
    groups = optim.param_groups(model, 0.3)
    found = {group["weight_decay"]: [name for name, _ in group["params"]] for group in groups}
    assert found == {decay: names for decay, names in ((0.3, decaying), (0, others)) if names}
    parameters = dict(model.named_parameters())
    assert all(p is parameters[name] for group in groups for name, p in group["params"])


def test_a_step_without_gradient_decays_the_weights_alone():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    optimizer = optim.AdamW(optim.param_groups(model, weight_decay=0.5), lr=0.1)
    before = {name: p.numpy().copy() for name, p in model.named_parameters()}
    for p in model.parameters():
        p.grad = mg.zeros_like(p)
    optimizer.step()
    for name, p in model.named_parameters():
        scale = 1 - 0.1 * 0.5 if name == "0.weight" else 1
        np.testing.assert_allclose(p.numpy(), before[name] * np.float32(scale), rtol=1e-6)


def test_what_is_no_module_is_refused():
    with pytest.raises(TypeError, match="param_groups expects a module, got a list"):
        optim.param_groups([nn.Linear(1, 1)])
