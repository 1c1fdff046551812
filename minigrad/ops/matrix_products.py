"""Products of vectors and matrices by their own names, each of tensors of certain ranks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.dtypes import refuse_two_floats
from ..engine.errors import InvalidTypeError, InvalidValueError
from ..engine.faces import public
from ..engine.node import Variable, describe, wrap
from ..engine.op import Op
from .arguments import all_axes, axis_too, integers, one_axis, shape_of
from .arithmetic import add_op, mul, scaled
from .joining import operands_to_join
from .products import matmul
from .reductions import sum as sum_along
from .shapes import flatten, permute, reshape, unsqueeze
from .views import together

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = [
    "addbmm",
    "addmm",
    "addmv",
    "addr",
    "baddbmm",
    "bilinear",
    "bmm",
    "chain_matmul",
    "cross",
    "dot",
    "ger",
    "inner",
    "kron",
    "matrix_power",
    "mm",
    "mv",
    "outer",
    "tensordot",
    "vdot",
]

KINDS = {0: "a number", 1: "a vector", 2: "a matrix", 3: "a batch of matrices"}
"""Tensors by their rank."""


def of_ranks(name: str, *operands: tuple[Any, int]) -> None:
    """Refuse operands of other ranks than these."""
    if any(len(shape_of(x)) != rank for x, rank in operands):
        expected = " and ".join(KINDS[rank] for _, rank in operands)
        raise InvalidValueError(f"{name}: expected {expected}, got {' and '.join(describe(x) for x, _ in operands)}.")


@public("function method")
def mm(input: Any, mat2: Any) -> Tensor:
    """The product of two matrices, (n, k) and (k, m)."""
    of_ranks("mm", (input, 2), (mat2, 2))
    return matmul(input, mat2)


@public("function method")
def bmm(input: Any, mat2: Any) -> Tensor:
    """The products of the matrices of two batches, (b, n, k) and (b, k, m)."""
    of_ranks("bmm", (input, 3), (mat2, 3))
    if input.shape[0] != mat2.shape[0]:
        raise InvalidValueError(f"bmm: the batches {input.shape} and {mat2.shape} must be as long: matmul broadcasts.")
    return matmul(input, mat2)


@public("function method")
def mv(input: Any, vec: Any) -> Tensor:
    """The product of a matrix (n, k) and a vector (k,)."""
    of_ranks("mv", (input, 2), (vec, 1))
    return matmul(input, vec)


@public("function method")
def dot(input: Any, tensor: Any) -> Tensor:
    """The inner product of two vectors of one length, a number."""
    of_ranks("dot", (input, 1), (tensor, 1))
    return matmul(input, tensor)


@public("function method")
def vdot(input: Any, other: Any) -> Tensor:
    """The inner product of two vectors of one length: ``dot``, as there are no complex numbers."""
    of_ranks("vdot", (input, 1), (other, 1))
    return matmul(input, other)


@public("function method")
def inner(input: Any, other: Any) -> Tensor:
    """The inner products of all vectors along the last axes: (..., k) and (..., k); with a number the product."""
    a, b = shape_of(input), shape_of(other)
    if not a or not b:
        return mul(input, other)
    return tensordot(input, other, ([len(a) - 1], [len(b) - 1]))


@public("function method", aliases="ger")
def outer(input: Any, vec2: Any) -> Tensor:
    """All products of an element of one vector and one of the other: (n,) and (m,) give (n, m)."""
    of_ranks("outer", (input, 1), (vec2, 1))
    return mul(unsqueeze(input, 1), vec2)


ger = outer


@public("function method")
def kron(input: Any, other: Any) -> Tensor:
    """Kronecker's product: ``other`` for each element of ``input``, times that.

    >>> mg.kron(mg.tensor([1, 10]), mg.tensor([1, 2]))
    tensor([ 1,  2, 10, 20])
    """
    ndim = max(len(shape_of(input)), len(shape_of(other)))
    a, b = ((1,) * (ndim - len(x.shape)) + x.shape for x in (input, other))
    apart = mul(
        reshape(input, tuple(k for n in a for k in (n, 1))),
        reshape(other, tuple(k for n in b for k in (1, n))),
    )
    return reshape(apart, tuple(n * m for n, m in zip(a, b)))


@public("function")
def tensordot(a: Any, b: Any, dims: Any = 2) -> Tensor:
    """The sum of products over axes of both.

    Args:
        a: a tensor.
        b: another one.
        dims: so many of the last axes of ``a`` and of the first ones of ``b``; or two lists, the axes of each.

    Returns:
        A tensor with the other axes of ``a``, then those of ``b``.

    >>> mg.tensordot(mg.ones(2, 3, 4), mg.ones(4, 3, 5), ([1, 2], [1, 0])).shape
    (2, 5)
    """
    left, right = shape_of(a), shape_of(b)
    if isinstance(dims, (list, tuple)):
        given: Any = dims
        if len(given) != 2:
            raise InvalidValueError(f"tensordot: dims must be a number or two lists of axes, got {dims}.")
        axes_a, axes_b = (all_axes(x, tuple(d) if isinstance(d, (list, tuple)) else d) for x, d in zip((a, b), given))
    else:
        (n,) = integers("dims", (dims,))
        if not 0 <= n <= min(len(left), len(right)):
            raise InvalidValueError(f"tensordot: there are no {n} axes of both {describe(a)} and {describe(b)}.")
        axes_a, axes_b = tuple(range(len(left) - n, len(left))), tuple(range(n))
    if [left[i] for i in axes_a] != [right[i] for i in axes_b]:
        raise InvalidValueError(f"tensordot: dims {axes_a} of {left} must be as long as {axes_b} of {right}.")
    rest_a, rest_b = ([i for i in range(len(s)) if i not in axes] for s, axes in ((left, axes_a), (right, axes_b)))
    size_a, size_b = (int(np.prod([s[i] for i in rest])) for s, rest in ((left, rest_a), (right, rest_b)))
    summed = int(np.prod([left[i] for i in axes_a]))
    rows = reshape(permute(a, (*rest_a, *axes_a)), (size_a, summed))
    columns = reshape(permute(b, (*axes_b, *rest_b)), (summed, size_b))
    return reshape(matmul(rows, columns), (*(left[i] for i in rest_a), *(right[i] for i in rest_b)))


# -- the cross product ---------------------------------------------------------------------------


def cross_product(a: Any, b: Any, axis: int) -> Any:
    """``a x b`` of vectors of three elements along an axis."""
    y: Any = np.roll(a, -1, axis) * np.roll(b, -2, axis) - np.roll(a, -2, axis) * np.roll(b, -1, axis)
    return y


crossed: Op = Op(
    "cross",
    cross_product,
    lambda dy, _y, _a, b, axis: crossed(b, dy, axis),
    lambda dy, _y, a, _b, axis: crossed(dy, a, axis),
    promotes=(0, 1),
    doc="the cross product of vectors along an axis",
)


def cross_along(name: str, a: Any, b: Any, axis: int) -> Any:
    """The cross product along an axis, which must be of length 3; the others broadcast."""
    if a.shape[axis] != 3 or b.shape[axis] != 3:
        raise InvalidValueError(f"{name}: {a.shape} and {b.shape} must have length 3 along dim {axis}.")
    return crossed(a, b, axis)


def of_one_rank(name: str, a: Any, b: Any) -> int:
    """How many axes both operands have, which broadcast."""
    if len(shape_of(a)) != len(shape_of(b)):
        raise InvalidValueError(f"{name}: both must have as many axes, got {describe(a)} and {describe(b)}.")
    together(name, a.shape, b.shape)
    return len(a.shape)


@public("function method")
@axis_too
def cross(input: Any, other: Any, dim: int | None = None) -> Tensor:
    """The cross product of vectors of three elements along ``dim``; None: the first axis of length 3.

    >>> mg.cross(mg.tensor([1, 0, 0]), mg.tensor([0, 1, 0]), dim=0)
    tensor([0, 0, 1])
    """
    ndim = of_one_rank("cross", input, other)
    if dim is None:
        dim = next((i for i, n in enumerate(input.shape) if n == 3), None)
        if dim is None:
            raise InvalidValueError(f"cross: {describe(input)} has no axis of length 3.")
    return cross_along("cross", input, other, one_axis(dim, ndim))


@public("linalg", name="cross")
@axis_too
def cross_of_last(input: Any, other: Any, *, dim: int = -1) -> Tensor:
    """The cross product of vectors of three elements along ``dim``."""
    return cross_along("linalg.cross", input, other, one_axis(dim, of_one_rank("linalg.cross", input, other)))


@public("linalg")
@axis_too
def vecdot(x: Any, y: Any, *, dim: int = -1) -> Tensor:
    """The inner products of vectors along an axis; the others broadcast.

    >>> mg.linalg.vecdot(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), mg.tensor([1.0, 10.0]))
    tensor([21., 43.])
    """
    products = mul(x, y)
    if x.shape[one_axis(dim, len(shape_of(x)))] != y.shape[one_axis(dim, len(shape_of(y)))]:
        raise InvalidValueError(
            f"linalg.vecdot: vectors of one length are wanted, got {describe(x)} and {describe(y)}."
        )
    return sum_along(products, dim)


# -- several matrices ----------------------------------------------------------------------------


def best_splits(lengths: Sequence[int]) -> dict[tuple[int, int], int]:
    """For each part of a chain of matrices with these lengths, where its last product is, to be cheapest."""
    n = len(lengths) - 1
    cost, splits = {(i, i): 0 for i in range(n)}, {}
    for size in range(1, n):
        for i in range(n - size):
            j = i + size
            ways = [
                (cost[i, k] + cost[k + 1, j] + lengths[i] * lengths[k + 1] * lengths[j + 1], k) for k in range(i, j)
            ]
            cost[i, j], splits[i, j] = min(ways)
    return splits


def multiplied(matrices: Sequence[Any], splits: dict[tuple[int, int], int], i: int, j: int) -> Any:
    """The product of a part of a chain."""
    if i == j:
        return matrices[i]
    k = splits[i, j]
    return matmul(multiplied(matrices, splits, i, k), multiplied(matrices, splits, k + 1, j))


@public("linalg")
def multi_dot(tensors: Sequence[Any]) -> Tensor:
    """The product of several matrices, in the order that takes the fewest multiplications.

    The first one may be a vector, a row, and the last one a column.

    >>> mg.linalg.multi_dot([mg.ones(2, 3), mg.ones(3, 4), mg.ones(4)])
    tensor([12., 12.])
    """
    tensors = operands_to_join("multi_dot", tensors)
    if len(tensors) < 2:
        raise InvalidValueError("multi_dot needs at least two tensors.")
    ends = (0, len(tensors) - 1)
    for i, x in enumerate(tensors):
        if len(x.shape) != 2 and not (i in ends and len(x.shape) == 1):
            raise InvalidValueError(
                f"multi_dot: tensor {i} must be a matrix, or a vector at an end, got {describe(x)}."
            )
    first = tensors[0].shape if len(tensors[0].shape) == 2 else (1, *tensors[0].shape)
    lengths = [*first, *(x.shape[1] if len(x.shape) == 2 else 1 for x in tensors[1:])]
    return multiplied(tensors, best_splits(lengths), *ends)


@public("function")
def chain_matmul(*matrices: Any) -> Tensor:
    """The product of several matrices, in the order that takes the fewest multiplications."""
    if not matrices:
        raise InvalidValueError("chain_matmul needs at least one matrix.")
    of_ranks("chain_matmul", *((x, 2) for x in matrices))
    only: Tensor = matrices[0]
    return only if len(matrices) == 1 else multi_dot(matrices)


@public("function method linalg")
def matrix_power(input: Any, n: int) -> Tensor:
    """Each square matrix times itself, ``n`` times; of 0 the identity.

    Raises:
        ValueError: for a negative ``n``: inverses are not there.

    >>> mg.matrix_power(mg.tensor([[1, 1], [0, 1]]), 5)
    tensor([[1, 5],
            [0, 1]])
    """
    shape, (n,) = shape_of(input), integers("n", (n,))
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise InvalidValueError(f"matrix_power: expected square matrices, got {describe(input)}.")
    if n < 0:
        raise InvalidValueError(f"matrix_power: n must be at least 0, as there are no inverses, got {n}.")
    if n == 0:
        one: Any = np.broadcast_to(np.eye(shape[-1], dtype=input.dtype), shape).copy()
        return wrap(one) if isinstance(input, Variable) else one
    power = input
    for bit in f"{n:b}"[1:]:
        power = matmul(power, power)
        if bit == "1":
            power = matmul(power, input)
    return power


# -- a product added to a tensor -----------------------------------------------------------------


def added(name: str, input: Any, product: Any, beta: float, alpha: float) -> Any:
    """``beta * input + alpha * product``, where the input broadcasts to the product; nothing of it for a beta of 0."""
    if together(name, shape_of(input), product.shape) != product.shape:
        raise InvalidValueError(f"{name}: the input {describe(input)} must broadcast to the product {product.shape}.")
    refuse_two_floats(name, ("input", "the product"), (input, product))
    total = scaled(product, alpha)
    return total if beta == 0 else add_op(scaled(input, beta), total)


@public("function method in_place")
def addmm(input: Any, mat1: Any, mat2: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * input + alpha * (mat1 @ mat2)``; with ``beta=0`` whatever ``input`` contains does not count."""
    return added("addmm", input, mm(mat1, mat2), beta, alpha)


