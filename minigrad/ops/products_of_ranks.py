"""Products of tensors of certain ranks: of vectors, of matrices, of many of them."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.errors import InvalidTypeError, InvalidValueError
from ..engine.faces import public
from ..engine.op import Op
from .arguments import integers, one_axis, shape_of
from .arithmetic import mul
from .choosing import where
from .einsum import letters, product_of, tensordot
from .joining import operands_to_join
from .products import matmul
from .reductions import narrowed, widened
from .shapes import clone, reshape, squeeze, unsqueeze

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = [
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
    "vdot",
]

RANKS = {1: "a vector", 2: "a matrix", 3: "a batch of matrices (b, n, m)"}


def refuse_ranks(name: str, cure: str, *wanted: tuple[Any, int]) -> None:
    """Refuse tensors that are not of the rank wanted.

    Raises:
        ValueError: with all shapes, the rank and the cure.
        TypeError: for what is no tensor.
    """
    shapes = [tuple(shape_of(x)) for x, _ in wanted]
    for (_, rank), shape in zip(wanted, shapes):
        if len(shape) != rank:
            raise InvalidValueError(f"{name}: {' and '.join(map(str, shapes))}: {shape} is not {RANKS[rank]}: {cure}")


@public("function method")
def mm(input: Any, mat2: Any) -> Tensor:
    """The product of two matrices (n, k) and (k, m): ``matmul`` of exactly these ranks.

    Args:
        input, mat2: the factors.

    >>> mg.mm(mg.ones(2, 3), mg.ones(3, 4)).shape
    (2, 4)
    """
    refuse_ranks("mm", "matmul takes all ranks.", (input, 2), (mat2, 2))
    return matmul(input, mat2)


@public("function method")
def bmm(input: Any, mat2: Any) -> Tensor:
    """The products of two batches of matrices (b, n, k) and (b, k, m), which do not broadcast: (b, n, m).

    Args:
        input, mat2: the factors.

    >>> mg.bmm(mg.ones(5, 2, 3), mg.ones(5, 3, 4)).shape
    (5, 2, 4)
    """
    refuse_ranks("bmm", "matmul takes all ranks.", (input, 3), (mat2, 3))
    if input.shape[0] != mat2.shape[0]:
        raise InvalidValueError(
            f"bmm: {tuple(input.shape)} and {tuple(mat2.shape)} are batches of different lengths: matmul broadcasts "
            "one of length 1."
        )
    return matmul(input, mat2)


@public("function method")
def mv(input: Any, vec: Any) -> Tensor:
    """The product of a matrix (n, k) and a vector (k,): (n,).

    Args:
        input, vec: the factors.

    >>> mg.mv(mg.ones(2, 3), mg.ones(3))
    tensor([3., 3.])
    """
    refuse_ranks("mv", "matmul takes all ranks.", (input, 2), (vec, 1))
    return matmul(input, vec)


def dot_of_numpy(dot: Any, a: Any, b: Any) -> Any:
    """``np.dot``, which multiplies matrices and more, too."""
    if not (a.ndim and b.ndim):
        return mul(a, b)
    return dot(a, b) if a.ndim == b.ndim == 1 else tensordot(a, b, ([-1], [-min(b.ndim, 2)]))


@public("function method", {np.dot: dot_of_numpy})
def dot(input: Any, tensor: Any) -> Tensor:
    """The sum of the products of two vectors (k,), a single number.

    >>> mg.dot(mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0]))
    tensor(11.)
    """
    refuse_ranks("dot", "matmul takes all ranks, (x * y).sum() any shape.", (input, 1), (tensor, 1))
    return matmul(input, tensor)


@public("function method")
def vdot(input: Any, other: Any) -> Tensor:
    """The sum of the products of two vectors (k,): of real numbers ``dot``.

    Args:
        input, other: the vectors.

    >>> mg.vdot(mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0]))
    tensor(11.)
    """
    refuse_ranks("vdot", "flatten both, x.flatten().", (input, 1), (other, 1))
    return matmul(input, other)


@public("function method", {np.inner: lambda f, a, b: f(a, b)})
def inner(input: Any, other: Any) -> Tensor:
    """The sums of products along the last axis of both, (..., k) and (..., k).

    The result has the other axes of ``input`` and then those of ``other``; a single number is multiplied by.

    >>> mg.inner(mg.ones(2, 3), mg.ones(4, 3)).shape
    (2, 4)
    """
    shapes = tuple(shape_of(input)), tuple(shape_of(other))
    if () in shapes:
        return mul(input, other)
    if shapes[0][-1] != shapes[1][-1]:
        raise InvalidValueError(
            f"inner: {shapes[0]} and {shapes[1]}: the last lengths must be equal. Is one of them to be transposed, x.T?"
        )
    return tensordot(input, other, ([-1], [-1]))


@public("function method", {np.outer: lambda f, a, b: f(a.flatten(), b.flatten())}, aliases="ger")
def outer(input: Any, vec2: Any) -> Tensor:
    """The products of each element of a vector (n,) with each of another (m,): (n, m).

    Args:
        input, vec2: the vectors.

    >>> mg.outer(mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0, 5.0]))
    tensor([[ 3.,  4.,  5.],
            [ 6.,  8., 10.]])
    """
    refuse_ranks("outer", "flatten it, x.flatten().", (input, 1), (vec2, 1))
    return mul(unsqueeze(input, 1), vec2)


ger = outer


@public("function method", {np.kron: lambda f, a, b: f(a, b)})
def kron(input: Any, other: Any) -> Tensor:
    """The Kronecker product: each element of ``input`` times all of ``other``, as blocks.

    Axes of length 1 are added in front of the one with fewer; lengths are multiplied.

    >>> mg.kron(mg.tensor([[1.0, 2.0]]), mg.ones(2, 2))
    tensor([[1., 1., 2., 2.],
            [1., 1., 2., 2.]])
    """
    rank = max(len(shape_of(input)), len(shape_of(other)))
    a, b = ((1,) * (rank - len(x.shape)) + tuple(x.shape) for x in (input, other))
    blocks = mul(
        reshape(input, *(n for length in a for n in (length, 1))),
        reshape(other, *(n for length in b for n in (1, length))),
    )
    return reshape(blocks, *(n * m for n, m in zip(a, b)))


# -- cross products and sums of products along an axis -----------------------------------------------

NEXT, AFTER = np.array([1, 2, 0]), np.array([2, 0, 1])


def cross_product(input: Any, other: Any, dim: int) -> Any:
    """``input[1] * other[2] - input[2] * other[1]`` and so on along an axis, counted from the last"""
    if input.dtype.kind == "b":
        raise TypeError("differences of booleans are not defined: convert them, x.long() or x.float().")
    a, b = widened(input), widened(other)
    y = np.take(a, NEXT, dim) * np.take(b, AFTER, dim) - np.take(a, AFTER, dim) * np.take(b, NEXT, dim)
    return narrowed(y, input)


crossed: Op = Op(
    "cross",
    cross_product,
    lambda dy, _y, _a, b, dim: crossed(b, dy, dim),
    lambda dy, _y, a, _b, dim: crossed(dy, a, dim),
    promotes=(0, 1),
    mixes=False,
    doc="the cross product of vectors of 3 elements along an axis",
)


def broadcast_shape(name: str, a: Any, b: Any) -> tuple[int, ...]:
    """The shape of two tensors of one rank together; shapes that do not fit are refused."""
    shapes = tuple(shape_of(a)), tuple(shape_of(b))
    try:
        if len(shapes[0]) == len(shapes[1]):
            return np.broadcast_shapes(*shapes)
    except ValueError:
        pass
    raise InvalidValueError(
        f"{name}: {shapes[0]} and {shapes[1]}: both need the same number of axes, and lengths that are equal or 1: "
        "add axes with unsqueeze or expand."
    )


@public("function method")
def cross(input: Any, other: Any, dim: int | None = None) -> Tensor:
    """The cross product of vectors of 3 elements along ``dim``; unless given, along the first axis of length 3.

    The other axes broadcast.

    >>> mg.cross(mg.tensor([1.0, 0.0, 0.0]), mg.tensor([0.0, 1.0, 0.0]))
    tensor([0., 0., 1.])
    """
    if dim is None:
        shape = broadcast_shape("cross", input, other)
        if 3 not in shape:
            raise InvalidValueError(
                f"cross: {shape} has no axis of length 3: vectors of 3 elements have such products."
            )
        dim = shape.index(3)
    return linalg_cross(input, other, dim=dim)


@public("linalg", {np.cross: lambda f, a, b, axis=-1: f(a, b, dim=axis)}, name="cross")
def linalg_cross(input: Any, other: Any, *, dim: int = -1) -> Tensor:
    """The cross product of vectors of 3 elements along ``dim``; the other axes broadcast.

    >>> mg.linalg.cross(mg.tensor([[1.0, 0.0, 0.0]]), mg.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]))
    tensor([[ 0.,  0.,  1.],
            [ 0., -1.,  0.]])
    """
    rank = len(broadcast_shape("cross", input, other))
    axis = one_axis(dim, rank) if rank else 0
    if not rank or not input.shape[axis] == other.shape[axis] == 3:
        raise InvalidValueError(
            f"cross: {tuple(input.shape)} and {tuple(other.shape)} must both have length 3 along dim {dim}: name the "
            "axis of the vectors, dim=..."
        )
    return crossed(input, other, axis - rank)


@public("linalg")
def vecdot(x: Any, y: Any, *, dim: int = -1) -> Tensor:
    """The sums of products along ``dim`` of both; the shapes broadcast: ``sum(x * y, dim)``.

    >>> mg.linalg.vecdot(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), mg.tensor([1.0, 1.0]))
    tensor([3., 7.])
    """
    for tensor in (x, y):
        shape = tuple(shape_of(tensor))
        if tensor.dtype.kind != "f":
            raise InvalidTypeError(f"vecdot: expected floats, got {shape} {tensor.dtype}: convert it, x.float().")
    try:
        rank = len(np.broadcast_shapes(tuple(x.shape), tuple(y.shape)))
    except ValueError:
        raise InvalidValueError(
            f"vecdot: {tuple(x.shape)} and {tuple(y.shape)} do not broadcast: their lengths must be equal or 1."
        ) from None
    if not rank:
        return mul(x, y)
    axis, labels = one_axis(dim, rank), letters(rank)
    of_each = labels[rank - len(x.shape) :], labels[rank - len(y.shape) :]
    return product_of(of_each, labels.replace(labels[axis], ""), (x, y))


# -- several matrices --------------------------------------------------------------------------------


def best_splits(lengths: Sequence[int]) -> dict[tuple[int, int], int]:
    """Where each part of a chain of matrices is split to multiply as few numbers as possible.

    Matrix ``i`` is (lengths[i], lengths[i + 1]). The key (i, j) is the part from matrix i to matrix j, its value the
    last matrix of the left factor.
    """
    n = len(lengths) - 1
    costs = {(i, i): 0 for i in range(n)}
    splits = {}
    for span in range(1, n):
        for i in range(n - span):
            j = i + span
            costs[i, j], splits[i, j] = min(
                (costs[i, k] + costs[k + 1, j] + lengths[i] * lengths[k + 1] * lengths[j + 1], k) for k in range(i, j)
            )
    return splits


def chain(matrices: Sequence[Any]) -> Any:
    """The product of matrices in the best order."""
    splits = best_splits([matrices[0].shape[0], *(x.shape[1] for x in matrices)])

    def part(i: int, j: int) -> Any:
        if i == j:
            return matrices[i]
        k = splits[i, j]
        return matmul(part(i, k), part(k + 1, j))

    return part(0, len(matrices) - 1)


@public("linalg", {np.linalg.multi_dot: lambda f, arrays: f(arrays)})
def multi_dot(tensors: Sequence[Any]) -> Tensor:
    """The product of two or more matrices, in the order that multiplies the fewest numbers.

    The first may be a vector, which counts as a row, and the last one, a column; that axis goes away again.

    Args:
        tensors: a list or tuple of matrices.

    >>> mg.linalg.multi_dot([mg.ones(2, 50), mg.ones(50, 3), mg.ones(3)])
    tensor([150., 150.])
    """
    tensors = operands_to_join("multi_dot", tensors)
    shapes = [tuple(x.shape) for x in tensors]
    if len(tensors) < 2:
        raise InvalidValueError(f"multi_dot needs two matrices or more, got {shapes}.")
    is_row, is_column = len(shapes[0]) == 1, len(shapes[-1]) == 1
    ends = [unsqueeze(tensors[0], 0) if is_row else tensors[0], unsqueeze(tensors[-1], 1) if is_column else tensors[-1]]
    y = product_of_chain("multi_dot", [ends[0], *tensors[1:-1], ends[1]], shapes)
    y = squeeze(y, 0) if is_row else y
    return squeeze(y, -1) if is_column else y


def product_of_chain(name: str, matrices: Sequence[Any], shapes: Sequence[tuple[int, ...]]) -> Any:
    """The product of matrices; their shapes as they were given are for the message."""
    if any(len(x.shape) != 2 for x in matrices):
        raise InvalidValueError(f"{name}: expected matrices, got {', '.join(map(str, shapes))}: matmul takes batches.")
    for a, b in itertools.pairwise(matrices):
        if a.shape[1] != b.shape[0]:
            raise InvalidValueError(
                f"{name}: {', '.join(map(str, shapes))}: the last length of each must equal the first of the next."
            )
    return chain(matrices)


@public("function")
def chain_matmul(*matrices: Any) -> Tensor:
    """The product of one or more matrices, in the order that multiplies the fewest numbers.

    >>> mg.chain_matmul(mg.ones(2, 50), mg.ones(50, 3), mg.ones(3, 4)).shape
    (2, 4)
    """
    tensors = operands_to_join("chain_matmul", matrices)
    result: Tensor = product_of_chain("chain_matmul", tensors, [tuple(x.shape) for x in tensors])
    return result


@public("function method linalg", {np.linalg.matrix_power: lambda f, a, n: f(a, n)})
def matrix_power(input: Any, n: int) -> Tensor:
    """The product of ``n`` times the same square matrix (..., k, k); the identity for 0.

    Negative powers are refused: an inverse is a decomposition, and minigrad has none.

    >>> mg.matrix_power(mg.tensor([[1.0, 1.0], [0.0, 1.0]]), 5)
    tensor([[1., 5.],
            [0., 1.]])
    """
    shape = tuple(shape_of(input))
    (n,) = integers("matrix_power: n", (n,))
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise InvalidValueError(f"matrix_power: expected square matrices (..., k, k), got {shape}.")
    if n < 0:
        raise InvalidValueError(
            f"matrix_power: n={n} is negative, and minigrad inverts no matrices: a power from 0 on, or np.linalg.inv."
        )
    if n == 0:
        return where(np.False_, input, np.eye(shape[-1], dtype=input.dtype))
    powers = [input]  # of 1, 2, 4, ...
    while n >> len(powers):
        powers.append(matmul(powers[-1], powers[-1]))
    result: Tensor = functools.reduce(matmul, [power for i, power in enumerate(powers) if n >> i & 1])
    return clone(result) if n == 1 else result
