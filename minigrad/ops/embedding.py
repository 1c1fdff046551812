"""Rows of a table by their numbers, and the numbers as rows of zeros and a one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..engine.arguments import not_negative, real, switch
from ..engine.errors import InvalidIndexError, InvalidTypeError, InvalidValueError
from ..engine.faces import public
from ..engine.host import check
from ..engine.modes import no_grad
from ..engine.node import Variable, array_of, describe
from ..engine.op import Op
from ..engine.scope import call_path
from .arguments import shape_of
from .indexing import placed
from .norms import norm_of
from .reductions import widened
from .shapes import astype, unsqueeze

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["embedding", "one_hot"]


def scale_of_rows(index: Any, padding_idx: int | None, by_frequency: bool, rows: int, dtype: Any) -> Any:
    """What the gradients of looked up rows are multiplied with: 0 for the padding, 1 / (how often it was looked up)."""
    scale = (index != (-1 if padding_idx is None else padding_idx)).astype(dtype)
    if by_frequency:
        scale = scale / np.take(placed((index >= 0).astype(dtype), (rows,), (index,)), index)
    return scale[..., None]


embedding_op = Op(
    "embedding",
    lambda weight, index, padding_idx, by_frequency: np.take(weight, index, 0),
    lambda dy, _y, _weight, index, padding_idx, by_frequency: placed(
        dy * scale_of_rows(index, padding_idx, by_frequency, _weight.shape[0], dy.dtype), _weight.shape, (index,)
    ),
    doc="the rows of ``weight`` at an index",
)


@public("functional")
def embedding(
    input: Any, weight: Any, padding_idx: int | None = None, max_norm: float | None = None, norm_type: float = 2.0,
    scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Tensor:  # fmt: skip
    """``weight[input]``: a row of a table for each number.

    Args:
        input: integers of any shape, from 0 to N - 1.
        weight: the table (N, D).
        padding_idx: a row that gets no gradient; negative counts from the end.
        max_norm: rows that are looked up and longer than this are shortened to it first, in ``weight`` itself.
        norm_type: of which norm the length is.
        scale_grad_by_freq: divide the gradient of each row by how often it was looked up.
        sparse: accepted, as in PyTorch; the gradient is an array like the weight all the same.

    Returns:
        A tensor (*input.shape, D).

    Raises:
        IndexError: for a number that is no row.
        ValueError, TypeError: for a table that is no matrix, an input that is not of integers, and a padding that is
            no row. After any error the weight is unchanged.

    >>> F.embedding(mg.tensor([2, 0]), mg.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]))
    tensor([[4., 5.],
            [0., 1.]])
    """
    if len(shape_of(weight)) != 2:
        raise InvalidValueError(f"embedding{call_path()}: expected a weight (N, D), got {describe(weight)}.")
    index = array_of(input) if isinstance(input, (Variable, ndarray)) else np.asarray(input)
    if index.dtype.kind not in "iu":
        raise InvalidTypeError(
            f"embedding{call_path()}: expected integers, got {describe(input)}: convert it, e.g. x.long()."
        )
    index, rows = index.copy(), weight.shape[0]  # nobody else can change it until backward
    check(refuse_no_row, index, rows)
    if padding_idx is not None:
        if not isinstance(padding_idx, (int, np.integer)) or not -rows <= padding_idx < rows:
            raise InvalidValueError(
                f"embedding{call_path()}: padding_idx must be a row of the weight {weight.shape}, got {padding_idx!r}."
            )
        padding_idx = int(padding_idx) % rows
    if max_norm is not None:
        most = real(max_norm, not_negative, f"embedding{call_path()}: max_norm must be a number of at least 0")
        shorten(weight, index, most, norm_type)
    return embedding_op(weight, index, padding_idx, switch(scale_grad_by_freq, "scale_grad_by_freq"))


def refuse_no_row(index: ndarray, rows: int) -> None:
    """Refuse numbers that are no rows of a table."""
    if index.size and (index.min() < 0 or index.max() >= rows):
        wrong = index[(index < 0) | (index >= rows)]
        raise InvalidIndexError(
            f"embedding{call_path()}: {wrong.flat[0]} is no row of the weight: expected 0 to {rows - 1}."
        )


@no_grad()
def shorten(weight: Any, index: ndarray, most: float, norm_type: float) -> None:
    """Shorten rows that are longer than ``most``, in place."""
    found = np.take(array_of(weight), index, 0)
    norm = norm_of(widened(found), (len(found.shape) - 1,), True, norm_type)
    weight[index] = np.where(norm > most, found * (most / (norm + 1e-7)), found).astype(found.dtype)


@public("functional")
def one_hot(input: Any, num_classes: int = -1) -> Tensor:
    """For each number a row of zeros with a one at its place: int64, (*input.shape, num_classes).

    Args:
        input: integers of any shape, from 0 on.
        num_classes: the length of the rows; -1 for the largest number plus 1.

    Raises:
        ValueError: for a number that is no class, and for no numbers without ``num_classes``.

    >>> F.one_hot(mg.tensor([2, 0]), num_classes=3)
    tensor([[0, 0, 1],
            [1, 0, 0]])
    """
    shape_of(input)
    array = array_of(input)
    if array.dtype.kind not in "iu":
        raise InvalidTypeError(
            f"one_hot{call_path()}: expected integers, got {describe(input)}: convert it, e.g. x.long()."
        )
    if num_classes == -1:
        if not array.size:
            raise InvalidValueError(f"one_hot{call_path()}: of no numbers num_classes must be given.")
        num_classes = int(array.max()) + 1
    check(refuse_no_class, array, num_classes)
    return astype(unsqueeze(input, -1) == np.arange(num_classes), np.int64)


def refuse_no_class(array: ndarray, classes: int) -> None:
    """Refuse numbers that are no classes."""
    if array.size and (array.min() < 0 or array.max() >= classes):
        wrong = array[(array < 0) | (array >= classes)]
        raise InvalidValueError(f"one_hot{call_path()}: {wrong.flat[0]} is no class: expected 0 to {classes - 1}.")
