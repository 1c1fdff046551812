"""Activations that are curved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.errors import InvalidValueError
from ..engine.faces import public
from ..engine.op import Op
from ..engine.scope import call_path
from .activation import log_of_1_plus_exp, sigmoid, softplus_op
from .arguments import one_axis, one_name, shape_of
from .functions import exp, square
from .hyperbolic import tanh
from .indexing import getitem

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["celu", "elu", "glu", "logsigmoid", "mish", "selu", "silu", "softsign", "tanhshrink"]


def exponential(x: Any, left: float, rate: float, right: float) -> Any:
    """``right * x`` where x is positive, else ``left * (exp(rate * x) - 1)``."""
    return np.where(x > 0, x * right, np.expm1(np.minimum(x, 0) * rate) * left)


def exponential_rule(dy: Any, x: Any, left: float, rate: float, right: float) -> Any:
    """The gradient of the input of ``exponential``; at 0 that of the curve."""
    return np.where(x <= 0, dy * exp(np.minimum(x, 0) * rate) * (left * rate), dy * right)


def celu_rule(dy: Any, _y: Any, x: Any, alpha: float) -> Any:
    """``exp(x / alpha) * dy`` where x is not positive"""
    with np.errstate(over="ignore"):
        return exponential_rule(dy, x, alpha, 1 / alpha, 1.0)


# G. Klambauer et al., Self-normalizing neural networks, 2017
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946
SELU = SELU_SCALE * SELU_ALPHA, 1.0, SELU_SCALE

elu = Op(
    "elu",
    lambda input, alpha=1.0: exponential(input, alpha, 1.0, 1.0),
    lambda dy, _y, x, alpha: exponential_rule(dy, x, alpha, 1.0, 1.0),
    numbers=True,
    widens=True,
    faces="functional_inplace module",
    doc="""``x`` where it is positive, else ``alpha * (exp(x) - 1)``

    D. Clevert et al., Fast and accurate deep network learning by exponential linear units, 2016.

    Args:
        input: the tensor.
        alpha: minus the limit for ``x`` to minus infinity; with another than 1 the derivative jumps at 0, where it is
            ``alpha``.
    """,
    example="F.elu(mg.tensor([-100.0, -1.0, 2.0]), alpha=0.5) -> tensor([-0.5000, -0.3161,  2.0000])",
)
celu_op = Op(
    "celu",
    # with a negative alpha it grows exponentially
    np.errstate(over="ignore")(lambda input, alpha=1.0: exponential(input, alpha, 1 / alpha, 1.0)),
    celu_rule,
    numbers=True,
    widens=True,
    doc="``x`` where it is positive, else ``alpha * (exp(x / alpha) - 1)``",
)


@public("function functional_inplace module")
def celu(input: Any, alpha: float = 1.0) -> Tensor:
    """``x`` where it is positive, else ``alpha * (exp(x / alpha) - 1)``: its derivative is continuous.

    J. Barron, Continuously differentiable exponential linear units, 2017.

    Args:
        input: the tensor.
        alpha: minus the limit for ``x`` to minus infinity, where it is positive.

    Raises:
        ValueError: for an alpha of 0.

    >>> mg.celu(mg.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])

    >>> F.celu(mg.tensor([-1.0, 1.0]))
    tensor([-0.6321,  1.0000])
    """
    if alpha == 0:
        raise InvalidValueError(f"celu{call_path()}: alpha must not be 0.")
    return celu_op(input, alpha)


selu = Op(
    "selu",
    lambda input: exponential(input, *SELU),
    lambda dy, _y, x: exponential_rule(dy, x, *SELU),
    widens=True,
    faces="function functional_inplace module",
    doc="""``scale * elu(x, alpha)`` with the two constants that keep mean 0 and variance 1 through many layers

    ``alpha = 1.67326...`` and ``scale = 1.05070...``: G. Klambauer et al., Self-normalizing neural networks, 2017.
    """,
    example="F.selu(mg.tensor([-100.0, 0.0, 1.0])) -> tensor([-1.7581,  0.0000,  1.0507])",
)
silu = Op(
    "silu",
    np.errstate(over="ignore")(lambda input: input / (1 + np.exp(-input))),  # where exp overflows, x / inf is right
    lambda dy, y, x: dy * (sigmoid(x) + y * sigmoid(-x)),
    widens=True,
    faces="functional_inplace module",
    doc="""``x * sigmoid(x)``, also called swish; its least value is -0.2785 at -1.2785

    S. Elfwing et al., Sigmoid-weighted linear units for neural network function approximation, 2018.
    """,
    example="F.silu(mg.tensor([-5.0, -1.0, 2.0])) -> tensor([-0.0335, -0.2689,  1.7616])",
)


def mish_rule(dy: Any, _y: Any, x: Any) -> Any:
    """``dy * (t + x * sigmoid(x) * (1 - t**2))`` with ``t = tanh(softplus(x))``"""
    t = tanh(softplus_op(x, 1.0, 20.0))
    return dy * (t + x * sigmoid(x) * (1 - t * t))


mish = Op(
    "mish",
    lambda input: input * np.tanh(log_of_1_plus_exp(input, 1.0, 20.0)),
    mish_rule,
    widens=True,
    faces="functional_inplace module",
    doc="""``x * tanh(softplus(x))``; its least value is -0.3088 at -1.1924

    D. Misra, Mish: a self regularized non-monotonic activation function, 2019.
    """,
    example="F.mish(mg.tensor([-5.0, -1.0, 2.0])) -> tensor([-0.0336, -0.3034,  1.9440])",
)
tanhshrink = Op(
    "tanhshrink",
    lambda input: input - np.tanh(input),
    lambda dy, _y, x: dy * square(tanh(x)),
    widens=True,
    faces="functional module",
    doc="``x - tanh(x)``, about ``x**3 / 3`` near 0",
    example="F.tanhshrink(mg.tensor([-3.0, 0.0, 3.0])) -> tensor([-2.0049,  0.0000,  2.0049])",
)
softsign = Op(
    "softsign",
    lambda input: input / (1 + np.absolute(input)),
    lambda dy, _y, x: dy / (1 + np.absolute(x)) / (1 + np.absolute(x)),  # the square of large x would be infinite
    widens=True,
    faces="functional module",
    doc="``x / (1 + |x|)``, between -1 and 1, which it approaches more slowly than tanh",
    example="F.softsign(mg.tensor([-99.0, 0.0, 1.0])) -> tensor([-0.9900,  0.0000,  0.5000])",
)
logsigmoid = Op(
    "logsigmoid",
    lambda input: np.minimum(input, 0) - np.log1p(np.exp(-np.absolute(input))),
    lambda dy, _y, x: dy * sigmoid(-x),
    widens=True,
    faces="functional module",
    doc="``log(sigmoid(x))``, exact where sigmoid is too small for its dtype",
    example="F.logsigmoid(mg.tensor([-200.0, 0.0])) -> tensor([-200.0000,   -0.6931])",
)


@public("functional module")
def glu(input: Any, dim: int = -1, *, axis: int | None = None) -> Tensor:
    """``a * sigmoid(b)``, where a and b are the first and the second half of the input along ``dim``.

    Y. Dauphin et al., Language modeling with gated convolutional networks, 2017.

    Args:
        input: the tensor; the result has half its length along ``dim``.
        dim: the axis, the last one unless given.
        axis: NumPy's name of dim.

    Raises:
        ValueError: for an odd length, and for a tensor without axes.

    >>> F.glu(mg.tensor([1.0, 2.0, 0.0, 0.0]))
    tensor([0.5000, 1.0000])
    """
    shape = shape_of(input)
    along = one_axis(dim if axis is None else one_name(None, axis), len(shape))
    if not shape or shape[along] % 2:
        raise InvalidValueError(
            f"glu{call_path()}: dim {dim} of input {shape} cannot be halved: it needs an even length."
        )
    before, half = (slice(None),) * along, shape[along] // 2
    a, b = (getitem(input, (*before, part)) for part in (slice(None, half), slice(half, None)))
    result: Tensor = a * sigmoid(b)
    return result