@public("function method in_place")
def addmv(input: Any, mat: Any, vec: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * input + alpha * (mat @ vec)``"""
    return added("addmv", input, mv(mat, vec), beta, alpha)


@public("function method in_place")
def addr(input: Any, vec1: Any, vec2: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * input + alpha * outer(vec1, vec2)``"""
    return added("addr", input, outer(vec1, vec2), beta, alpha)


@public("function method in_place")
def baddbmm(input: Any, batch1: Any, batch2: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * input + alpha * (batch1 @ batch2)``, for each matrix of the batches."""
    return added("baddbmm", input, bmm(batch1, batch2), beta, alpha)


@public("function method in_place")
def addbmm(input: Any, batch1: Any, batch2: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * input + alpha * sum(batch1 @ batch2)``, the sum over the batch."""
    of_ranks("addbmm", (batch1, 3), (batch2, 3))
    if batch1.shape[0] != batch2.shape[0]:
        raise InvalidValueError(f"addbmm: the batches {batch1.shape} and {batch2.shape} must be as long.")
    rows = flatten(permute(batch1, (1, 0, 2)), 1)
    return added("addbmm", input, matmul(rows, flatten(batch2, 0, 1)), beta, alpha)


@public("function functional")
def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Tensor:
    """``y[..., o] = input1[...] @ weight[o] @ input2[...] + bias[o]``

    Args:
        input1: (..., in1).
        input2: (..., in2), with the same axes in front.
        weight: (out, in1, in2).
        bias: (out,), or None.
    """
    first, second, wanted = shape_of(input1), shape_of(input2), shape_of(weight)
    if (
        len(wanted) != 3
        or not first
        or (*first, second[-1:]) != (*first[:-1], wanted[1], wanted[2:])
        or (first[:-1] != second[:-1])
    ):
        raise InvalidValueError(
            f"bilinear: expected inputs (..., in1), (..., in2) and a weight (out, in1, in2), got {first}, {second} and "
            f"{wanted}."
        )
    out, n, m = wanted
    columns = reshape(permute(weight, (1, 0, 2)), (n, out * m))
    halves = reshape(matmul(reshape(input1, (-1, n)), columns), (-1, out, m))
    y = reshape(matmul(halves, reshape(input2, (-1, m, 1))), (*first[:-1], out))
    if bias is None:
        return y
    if shape_of(bias) != (out,):
        raise InvalidTypeError(f"bilinear: the bias must be ({out},), got {describe(bias)}.")
    refuse_two_floats("bilinear", ("input1", "bias"), (y, bias))
    return add_op(y, bias)
