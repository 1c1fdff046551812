"""Layers: products, convolution, pooling, normalisation, dropout, losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from ...compile.program import Value
from ...engine.node import array_of
from ...kernels.pooling import divisors, lowest
from ...kernels.windows import Windows
from ..errors import Fixed
from ..graph import FLOATS, Graph
from ..lengths import Differing, Length
from .table import Term, form

# -- products ------------------------------------------------------------------------------------


@form("linear")
def linear(graph: Graph, result: Any, x: Any, weight: Any, bias: Any) -> Any:
    """``Gemm`` of a matrix, else ``MatMul`` and ``Add``."""
    dtype = result.dtype
    operands = [graph.read(operand, dtype) for operand in (x, weight)]
    shift = [] if bias is None else [graph.read(bias, dtype)]
    if len(graph.shape(x)) == 2:
        return graph.node("Gemm", [*operands, *shift], dtype, transB=1)
    turned = graph.node("Transpose", [operands[1]], dtype, perm=[1, 0])
    product = graph.node("MatMul", [operands[0], turned], dtype)
    return graph.node("Add", [product, *shift], dtype) if shift else product


@form("matmul", np.matmul)
def matmul(graph: Graph, result: Any, a: Any, b: Any) -> Any:
    """``MatMul``"""
    return graph.node("MatMul", [graph.read(a, result.dtype), graph.read(b, result.dtype)], result.dtype)


# -- windows -------------------------------------------------------------------------------------


def variants(windows: Any) -> Sequence[Any]:
    """Windows, or elements to take, in each capture: their lengths may change."""
    return windows.values if isinstance(windows, Differing) else [windows]


def pads(windows: Any) -> list[int]:
    """The padding in front and behind: it gives as many windows as there are, in every capture."""
    every = variants(windows)
    first = every[0]
    if any((w.kernel, w.stride, w.padding, w.dilation) != (first.kernel, first.stride, first.padding, first.dilation)
           for w in every):  # fmt: skip
        raise Fixed("has windows that change with a size")
    behind = []
    for axis in range(len(first.kernel)):
        wanted = [max(first.behind[axis], 0), first.padding[axis], first.padding[axis] + 1]
        fitting = [n for n in wanted if all(fits(w, axis, n) for w in every)]
        if not fitting:
            raise Fixed("has another padding for another size")
        behind.append(fitting[0])
    return [*first.padding, *behind]


def fits(w: Windows, axis: int, behind: int) -> bool:
    """Whether padding behind an axis gives the number of windows."""
    room = w.lengths[axis] + w.padding[axis] + behind - w.widths[axis]
    return room // w.stride[axis] + 1 == w.counts[axis]


def settings(windows: Any) -> dict[str, Any]:
    """The attributes of a node over windows."""
    first = variants(windows)[0]
    return {"kernel_shape": first.kernel, "strides": first.stride, "pads": pads(windows), "dilations": first.dilation}


@form("convolution")
def convolution(graph: Graph, result: Any, x: Any, weight: Any, bias: Any, windows: Any, groups: int) -> Any:
    """``Conv``"""
    if result.dtype not in FLOATS:
        return NotImplemented
    operands = [graph.read(operand, result.dtype) for operand in (x, weight, bias) if operand is not None]
    return graph.node("Conv", operands, result.dtype, group=groups, **settings(windows))


@form("conv_transpose")
def conv_transpose(graph: Graph, result: Any, x: Any, weight: Any, bias: Any, windows: Any, groups: int) -> Any:
    """``ConvTranspose``, whose windows lie over the output."""
    if result.dtype not in FLOATS:
        return NotImplemented
    every = variants(windows)
    first = every[0]
    more = [n - reach + 2 * pad for n, reach, pad in zip(first.lengths, first.reach, first.padding)]
    if any([n - r + 2 * p for n, r, p in zip(w.lengths, w.reach, w.padding)] != more for w in every):
        raise Fixed("has another padding for another size")
    cut = [pad - min(m, 0) for m, pad in zip(more, first.padding)]
    more = [max(m, 0) for m in more]
    operands = [graph.read(operand, result.dtype) for operand in (x, weight, bias) if operand is not None]
    return graph.node(
        "ConvTranspose", operands, result.dtype, group=groups, kernel_shape=first.kernel, strides=first.stride,
        dilations=first.dilation, pads=[*first.padding, *cut], output_padding=more if any(more) else None,
    )  # fmt: skip


def padded(graph: Graph, name: str, windows: Any, value: float) -> str:
    """A value with the padding of windows."""
    dtype, found = graph.dtypes[name], pads(windows)
    dims = len(found) // 2
    widths = graph.constant(np.array([0, 0, *found[:dims], 0, 0, *found[dims:]], np.int64))
    return graph.node("Pad", [name, widths, graph.read(value, dtype)], dtype)


@form("max_pool")
def max_pool(graph: Graph, result: Any, x: Any, windows: Any) -> Any:
    """``MaxPool``; more padding than a window has elements is a node of its own."""
    if result.dtype not in FLOATS:
        return NotImplemented
    attributes, name = settings(windows), graph.read(x)
    if max(attributes["pads"]) >= min(attributes["kernel_shape"]):
        name = padded(graph, name, windows, float(lowest(result.dtype)))
        del attributes["pads"]
    return graph.node("MaxPool", [name], result.dtype, **attributes)


@form("avg_pool")
def avg_pool(graph: Graph, result: Any, x: Any, windows: Any, count_include_pad: bool, override: Any) -> Any:
    """``AveragePool`` over the padding, times what each mean is to be divided by instead."""
    if result.dtype not in FLOATS:
        return NotImplemented
    every = variants(windows)
    attributes, name = settings(windows), graph.read(x)
    del attributes["dilations"]
    by = [divisors(w, count_include_pad, override) for w in every]
    simple = all(np.array_equal(divisor, every[0].size) for divisor in by)
    if not simple and isinstance(windows, Differing):
        raise Fixed("divides by numbers that change with a size")
    if max(attributes["pads"]) >= min(attributes["kernel_shape"]):
        name = padded(graph, name, windows, 0)
        del attributes["pads"]
    found = graph.node("AveragePool", [name], result.dtype, count_include_pad=1, **attributes)
    return found if simple else (Term(graph, found) * (every[0].size / np.asarray(by[0], np.float64))).name


# -- normalisation -------------------------------------------------------------------------------

TRAINED = (
    "Training mode: normalised with the mean and the biased variance of the batch. momentum is the weight of the OLD "
    "running statistics, 1 minus that of PyTorch and minigrad. The output running_var moves towards the biased "
    "variance of the batch, as ONNX defines it; PyTorch and minigrad move theirs towards the unbiased one."
)
"""What a node in training mode says of itself."""


@form("batch_norm")
def batch_norm(
    graph: Graph, result: Any, x: Any, weight: Any, bias: Any, mean: Any, var: Any, eps: float, training: bool,
    mask: Any = None, _pooled: Any = None, momentum: Any = None, buffers: Any = (), _batches: Any = None,
) -> Any:  # fmt: skip
    """``BatchNormalization``, in training with ``training_mode=1`` and the momentum turned round."""
    channels = graph.shape(x)[1]
    if isinstance(channels, Length) or (training and 0 in x.shape) or mask is not None:
        return NotImplemented
    wide = np.promote_types(result.dtype, np.float32)

    def vector(operand: Any, number: float, dtype: Any) -> str:
        return graph.read(np.full(channels, number) if operand is None else operand, dtype)

    if not training:
        operands = [graph.read(x), vector(weight, 1, None if weight is not None else result.dtype)]
        operands.append(vector(bias, 0, graph.dtypes[operands[1]]))
        return graph.node(
            "BatchNormalization", [*operands, graph.read(mean), graph.read(var)], result.dtype, epsilon=float(eps)
        )
    old = list(buffers[:2]) if buffers and buffers[0] is not None else [None, None]
    scale = [vector(weight, 1, wide), vector(bias, 0, wide)]
    statistics = [
        graph.default(operand, np.full(channels, start, wide), name)
        for operand, start, name in zip(old, (0, 1), ("running_mean", "running_var"))
    ]
    turned = 1 - number(graph, momentum) if old[0] is not None else 1.0
    y, *_ = graph.node_of(
        "BatchNormalization", [graph.read(x, wide), *scale, *statistics], [wide] * 3, TRAINED, epsilon=float(eps),
        momentum=float(turned), training_mode=1,
    )  # fmt: skip
    return y


def number(graph: Graph, value: Any) -> float:
    """A number that may be computed from buffers of the model, such as that of a cumulative average."""
    if not isinstance(value, Value):
        return float(array_of(value))
    return float(graph.now(value))


@form("layer_norm")
def layer_norm(graph: Graph, result: Any, x: Any, weight: Any, bias: Any, rank: int, eps: float) -> Any:
    """``LayerNormalization``, which computes in float32."""
    shape = graph.shape(x)[-rank:]
    if result.dtype == np.float64 or any(isinstance(n, Length) for n in shape) or 0 in x.shape:
        return NotImplemented
    scale = graph.read(np.ones(shape) if weight is None else weight, result.dtype)
    operands = [graph.read(x), scale, *([] if bias is None else [graph.read(bias, result.dtype)])]
    return graph.node("LayerNormalization", operands, result.dtype, axis=-rank, epsilon=float(eps))


# -- dropout in training ---------------------------------------------------------------------------


@form("dropout")
def dropout(graph: Graph, result: Any, x: Any, mask: Any, p: float) -> Any:
    """``Dropout`` in training mode: a mask of the runtime's own, of elements or of whole channels."""
    if p == 1:
        return (Term(graph, graph.read(x)) * 0).name
    name, settings = graph.read(x), [graph.read(float(p), np.float32), graph.read(True, bool)]
    if graph.shape(mask) == graph.shape(x):
        return graph.node("Dropout", [name, *settings], result.dtype)
    ones = graph.expanded(graph.read(1.0, result.dtype), graph.shape(mask))
    return graph.node("Mul", [name, graph.node("Dropout", [ones, *settings], result.dtype)], result.dtype)


