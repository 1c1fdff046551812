"""Batch normalisation as a module: the parameters, the running statistics and the mode."""

from __future__ import annotations

import math
import numbers
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from ... import ops
from ...engine.dtypes import get_default_dtype
from ...engine.host import check
from ...engine.modes import current
from ...engine.node import describe
from ...engine.scope import call_path
from ...engine.shown import ModuleShown
from ...kernels.constants import at_least_float32
from ...ops.arguments import shape_of
from ...tensor.creation import ones, zeros
from ...tensor.tensor import Tensor
from ..module import Module
from ..parameter import Buffer, Parameter


class BatchNorm(Module):
    """What the three BatchNorm modules share; they differ in the ranks they accept.

    In training mode each channel (axis 1) of a batch is normalised with its own mean and biased
    variance, and the running statistics move towards those (with the unbiased variance). In
    evaluation mode the running statistics are used, so that one sample can be predicted and no
    result depends on its batch:

        y = (x - mean) / sqrt(var + eps) * weight + bias

    S. Ioffe, C. Szegedy, Batch normalization, 2015.

    Args:
        num_features: the number of channels C.
        eps: added to the variance.
        momentum: the weight of the new batch in the running statistics, 0 to 1 (Keras and Flax
            mean the weight of the old value); None for their cumulative average.
        affine: learn ``weight`` (gamma, from 1) and ``bias`` (beta, from 0); else both are None.
        track_running_stats: keep ``running_mean``, ``running_var`` and ``num_batches_tracked``; else they
            are None and the batch's statistics are used in both modes.
        dtype: of the parameters, by default the default dtype, float32. Statistics are at least float32.

    Raises:
        ValueError, TypeError: when called with what cannot be normalised, naming the module and
            the cure; no buffer has changed then.
    """

    _ranks: tuple[int, ...] = ()
    _expected = ""
    _optional_keys = frozenset({"num_batches_tracked"})
    _warned = False
    """Whether it has said that it is in training mode under ``no_grad``."""

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True, dtype: Any = None,
    ) -> None:  # fmt: skip
        name = type(self).__name__
        if not isinstance(num_features, (int, np.integer)) or num_features < 1:
            raise ValueError(f"{name}: num_features must be an integer of at least 1, got {num_features!r}.")
        self.eps = eps
        self.momentum = momentum
        if momentum is not None and momentum > 0.5:
            warnings.warn(
                f"{name}: momentum={momentum} is the weight of the new batch, as in PyTorch; Keras and Flax mean the "
                f"opposite. For their {momentum} pass {1 - momentum:.4g}.",
                stacklevel=2,
            )
        dtype = np.dtype(dtype or get_default_dtype())
        statistics = at_least_float32(dtype)
        self.num_features = int(num_features)
        self.affine = affine
        self.track_running_stats = track_running_stats
        self.frozen = False
        self.weight = Parameter(ones(num_features, dtype=dtype)) if affine else None
        self.bias = Parameter(zeros(num_features, dtype=dtype)) if affine else None
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

    def forward(self, input: Any) -> Any:
        shape = shape_of(input)
        if len(shape) not in self._ranks or shape[1] != self.num_features:
            raise self._misfit(shape, input.dtype)
        mean, var, counter = self.running_mean, self.running_var, self.num_batches_tracked
        training = self.training or mean is None
        unused = self.frozen or mean is None or not self.track_running_stats
        if training and unused and (mean is None) == (var is None):  # batch_norm refuses one without the other
            mean = var = counter = None
        elif training and not current().recording:
            self._warn_once()
        momentum = self.momentum if self.momentum is not None else self._cumulative_weight()
        return ops.batch_norm(input, mean, var, self.weight, self.bias, training, momentum, self.eps, counter)

    def _cumulative_weight(self) -> Any:
        """How much the next batch counts in the average of all batches."""
        counter = self.num_batches_tracked
        if counter is None:
            return 0.0
        count = counter.array
        check(check_count, count)
        return 1 / (count.item() + 1)

    def _misfit(self, shape: tuple[int, ...], dtype: Any) -> ValueError:
        """The error of an input of another rank or number of channels."""
        if len(shape) not in self._ranks:
            return ValueError(
                f"expected {self._expected} input (got {len(shape)}D input){call_path()}: {self._cure(len(shape))}"
            )
        return ValueError(
            f"batch_norm{call_path()}: expected {self.num_features} channels on axis 1, "
            f"got input {shape} {dtype}.{self._channels_last_hint(shape)}"
        )

    def _channels_last_hint(self, shape: tuple[int, ...]) -> str:
        """How to bring the channels to axis 1 if they seem to be the last one."""
        if shape[-1] != self.num_features:
            return ""
        rank = len(shape)
        inner = {3: "L", 4: "H, W", 5: "D, H, W"}[rank]
        move = "transpose(1, 2)" if rank == 3 else f"permute{(0, rank - 1, *range(1, rank - 1))}"
        return f" (N, {inner}, C)? {type(self).__name__} wants (N, C, {inner}): {move}."

    def _cure(self, rank: int) -> str:
        """What to do about an input of another rank."""
        if rank < min(self._ranks):
            return (
                "x.unsqueeze(0) makes a batch of one sample."
                if rank == min(self._ranks) - 1
                else "it needs (N, C, ...)."
            )
        return "use BatchNorm2d for 4D, BatchNorm3d for 5D, or flatten the input."

    def _warn_once(self) -> None:
        """Training mode under ``no_grad`` is usually a forgotten ``eval()``."""
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"batch_norm{call_path()}: in training mode under no_grad(): its running statistics are being updated; "
                "meant eval()? Predict with model.eval(), or with model.evaluating().",
                stacklevel=4,
            )

    def _switch(self, training: bool) -> None:
        if not self.frozen:
            self.training = training

    def _switch_gradients(self, requires_grad: bool) -> None:
        if not self.frozen:
            super()._switch_gradients(requires_grad)

    def freeze(self) -> BatchNorm:
        """Keep parameters, running statistics and mode as they are until ``unfreeze()``.

        No later ``train()``, ``eval()`` or ``requires_grad_()`` of the model changes them. Usually after
        ``eval()``: ``bn.eval().freeze()`` goes on normalising with the running statistics. Returns itself.
        """
        if not self.frozen:
            self._thawed_grads = [p.requires_grad for p in self.parameters()]
            self.requires_grad_(False).zero_grad()  # an optimiser would go on with an old gradient
            self.frozen = True
        return self

    def unfreeze(self) -> BatchNorm:
        """Take ``freeze`` back; the mode follows the next ``train()`` or ``eval()``. Returns itself."""
        if self.frozen:
            self.frozen = False
            for parameter, trained in zip(self.parameters(), self._thawed_grads):
                parameter.requires_grad_(trained)
            del self._thawed_grads
        return self

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

    def _worth_without(self, name: str) -> str:
        if self.momentum is not None:
            return ""
        return (
            "with momentum=None the statistics are averages over so many batches, and the next one "
            "replaces what was loaded. Add the count to the state, or set a momentum"
        )

    def _shows(self) -> ModuleShown:
        return ModuleShown("frozen" if self.frozen else "", {"weight": "gamma", "bias": "beta"})

    def extra_repr(self) -> str:
        text = (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"track_running_stats={self.track_running_stats}"
        )
        return text + ", frozen=True" * self.frozen


def check_count(count: ndarray) -> None:
    """Refuse a number of batches that is negative."""
    if count < 0:
        raise ValueError(
            f"batch_norm{call_path()}: num_batches_tracked is {count}: the checkpoint, or what wrote it, is wrong."
        )


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


class BatchNorm1d(BatchNorm):
    """Batch normalisation of (N, C) or (N, C, L), as ``BatchNorm`` describes it."""

    _ranks, _expected = (2, 3), "2D or 3D"


class BatchNorm2d(BatchNorm):
    """Batch normalisation of (N, C, H, W), as ``BatchNorm`` describes it."""

    _ranks, _expected = (4,), "4D"


class BatchNorm3d(BatchNorm):
    """Batch normalisation of (N, C, D, H, W), as ``BatchNorm`` describes it."""

    _ranks, _expected = (5,), "5D"
