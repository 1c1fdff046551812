"""Which values of a batch count, here and on other ranks, and the means of those alone."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from ...engine.errors import InvalidTypeError, InvalidValueError
from ...engine.host import check
from ...engine.node import array_of, describe
from ...engine.scope import call_path
from ...groups.group import Group
from ...kernels.batch_norm import values_per_channel
from ..choosing import where as choose
from ..exchange import all_reduce_op
from ..reductions import mean as mean_of
from ..reductions import sum as sum_of
from ..shapes import in_dtype


class Pooled(NamedTuple):
    """The group of ranks whose values are normalised together, and how many there are of each channel, if known."""

    group: Group
    n: int | None = None

    def values(self, shape: tuple[int, ...], mask: Any) -> int:
        """How many there are; what is not known is exchanged."""
        if self.n is not None:
            return self.n
        return int(self.group.sum(np.array(counted(shape, mask, np.int64))))


def counting(x: Any, mask: Any, training: bool, recording: bool) -> Any:
    """A mask as booleans (N, 1, ...), which broadcast with the batch (N, C, ...); a copy if it is to be recorded.

    Of an empty batch None: there is nothing to leave out.

    Raises:
        TypeError: if it is not of booleans.
        ValueError: for another shape, and in training if fewer than 2 values of a channel count.
    """
    array = array_of(mask)
    if not isinstance(array, ndarray) or array.dtype != bool:
        raise InvalidTypeError(
            f"batch_norm{call_path()}: mask must be a tensor of booleans, True where values count, got "
            f"{describe(array)}: make it one, mask != 0 or mg.tensor(mask)."
        )
    samples, _, *lengths = x.shape
    if array.shape not in ((samples,), (samples, *lengths)):
        either = f"{(samples, *lengths)}" + f" or {(samples,)}" * bool(lengths)
        raise InvalidValueError(
            f"batch_norm{call_path()}: mask must be {either}, the shape of the input {x.shape} without channels, got "
            f"{array.shape}."
        )
    if not x.size:
        return None
    if training:
        check(check_enough, array)
    array = array.reshape(samples, *(1,) * (x.ndim - 1)) if array.ndim == 1 else array.reshape(samples, 1, *lengths)
    return array.copy() if recording else array


def known(pooled: Pooled, n: int, mask: Any) -> Pooled:
    """The same, now that ``n`` is known; one value on all ranks together is refused, by each of them."""
    group = pooled.group
    if n == 1 or (n == 0 and mask is not None):
        raise InvalidValueError(
            f"Expected more than 1 value per channel when training, got {n}{' that masks keep' * (mask is not None)} "
            f"over all {group.size()} {group.ranks_are}{call_path()}: one value has no variance. Predict with "
            "model.eval(), or train with batches of 2 or more."
        )
    return Pooled(group, n)


def check_enough(mask: ndarray) -> None:
    """Refuse a mask that leaves no variance."""
    found = int(mask.sum())
    if found < 2:
        raise InvalidValueError(
            f"Expected more than 1 value per channel when training, got {found} that the mask {mask.shape} "
            f"keeps{call_path()}: one value has no variance. Predict with model.eval(), or train with batches of 2 or "
            "more."
        )


def kept_or_zero(x: Any, mask: Any) -> Any:
    """A batch, 0 where the mask is False, whatever was there."""
    return x if mask is None else choose(mask, x, 0)


def mean_of_kept(x: Any, axes: tuple[int, ...], mask: Any, pooled: Pooled | None = None) -> Any:
    """The mean of each channel, over all ranks, of a batch that is 0 where the mask is False."""
    if pooled is not None:
        return all_reduce_op(sum_of(x, axes, True), pooled.group) / (pooled.values(x.shape, mask) or 1)
    return mean_of(x, axes, True) if mask is None else sum_of(x, axes, True) / counted(x.shape, mask, x.dtype)


def counted(shape: tuple[int, ...], mask: Any, dtype: Any) -> Any:
    """How many values of each channel count; with a mask an array without axes, in a dtype."""
    if mask is None:
        return values_per_channel(shape)
    count = values_per_channel(shape) // values_per_channel(mask.shape)
    return in_dtype(sum_of(mask) * count, dtype)