# -- losses and tables -----------------------------------------------------------------------------


@form("cross_entropy")
def cross_entropy(graph: Graph, result: Any, x: Any, target: Any, reduction: str, ignore_index: int = -100) -> Any:
    """``SoftmaxCrossEntropyLoss``"""
    if result.dtype not in FLOATS:
        return NotImplemented
    operands = [graph.read(x, result.dtype), graph.read(target, np.int64)]
    return graph.node(
        "SoftmaxCrossEntropyLoss", operands, result.dtype, reduction=reduction, ignore_index=int(ignore_index)
    )


@form("embedding")
def embedding(graph: Graph, result: Any, weight: Any, index: Any, *_: Any) -> Any:
    """``Gather`` of rows."""
    return graph.node("Gather", [graph.read(weight), graph.read(index, np.int64)], result.dtype, axis=0)


@form("take_axes")
def take_axes(graph: Graph, result: Any, x: Any, taken: Any) -> Any:
    """``Gather`` along each axis: padding with elements of the axis."""
    every = variants(taken)
    name, first = graph.read(x), len(graph.shape(x)) - len(every[0].indices)
    for axis, indices in enumerate(zip(*[variant.indices for variant in every]), first):
        if indices[0] is None:
            continue
        if any(not np.array_equal(index, indices[0]) for index in indices):
            raise Fixed("takes other elements for another size")
        index: ndarray = indices[0]
        name = graph.node("Gather", [name, graph.constant(index.astype(np.int64))], result.dtype, axis=axis)
    return name
