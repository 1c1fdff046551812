"""Optimisers written out for one parameter at a time."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim


class PlainSGD:
    """One parameter, one array, one step after the other."""

    def __init__(self, p, **_):
        self.p, self.velocity = p, None

    def step(self, gradient, lr, momentum=0, dampening=0, weight_decay=0, nesterov=False, maximize=False):
        g = (-gradient if maximize else gradient) + weight_decay * self.p
        if momentum:
            first = self.velocity is None
            self.velocity = g if first else momentum * self.velocity + (1 - dampening) * g
            g = g + momentum * self.velocity if nesterov else self.velocity
        self.p = self.p - lr * g


class PlainAdam:
    def __init__(self, p):
        self.p, self.m, self.v, self.largest, self.t = p, 0 * p, 0 * p, 0 * p, 0

    def averages(self, gradient, lr, betas, weight_decay, decoupled):
        """Decay the parameters or the gradient, which is returned, and move the averages of it and of its square."""
        if decoupled:
            self.p = self.p * (1 - lr * weight_decay)
        else:
            gradient = gradient + weight_decay * self.p
        self.t += 1
        self.m = betas[0] * self.m + (1 - betas[0]) * gradient
        self.v = betas[1] * self.v + (1 - betas[1]) * gradient * gradient
        return gradient

    def step(
        self, gradient, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, maximize=False,
        decoupled_weight_decay=False,
    ):  # fmt: skip
        self.averages(-gradient if maximize else gradient, lr, betas, weight_decay, decoupled_weight_decay)
        self.largest = np.maximum(self.largest, self.v)
        v = self.largest if amsgrad else self.v
        root = np.sqrt(v / (1 - betas[1] ** self.t))
        self.p = self.p - lr * (self.m / (1 - betas[0] ** self.t)) / (root + eps)


class PlainAdamW(PlainAdam):
    def step(self, gradient, lr, weight_decay=0.01, **settings):
        super().step(gradient, lr, weight_decay=weight_decay, decoupled_weight_decay=True, **settings)


class PlainNAdam(PlainAdam):
    product = 1.0

    def step(
        self, gradient, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, momentum_decay=4e-3,
        decoupled_weight_decay=False,
    ):  # fmt: skip
        g = self.averages(gradient, lr, betas, weight_decay, decoupled_weight_decay)
        mu, following = (betas[0] * (1 - 0.96 ** (t * momentum_decay) / 2) for t in (self.t, self.t + 1))
        self.product *= mu
        ahead = (1 - mu) * g / (1 - self.product) + following * self.m / (1 - self.product * following)
        self.p = self.p - lr * ahead / (np.sqrt(self.v / (1 - betas[1] ** self.t)) + eps)


class PlainRAdam(PlainAdam):
    def step(self, gradient, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, decoupled_weight_decay=False):
        self.averages(gradient, lr, betas, weight_decay, decoupled_weight_decay)
        mean, left = self.m / (1 - betas[0] ** self.t), betas[1] ** self.t
        limit = 2 / (1 - betas[1]) - 1
        length = limit - 2 * self.t * left / (1 - left)
        if length > 5:
            part = (length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)
            mean = mean * np.sqrt(part * (1 - left)) / (np.sqrt(self.v) + eps)
        self.p = self.p - lr * mean


class PlainAdamax(PlainAdam):
    def step(self, gradient, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0):
        g = gradient + weight_decay * self.p
        self.t += 1
        self.m = betas[0] * self.m + (1 - betas[0]) * g
        self.largest = np.maximum(betas[1] * self.largest, abs(g) + eps)
        self.p = self.p - lr / (1 - betas[0] ** self.t) * self.m / self.largest


class PlainAdagrad(PlainAdam):
    def step(self, gradient, lr, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10):
        g = gradient + weight_decay * self.p
        self.v = self.v + g * g + (initial_accumulator_value if self.t == 0 else 0)
        self.p = self.p - lr / (1 + self.t * lr_decay) * g / (np.sqrt(self.v) + eps)
        self.t += 1


class PlainAdadelta(PlainAdam):
    def step(self, gradient, lr, rho=0.9, eps=1e-6, weight_decay=0):
        g = gradient + weight_decay * self.p
        self.v = rho * self.v + (1 - rho) * g * g
        delta = np.sqrt(self.m + eps) / np.sqrt(self.v + eps) * g
        self.m = rho * self.m + (1 - rho) * delta * delta
        self.p = self.p - lr * delta


class PlainRMSprop(PlainAdam):
    buffer = 0

    def step(self, gradient, lr, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False):
        g = gradient + weight_decay * self.p
        self.v = alpha * self.v + (1 - alpha) * g * g
        self.m = alpha * self.m + (1 - alpha) * g
        self.buffer = momentum * self.buffer + g / (np.sqrt(self.v - centered * self.m**2) + eps)
        self.p = self.p - lr * self.buffer


class PlainRprop:
    def __init__(self, p):
        self.p, self.before, self.size = p, 0 * p, None

    def step(self, gradient, lr, etas=(0.5, 1.2), step_sizes=(1e-6, 50), weight_decay=0):
        if self.size is None:
            self.size = 0 * self.p + lr
        turned, same = gradient * self.before < 0, gradient * self.before > 0
        self.size = np.clip(self.size * np.where(same, etas[1], np.where(turned, etas[0], 1)), *step_sizes)
        self.before = np.where(turned, 0, gradient)
        self.p = self.p - np.sign(self.before) * self.size


class PlainASGD:
    def __init__(self, p):
        self.p, self.mean, self.t = p, 0 * p, 0

    def step(self, gradient, lr, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0):
        g = gradient + weight_decay * self.p
        eta = lr / (1 + lambd * lr * self.t) ** alpha
        self.p = self.p * (1 - lambd * eta) - eta * g
        self.mean = self.mean + (self.p - self.mean) / max(1, self.t - t0)
        self.t += 1


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
    "sgd, maximize": (optim.SGD, PlainSGD, {"lr": 0.1, "maximize": True, "weight_decay": 0.1}),
    "adam, maximize": (optim.Adam, PlainAdam, {"lr": 0.01, "maximize": True, "weight_decay": 0.1}),
    "adam, decoupled": (optim.Adam, PlainAdam, {"lr": 0.01, "decoupled_weight_decay": True, "weight_decay": 0.3}),
    "adam, decoupled and all": (
        optim.Adam, PlainAdam,
        {"lr": 0.01, "decoupled_weight_decay": True, "weight_decay": 0.3, "amsgrad": True, "betas": (0.8, 0.6)},
    ),
    "adamw": (optim.AdamW, PlainAdamW, {"lr": 0.01}),
    "adamw, amsgrad": (
        optim.AdamW, PlainAdamW, {"lr": 0.01, "weight_decay": 0.3, "amsgrad": True, "betas": (0.8, 0.6)},
    ),
    "nadam": (optim.NAdam, PlainNAdam, {"lr": 0.01, "momentum_decay": 0.1}),
    "nadam, decay": (optim.NAdam, PlainNAdam, {"lr": 0.01, "weight_decay": 0.3, "betas": (0.8, 0.6)}),
    "nadam, decoupled": (optim.NAdam, PlainNAdam, {"lr": 0.01, "weight_decay": 0.3, "decoupled_weight_decay": True}),
    "radam": (optim.RAdam, PlainRAdam, {"lr": 0.01, "weight_decay": 0.1}),
    "radam, decoupled": (
        optim.RAdam, PlainRAdam,
        {"lr": 0.01, "weight_decay": 0.3, "decoupled_weight_decay": True, "betas": (0.8, 0.9)},
    ),
    "radam, short": (optim.RAdam, PlainRAdam, {"lr": 0.01, "betas": (0.8, 0.9)}),
    "adamax": (optim.Adamax, PlainAdamax, {"lr": 0.01, "betas": (0.8, 0.9), "weight_decay": 0.1}),
    "adagrad": (optim.Adagrad, PlainAdagrad, {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1}),
    "adagrad, start": (optim.Adagrad, PlainAdagrad, {"lr": 0.1, "initial_accumulator_value": 0.5}),
    "adadelta": (optim.Adadelta, PlainAdadelta, {"lr": 0.5, "rho": 0.8, "weight_decay": 0.1}),
    "rmsprop": (optim.RMSprop, PlainRMSprop, {"lr": 0.01, "weight_decay": 0.1}),
    "rmsprop, centered": (optim.RMSprop, PlainRMSprop, {"lr": 0.01, "centered": True, "alpha": 0.7}),
    "rmsprop, momentum": (optim.RMSprop, PlainRMSprop, {"lr": 0.01, "momentum": 0.8, "weight_decay": 0.1}),
    "rmsprop, all": (optim.RMSprop, PlainRMSprop, {"lr": 0.01, "momentum": 0.8, "centered": True, "alpha": 0.7}),
    "rprop": (optim.Rprop, PlainRprop, {"lr": 0.01, "etas": (0.4, 1.5), "step_sizes": (1e-3, 0.05)}),
    "asgd": (optim.ASGD, PlainASGD, {"lr": 0.05, "lambd": 0.1, "t0": 3, "weight_decay": 0.1}),
    "adam, no memory": (optim.Adam, PlainAdam, {"lr": 0.01, "betas": (0.0, 0.0)}),
}  # fmt: skip

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
