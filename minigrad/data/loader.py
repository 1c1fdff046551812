"""``DataLoader``: a dataset in batches, in order or shuffled."""

from __future__ import annotations

import copy
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy import ndarray

from ..ops.shapes import stack
from ..tensor import random
from ..tensor.creation import as_tensor
from ..tensor.tensor import Tensor
from .dataset import Dataset, TensorDataset


@dataclass
class Epoch:
    """One pass over the data: the random state it begins with, and how far it has come."""

    random_state: Any
    batches_given: int = 0
    begun: bool = False


class DataLoader:
    """Goes through a dataset in batches; each ``for`` over it is one epoch.

    Args:
        dataset: a ``Dataset``. The items of a batch are stacked: of items ``(x, y)`` it is a tuple of
            two tensors whose axis 0 is the batch, of bare tensors or numbers it is one tensor.
        batch_size: samples per batch; the last one of an epoch has what remains.
        shuffle: a new random order in each epoch.
        drop_last: leave out a last batch of fewer samples (a batch of one is none for BatchNorm).
        generator: where the loader's own random state comes from: a seed, a ``numpy.random.Generator``
            that one number is drawn from, or None for one drawn from the global state, so that
            ``mg.manual_seed`` decides it. Loaders never disturb each other's order, nor the global
            state after they are made; without ``shuffle`` nothing is drawn.

    A batch is a copy: later changes of the dataset do not reach it.

    Raises:
        TypeError, ValueError: for arguments that make no sense; in iteration, for items that cannot be
            stacked.
    """

    def __init__(
        self, dataset: Dataset, batch_size: int = 1, shuffle: bool = False, drop_last: bool = False,
        generator: int | np.random.Generator | None = None,
    ) -> None:  # fmt: skip
        if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
            raise TypeError(
                f"DataLoader needs a dataset with __len__ and __getitem__, got {type(dataset).__name__}: "
                "of tensors make one with TensorDataset(x, y), of an iterable with list(...)."
            )
        if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
            raise ValueError(f"DataLoader: batch_size must be an integer of at least 1, got {batch_size!r}.")
        self.dataset = dataset
        self.batch_size = operator.index(batch_size)
        self.shuffle = bool(shuffle)
        self.drop_last = bool(drop_last)
        self.generator = own_generator(generator) if shuffle else None
        self.epoch = Epoch(self.random_state())

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        batches, rest = divmod(len(self.dataset), self.batch_size)
        return batches + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Any]:
        """A new epoch; after ``load_state_dict``, the rest of the one that was saved."""
        if self.epoch.begun:
            self.epoch = Epoch(self.random_state())
        epoch = self.epoch
        epoch.begun = True
        samples = len(self.dataset)
        order = np.arange(samples) if self.generator is None else self.generator.permutation(samples)
        for number in range(epoch.batches_given, len(self)):
            batch = self.batch(order[number * self.batch_size :][: self.batch_size])
            epoch.batches_given += 1
            yield batch
        if epoch is self.epoch:
            self.epoch = Epoch(self.random_state())

    def batch(self, indices: ndarray) -> Any:
        """The batch of the samples with these numbers."""
        dataset = self.dataset
        # a subclass with items of its own (augmented, say) is asked for each of them
        if isinstance(dataset, TensorDataset) and type(dataset).__getitem__ is TensorDataset.__getitem__:
            return dataset.batch(indices)
        return collate([dataset[i] for i in indices.tolist()])

    def random_state(self) -> Any:
        """The state of the generator now, in plain numbers; None without ``shuffle``."""
        return None if self.generator is None else self.generator.bit_generator.state

    # -- saving --------------------------------------------------------------------------------

    def settings(self) -> dict[str, Any]:
        """What must be the same for a saved epoch to go on."""
        return {
            "samples": len(self.dataset), "batch_size": self.batch_size,
            "shuffle": self.shuffle, "drop_last": self.drop_last,
        }  # fmt: skip

    def state_dict(self) -> dict[str, Any]:
        """Where the loader is, in plain values for ``mg.save``, also in the middle of an epoch.

        An epoch that was left early counts as unfinished until the next one begins.
        """
        epoch = self.epoch
        state = {"batches_given": epoch.batches_given, "random_state": epoch.random_state}
        return {**self.settings(), **copy.deepcopy(state)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where ``state_dict`` was taken: the next ``for`` gives the batches that remained.

        Raises:
            ValueError: if it is not the state of such a loader; nothing has changed then.
        """
        own = self.settings()
        try:
            settings = {key: state_dict[key] for key in own}
            given = operator.index(state_dict["batches_given"])
            generator = restored(state_dict["random_state"])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"DataLoader: this is not the state of a loader: {error!r}.") from error
        if settings != own:
            raise ValueError(f"DataLoader: the state is of a loader with {settings}, this one has {own}: make it so.")
        if not 0 <= given <= len(self) or (generator is None) is self.shuffle:
            raise ValueError(f"DataLoader: {given} batches given do not fit a loader with {own}.")
        self.generator = generator
        self.epoch = Epoch(self.random_state(), given)


def own_generator(source: Any) -> np.random.Generator:
    """A new generator from a seed, or from a number drawn from another one, by default the global one."""
    if source is None:
        source = random.generator
    if isinstance(source, np.random.Generator):
        source = source.integers(1 << 63)
    if not isinstance(source, (int, np.integer)) or source < 0:
        raise ValueError(
            "DataLoader: generator must be None, a seed (an integer of at least 0) or a numpy.random.Generator, "
            f"got {source!r}."
        )
    return np.random.default_rng(source)


def restored(random_state: Any) -> np.random.Generator | None:
    """The generator with a saved state."""
    if random_state is None:
        return None
    bits = np.random.PCG64()
    bits.state = random_state
    return np.random.Generator(bits)


def collate(items: Sequence[Any]) -> Any:
    """Items stacked into a batch: tuples field by field."""
    if not isinstance(items[0], (tuple, list)):
        return stacked(items)
    lengths = {len(item) for item in items}
    if len(lengths) > 1:
        raise ValueError(f"DataLoader: items of a batch are tuples of {sorted(lengths)} fields: make them equal.")
    return tuple(stacked(field) for field in zip(*items))


def stacked(values: Sequence[Any]) -> Tensor:
    """Tensors, arrays or numbers of one shape as one tensor with a new axis 0."""
    tensors = [as_tensor(value) for value in values]
    shapes = sorted({tensor.shape for tensor in tensors})
    if len(shapes) > 1:
        raise ValueError(
            f"DataLoader: items of shapes {shapes} cannot be stacked into a batch: make them equal in the dataset "
            "(pad or crop), or use batch_size=1. For several tensors of one length use TensorDataset(x, y)."
        )
    batch: Tensor = stack(tensors)
    return batch
