"""Normalisation of each sample by itself: over its last axes, its channels, groups of them, or neighbouring ones."""

from __future__ import annotations

import warnings
from typing import Any

from ... import ops
from ...engine.arguments import real, whole
from ...engine.dtypes import get_default_dtype
from ...engine.errors import InvalidValueError
from ...engine.node import describe
from ...engine.scope import call_path
from ...ops.arguments import shape_of, sizes
from ...tensor.creation import ones, zeros
from ...tensor.device import on_cpu
from ..module import Module
from ..parameter import Parameter
from .channel_norm import ChannelNorm


def checked_eps(name: str, eps: Any) -> Any:
    """What is added to variances, a number."""
    return real(eps, lambda number: True, f"{name}: eps must be a number")


class Scaled(Module):
    """A layer that scales by a ``weight``, from 1, and shifts by a ``bias``, from 0; each may be None."""

    weight: Parameter | None
    bias: Parameter | None

    def _make(self, shape: tuple[int, ...], weight: Any, bias: Any, device: Any, dtype: Any) -> None:
        """Make the parameters that are wanted."""
        on_cpu(device)
        dtype = dtype or get_default_dtype()
        self.weight = Parameter(ones(shape, dtype=dtype)) if weight else None
        self.bias = Parameter(zeros(shape, dtype=dtype)) if weight and bias else None

    def reset_parameters(self) -> None:
        """Start the parameters again: weight 1, bias 0."""
        for parameter, value in ((self.weight, 1), (self.bias, 0)):
            if parameter is not None:
                parameter.data.fill_(value)


def last_lengths(name: str, normalized_shape: Any) -> tuple[int, ...]:
    """The lengths of the axes that are normalised, at least one."""
    lengths: tuple[int, ...] = sizes((normalized_shape,))
    if not lengths or min(lengths) < 1:
        raise InvalidValueError(
            f"{name}: normalized_shape must be the last lengths of the input, each at least 1, got "
            f"{normalized_shape!r}."
        )
    return lengths


