"""What a dataset is, and the one made of tensors."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Protocol

from numpy import ndarray

from ..engine.node import wrap
from ..tensor.creation import as_tensor
from ..tensor.tensor import Tensor


class Dataset(Protocol):
    """Anything with a length and items numbered from 0; a list will do.

    An item is a tensor, an array or a number, or a tuple of them, such as ``(x, y)``.
    """

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, index: Any) -> Any: ...


class TensorDataset(Dataset):
    """Items that are the rows of tensors: item ``i`` is ``(tensors[0][i], tensors[1][i], ...)``.

    Args:
        *tensors: tensors, or arrays, which are not copied, with the same length along axis 0.

    ``dataset[index]`` takes whatever index a tensor takes: ``x, y = dataset[:]`` are the tensors.

    Raises:
        ValueError: if there is no tensor, or their lengths differ.
    """

    def __init__(self, *tensors: Any) -> None:
        self.tensors: tuple[Tensor, ...] = tuple(as_tensor(tensor) for tensor in tensors)
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

    def batch(self, indices: ndarray) -> tuple[Tensor, ...]:
        """``self[indices]`` for a vector of row numbers: always copies, and faster."""
        return tuple(
            wrap(tensor.array.take(indices, 0)) if tensor.node is None else tensor[indices] for tensor in self.tensors
        )
