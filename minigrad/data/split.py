"""A part of the data to train on, the rest to test on."""

from __future__ import annotations

import numpy as np

from ..engine.arguments import real, seeded
from .dataset import TensorDataset


def train_test_split(
    dataset: TensorDataset, test_size: float = 0.2, seed: int = 0
) -> tuple[TensorDataset, TensorDataset]:
    """Split a dataset at random in two, in which its order is kept.

    If its last tensor is a vector of integers (or booleans), those are labels: then the test part has
    the same share of every class, to one sample. Other targets are drawn from as a whole.

    Args:
        dataset: what to split; the parts are copies.
        test_size: the share of samples in the test part, between 0 and 1.
        seed: the same seed gives the same split.

    Returns:
        The part to train on and the part to test on.

    Raises:
        ValueError: if ``test_size`` is not a share, or a part would be empty.

    >>> train, test = data.train_test_split(data.moons(100), test_size=0.2)
    >>> len(train), len(test)
    (80, 20)
    """
    if not isinstance(dataset, TensorDataset):
        raise TypeError(f"train_test_split splits a TensorDataset, got {type(dataset).__name__}: TensorDataset(x, y).")
    share = real(
        test_size, lambda share: 0 < share < 1, "test_size is the share of the test part and must be between 0 and 1"
    )
    generator = seeded(seed)
    targets = dataset.tensors[-1].array
    labels = targets if targets.ndim == 1 and targets.dtype.kind in "iub" else np.zeros(len(dataset))
    testing = np.zeros(len(dataset), bool)
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        testing[members[: round(len(members) * share)]] = True
    if testing.all() or not testing.any():
        raise ValueError(
            f"{len(dataset)} samples at test_size={test_size} leave a part empty: "
            "take more samples, a test_size nearer to 0.5, or float targets if these integers are not labels."
        )
    train, test = (TensorDataset(*dataset._rows(np.flatnonzero(part))) for part in (~testing, testing))
    return train, test
