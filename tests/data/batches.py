"""Numbered datasets, and batches as lists."""

import minigrad as mg
from minigrad import data


def arrays(dataset):
    return [tensor.numpy() for tensor in dataset[:]]


def values(batches):
    """Batches of bare tensors or of several, or tuples of tensors, as nested lists."""
    return [[t.tolist() for t in batch] if isinstance(batch, (tuple, list)) else batch.tolist() for batch in batches]


def numbered(n):
    """A dataset whose samples tell their number."""
    return data.TensorDataset(mg.arange(n))


def drawn(loader):
    """The numbers of one epoch, batch by batch."""
    return [batch.tolist() for (batch,) in loader]
