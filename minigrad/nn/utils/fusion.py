"""Folding a BatchNorm in evaluation mode into the layer before it."""

from __future__ import annotations

import copy

import numpy as np

from ..layers.batchnorm import BatchNorm
from ..layers.linear import Linear
from ..parameter import Parameter

__all__ = ["fuse_linear_bn_eval"]


def fuse_linear_bn_eval(linear: Linear, bn: BatchNorm) -> Linear:
    """A new ``Linear`` that computes ``bn(linear(x))`` in evaluation mode; both stay as they are.

    ``weight' = weight * gamma / sqrt(running_var + eps)``, and the bias likewise.

    Raises:
        ValueError: in training mode, without running statistics, or for different sizes.

    >>> linear, bn = nn.Linear(3, 2).eval(), nn.BatchNorm1d(2).eval()
    >>> nn.utils.fusion.fuse_linear_bn_eval(linear, bn)
    Linear(in_features=3, out_features=2, bias=True)
    """
    if linear.training or bn.training:
        raise ValueError("fuse_linear_bn_eval: fusing is for evaluation only: call model.eval() first.")
    if bn.running_mean is None or bn.running_var is None:
        raise ValueError("fuse_linear_bn_eval: the BatchNorm has no running statistics (track_running_stats=False).")
    if linear.out_features != bn.num_features:
        raise ValueError(f"fuse_linear_bn_eval: {linear.out_features} outputs do not fit {bn.num_features} channels.")
    scale = 1 / np.sqrt(bn.running_var.numpy() + bn.eps)
    shift = -bn.running_mean.numpy() if linear.bias is None else linear.bias.numpy() - bn.running_mean.numpy()
    if bn.weight is not None:
        scale = scale * bn.weight.numpy()
    bias = shift * scale
    if bn.bias is not None:
        bias = bias + bn.bias.numpy()
    fused = copy.deepcopy(linear)
    dtype = linear.weight.dtype
    fused.weight = Parameter((linear.weight.numpy() * scale[:, None]).astype(dtype), linear.weight.requires_grad)
    fused.bias = Parameter(bias.astype(dtype), linear.weight.requires_grad)
    return fused