class LayerNorm(Scaled):
    """``(x - mean) / sqrt(var + eps) * weight + bias`` over the last axes of (..., *normalized_shape).

    The variance is the biased one; the result is exact also far from 0. Training and evaluation are the same.

    J. Ba, J. Kiros, G. Hinton, Layer normalization, 2016.

    Args:
        normalized_shape: the lengths of the last axes, a tuple, or the last length.
        eps: added to the variance.
        elementwise_affine: learn ``weight``, from 1, and ``bias``, from 0, of this shape; else both are None.
        bias: False for a weight without a bias.
        device: the CPU.
        dtype: of the parameters, by default the default dtype, float32.

    >>> nn.LayerNorm(2, eps=0.0, elementwise_affine=False)(mg.tensor([[1.0, 3.0]]))
    tensor([[-1.,  1.]])
    """

    def __init__(
        self, normalized_shape: Any, eps: float = 1e-5, elementwise_affine: bool = True, bias: bool = True,
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        self.normalized_shape = last_lengths("LayerNorm", normalized_shape)
        self.eps = checked_eps("LayerNorm", eps)
        self.elementwise_affine = elementwise_affine
        self._make(self.normalized_shape, elementwise_affine, bias, device, dtype)

    def forward(self, input: Any) -> Any:
        return ops.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Scaled):
    """``x / sqrt(mean(x**2) + eps) * weight`` over the last axes of (..., *normalized_shape).

    B. Zhang, R. Sennrich, Root mean square layer normalization, 2019.

    Args:
        normalized_shape: the lengths of the last axes, a tuple, or the last length.
        eps: added to the mean; None is the difference of 1 and the next number in the dtype it is computed in.
        elementwise_affine: learn ``weight``, from 1, of this shape; else it is None.
        device: the CPU.
        dtype: of the weight, by default the default dtype, float32.

    >>> nn.RMSNorm(2, eps=0.0, elementwise_affine=False)(mg.tensor([[1.0, 7.0]]))
    tensor([[0.2000, 1.4000]])
    """

    def __init__(
        self, normalized_shape: Any, eps: float | None = None, elementwise_affine: bool = True, device: Any = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        self.normalized_shape = last_lengths("RMSNorm", normalized_shape)
        self.eps = None if eps is None else checked_eps("RMSNorm", eps)
        self.elementwise_affine = elementwise_affine
        self._make(self.normalized_shape, elementwise_affine, False, device, dtype)

    def forward(self, x: Any) -> Any:
        return ops.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Scaled):
    """Normalises groups of channels of each sample (N, C, ...), then scales and shifts each channel.

    Y. Wu, K. He, Group normalization, 2018.

    Args:
        num_groups: how many groups.
        num_channels: the number of channels C, a multiple of it.
        eps: added to the variance.
        affine: learn ``weight``, from 1, and ``bias``, from 0, of (C,); else both are None.
        device: the CPU.
        dtype: of the parameters, by default the default dtype, float32.
        bias: False for a weight without a bias.

    Raises:
        ValueError: if the groups would not be of the same size.

    >>> nn.GroupNorm(2, 4, eps=0.0, affine=False)(mg.tensor([[1.0, 3.0, 10.0, 30.0]]))
    tensor([[-1.,  1., -1.,  1.]])
    """

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, device: Any = None,
        dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        self.num_groups = whole(num_groups, 1, "GroupNorm: num_groups must be an integer of at least 1")
        self.num_channels = whole(num_channels, 1, "GroupNorm: num_channels must be an integer of at least 1")
        if num_channels % num_groups:
            raise InvalidValueError(
                f"GroupNorm: num_channels must be a multiple of num_groups, got {num_channels} channels and "
                f"{num_groups} groups."
            )
        self.eps = checked_eps("GroupNorm", eps)
        self.affine = affine
        self._make((self.num_channels,), affine, bias, device, dtype)

    def forward(self, input: Any) -> Any:
        shape = shape_of(input)
        if len(shape) < 2 or shape[1] != self.num_channels:
            raise InvalidValueError(
                f"group_norm{call_path()}: expected {self.num_channels} channels on axis 1, got {describe(input)}."
            )
        return ops.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class InstanceNorm(ChannelNorm):
    """What the three InstanceNorm modules share; they differ in the ranks they accept.

    Each channel of each sample is normalised with its own mean and biased variance, in training and in evaluation:
    ``(x - mean) / sqrt(var + eps) * weight + bias``. With ``track_running_stats`` evaluation uses running statistics
    instead, which training moves towards the means, over the samples, of these and of the unbiased variances.

    D. Ulyanov, A. Vedaldi, V. Lempitsky, Instance normalization, 2016.

    Args:
        num_features: the number of channels C.
        eps: added to the variance.
        momentum: the weight of the new values in the running statistics; with None they do not move, as in PyTorch.
        affine: learn ``weight``, from 1, and ``bias``, from 0; else both are None.
        track_running_stats: keep ``running_mean``, ``running_var`` and ``num_batches_tracked``, which stays 0.
        device: the CPU.
        dtype: of the parameters, by default the default dtype, float32. Statistics are at least float32.
        bias: False for a weight without a bias.

    Raises:
        ValueError, TypeError: when called with what cannot be normalised; no buffer has changed then.
    """

    _rank = 0
    _axes = ""

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = False,
        track_running_stats: bool = False, device: Any = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        self._set_up(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Any) -> Any:
        shape, rank = shape_of(input), self._rank
        if len(shape) not in (rank - 1, rank):
            raise InvalidValueError(
                f"expected {rank - 1}D or {rank}D input (got {len(shape)}D input){call_path()}: (N, C, {self._axes}) "
                f"or (C, {self._axes})."
            )
        one_sample = len(shape) < rank
        if shape[not one_sample] != self.num_features:
            self._misfit(input)
        x = ops.unsqueeze(input, 0) if one_sample else input
        own = self.training or not self.track_running_stats or self.running_mean is None
        momentum = 0.0 if self.momentum is None else self.momentum
        mean, var = (self.running_mean, self.running_var) if self.track_running_stats else (None, None)
        y = ops.instance_norm(x, mean, var, self.weight, self.bias, own, momentum, self.eps)
        return ops.squeeze(y, 0) if one_sample else y

    def _misfit(self, input: Any) -> None:
        """Another number of channels: refused where something is kept for each of them, else a warning."""
        text = f"instance_norm{call_path()}: expected {self.num_features} channels, got {describe(input)}"
        if self.weight is not None or self.running_mean is not None:
            raise InvalidValueError(f"{text}.")
        warnings.warn(f"{text}: without affine and running statistics it is normalised all the same.", stacklevel=4)

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class InstanceNorm1d(InstanceNorm):
    """Instance normalisation of (N, C, L) or (C, L), as ``InstanceNorm`` describes it.

    >>> nn.InstanceNorm1d(2, eps=0.0)(mg.tensor([[[1.0, 3.0], [10.0, 30.0]]]))
    tensor([[[-1.,  1.],
             [-1.,  1.]]])
    """

    _rank, _axes = 3, "L"


class InstanceNorm2d(InstanceNorm):
    """Instance normalisation of (N, C, H, W) or (C, H, W), as ``InstanceNorm`` describes it.

    >>> nn.InstanceNorm2d(3)(mg.ones(2, 3, 4, 4)).shape
    (2, 3, 4, 4)
    """

    _rank, _axes = 4, "H, W"


class InstanceNorm3d(InstanceNorm):
    """Instance normalisation of (N, C, D, H, W) or (C, D, H, W), as ``InstanceNorm`` describes it.

    >>> nn.InstanceNorm3d(3)(mg.ones(2, 3, 4, 4, 4)).shape
    (2, 3, 4, 4, 4)
    """

    _rank, _axes = 5, "D, H, W"


class LocalResponseNorm(Module):
    """``x / (k + alpha * mean)**beta`` with the mean of the squares of ``size`` neighbouring channels of (N, C, ...).

    A. Krizhevsky, I. Sutskever, G. Hinton, ImageNet classification with deep convolutional neural networks, 2012.

    Args:
        size: how many channels, from ``c - size // 2`` on; those that are not there count as 0.
        alpha, beta, k: of the formula.

    >>> nn.LocalResponseNorm(2, alpha=1.0, beta=1.0)(mg.tensor([[[2.0], [0.0]]]))
    tensor([[[0.6667],
             [0.0000]]])
    """

    alpha: float
    beta: float
    k: float

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        self.size = whole(size, 1, "LocalResponseNorm: size must be an integer of at least 1")
        for name, value in (("alpha", alpha), ("beta", beta), ("k", k)):
            setattr(self, name, real(value, lambda number: True, f"LocalResponseNorm: {name} must be a number"))

    def forward(self, input: Any) -> Any:
        return ops.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
