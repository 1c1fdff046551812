"""``beta * input + alpha * product`` for products of vectors and matrices; and ``bilinear``, a layer of two inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.arguments import detached
from ..engine.dtypes import refuse_two_floats
from ..engine.errors import InvalidTypeError, InvalidValueError
from ..engine.faces import public
from .arguments import shape_of
from .arithmetic import add_op, mul
from .choosing import where
from .einsum import product_of
from .products_of_ranks import bmm, mm, mv, outer, refuse_ranks

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["addbmm", "addmm", "addmv", "addr", "baddbmm", "bilinear"]


def added(name: str, input: Any, product: Any, beta: float, alpha: float, mixes: bool = False) -> Any:
    """``beta * input + alpha * product``, of the product's shape; for ``beta`` 0 infinities and NaN of input are gone.

    Raises:
        ValueError: if ``input`` does not broadcast to the product's shape.
        TypeError: for fractions that integers are to be multiplied by, and for two float dtypes unless they may mix.
    """
    if not mixes:
        refuse_two_floats(name, ("input", "the product"), (input, product))
    own, shape = tuple(shape_of(input)), tuple(product.shape)
    if len(own) > len(shape) or any(n not in (1, m) for n, m in zip(own[::-1], shape[::-1])):
        raise InvalidValueError(f"{name}: input {own} does not broadcast to {shape}, the shape of the product.")
    for argument, value in (("beta", beta), ("alpha", alpha)):
        value = detached(value)
        if product.dtype.kind != "f" and value % 1:
            raise InvalidTypeError(f"{name}: {argument}={value} of {product.dtype} products must be an integer.")
    product = product if alpha == 1 else mul(product, detached(alpha))
    if beta == 0:
        return add_op(product, where(np.False_, input, 0))
    return add_op(input if beta == 1 else mul(input, detached(beta)), product)


@public("function method in_place")
def addmm(input: Any, mat1: Any, mat2: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * input + alpha * (mat1 @ mat2)``: matrices (n, k) and (k, m), ``input`` broadcasts to (n, m).

    For ``beta=0`` the input does not count, whatever its values are.

    >>> mg.addmm(mg.ones(2), mg.ones(3, 4), mg.ones(4, 2), alpha=0.5)
    tensor([[3., 3.],
            [3., 3.],
            [3., 3.]])
    """
    return added("addmm", input, mm(mat1, mat2), beta, alpha)


@public("function method in_place")
def addmv(input: Any, mat: Any, vec: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * input + alpha * (mat @ vec)``: a matrix (n, k) and a vector (k,), ``input`` broadcasts to (n,).

    For ``beta=0`` the input does not count, whatever its values are.

    >>> mg.addmv(mg.ones(2), mg.ones(2, 3), mg.ones(3), beta=10)
    tensor([13., 13.])
    """
    return added("addmv", input, mv(mat, vec), beta, alpha)


@public("function method in_place")
def addbmm(input: Any, batch1: Any, batch2: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * input + alpha * (batch1 @ batch2).sum(0)``: (b, n, k) and (b, k, m), ``input`` broadcasts to (n, m).

    For ``beta=0`` the input does not count, whatever its values are.

    >>> mg.addbmm(mg.zeros(2, 2), mg.ones(5, 2, 3), mg.ones(5, 3, 2))
    tensor([[15., 15.],
            [15., 15.]])
    """
    refuse_ranks("addbmm", "addmm takes matrices.", (batch1, 3), (batch2, 3))
    if (batch1.shape[0], batch1.shape[2]) != tuple(batch2.shape[:2]):
        raise InvalidValueError(
            f"addbmm: {tuple(batch1.shape)} and {tuple(batch2.shape)} must be (b, n, k) and (b, k, m): is one of them "
            "to be transposed, x.mT?"
        )
    return added("addbmm", input, product_of(("bnk", "bkm"), "nm", (batch1, batch2)), beta, alpha)


@public("function method in_place")
def baddbmm(input: Any, batch1: Any, batch2: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * input + alpha * (batch1 @ batch2)``: (b, n, k) and (b, k, m), ``input`` broadcasts to (b, n, m).

    For ``beta=0`` the input does not count, whatever its values are.

    >>> mg.baddbmm(mg.ones(2), mg.ones(5, 2, 3), mg.ones(5, 3, 2)).shape
    (5, 2, 2)
    """
    return added("baddbmm", input, bmm(batch1, batch2), beta, alpha)


@public("function method in_place")
def addr(input: Any, vec1: Any, vec2: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * input + alpha * outer(vec1, vec2)``: vectors (n,) and (m,), ``input`` broadcasts to (n, m).

    For ``beta=0`` the input does not count, whatever its values are.

    >>> mg.addr(mg.zeros(2, 2), mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    return added("addr", input, outer(vec1, vec2), beta, alpha, mixes=True)


@public("function functional")
def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Tensor:
    """``sum(input1[i] * weight[o, i, j] * input2[j]) + bias[o]``, for each output ``o``.

    Args:
        input1: (..., in1).
        input2: (..., in2), with the same axes in front.
        weight: (out, in1, in2).
        bias: (out,) or None.

    Returns:
        (..., out).

    >>> mg.bilinear(mg.ones(4, 2), mg.ones(4, 3), mg.ones(5, 2, 3)).shape
    (4, 5)
    """
    shapes = [tuple(shape_of(x)) for x in (input1, input2, weight)] + ([] if bias is None else [tuple(shape_of(bias))])
    first, second, own = shapes[:3]
    fits = len(own) == 3 and first and second and (first[-1], second[-1]) == own[1:] and first[:-1] == second[:-1]
    if not fits or shapes[3:] not in ([], [own[:1]]):
        raise InvalidValueError(
            "bilinear: expected (..., in1), (..., in2), a weight (out, in1, in2) and a bias (out,) or None, got "
            f"{', '.join(map(str, shapes))}."
        )
    front = "".join(chr(ord("α") + i) for i in range(len(first) - 1))
    y = product_of((front + "i", front + "j", "oij"), front + "o", (input1, input2, weight))
    return y if bias is None else add_op(y, bias)
