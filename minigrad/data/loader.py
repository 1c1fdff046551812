"""``DataLoader``: a dataset in batches, in order or shuffled."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic

import numpy as np
from numpy import ndarray

from ..engine.arguments import a_type, entries, switch, whole
from ..ops.joining import stack
from ..tensor import random
from ..tensor.creation import as_tensor
from ..tensor.tensor import Tensor
from .dataset import Dataset, TensorDataset, described, located

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # with a default, as typing's own has from Python 3.13 on

    Batch = TypeVar("Batch", default=list[Tensor])
else:
    from typing import TypeVar

    Batch = TypeVar("Batch")


@dataclass
class Epoch:
    """One pass over the data: the random state it begins with, and how far it has come."""

    random_state: Any
    batches_given: int = 0
    begun: bool = False


class DataLoader(Generic[Batch]):
    """Goes through a dataset in batches; each ``for`` over it is one epoch.

    Args:
        dataset: a ``Dataset``. The items of a batch are stacked: of items ``(x, y)`` it is a list of
            two tensors whose axis 0 is the batch, of bare tensors or numbers it is one tensor.
        batch_size: samples per batch; the last one of an epoch has what remains.
        shuffle: a new random order in each epoch.
        drop_last: leave out a last batch of fewer samples (a batch of one is none for BatchNorm).
        generator: where the loader's own random state comes from: a seed, a ``mg.Generator`` or a
            ``numpy.random.Generator`` that one number is drawn from, or None for one drawn from the global state, so
            that ``mg.manual_seed`` decides it. Loaders never disturb each other's order, nor the global
            state after they are made; without ``shuffle`` nothing is drawn.

    Type checkers take batches for lists of tensors; where they are single ones, write ``DataLoader[Tensor]``.

    A batch is a copy: later changes of the dataset do not reach it. A loader that has no batch when it is made, of an
    empty dataset or with ``drop_last``, warns of it.

    Raises:
        TypeError, ValueError: for arguments that make no sense; in iteration, for items that cannot be
            stacked.

    >>> [len(x) for x, y in data.DataLoader(data.moons(100), batch_size=32)]
    [32, 32, 32, 4]
    """

    def __init__(
        self, dataset: Dataset, batch_size: int = 1, shuffle: bool = False, drop_last: bool = False,
        generator: int | np.random.Generator | None = None,
    ) -> None:  # fmt: skip
        numbered = hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")
        if not numbered or isinstance(dataset, (Mapping, type)):
            raise TypeError(
                f"DataLoader needs a dataset with __len__ and __getitem__, got {type(dataset).__name__}: "
                "of tensors make one with TensorDataset(x, y), of an iterable with list(...)."
            )
        self.dataset = dataset
        self.batch_size = whole(batch_size, 1, "DataLoader: batch_size must be an integer of at least 1")
        self.shuffle = switch(False if shuffle is None else shuffle, "DataLoader: shuffle")
        self.drop_last = switch(drop_last, "DataLoader: drop_last")
        self.generator = own_generator(generator) if self.shuffle else None
        self.epoch = Epoch(self.random_state())
        if not len(self):
            cure = f"take drop_last=False or a batch_size of at most {len(dataset)}" if len(dataset) else "add samples"
            warnings.warn(
                f"DataLoader: a dataset of {len(dataset)} samples has no batch of {self.batch_size}, so a loop over "
                f"it does nothing: {cure}.",
                stacklevel=2,
            )

    def __repr__(self) -> str:
        return (
            f"DataLoader({described(self.dataset)}, batch_size={self.batch_size}, shuffle={self.shuffle}, "
            f"drop_last={self.drop_last}: {len(self)} batches)"
        )

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        batches, rest = divmod(len(self.dataset), self.batch_size)
        return batches + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Batch]:
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
            return dataset._rows(indices)
        numbers = indices.tolist()
        return collate([dataset[i] for i in numbers], numbers)

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
        own, message = self.settings(), "DataLoader: this is not the state of a loader"
        *saved, given, random_state = entries(state_dict, (*own, "batches_given", "random_state"), message)
        settings = dict(zip(own, saved))
        given = whole(given, 0, f"{message}: batches_given must be an integer of at least 0")
        try:
            generator = restored(random_state)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"{message}: its random_state is not one of NumPy's PCG64.") from error
        if settings != own:
            raise ValueError(f"DataLoader: the state is of a loader with {settings}, this one has {own}: make it so.")
        if given > len(self) or (generator is None) is self.shuffle:
            raise ValueError(f"DataLoader: {given} batches given do not fit a loader with {own}.")
        self.generator = generator
        self.epoch = Epoch(self.random_state(), given)


def own_generator(source: Any) -> np.random.Generator:
    """A new generator from a seed, or from a number drawn from another one, by default the global one."""
    if source is None:
        source = random.generator
    if isinstance(source, np.random.Generator):
        source = source.integers(1 << 63)
    choices = "None, a seed (an integer of at least 0) or a numpy.random.Generator"
    return np.random.default_rng(whole(source, 0, f"DataLoader: generator must be {choices}"))


def restored(random_state: Any) -> np.random.Generator | None:
    """The generator with a saved state."""
    if random_state is None:
        return None
    bits = np.random.PCG64()
    bits.state = random_state
    return np.random.Generator(bits)


def collate(items: Sequence[Any], numbers: Sequence[int]) -> Any:
    """Items stacked into a batch: tuples field by field, as a list. ``numbers`` are the items' places in the data."""
    if any(issubclass(kind, Mapping) for kind in set(map(type, items))):
        number, item = next((number, item) for number, item in zip(numbers, items) if isinstance(item, Mapping))
        fields = ", ".join(f"item[{key!r}]" for key in item)
        raise TypeError(
            f"DataLoader: item {number} is {a_type(item)} with keys {list(item)}, but must be a tensor, "
            f"an array, a number or a tuple of them: let the dataset return ({fields})."
        )
    lengths = {len(item) if isinstance(item, (tuple, list)) else 0 for item in items}
    if len(lengths) > 1:
        raise ValueError(
            f"DataLoader: items of a batch are tuples of {sorted(lengths)} fields (0: no tuple): make them equal."
        )
    if not isinstance(items[0], (tuple, list)):
        return stacked(items, numbers)
    return [stacked(values, numbers, f"field {field} of ") for field, values in enumerate(zip(*items))]


def stacked(values: Sequence[Any], numbers: Sequence[int], field: str = "") -> Tensor:
    """Tensors, arrays or numbers of one shape as one tensor with a new axis 0."""
    tensors: list[Tensor] = []
    try:
        tensors.extend(map(as_tensor, values))
    except (TypeError, ValueError) as error:
        raise located(error, f"DataLoader: {field}item {numbers[len(tensors)]}") from error
    shapes = sorted({tensor.shape for tensor in tensors})
    if len(shapes) > 1:
        raise ValueError(
            f"DataLoader: items of shapes {shapes} cannot be stacked into a batch: make them equal in the dataset "
            "(pad or crop), or use batch_size=1. For several tensors of one length use TensorDataset(x, y)."
        )
    batch: Tensor = stack(tensors)
    return batch
