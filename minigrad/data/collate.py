"""Items of a dataset put together to a batch."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine.errors import InvalidValueError
from ..engine.node import leaves
from ..ops.joining import stack
from ..tensor.creation import as_tensor
from ..tensor.tensor import Tensor
from .dataset import located

TEXT = (str, bytes)
"""Items that stay as they are, in a list."""


def default_collate(batch: Sequence[Any]) -> Any:
    """A batch of items: what a ``DataLoader`` does unless it has a ``collate_fn``.

    Tensors, arrays and numbers are stacked along a new axis 0; tuples and lists become a list of their fields' batches,
    named tuples a named tuple, dicts a dict of their values' batches; text stays a list. Python floats become float32
    (in PyTorch float64).

    Raises:
        TypeError: for what no tensor can be made of, None say.
        ValueError, RuntimeError: for items of different shapes, lengths or keys.

    >>> batch = data.default_collate([{"x": mg.ones(2), "name": "a"}, {"x": mg.zeros(2), "name": "b"}])
    >>> batch["x"].shape, batch["name"]
    ((2, 2), ['a', 'b'])
    """
    return collate(list(batch), range(len(batch)))


def default_convert(data: Any) -> Any:
    """An item that is no batch: arrays as tensors, also inside dicts, tuples and lists; anything else as it is.

    >>> data.default_convert({"x": np.zeros(2), "name": "a"})
    {'x': tensor([0., 0.], dtype=float64), 'name': 'a'}
    """
    if isinstance(data, (Tensor, TEXT)):
        return data
    if hasattr(data, "__array__"):
        return as_tensor(data)
    if isinstance(data, Mapping):
        return {key: default_convert(value) for key, value in data.items()}
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*map(default_convert, data))
    if isinstance(data, (tuple, list)):
        return [default_convert(value) for value in data]
    return data


def collate(items: list[Any], numbers: Sequence[Any], place: str = "") -> Any:
    """Items put together; ``numbers`` are their places in the data, ``place`` says which part of them these are."""
    first = items[0]
    if not place and any(isinstance(item, (tuple, list)) for item in items):
        deque(leaves(items), maxlen=0)  # refuses lists that are too deep, or in themselves
    if isinstance(first, TEXT):
        return items
    if isinstance(first, Mapping):
        return collate_dicts(items, numbers, place)
    if isinstance(first, (tuple, list)) or any(isinstance(item, (tuple, list)) for item in items):
        return collate_fields(items, numbers, place)
    return stacked(items, numbers, place)


def collate_dicts(items: list[Any], numbers: Sequence[Any], place: str) -> Any:
    """Dicts as one of the batches of their values, for the keys of the first."""
    batch = {}
    for key in items[0]:
        for item, number in zip(items, numbers):
            if not isinstance(item, Mapping) or key not in item:
                raise InvalidValueError(
                    f"DataLoader: {place}item {number} has no {key!r}, but item {numbers[0]} has: give all items of a "
                    "batch the same keys, or pass collate_fn."
                )
        batch[key] = collate([item[key] for item in items], numbers, f"{key!r} of {place}")
    return batch


def collate_fields(items: list[Any], numbers: Sequence[Any], place: str) -> Any:
    """Tuples as a list of the batches of their fields; named tuples as a named tuple."""
    lengths = {len(item) if isinstance(item, (tuple, list)) else 0 for item in items}
    if len(lengths) > 1:
        raise InvalidValueError(
            f"DataLoader: {place}items of a batch are tuples of {sorted(lengths)} fields (0: no tuple): "
            "make them equal, or pass collate_fn."
        )
    fields = [collate(list(values), numbers, f"field {field} of {place}") for field, values in enumerate(zip(*items))]
    kind = type(items[0])
    return kind(*fields) if hasattr(kind, "_fields") else fields


def stacked(values: Sequence[Any], numbers: Sequence[Any], place: str = "") -> Tensor:
    """Tensors, arrays or numbers of one shape as one tensor with a new axis 0."""
    tensors: list[Tensor] = []
    try:
        tensors.extend(map(as_tensor, values))
    except (TypeError, ValueError) as error:
        raise located(error, f"DataLoader: {place}item {numbers[len(tensors)]}") from error
    shapes = sorted({tensor.shape for tensor in tensors})
    if len(shapes) > 1:
        raise InvalidValueError(
            f"DataLoader: {place}items of shapes {shapes} cannot be stacked into a batch: make them equal in the "
            "dataset (pad or crop), pass collate_fn, or use batch_size=1. For several tensors of one length use "
            "TensorDataset(x, y)."
        )
    batch: Tensor = stack(tensors)
    return batch
