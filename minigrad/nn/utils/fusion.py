"""Folding a BatchNorm in evaluation mode into the layer before it."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy import ndarray

from ...engine.arguments import a_type
from ...engine.errors import InvalidTypeError, InvalidValueError
from ...engine.modes import enable_grad
from ...engine.node import Node
from ...engine.paths import reachable
from ...tensor.tensor import Tensor
from ..containers import Sequential
from ..layers.batchnorm import BatchNorm
from ..layers.convolution import Convolution, ConvTranspose
from ..layers.linear import Linear
from ..layers.shapes import Identity
from ..module import Module
from ..parameter import Parameter
from ..snapshot import Snapshot

__all__ = ["fuse", "fuse_conv_bn_eval", "fuse_linear_bn_eval"]

LayerT = TypeVar("LayerT", Linear, Convolution)


def fuse_linear_bn_eval(linear: Linear, bn: BatchNorm) -> Linear:
    """A new ``Linear`` that computes ``bn(linear(x))`` of (N, C) in evaluation mode; both stay as they are.

    ``weight' = weight * gamma / sqrt(running_var + eps)``, and the bias likewise.

    Raises:
        ValueError: in training mode, without running statistics, or for different sizes.

    >>> linear, bn = nn.Linear(3, 2).eval(), nn.BatchNorm1d(2).eval()
    >>> nn.utils.fusion.fuse_linear_bn_eval(linear, bn)
    Linear(in_features=3, out_features=2, bias=True)
    """
    return folded("fuse_linear_bn_eval", linear, bn, linear.out_features)


def fuse_conv_bn_eval(conv: Convolution, bn: BatchNorm, transpose: bool = False) -> Convolution:
    """A new convolution, also a transposed one, that computes ``bn(conv(x))`` in evaluation mode; both stay.

    Args:
        conv, bn: the layers, in evaluation mode.
        transpose: accepted as in PyTorch; the layer itself says whether it is a transposed one.

    Raises:
        ValueError: in training mode, without running statistics, or for different numbers of channels.

    >>> conv, bn = nn.Conv1d(3, 2, 5, bias=False).eval(), nn.BatchNorm1d(2).eval()
    >>> nn.utils.fusion.fuse_conv_bn_eval(conv, bn)
    Conv1d(3, 2, kernel_size=(5,), stride=(1,))
    """
    return folded("fuse_conv_bn_eval", conv, bn, conv.out_channels)


def folded(name: str, layer: LayerT, bn: BatchNorm, channels: int) -> LayerT:
    """A copy of a layer whose outputs are those of the BatchNorm after it."""
    if layer.training or bn.training:
        raise InvalidValueError(f"{name}: fusing is for evaluation only: call model.eval() first.")
    if bn.running_mean is None or bn.running_var is None:
        raise InvalidValueError(f"{name}: the BatchNorm has no running statistics (track_running_stats=False).")
    if channels != bn.num_features:
        raise InvalidValueError(f"{name}: {channels} outputs do not fit {bn.num_features} channels.")
    scale = 1 / np.sqrt(bn.running_var.numpy() + bn.eps)
    shift = -bn.running_mean.numpy() if layer.bias is None else layer.bias.numpy() - bn.running_mean.numpy()
    if bn.weight is not None:
        scale = scale * bn.weight.numpy()
    bias = shift * scale
    if bn.bias is not None:
        bias = bias + bn.bias.numpy()
    fused = copy.deepcopy(layer)
    weight = layer.weight
    fused.weight = Parameter(scaled(layer, scale).astype(weight.dtype), weight.requires_grad)
    fused.bias = Parameter(bias.astype(weight.dtype), weight.requires_grad)
    return fused


def scaled(layer: Linear | Convolution, scale: ndarray) -> ndarray:
    """The weights of a layer, those of each output channel times its scale."""
    weight: ndarray = layer.weight.numpy()
    kernel = (1,) * (weight.ndim - 2)
    parts, factors = weight, scale.reshape(-1, 1, *kernel)
    if isinstance(layer, ConvTranspose):
        parts = weight.reshape(layer.groups, -1, *weight.shape[1:])  # (groups, in / groups, out / groups, *kernel)
        factors = scale.reshape(layer.groups, 1, -1, *kernel)
    result: ndarray = parts * factors
    return result.reshape(weight.shape)


def fuse(model: Module, x: Tensor | None = None) -> Module:
    """A copy of a model in evaluation mode in which each BatchNorm is part of the Linear or convolution before it.

    Its outputs are the same but for rounding, and it has fewer layers to run: an ``Identity`` stands in the place of
    each BatchNorm that was folded. A BatchNorm stays that has no such layer before it, or one whose output is used
    elsewhere, too, or that is called more than once.

    Args:
        model: the model; it stays as it is.
        x: an input. Without it pairs are neighbours in a ``Sequential``, and a Linear's outputs are taken to be
            (N, C); with it they are found by one pass, wherever they are.

    Raises:
        TypeError: for what is no module.
        ValueError: in training mode.

    >>> model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.ReLU()).eval()
    >>> nn.utils.fuse(model)
    Sequential(
      (0): Linear(in_features=3, out_features=2, bias=True)
      (1): Identity()
      (2): ReLU()
    )
    """
    if not isinstance(model, Module):
        raise InvalidTypeError(f"fuse expects a module, got {a_type(model)}.")
    if model.training:
        raise InvalidValueError("fuse: fusing is for evaluation only: call model.eval() first.")
    names: dict[int, list[str]] = {}
    for name, module in model.named_modules(remove_duplicate=False):
        names.setdefault(id(module), []).append(name)
    found = list(neighbours(model) if x is None else consecutive(model, x))
    uses = Counter(id(module) for pair in found for module in pair)
    fused = copy.deepcopy(model)
    for layer, bn in found:
        alone = uses[id(layer)] == uses[id(bn)] == len(names[id(layer)]) == len(names[id(bn)]) == 1
        if alone and not bn.training and bn.running_mean is not None:
            fuse_pair = fuse_linear_bn_eval if isinstance(layer, Linear) else fuse_conv_bn_eval
            fused.set_submodule(names[id(layer)][0], fuse_pair(layer, bn))
            fused.set_submodule(names[id(bn)][0], Identity().eval())
    return fused


def neighbours(model: Module) -> Iterator[tuple[Any, BatchNorm]]:
    """The pairs that follow each other in a ``Sequential``."""
    for module in model.modules():
        if isinstance(module, Sequential) and type(module).forward is Sequential.forward:
            for layer, bn in pairwise(module):
                if isinstance(layer, (Linear, Convolution)) and isinstance(bn, BatchNorm):
                    yield layer, bn


def consecutive(model: Module, x: Tensor) -> Iterator[tuple[Any, BatchNorm]]:
    """The pairs of which one follows the other in a pass, each as often as it was called."""
    if not isinstance(x, Tensor) or x.dtype.kind != "f":
        raise InvalidTypeError(f"fuse: x must be a tensor of floats, got {a_type(x)}.")
    with Snapshot.of(model), enable_grad():  # a node for each operation, also if all parameters are frozen
        output = model(x.detach().clone().requires_grad_())
        if not isinstance(output, Tensor) or output.node is None:
            raise InvalidValueError("fuse: the model's output must be a tensor that depends on x.")
        nodes = reachable([output.node])
        consumers = Counter(edge for node in nodes for edge in node.edges if edge is not None)
        for node in nodes:
            before, bn = node.edges[0] if node.edges else None, owner(node)
            if node.op is None or node.op.name != "batch_norm" or not isinstance(bn, BatchNorm) or before is None:
                continue
            layer = owner(before)
            fits = isinstance(layer, Convolution) or (isinstance(layer, Linear) and len(before.shape) == 2)
            if fits and before.op.name.startswith(("linear", "conv")):
                # a pair of which another operation uses the middle is called twice, so that it stays
                yield from [(layer, bn)] * consumers[before]


def owner(node: Node) -> Any:
    """The module whose call an operation belongs to; None outside of modules."""
    return node.scope.owner() if node.scope else None
