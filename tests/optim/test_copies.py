"""A copy of a model is trained by an optimiser of its own."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim

TOGETHER: dict[str, Callable[[Any], Any]] = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda pair: pickle.loads(pickle.dumps(pair)),
}

X = np.arange(8.0, dtype=np.float32).reshape(4, 2)


def train_once(net: nn.Module, optimizer: optim.Optimizer) -> list[Any]:
    optimizer.zero_grad()
    net(mg.tensor(X)).square().mean().backward()
    optimizer.step()
    return [value.tolist() for value in net.state_dict().values()]


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
@pytest.mark.parametrize("how", TOGETHER)
def test_a_trained_model_and_its_optimiser_are_copied_together(how, kind):
    """Gradients, averages, modes and a frozen layer go along; the copies train each other and nobody else."""
    mg.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    optimizer = kind(net.parameters(), lr=0.1, **({"momentum": 0.9} if kind is optim.SGD else {}))
    train_once(net, optimizer)
    net[1].freeze()
    net[2].eval()
    before = [value.tolist() for value in net.state_dict().values()]
    twin, its_optimizer = TOGETHER[how]((net, optimizer))
    assert twin[1].frozen and twin[1].training and not twin[2].training
    assert [p.grad is None for p in twin.parameters()] == [p.grad is None for p in net.parameters()]
    after = train_once(twin, its_optimizer)
    assert [value.tolist() for value in net.state_dict().values()] == before != after
    assert train_once(net, optimizer) == after
