"""Samplers: in which order a loader takes the samples of a dataset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.arguments import a_type, switch, whole
from ..engine.node import array_of
from ..groups.default import default_group
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

    A subclass defines ``__iter__``, and ``__len__`` where it is known how many it gives. ``data_source`` is accepted as
    in PyTorch.

    >>> list(data.SequentialSampler([10, 20, 30]))
    [0, 1, 2]
    """

    generator: np.random.Generator | None = None
    """Where its random numbers come from; a loader saves its state."""

    def __init__(self, data_source: Any = None) -> None:
        pass

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


class DistributedSampler(Sampler):
    """This rank's part of the samples: every sample belongs to one rank, and comes once in an epoch.

    In a ``DataLoader`` the batches of all ranks together are those of one process whose ``batch_size`` is as many times
    larger as there are ranks. So all ranks have equally many batches, of which the last ones may differ by one sample,
    and have none. Other than in PyTorch no sample comes twice to make them equal.

    Args:
        dataset: the dataset.
        num_replicas, rank: how many ranks there are, and the number of this one; those of the default group unless
            given, or of one rank alone if there is none.
        shuffle: a random order, the same on all ranks, which ``seed`` and ``set_epoch`` decide.
        seed: the same on all ranks.
        drop_last: leave out what is left when all ranks have equally many.

    >>> [list(data.DistributedSampler(range(5), 2, rank, shuffle=False)) for rank in range(2)]
    [[0, 2, 4], [1, 3]]
    >>> samplers = [data.DistributedSampler(range(5), 2, rank, shuffle=False) for rank in range(2)]
    >>> dataset = data.TensorDataset(mg.arange(5))
    >>> [[x.tolist() for (x,) in data.DataLoader(dataset, 2, sampler=sampler)] for sampler in samplers]
    [[[0, 1], [4]], [[2, 3], []]]
    """

    def __init__(
        self, dataset: Any, num_replicas: int | None = None, rank: int | None = None, shuffle: bool = True,
        seed: int = 0, drop_last: bool = False,
    ) -> None:  # fmt: skip
        group = default_group()
        self.dataset = dataset
        size = (group.size() if group else 1) if num_replicas is None else num_replicas
        self.num_replicas = whole(size, 1, "DistributedSampler: num_replicas must be an integer of at least 1")
        self.rank = whole(
            (group.rank() if group else 0) if rank is None else rank,
            0,
            "DistributedSampler: rank must be a whole number",
        )
        if self.rank >= self.num_replicas:
            raise ValueError(
                f"DistributedSampler: rank must be less than num_replicas, {self.num_replicas}, got {self.rank}."
            )
        self.shuffle = switch(shuffle, "DistributedSampler: shuffle")
        self.seed = whole(seed, 0, "DistributedSampler: seed must be an integer of at least 0")
        self.drop_last = switch(drop_last, "DistributedSampler: drop_last")
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the random order of an epoch: without it that of epoch 0 comes each time."""
        self.epoch = whole(epoch, 0, "DistributedSampler: epoch must be an integer of at least 0")

    @property
    def total_size(self) -> int:
        """How many samples all ranks have together."""
        n = len(self.dataset)
        return n - n % self.num_replicas if self.drop_last else n

    def order(self) -> ndarray:
        """The order of the samples of all ranks."""
        n = len(self.dataset)
        order = np.random.default_rng(self.seed + self.epoch).permutation(n) if self.shuffle else np.arange(n)
        return order[: self.total_size]

    def __iter__(self) -> Iterator[int]:
        return iter(self.order()[self.rank :: self.num_replicas].tolist())

    def __len__(self) -> int:
        return len(range(self.rank, self.total_size, self.num_replicas))

    def batches(self, batch_size: int, drop_last: bool) -> Iterator[list[int]]:
        """This rank's parts of the batches of all ranks, each of which has ``batch_size`` samples of one."""
        order, step = self.order(), batch_size * self.num_replicas
        for number in range(self.count(batch_size, drop_last)):
            whole_batch = order[number * step : (number + 1) * step]
            yield np.array_split(whole_batch, self.num_replicas)[self.rank].tolist()

    def count(self, batch_size: int, drop_last: bool) -> int:
        """How many batches there are."""
        batches, rest = divmod(self.total_size, batch_size * self.num_replicas)
        return batches + (rest > 0 and not drop_last)


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
        if isinstance(self.sampler, DistributedSampler):
            yield from self.sampler.batches(self.batch_size, self.drop_last)
            return
        batch = []
        for index in self.sampler:
            batch.append(index)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self) -> int:
        if isinstance(self.sampler, DistributedSampler):
            return self.sampler.count(self.batch_size, self.drop_last)
        batches, rest = divmod(len(self.sampler), self.batch_size)  # type: ignore[arg-type]
        return batches + (rest > 0 and not self.drop_last)

    def __repr__(self) -> str:
        sampler = repr(self.sampler) if isinstance(self.sampler, Sampler) else described(self.sampler)
        return f"BatchSampler({sampler}, batch_size={self.batch_size}, drop_last={self.drop_last})"
