"""Datasets made of datasets: parts, and several side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.arguments import real, whole
from ..engine.errors import InvalidValueError
from ..tensor.random import global_generator
from .dataset import Dataset, IterableDataset, described
from .samplers import own_generator


class Subset(Dataset):
    """Some samples of a dataset.

    Args:
        dataset: the dataset.
        indices: the numbers of its samples, in the order in which they are this one's.

    >>> part = data.Subset(["a", "b", "c"], [2, 0])
    >>> len(part), part[0]
    (2, 'c')
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, (list, tuple, ndarray)):
            return self.dataset[[self.indices[i] for i in index]]
        if isinstance(index, slice):
            return Subset(self.dataset, self.indices[index])
        return self.dataset[self.indices[index]]

    def __repr__(self) -> str:
        return f"Subset({len(self)} samples of {described(self.dataset)})"


class StackDataset(Dataset):
    """Several datasets of one length side by side: item ``i`` has item ``i`` of each.

    Args:
        *args: datasets, whose items are a tuple; or
        **kwargs: datasets by name, whose items are a dict.

    >>> pairs = data.StackDataset(["a", "b"], [1, 2])
    >>> pairs[1]
    ('b', 2)
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if bool(args) is bool(kwargs):
            raise ValueError("StackDataset takes datasets, or datasets by name, and at least one.")
        self.datasets: Any = kwargs or args
        sizes = {len(dataset) for dataset in (kwargs.values() if kwargs else args)}
        if len(sizes) > 1:
            raise ValueError(f"StackDataset needs datasets of one length, got {sorted(sizes)} samples.")
        (self.size,) = sizes

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> Any:
        if isinstance(self.datasets, dict):
            return {name: dataset[index] for name, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)

    def __repr__(self) -> str:
        if isinstance(self.datasets, dict):
            parts = [f"{name}={described(dataset)}" for name, dataset in self.datasets.items()]
        else:
            parts = list(map(described, self.datasets))
        return f"StackDataset({len(self)} samples: {', '.join(parts)})"


class ChainDataset(IterableDataset):
    """Several datasets without a length, one after the other.

    >>> list(data.ChainDataset([[1, 2], [3]]))
    [1, 2, 3]
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable(self.datasets)

    def __repr__(self) -> str:
        return f"ChainDataset({', '.join(map(described, self.datasets))})"


def random_split(dataset: Any, lengths: Sequence[float], generator: Any = None) -> list[Subset]:
    """Cut a dataset at random into parts that do not overlap.

    Args:
        dataset: the dataset.
        lengths: how many samples each part has; or their shares, which add up to 1: what rounding leaves goes round,
            one to each part.
        generator: a seed, a generator that one number is drawn from, or None for the global random state.

    Raises:
        ValueError: for lengths that do not add up.

    >>> train, test = data.random_split(range(10), [0.8, 0.2], generator=0)
    >>> len(train), len(test)
    (8, 2)
    """
    size = len(dataset)
    counts = counts_of(lengths, size)
    random = global_generator() if generator is None else own_generator(generator, "random_split")
    order = random.permutation(size).tolist()
    ends = list(accumulate(counts))
    return [Subset(dataset, order[start:end]) for start, end in zip([0, *ends], ends)]


def counts_of(lengths: Sequence[float], size: int) -> list[int]:
    """Numbers of samples: as they are given, or from shares."""
    given = [
        real(length, lambda number: number >= 0, "random_split: a length must be at least 0") for length in lengths
    ]
    if np.isclose(sum(given), 1) and not all(isinstance(length, int) for length in given):
        counts = [int(size * share) for share in given]
        for i in range(size - sum(counts)):
            counts[i % len(counts)] += 1
        return counts
    counts = [
        whole(length, 0, "random_split: lengths must be integers, or shares that add up to 1") for length in given
    ]
    if sum(counts) != size:
        raise InvalidValueError(
            f"random_split: lengths {counts} add up to {sum(counts)}, the dataset has {size} samples."
        )
    return counts
