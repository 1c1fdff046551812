"""What layers that normalise channels have in common: a weight and a bias per channel, and running statistics."""

from __future__ import annotations

import math
import numbers
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ...engine.dtypes import get_default_dtype
from ...engine.node import describe
from ...kernels.constants import at_least_float32
from ...tensor.creation import ones, zeros
from ...tensor.device import on_cpu
from ...tensor.tensor import Tensor
from ..module import Module
from ..parameter import Buffer, Parameter


class ChannelNorm(Module):
    """Parameters, buffers and settings of batch and instance normalisation."""

    _optional_keys = frozenset({"num_batches_tracked"})

    def _set_up(
        self, num_features: int, eps: float, momentum: float | None, affine: bool, track_running_stats: bool,
        device: Any, dtype: Any, bias: bool,
    ) -> None:  # fmt: skip
        """What constructors do; one of their arguments that will not do is refused."""
        name = type(self).__name__
        on_cpu(device)
        if not isinstance(num_features, (int, np.integer)) or num_features < 1:
            raise ValueError(f"{name}: num_features must be an integer of at least 1, got {num_features!r}.")
        self.eps = eps
        self.momentum = momentum
        if momentum is not None and momentum > 0.5:
            warnings.warn(
                f"{name}: momentum={momentum} is the weight of the new batch, as in PyTorch; Keras and Flax mean the "
                f"opposite. For their {momentum} pass {1 - momentum:.4g}.",
                stacklevel=3,
            )
        dtype = np.dtype(dtype or get_default_dtype())
        statistics = at_least_float32(dtype)
        self.num_features = int(num_features)
        self.affine = affine
        self.track_running_stats = track_running_stats
        self.weight = Parameter(ones(num_features, dtype=dtype)) if affine else None
        self.bias = Parameter(zeros(num_features, dtype=dtype)) if affine and bias else None
        kept = track_running_stats
        self.running_mean = Buffer(zeros(num_features, dtype=statistics)) if kept else None
        self.running_var = Buffer(ones(num_features, dtype=statistics)) if kept else None
        self.num_batches_tracked = Buffer(zeros((), dtype=np.int64)) if kept else None

    def __setattr__(self, name: str, value: Any) -> None:
        if name in SETTINGS:
            right, meaning = SETTINGS[name]
            if not right(value):
                raise ValueError(f"{type(self).__name__}: {name} {meaning}, got {describe(value)}.")
        super().__setattr__(name, value)

    def reset_running_stats(self) -> None:
        """Start the running statistics again: mean 0, variance 1, no batches."""
        for buffer, value in ((self.running_mean, 0), (self.running_var, 1), (self.num_batches_tracked, 0)):
            if buffer is not None:
                buffer.fill_(value)

    def reset_parameters(self) -> None:
        """Start statistics and parameters again: weight 1, bias 0."""
        self.reset_running_stats()
        for parameter, value in ((self.weight, 1), (self.bias, 0)):
            if parameter is not None:
                parameter.data.fill_(value)

    def _dtype_for(self, leaf: Tensor, dtype: np.dtype[Any]) -> np.dtype[Any]:
        return at_least_float32(dtype) if isinstance(leaf, Buffer) else dtype


def is_number(value: Any, low: float, high: float) -> bool:
    """Whether a value is a real number in an interval."""
    return isinstance(value, numbers.Real) and low <= float(value) <= high


SETTINGS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "eps": (lambda eps: is_number(eps, -math.inf, math.inf), "must be a number"),
    "momentum": (
        lambda momentum: momentum is None or is_number(momentum, 0, 1),
        "is the weight of the new batch and must be from 0 to 1, or None",
    ),
    "num_batches_tracked": (
        lambda count: not isinstance(count, Tensor) or (count.shape == () and count.dtype.kind in "iu"),
        "must be an integer tensor of one number, without axes",
    ),
}
"""What is checked when it is set, so that calls need not: whether a value is right, and how it should be."""
