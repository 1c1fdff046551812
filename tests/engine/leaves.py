"""Leaves and helpers that the tests of the engine share."""

import contextlib
import gc

import numpy as np

import minigrad as mg
from minigrad import nn


def leaf(*values):
    """A float64 vector that requires grad."""
    return mg.tensor(np.array(values, np.float64), requires_grad=True)


def values(*tensors):
    return [None if t is None else t.tolist() for t in tensors]


@contextlib.contextmanager
def without_collector():
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def assert_private(tensors, others):
    """No tensor's memory is writable for another one, or is that of one of the arrays."""
    arrays = [t.array for t in tensors]
    for i, array in enumerate(arrays):
        assert array.flags.writeable
        assert not any(np.shares_memory(array, other) for other in [*arrays[:i], *others])


class Wrong(nn.Module):
    """Calls an operation that cannot be applied."""

    def __init__(self, function):
        self.function = function

    def forward(self, x):
        return self.function(x)
