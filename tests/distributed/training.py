"""A training that several ranks do together, and one process alone: what the tests of threads and of processes run."""

from __future__ import annotations

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import distributed as dist
from minigrad import nn, optim

STEPS, BATCH = 50, 64


def batches(dtype):
    """The batches of one process, whose features have means from 3 to 60."""
    random = np.random.default_rng(0)
    x = random.standard_normal((STEPS, BATCH, 20)) * random.uniform(1, 5, 20) + np.linspace(3, 60, 20)
    return x.astype(dtype), random.integers(0, 5, (STEPS, BATCH))


def model(dtype):
    """A net with two normalisations, without biases in front of them."""
    mg.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(20, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(),
        nn.Linear(32, 32, bias=False), nn.BatchNorm1d(32), nn.Tanh(), nn.Linear(32, 5),
    )  # fmt: skip
    return net.to(np.dtype(dtype))


def trained(net, parts, loss_of):
    """The state after all steps."""
    optimizer = optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    for x, target in parts:
        optimizer.zero_grad()
        loss_of(net, mg.tensor(x), mg.tensor(target)).backward()
        optimizer.step()
    return {name.removeprefix("module."): value.numpy() for name, value in net.state_dict().items()}


def alone(dtype):
    """By one process."""
    return trained(model(dtype), zip(*batches(dtype)), lambda net, x, target: F.cross_entropy(net(x), target))


def together(shards, dtype):
    """By the ranks of the default group, each with its part of every batch."""
    ends = np.cumsum((0, *shards))
    own = slice(*ends[dist.get_rank() : dist.get_rank() + 2])
    net = nn.parallel.DistributedDataParallel(nn.SyncBatchNorm.convert_sync_batchnorm(model(dtype)))
    xs, targets = batches(dtype)
    return trained(
        net,
        ((x[own], target[own]) for x, target in zip(xs, targets)),
        lambda net, x, target: net.mean(F.cross_entropy(net(x), target, reduction="sum"), len(x)),
    )


def apart(found, expected):
    """The largest difference of parameters, and the largest relative one of statistics."""
    statistics = {name for name in expected if "running" in name}
    parameters = max(abs(found[name] - expected[name]).max() for name in expected if name not in statistics)
    return parameters, max((abs(found[name] - expected[name]) / abs(expected[name]).max()).max() for name in statistics)
