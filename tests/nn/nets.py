"""Small modules, and their values before and after."""

import numpy as np

import minigrad as mg
from minigrad import nn, optim


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
