"""BatchNorm alone, forward and backward.

How fast can it be? Forward must read ``x`` for the statistics, then read it again and write ``y``; backward
must read ``dy`` and ``x`` for the two sums, then read both again and write ``dx``. These are 8 passes over
arrays of the size of ``x``. The limit is the time of 4 copies, each of which reads one such array and
writes another, in as many threads as the BLAS uses: 8 passes as well, measured in the same rounds. Arrays
that fit the processor's cache need fewer passes to the memory, so there is a limit for large ones only.

Behind an activation the mean of some channels is farther from 0 than their values are from it. Large batches with such
channels take minigrad longer, so they are timed as well.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from minigrad.benchmarks.timing import check_agreement

CASES = [
    ((32, 32), 0), ((64, 64), 0), ((128, 128), 0), ((512, 128), 0), ((1024, 256), 0), ((1024, 256), 3),
    ((4096, 256), 0), ((16384, 256), 0), ((16384, 256), 3), ((65536, 256), 0), ((64, 64, 32, 32), 0),
]  # fmt: skip
"""Shapes, and the mean of values that deviate by 1 from it."""
LARGE = 1 << 22
"""From this many elements on the arrays do not fit a usual cache."""


def arrays_of(shape, mean=0):
    """A batch, the gradient of the output, and scale and shift of the channels."""
    random = np.random.default_rng(0)
    sizes = (shape, shape, shape[1], shape[1])
    x, *others = (random.standard_normal(size, np.float32) for size in sizes)
    x += np.float32(mean)
    return [x, *others]


def by_hand(x, dy, gamma, beta):
    """As in the training step by hand, for any number of axes; the function returns the input's gradient."""
    axes, n = (0, *range(2, x.ndim)), x.size // x.shape[1]
    gamma, beta = (array.reshape(-1, *[1] * (x.ndim - 2)) for array in (gamma, beta))
    mean, var = np.zeros_like(gamma)[None], np.ones_like(gamma)[None]

    def both():
        mu = x.mean(axes, keepdims=True)
        xhat = x - mu
        variance = (xhat * xhat).mean(axes, keepdims=True)
        inverse = 1 / np.sqrt(variance + 1e-5)
        xhat *= inverse
        y = xhat * gamma
        y += beta
        mean[...] = 0.9 * mean + 0.1 * mu
        var[...] = 0.9 * var + (0.1 * n / (n - 1)) * variance
        dbeta = dy.sum(axes, keepdims=True)
        dgamma = (dy * xhat).sum(axes, keepdims=True)
        xhat *= dgamma / n
        dx = dy - dbeta / n
        dx -= xhat
        dx *= gamma * inverse
        return dx

    return both


def eager(framework, x, dy, gamma, beta):
    """The same with a module of minigrad or PyTorch."""
    nn, (x, dy, gamma, beta) = framework.nn, map(framework.tensor, (x, dy, gamma, beta))
    module = (nn.BatchNorm1d if len(x.shape) == 2 else nn.BatchNorm2d)(x.shape[1])
    module.weight.data.copy_(gamma)
    module.bias.data.copy_(beta)
    x.requires_grad_()

    def both():
        x.grad = None
        module.zero_grad()
        module(x).backward(dy)
        return x.grad

    return both


def copies(x, dy, threads):
    """8 passes over arrays of the size of ``x``."""
    pairs = [(np.empty_like(source), source) for source in (x, dy)] * 2
    if threads == 1:
        return lambda: [np.copyto(*pair) for pair in pairs]
    parts = [list(zip(*(np.array_split(array, threads) for array in pair))) for pair in pairs]
    pool = ThreadPoolExecutor(threads)
    return lambda: [list(pool.map(lambda part: np.copyto(*part), part)) for part in parts]


def batchnorm(settings):
    """By hand, minigrad, PyTorch, and for large arrays the limit."""
    for shape, mean in CASES:
        name, arrays = f"{shape}, mean {mean}" if mean else str(shape), arrays_of(shape, mean)
        contenders = {"by hand": by_hand(*arrays)}
        contenders |= {who: eager(framework, *arrays) for who, framework in settings.frameworks.items()}
        check_agreement(f"BatchNorm's gradient for {name}", {who: both() for who, both in contenders.items()})
        if math.prod(shape) >= LARGE:
            contenders["memory limit"] = copies(*arrays[:2], settings.threads)
        yield settings.measure(name, contenders)
    yield "Memory limit: 4 copies, for the 8 passes over the memory that any implementation needs."
