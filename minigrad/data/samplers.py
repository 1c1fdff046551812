"""Samplers: in which order a loader takes the samples of a dataset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.arguments import a_type, switch, whole
from ..engine.node import array_of
from ..tensor import random
from .dataset import described


def own_generator(source: Any, name: str = "generator") -> np.random.Generator:
    """A new generator from a seed, or from a number drawn from another one, by default the global one."""
    if source is None:
        source = random.global_generator()
    if isinstance(source, np.random.Generator):
        source = source.integers(1 << 63)
    choices = "None, a seed (an integer of at least 0) or a numpy.random.Generator"
    return np.random.default_rng(whole(source, 0, f"{name}: generator must be {choices}"))


class Sampler:
    """The base of samplers: ``for`` over one gives the numbers of samples in the order of an epoch.

    A subclass defines ``__iter__``, and ``__len__`` where it is known how many it gives.
    """

    generator: np.random.Generator | None = None
    """Where its random numbers come from; a loader saves its state."""

    def __init__(self, data_source: Any = None) -> None:
        """``data_source`` is accepted as in PyTorch."""

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} is a sampler without an order: it needs a method __iter__.")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} samples)" if hasattr(self, "__len__") else f"{type(self).__name__}()"


class SequentialSampler(Sampler):
    """The samples in the order of the dataset.

    >>> list(data.SequentialSampler(range(3)))
    [0, 1, 2]
    """

    def __init__(self, data_source: Any) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
    """The samples in a new random order in each epoch.

    Args:
        data_source: the dataset.
        replacement: draw each number anew, so that a sample may come several times.
        num_samples: how many an epoch has, as many as the dataset unless given.
        generator: a seed, a generator that one number is drawn from, or None for one from the global state.

    >>> sorted(data.RandomSampler(range(4), generator=0))
    [0, 1, 2, 3]
    """

    def __init__(
        self, data_source: Any, replacement: bool = False, num_samples: int | None = None, generator: Any = None
    ) -> None:
        self.data_source = data_source
        self.replacement = switch(replacement, "RandomSampler: replacement")
        message = "RandomSampler: num_samples must be an integer of at least 1"
        self._num_samples = None if num_samples is None else whole(num_samples, 1, message)
        self.generator = own_generator(generator, "RandomSampler")

    @property
    def num_samples(self) -> int:
        """How many samples an epoch has."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n, generator = len(self.data_source), self.generator
        assert generator is not None
        if self.replacement:
            yield from generator.integers(n, size=self.num_samples).tolist()
            return
        whole_orders, rest = divmod(self.num_samples, n) if n else (0, 0)
        for _ in range(whole_orders):
            yield from generator.permutation(n).tolist()
        if rest:
            yield from generator.permutation(n)[:rest].tolist()

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """Some of the samples in a new random order in each epoch.

    Args:
        indices: the numbers of the samples.
        generator: as of ``RandomSampler``.

    >>> sorted(data.SubsetRandomSampler([2, 5], generator=0))
    [2, 5]
    """

    def __init__(self, indices: Sequence[int], generator: Any = None) -> None:
        self.indices = indices
        self.generator = own_generator(generator, "SubsetRandomSampler")

    def __iter__(self) -> Iterator[Any]:
        assert self.generator is not None
        return (self.indices[i] for i in self.generator.permutation(len(self.indices)).tolist())

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """Samples drawn with probabilities: rare classes as often as others, say.

    Args:
        weights: for each sample of the dataset a number of at least 0; they need not add up to 1.
        num_samples: how many are drawn in an epoch.
        replacement: a sample may come several times; without, none of weight 0 comes.
        generator: as of ``RandomSampler``.

    >>> list(data.WeightedRandomSampler([0, 1, 0], num_samples=4, generator=0))
    [1, 1, 1, 1]
    """

    def __init__(self, weights: Any, num_samples: int, replacement: bool = True, generator: Any = None) -> None:
        self.weights = checked_weights(weights)
        self.num_samples = whole(num_samples, 1, "WeightedRandomSampler: num_samples must be an integer of at least 1")
        self.replacement = switch(replacement, "WeightedRandomSampler: replacement")
        possible = int(np.count_nonzero(self.weights))
        if not self.replacement and num_samples > possible:
            raise ValueError(
                f"WeightedRandomSampler: {num_samples} of {possible} samples with a weight above 0 cannot be drawn "
                "without replacement: draw fewer, or take replacement=True."
            )
        self.generator = own_generator(generator, "WeightedRandomSampler")

    def __iter__(self) -> Iterator[int]:
        assert self.generator is not None
        p = self.weights / self.weights.sum()
        drawn: ndarray = self.generator.choice(len(p), self.num_samples, self.replacement, p)
        return iter(drawn.tolist())

    def __len__(self) -> int:
        return self.num_samples


def checked_weights(weights: Any) -> ndarray:
    """Weights as a vector of float64, at least one of them above 0."""
    try:
        vector = np.asarray(array_of(weights), np.float64)
    except (TypeError, ValueError):
        vector = np.empty(())
    if vector.ndim != 1 or not np.isfinite(vector).all() or (vector < 0).any() or not (vector > 0).any():
        raise ValueError(
            "WeightedRandomSampler: weights must be a vector of finite numbers of at least 0, one above 0, a number "
            f"for each sample; got {a_type(weights)} of shape {np.shape(array_of(weights))}."
        )
    return vector


class BatchSampler(Sampler):
    """Batches of numbers: what a loader stacks.

    Args:
        sampler: the numbers of samples, in order.
        batch_size: how many a batch has.
        drop_last: leave out a last batch of fewer.

    >>> list(data.BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[Any], batch_size: int, drop_last: bool) -> None:
        self.sampler = sampler
        self.batch_size = whole(batch_size, 1, "BatchSampler: batch_size must be an integer of at least 1")
        self.drop_last = switch(drop_last, "BatchSampler: drop_last")

    @property
    def generator(self) -> Any:  # type: ignore[override]
        """The sampler's."""
        return getattr(self.sampler, "generator", None)

    def __iter__(self) -> Iterator[list[Any]]:
        batch = []
        for index in self.sampler:
            batch.append(index)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self) -> int:
        batches, rest = divmod(len(self.sampler), self.batch_size)  # type: ignore[arg-type]
        return batches + (rest > 0 and not self.drop_last)

    def __repr__(self) -> str:
        sampler = repr(self.sampler) if isinstance(self.sampler, Sampler) else described(self.sampler)
        return f"BatchSampler({sampler}, batch_size={self.batch_size}, drop_last={self.drop_last})"
