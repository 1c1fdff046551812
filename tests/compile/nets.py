"""Nets of all layers, losses and optimisers, whose compiled steps must be the same as eager ones."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import minigrad as mg
from minigrad import nn, optim
from tests.compile.trainings import Training

F = nn.functional
IMAGES, SIGNALS, ROWS, WORDS = (2, 8, 8), (3, 12), (10,), "words"
"""Shapes of a sample; of words there are six."""


class Net(NamedTuple):
    """Layers up to a last one with four outputs, and what a sample is."""

    layers: Callable[[], list[Any]]
    sample: Any


# fmt: off
NETS = {
    "batch norm, max pool": Net(lambda: [
        nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 5, 3, bias=False), nn.BatchNorm2d(5), nn.ReLU(), nn.Dropout(0.2), nn.Flatten(), nn.Linear(20, 4),
    ], IMAGES),
    "strides, groups, overlapping pools": Net(lambda: [
        nn.Conv2d(2, 4, 3, stride=2, padding=1, groups=2), nn.MaxPool2d(3, stride=1, padding=1), nn.Sigmoid(),
        nn.Conv2d(4, 6, 2, dilation=2), nn.AvgPool2d(2, stride=1, padding=1), nn.Flatten(), nn.Linear(54, 4),
    ], IMAGES),
    "transposed, adaptive pools": Net(lambda: [
        nn.Conv2d(2, 3, 3), nn.Tanh(), nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1), nn.AdaptiveMaxPool2d(3),
        nn.ConvTranspose2d(4, 2, 2), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(8, 4),
    ], IMAGES),
    "group norm": Net(lambda: [
        nn.Conv2d(2, 4, 3), nn.GroupNorm(2, 4), nn.SiLU(), nn.Conv2d(4, 4, 1), nn.InstanceNorm2d(4, affine=True),
        nn.LeakyReLU(0.1), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(4, 4),
    ], IMAGES),
    "signals": Net(lambda: [
        nn.Conv1d(3, 4, 3, padding="same"), nn.BatchNorm1d(4), nn.GELU(), nn.MaxPool1d(3, stride=2),
        nn.Conv1d(4, 4, 2, stride=2), nn.BatchNorm1d(4), nn.ELU(), nn.AvgPool1d(2), nn.Flatten(), nn.Linear(4, 4),
    ], SIGNALS),
    "layer norm": Net(lambda: [
        nn.Linear(10, 8), nn.LayerNorm(8), nn.GELU(), nn.Dropout(0.2), nn.Linear(8, 8), nn.RMSNorm(8), nn.Softplus(),
        nn.Linear(8, 4),
    ], ROWS),
    "embedding": Net(lambda: [
        nn.Embedding(7, 5, padding_idx=0), nn.LayerNorm(5), nn.Flatten(), nn.Linear(30, 8), nn.Tanh(), nn.Linear(8, 4),
    ], WORDS),
    "other activations": Net(lambda: [
        nn.Linear(10, 8), nn.PReLU(), nn.Linear(8, 8), nn.Hardswish(), nn.Linear(8, 8), nn.Softmax(1), nn.Linear(8, 8),
        nn.Mish(), nn.Linear(8, 6), nn.Softsign(), nn.Linear(6, 4),
    ], ROWS),
}

LOSSES = {
    "cross entropy": lambda y, t: F.cross_entropy(y, t, label_smoothing=0.1),
    "nll": lambda y, t: F.nll_loss(F.log_softmax(y, 1), t),
    "mse": lambda y, t: F.mse_loss(y, F.one_hot(t, 4).float()),
    "l1": lambda y, t: F.l1_loss(y, F.one_hot(t, 4).float()),
    "huber": lambda y, t: F.huber_loss(y, F.one_hot(t, 4).float(), delta=0.5),
    "smooth l1": lambda y, t: F.smooth_l1_loss(y, F.one_hot(t, 4).float()),
    "bce with logits": lambda y, t: F.binary_cross_entropy_with_logits(y, F.one_hot(t, 4).float()),
    "kl": lambda y, t: F.kl_div(F.log_softmax(y, 1), (F.one_hot(t, 4) + 0.1) / 1.4, reduction="batchmean"),
    "cosine": lambda y, t: F.cosine_embedding_loss(y, F.one_hot(t, 4).float(), 2 * (t > 1).float() - 1),
    "multi margin": lambda y, t: F.multi_margin_loss(y, t),
    "gaussian nll": lambda y, t: F.gaussian_nll_loss(y[:, 0], t.float(), F.softplus(y[:, 1]) + 0.1),
    "poisson nll": lambda y, t: F.poisson_nll_loss(y[:, 0], t.float()),
}

OPTIMIZERS = {
    "SGD": functools.partial(optim.SGD, lr=0.05),
    "Nesterov": functools.partial(optim.SGD, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    "AdamW": functools.partial(optim.AdamW, lr=0.01),
    "AMSGrad": functools.partial(optim.Adam, lr=0.01, amsgrad=True),
    **{
        name: functools.partial(getattr(optim, name), lr=0.01)
        for name in ("Adam", "RMSprop", "Adagrad", "Adadelta", "NAdam", "RAdam", "Adamax", "ASGD", "Rprop")
    },
    "RMSprop, centered": functools.partial(optim.RMSprop, lr=0.01, momentum=0.9, centered=True),
}
# fmt: on


def training(net: str, loss: str = "cross entropy", optimizer: str = "Nesterov") -> Training:
    """A net of the table, its optimiser, and a step with a loss."""
    mg.manual_seed(2)
    model = nn.Sequential(*NETS[net].layers())
    chosen, criterion = OPTIMIZERS[optimizer](model.parameters()), LOSSES[loss]

    def step(x: Any, target: Any) -> Any:
        chosen.zero_grad()
        found = criterion(model(x), target)
        found.backward()
        chosen.step()
        return found

    return Training(model, chosen, step)


def batch(net: str, seed: int, rows: int = 8) -> tuple[Any, Any]:
    """A batch for a net of the table."""
    random, sample = np.random.default_rng(seed), NETS[net].sample
    target = mg.tensor(random.integers(0, 4, rows))
    if sample == WORDS:
        return mg.tensor(random.integers(0, 7, (rows, 6))), target
    return mg.tensor(random.standard_normal((rows, *sample)).astype(np.float32)), target
