"""Masks of batches: which values count, and sums of those alone."""

from __future__ import annotations

from typing import Any

from numpy import ndarray

from ...engine.errors import InvalidTypeError, InvalidValueError
from ...engine.host import check
from ...engine.node import array_of, describe
from ...engine.scope import call_path
from ...kernels.batch_norm import values_per_channel
from ..choosing import where as choose
from ..reductions import mean as mean_of
from ..reductions import sum as sum_of
from ..shapes import in_dtype


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


def mean_of_kept(x: Any, axes: tuple[int, ...], mask: Any) -> Any:
    """The mean of each channel, of a batch that is 0 where the mask is False."""
    return mean_of(x, axes, True) if mask is None else sum_of(x, axes, True) / counted(x.shape, mask, x.dtype)


def counted(shape: tuple[int, ...], mask: Any, dtype: Any) -> Any:
    """How many values of each channel count; with a mask an array without axes, in a dtype."""
    if mask is None:
        return values_per_channel(shape)
    count = values_per_channel(shape) // values_per_channel(mask.shape)
    return in_dtype(sum_of(mask) * count, dtype)
