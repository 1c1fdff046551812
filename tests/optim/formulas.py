"""Optimisers written out for one parameter at a time."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim


class PlainSGD:
    """One parameter, one array, one step after the other."""

    def __init__(self, p, **_):
        self.p, self.velocity = p, None

    def step(self, gradient, lr, momentum=0, dampening=0, weight_decay=0, nesterov=False):
        g = gradient + weight_decay * self.p
        if momentum:
            first = self.velocity is None
            self.velocity = g if first else momentum * self.velocity + (1 - dampening) * g
            g = g + momentum * self.velocity if nesterov else self.velocity
        self.p = self.p - lr * g


class PlainAdam:
    def __init__(self, p):
        self.p, self.m, self.v, self.largest, self.t = p, 0 * p, 0 * p, 0 * p, 0

    def step(self, gradient, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False):
        g = gradient + weight_decay * self.p
        self.t += 1
        self.m = betas[0] * self.m + (1 - betas[0]) * g
        self.v = betas[1] * self.v + (1 - betas[1]) * g * g
        self.largest = np.maximum(self.largest, self.v)
        v = self.largest if amsgrad else self.v
        root = np.sqrt(v / (1 - betas[1] ** self.t))
        self.p = self.p - lr * (self.m / (1 - betas[0] ** self.t)) / (root + eps)


SETTINGS = {
    "sgd": (optim.SGD, PlainSGD, {"lr": 0.1}),
    "sgd, decay": (optim.SGD, PlainSGD, {"lr": 0.1, "weight_decay": 0.2}),
    "sgd, momentum": (optim.SGD, PlainSGD, {"lr": 0.1, "momentum": 0.9}),
    "sgd, dampening": (optim.SGD, PlainSGD, {"lr": 0.1, "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.05}),
    "sgd, nesterov": (optim.SGD, PlainSGD, {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    "adam": (optim.Adam, PlainAdam, {"lr": 0.01}),
    "adam, betas": (optim.Adam, PlainAdam, {"lr": 0.01, "betas": (0.5, 0.9), "eps": 1e-3}),
    "adam, decay": (optim.Adam, PlainAdam, {"lr": 0.01, "weight_decay": 0.3}),
    "adam, amsgrad": (optim.Adam, PlainAdam, {"lr": 0.01, "amsgrad": True, "betas": (0.8, 0.6)}),
    "adam, no eps": (optim.Adam, PlainAdam, {"lr": 0.01, "eps": 0}),
    "adam, no memory": (optim.Adam, PlainAdam, {"lr": 0.01, "betas": (0.0, 0.0)}),
}

every_setting = pytest.mark.parametrize("name", SETTINGS)
BLOCK, SMALL = 1 << 12, 1 << 10
SHAPES = [(), (3,), (0,), (2, 3), (1,), (5, 0, 2), (4, 4), (2, 1, 3), (BLOCK + 7,), (7,), (200, 300), (3, 3)]


def parameters_of(dtype, seed=0):
    """Many small ones, one of no dimension, empty ones, two larger than a block, two not contiguous."""
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal(shape).astype(dtype) for shape in SHAPES]
    parameters = [nn.Parameter(mg.from_numpy(np.asarray(a))) for a in arrays[:-2]]
    parameters += [nn.Parameter(mg.from_numpy(np.asfortranarray(a))) for a in arrays[-2:]]
    assert [p.array.flags.c_contiguous for p in parameters[-2:]] == [False, False]
    return parameters


def give_gradients(parameters, rng, missing=()):
    """Random gradients, for all but those whose number is missing."""
    for i, p in enumerate(parameters):
        gradient = (rng.standard_normal(p.shape) * 10.0 ** rng.integers(-2, 1)).astype(p.dtype)
        p.grad = None if i in missing else mg.from_numpy(np.asarray(gradient))
