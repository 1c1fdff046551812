"""``DataLoader``: a dataset in batches, in order, shuffled, or as a sampler says."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic

import numpy as np

from ..engine.arguments import a_type, entries, switch, whole
from ..reports.table import html_block, html_table
from ..tensor.tensor import Tensor
from .collate import collate, default_convert
from .dataset import IterableDataset, TensorDataset, described
from .samplers import BatchSampler, RandomSampler, SequentialSampler, own_generator

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
        dataset: a ``Dataset``, or an ``IterableDataset``. The items of a batch are stacked: of items ``(x, y)`` it is
            a list of two tensors whose axis 0 is the batch, of bare tensors or numbers it is one tensor, of dicts a
            dict; see ``default_collate``.
        batch_size: samples per batch; the last one of an epoch has what remains. None: single items, no batches.
        shuffle: a new random order in each epoch.
        sampler: gives the numbers of the samples in order, instead of ``shuffle``.
        batch_sampler: gives lists of numbers, instead of ``batch_size``, ``shuffle``, ``sampler`` and ``drop_last``.
        num_workers, pin_memory, timeout, worker_init_fn, multiprocessing_context, prefetch_factor,
            persistent_workers, pin_memory_device, in_order: accepted as in PyTorch, with a warning where they ask for
            something: the work is done in this process.
        collate_fn: makes a batch of a list of items, instead of ``default_collate``; without batches, of an item.
        drop_last: leave out a last batch of fewer samples (a batch of one is none for BatchNorm).
        generator: where the loader's own random state comes from: a seed, a ``mg.Generator`` or a
            ``numpy.random.Generator`` that one number is drawn from, or None for one drawn from the global state, so
            that ``mg.manual_seed`` decides it. Loaders never disturb each other's order, nor the global
            state after they are made; without ``shuffle`` nothing is drawn.

    Type checkers take batches for lists of tensors; where they are single ones, write ``DataLoader[Tensor]``.

    A batch is a copy: later changes of the dataset do not reach it. A loader that has no batch when it is made, of an
    empty dataset, with ``drop_last`` or a sampler that chooses none, warns of it, and so does a stream without items.

    Raises:
        TypeError, ValueError: for arguments that make no sense; in iteration, for items that cannot be
            stacked.

    >>> [len(x) for x, y in data.DataLoader(data.moons(100), batch_size=32)]
    [32, 32, 32, 4]
    """

    def __init__(
        self, dataset: Any, batch_size: int | None = 1, shuffle: bool | None = None, sampler: Any = None,
        batch_sampler: Any = None, num_workers: int = 0, collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False, drop_last: bool = False, timeout: float = 0, worker_init_fn: Any = None,
        multiprocessing_context: Any = None, generator: Any = None, *, prefetch_factor: int | None = None,
        persistent_workers: bool = False, pin_memory_device: str = "", in_order: bool = True,
    ) -> None:  # fmt: skip
        self.dataset = numbered_or_iterable(dataset)
        self.shuffle = switch(False if shuffle is None else shuffle, "DataLoader: shuffle")
        self.drop_last = switch(drop_last, "DataLoader: drop_last")
        message = "DataLoader: batch_size must be an integer of at least 1"
        self.batch_size = None if batch_size is None else whole(batch_size, 1, message)
        self.collate_fn = collate_fn
        if collate_fn is not None and not callable(collate_fn):
            raise TypeError(f"DataLoader: collate_fn must be a function of a list of items, got {a_type(collate_fn)}.")
        pairs = (("sampler", sampler), ("batch_sampler", batch_sampler))
        given = {name: value for name, value in pairs if value is not None}
        self.refuse_contradictions(given)
        if batch_sampler is not None:
            self.batch_size = None
        self.sampler, self.batch_sampler = self.samplers(sampler, batch_sampler, generator)
        self.epoch = Epoch(self.random_state())
        warn_of_workers({
            "num_workers": num_workers, "pin_memory": pin_memory, "prefetch_factor": prefetch_factor,
            "persistent_workers": persistent_workers, "worker_init_fn": worker_init_fn,
            "multiprocessing_context": multiprocessing_context,
        })  # fmt: skip
        if not isinstance(self.dataset, IterableDataset) and length_of(self).startswith("0 "):
            self.warn_of_nothing(given)

    def refuse_contradictions(self, given: dict[str, Any]) -> None:
        """Refuse arguments of which one says what another has said."""
        if isinstance(self.dataset, IterableDataset) and (given or self.shuffle):
            raise ValueError("DataLoader: a dataset without numbers comes in its own order: no shuffle, no sampler.")
        if given and self.shuffle:
            raise ValueError(f"DataLoader: {', '.join(given)} and shuffle=True both say the order: give only one.")
        others = {"batch_size": self.batch_size != 1, "drop_last": self.drop_last, "sampler": "sampler" in given}
        if "batch_sampler" in given and any(others.values()):
            names = ", ".join(name for name, other in others.items() if other)
            raise ValueError(f"DataLoader: batch_sampler says what {names} would: leave it away.")
        if self.batch_size is None and self.drop_last:
            raise ValueError("DataLoader: without batches, batch_size=None, there is no last batch to drop.")

    def samplers(self, sampler: Any, batch_sampler: Any, generator: Any) -> tuple[Any, Any]:
        """The sampler, and the sampler of batches if there are batches; None for a dataset without numbers."""
        if isinstance(self.dataset, IterableDataset) or batch_sampler is not None:
            return None, batch_sampler
        if sampler is None and self.shuffle:
            sampler = RandomSampler(self.dataset, generator=own_generator(generator, "DataLoader"))
        elif sampler is None:
            sampler = SequentialSampler(self.dataset)
        if self.batch_size is None:
            return sampler, None
        return sampler, BatchSampler(sampler, self.batch_size, self.drop_last)

    def __repr__(self) -> str:
        arguments = [f"batch_size={self.batch_size}, shuffle={self.shuffle}"]
        if type(self.sampler) not in (RandomSampler, SequentialSampler, type(None)):
            arguments += [f"sampler={self.sampler!r}"]
        if self.sampler is None and self.batch_sampler is not None:
            arguments = [f"batch_sampler={self.batch_sampler!r}"]
        else:
            arguments += [f"drop_last={self.drop_last}"]
        return f"DataLoader({', '.join([described(self.dataset), *arguments])}: {length_of(self)})"

    def _repr_html_(self) -> str:
        """For notebooks: a row for each setting."""
        own = None if type(self.sampler) in (RandomSampler, SequentialSampler) else self.sampler
        settings = [("dataset", described(self.dataset)), ("length", length_of(self)), ("batch_size", self.batch_size)]
        if self.sampler is None and self.batch_sampler is not None:
            settings += [("batch_sampler", self.batch_sampler)]
        else:
            settings += [("shuffle", self.shuffle), ("sampler", own), ("drop_last", self.drop_last)]
        rows = [[name, str(value)] for name, value in settings if value is not None]
        return html_block(["DataLoader"], html_table(["setting", "value"], rows))

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        if isinstance(self.dataset, IterableDataset):
            if not hasattr(self.dataset, "__len__"):
                raise TypeError(f"a loader of {self.dataset!r} has no length: nobody knows how many items come.")
            return -(-len(self.dataset) // self.batch_size) if self.batch_size else len(self.dataset)
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)

    def __iter__(self) -> Iterator[Batch]:
        """A new epoch; after ``load_state_dict``, the rest of the one that was saved."""
        if self.epoch.begun:
            self.epoch = Epoch(self.random_state())
        epoch = self.epoch
        epoch.begun = True
        for batch in self.batches(epoch.batches_given):
            epoch.batches_given += 1
            yield batch
        if not epoch.batches_given and isinstance(self.dataset, IterableDataset):
            warnings.warn(f"DataLoader: {self.dataset!r} gave no batch, so the loop did nothing.", stacklevel=2)
        if epoch is self.epoch:
            self.epoch = Epoch(self.random_state())

    def batches(self, start: int) -> Iterator[Any]:
        """The batches of an epoch from a number on."""
        if isinstance(self.dataset, IterableDataset):
            yield from islice(self.stream(), start, None)
        elif self.batch_sampler is None:
            for index in islice(self.sampler, start, None):
                yield self.item(self.dataset[index])
        else:
            for indices in islice(self.batch_sampler, start, None):
                yield self.batch(indices)

    def stream(self) -> Iterator[Any]:
        """The batches of a dataset without numbers."""
        items, number = iter(self.dataset), 0
        if self.batch_size is None:
            yield from map(self.item, items)
            return
        while batch := list(islice(items, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield self.collated(batch, range(number, number + len(batch)))
            number += len(batch)

    def item(self, item: Any) -> Any:
        """An item that is no part of a batch."""
        return default_convert(item) if self.collate_fn is None else self.collate_fn(item)

    def batch(self, indices: Iterable[Any]) -> Any:
        """The batch of the samples with these numbers."""
        dataset, numbers = self.dataset, list(indices)
        # a subclass with items of its own (augmented, say) is asked for each of them
        plain = isinstance(dataset, TensorDataset) and type(dataset).__getitem__ is TensorDataset.__getitem__
        if plain and self.collate_fn is None:
            return dataset._rows(np.array(numbers, np.intp))
        if not numbers and len(dataset):  # a rank may have no sample of a batch
            return emptied(self.collated([dataset[0]], [0]))
        return self.collated([dataset[i] for i in numbers], numbers)

    def collated(self, items: list[Any], numbers: Any) -> Any:
        """Items put together to a batch."""
        return collate(items, numbers) if self.collate_fn is None else self.collate_fn(items)

    @property
    def generator(self) -> np.random.Generator | None:
        """Where the order comes from; None where it is no random one."""
        found: np.random.Generator | None = getattr(self.sampler or self.batch_sampler, "generator", None)
        return found

    def random_state(self) -> Any:
        """The state of the generator now, in plain numbers; None without one."""
        return None if self.generator is None else self.generator.bit_generator.state

    def warn_of_nothing(self, given: dict[str, Any]) -> None:
        """Warn that a loop over the loader does nothing."""
        cure = "add samples"
        if given:
            cure = f"give another {', '.join(given)}, for this one chooses none"
        elif len(self.dataset):
            cure = f"take drop_last=False or a batch_size of at most {len(self.dataset)}"
        batch = "batch" if self.batch_size is None else f"batch of {self.batch_size}"
        warnings.warn(
            f"DataLoader: a dataset of {len(self.dataset)} samples has no {batch}, so a loop over it does "
            f"nothing: {cure}.",
            stacklevel=3,
        )

    # -- saving --------------------------------------------------------------------------------

    def settings(self) -> dict[str, Any]:
        """What must be the same for a saved epoch to go on."""
        return {
            "samples": len(self.dataset) if hasattr(self.dataset, "__len__") else None,
            "batch_size": self.batch_size, "shuffle": self.shuffle, "drop_last": self.drop_last,
        }  # fmt: skip

    def state_dict(self) -> dict[str, Any]:
        """Where the loader is, in plain values for ``mg.save``, also in the middle of an epoch.

        An epoch that was left early counts as unfinished until the next one begins. Of a sampler of one's own the
        attribute ``generator`` is saved, if it is one of NumPy's.
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
            checked_state(random_state)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"{message}: its random_state is not one of NumPy's PCG64.") from error
        if settings != own:
            raise ValueError(f"DataLoader: the state is of a loader with {settings}, this one has {own}: make it so.")
        too_many = hasattr(self.dataset, "__len__") and given > len(self)
        if too_many or (random_state is None) is not (self.generator is None):
            raise ValueError(f"DataLoader: {given} batches given do not fit a loader with {own}.")
        if self.generator is not None:
            self.generator.bit_generator.state = random_state
        self.epoch = Epoch(self.random_state(), given)


def numbered_or_iterable(dataset: Any) -> Any:
    """A dataset that a loader can go through, or refused."""
    numbered = hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")
    if isinstance(dataset, IterableDataset) or (numbered and not isinstance(dataset, (Mapping, type))):
        return dataset
    raise TypeError(
        f"DataLoader needs a dataset with __len__ and __getitem__, got {type(dataset).__name__}: "
        "of tensors make one with TensorDataset(x, y), of an iterable with list(...)."
    )


def emptied(batch: Any) -> Any:
    """A batch of one sample, without it."""
    if isinstance(batch, Tensor):
        return batch[:0]
    if isinstance(batch, Mapping):
        return {key: emptied(value) for key, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*map(emptied, batch))
    if isinstance(batch, (tuple, list)):
        return [] if batch and isinstance(batch[0], (str, bytes)) else [emptied(value) for value in batch]
    return batch


def length_of(loader: DataLoader[Any]) -> str:
    """How many batches there are, in words."""
    unit = "items" if loader.batch_size is None and loader.batch_sampler is None else "batches"
    try:
        return f"{len(loader)} {unit}"
    except TypeError:  # a dataset or a sampler without a length
        return f"{unit} of a stream"


def warn_of_workers(asked: dict[str, Any]) -> None:
    """Warn, once, of arguments that ask for other processes or devices."""
    names = ", ".join(name for name, value in asked.items() if value)
    if names:
        warnings.warn(f"DataLoader: {names}: accepted, but the work is done in this process.", stacklevel=3)


def checked_state(random_state: Any) -> None:
    """Refuse what is no saved state of a generator."""
    if random_state is not None:
        np.random.PCG64().state = random_state
