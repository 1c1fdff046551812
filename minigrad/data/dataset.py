"""What a dataset is, and the one made of tensors."""

from __future__ import annotations

import bisect
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Any, Protocol

from numpy import ndarray

from ..engine.arguments import a_type
from ..engine.node import Variable, describe, wrap
from ..tensor.creation import as_tensor
from ..tensor.tensor import Tensor


class Dataset(Protocol):
    """Anything with a length and items numbered from 0; a list will do.

    An item is a tensor, an array or a number, or a tuple of them, such as ``(x, y)``.

    >>> class Squares(data.Dataset):
    ...     def __len__(self):
    ...         return 5
    ...     def __getitem__(self, i):
    ...         return i * i
    >>> [int(x) for x in data.DataLoader(Squares(), batch_size=None)]
    [0, 1, 4, 9, 16]
    """

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, index: Any) -> Any: ...

    def __add__(self, other: Any) -> Any:
        """This dataset and behind it another one."""
        return ConcatDataset([self, other])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} samples)"


class IterableDataset:
    """Items that come one after the other, without numbers or a length: a stream, a file.

    A subclass defines ``__iter__``. A loader cuts it into batches in its order.

    >>> class Squares(data.IterableDataset):
    ...     def __iter__(self):
    ...         return (i * i for i in range(5))
    >>> [batch.tolist() for batch in data.DataLoader(Squares(), batch_size=2)]
    [[0, 1], [4, 9], [16]]
    """

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} is a dataset without items: it needs a method __iter__.")

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def described(dataset: Any) -> str:
    """A dataset in one line, also if it is a list or an array."""
    if {Dataset, IterableDataset} & set(type(dataset).__mro__):
        return repr(dataset)
    if isinstance(dataset, (Variable, ndarray)):
        return f"{type(dataset).__name__}({describe(dataset)})"
    return f"{type(dataset).__name__}({f'{len(dataset)} items' if hasattr(dataset, '__len__') else ''})"


def located(error: Exception, place: str) -> Exception:
    """An error about a value again, with the place in the data where the value was."""
    return (TypeError if isinstance(error, TypeError) else ValueError)(f"{place}: {error}")


class ConcatDataset(Dataset):
    """Several datasets one after the other; ``first + second`` makes one, too.

    >>> both = data.ConcatDataset([["a", "b"], ["c"]])
    >>> len(both), both[2], both.cumulative_sizes
    (3, 'c', [2, 3])
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset needs at least one dataset.")
        for dataset in self.datasets:
            if isinstance(dataset, IterableDataset):
                raise TypeError("ConcatDataset joins datasets with a length: for those without one use ChainDataset.")
        self.cumulative_sizes = list(accumulate(map(len, self.datasets)))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Any:
        size = len(self)
        if not -size <= index < size:
            raise IndexError(f"sample {index} is out of range for {size} samples.")
        index %= size
        number = bisect.bisect_right(self.cumulative_sizes, index)
        return self.datasets[number][index - (self.cumulative_sizes[number - 1] if number else 0)]

    def __repr__(self) -> str:
        return f"ConcatDataset({len(self)} samples: {', '.join(map(described, self.datasets))})"


class TensorDataset(Dataset):
    """Items that are the rows of tensors: item ``i`` is ``(tensors[0][i], tensors[1][i], ...)``.

    Args:
        *tensors: tensors, or arrays, which are not copied, with the same length along axis 0; or lists of numbers.

    ``dataset[index]`` takes whatever index a tensor takes: ``x, y = dataset[:]`` are the tensors.

    Raises:
        TypeError: for a list or tuple of tensors or arrays, of which it is not clear whether they are rows or fields.
        ValueError: if there is no tensor, or their lengths differ.

    >>> dataset = data.TensorDataset(mg.zeros(5, 3), mg.arange(5))
    >>> inputs, labels = dataset[:2]
    >>> inputs.shape, labels
    ((2, 3), tensor([0, 1]))
    """

    def __init__(self, *tensors: Any) -> None:
        for value in tensors:
            if isinstance(value, (tuple, list)) and any(isinstance(item, (Variable, ndarray)) for item in value):
                raise TypeError(
                    f"TensorDataset got {a_type(value)} of tensors or arrays: pass each as an argument, "
                    "TensorDataset(*tensors), or rows as one tensor, TensorDataset(mg.stack(rows))."
                )
        try:
            self.tensors: tuple[Tensor, ...] = tuple(as_tensor(value) for value in tensors)
        except (TypeError, ValueError) as error:
            raise located(error, "TensorDataset") from error
        shapes = [tensor.shape for tensor in self.tensors]
        if not shapes or () in shapes or len({shape[0] for shape in shapes}) > 1:
            raise ValueError(
                f"TensorDataset needs tensors of one length, a row per sample, got shapes {shapes}: "
                "pass TensorDataset(x, y) with len(x) == len(y)."
            )

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} samples: {', '.join(map(describe, self.tensors))})"

    def _rows(self, indices: ndarray) -> list[Tensor]:
        """``self[indices]`` for a vector of row numbers: always copies, and faster."""
        return [
            wrap(tensor.array.take(indices, 0)) if tensor.node is None else tensor[indices] for tensor in self.tensors
        ]
