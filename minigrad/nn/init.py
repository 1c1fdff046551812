"""Initial values: each function overwrites a tensor in place and returns it.

Random numbers come from ``generator``, by default from the global random state.

>>> layer = nn.Linear(100, 50)
>>> weight = nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
>>> weight is layer.weight, nn.init.zeros_(layer.bias).sum().item()
(True, 0.0)
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.arguments import detached, not_negative, real, whole
from ..engine.errors import InvalidValueError
from ..engine.modes import no_grad
from ..engine.node import describe
from ..tensor.random import source
from ..tensor.tensor import Tensor

# fmt: off
__all__ = [
    "calculate_gain", "constant_", "dirac_", "eye_", "kaiming_normal_", "kaiming_uniform_", "normal_", "ones_",
    "orthogonal_", "sparse_", "trunc_normal_", "uniform_", "xavier_normal_", "xavier_uniform_", "zeros_",
]

WRITTEN = ContextVar("initial values are written", default=True)
WITHOUT_GAIN = ("linear", *(f"conv{way}{axes}d" for way in ("", "_transpose") for axes in (1, 2, 3)), "sigmoid")
GAINS = {**dict.fromkeys(WITHOUT_GAIN, 1.0), "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor that keeps the variance through an activation function.

    That of selu is 3/4, as in PyTorch; networks that normalise themselves start with 1.

    Args:
        nonlinearity: one of linear and the convolutions (conv1d, conv_transpose1d, ...), sigmoid, tanh, relu, selu and
            leaky_relu.
        param: the negative slope of leaky_relu, 0.01 unless given.

    >>> nn.init.calculate_gain("tanh")
    1.6666666666666667
    """
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else number("the slope", param)) ** 2))
    if nonlinearity not in GAINS:
        raise ValueError(f"no gain for {nonlinearity!r}: expected {', '.join(GAINS)} or leaky_relu.")
    return GAINS[nonlinearity]


def fans(tensor: Tensor) -> tuple[int, int]:
    """How many inputs and outputs a weight (out, in, ...) connects."""
    if tensor.ndim < 2:
        raise ValueError(f"fan in and fan out need a weight of at least 2 axes (out, in), got {tensor.shape}.")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def filled(tensor: Tensor, values: Callable[[tuple[int, ...]], Any]) -> Tensor:
    """Overwrite the tensor, whatever requires grad, with values that are made for its shape."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"nn.init overwrites a tensor in place, got {describe(tensor)}: make it one, mg.tensor(...).")
    if not WRITTEN.get():
        return tensor
    with no_grad():
        return tensor.copy_(values(tensor.shape))


def drawn(tensor: Tensor, values: Callable[[tuple[int, ...]], Any]) -> Tensor:
    """Overwrite the tensor with random numbers; refused if it is not of floats."""
    if isinstance(tensor, Tensor) and tensor.dtype.kind != "f":
        raise TypeError(f"nn.init: random numbers are floats, got a tensor {describe(tensor)}: convert it, x.float().")
    return filled(tensor, values)


def number(name: str, value: Any, allowed: Callable[[float], bool] = lambda _: True) -> float:
    """An argument as Python's own number; anything else is refused."""
    return real(value, allowed, f"nn.init: {name} must be a number" + " of at least 0" * (allowed is not_negative))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Every element is ``val``.

    >>> nn.init.constant_(mg.zeros(2), 0.1)
    tensor([0.1000, 0.1000])
    """
    val = detached(val)
    return filled(tensor, lambda _: val)


def zeros_(tensor: Tensor) -> Tensor:
    """Every element is 0.

    >>> nn.init.zeros_(mg.ones(2))
    tensor([0., 0.])
    """
    return filled(tensor, lambda _: 0)


def ones_(tensor: Tensor) -> Tensor:
    """Every element is 1.

    >>> nn.init.ones_(mg.zeros(2))
    tensor([1., 1.])
    """
    return filled(tensor, lambda _: 1)


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Evenly distributed in [a, b).

    Args:
        tensor: changed in place, and returned.
        a, b: the bounds.
        generator: what draws the numbers; unless given the global random state.

    >>> weight = nn.init.uniform_(mg.zeros(1000), -1, 1)
    >>> bool(abs(weight).max() < 1)
    True
    """
    a, b = number("a", a), number("b", b)
    drawer = source(generator)
    return drawn(tensor, lambda shape: drawer.uniform(a, b, shape))


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Normally distributed.

    Args:
        tensor: changed in place, and returned.
        mean, std: the mean and the standard deviation.
        generator: what draws the numbers; unless given the global random state.

    >>> abs(nn.init.normal_(mg.zeros(1000), std=0.1).std().item() - 0.1) < 0.01
    True
    """
    mean, std = number("mean", mean), number("std", std, not_negative)
    drawer = source(generator)
    return drawn(tensor, lambda shape: drawer.normal(mean, std, shape))


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Even in ``±gain * sqrt(6 / (fan_in + fan_out))`` (X. Glorot, Y. Bengio, 2010).

    Args:
        tensor: changed in place, and returned.
        gain: as ``calculate_gain`` has it.
        generator: what draws the numbers; unless given the global random state.

    >>> weight = nn.init.xavier_uniform_(mg.zeros(3, 3))
    >>> bool(abs(weight).max() < 1)
    True
    """
    bound = number("gain", gain) * math.sqrt(6 / sum(fans(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Normal with ``std = gain * sqrt(2 / (fan_in + fan_out))`` (X. Glorot, Y. Bengio, 2010).

    Args:
        tensor: changed in place, and returned.
        gain: as ``calculate_gain`` has it.
        generator: what draws the numbers; unless given the global random state.

    >>> abs(nn.init.xavier_normal_(mg.zeros(100, 100)).std().item() - 0.1) < 0.01  # sqrt(2 / 200)
    True
    """
    return normal_(tensor, 0, number("gain", gain) * math.sqrt(2 / sum(fans(tensor))), generator)


def kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    """``gain / sqrt(fan)`` (K. He and others, Delving deep into rectifiers, 2015)."""
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode must be 'fan_in' or 'fan_out', got {mode!r}.")
    fan = fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Even with standard deviation ``gain / sqrt(fan)`` (K. He and others, 2015).

    Args:
        tensor: changed in place, and returned.
        a: the negative slope of leaky relu.
        mode: ``"fan_in"`` keeps the variance of the outputs, ``"fan_out"`` that of the gradients.
        nonlinearity: what follows, as of ``calculate_gain``.
        generator: what draws the numbers; unless given the global random state.

    >>> bool(abs(nn.init.kaiming_uniform_(mg.zeros(100, 6))).max() < 1)  # sqrt(6 / 6)
    True
    """
    bound = math.sqrt(3) * kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Normal with standard deviation ``gain / sqrt(fan)`` (K. He and others, 2015).

    Args:
        tensor: changed in place, and returned.
        a: the negative slope of leaky relu.
        mode: ``"fan_in"`` keeps the variance of the outputs, ``"fan_out"`` that of the gradients.
        nonlinearity: what follows, as of ``calculate_gain``.
        generator: what draws the numbers; unless given the global random state.

    >>> abs(nn.init.kaiming_normal_(mg.zeros(100, 200)).std().item() - 0.1) < 0.01  # sqrt(2 / 200)
    True
    """
    return normal_(tensor, 0, kaiming_std(tensor, a, mode, nonlinearity), generator)


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None
) -> Tensor:
    """Normally distributed, but only values in [a, b]; the others are drawn again.

    ``std`` is that of the whole distribution, and positive; what is left has a smaller one.

    Args:
        tensor: changed in place, and returned.
        mean, std: the mean and the standard deviation before values are left out.
        a, b: the bounds.
        generator: what draws the numbers; unless given the global random state.

    >>> weight = nn.init.trunc_normal_(mg.zeros(1000), std=0.02, a=-0.04, b=0.04)
    >>> bool(abs(weight).max() <= 0.04)
    True
    """
    mean, std = number("mean", mean), number("std", std, not_negative)
    a, b, drawer = number("a", a), number("b", b), source(generator)
    if a >= b or not std:
        raise InvalidValueError(f"nn.init: trunc_normal_ needs a < b and std > 0, got a={a}, b={b} and std={std}.")
    if not a - 2 * std <= mean <= b + 2 * std:
        warnings.warn(
            f"nn.init.trunc_normal_: mean {mean} is more than 2 std from [{a}, {b}]: only the tail is drawn from.",
            stacklevel=2,
        )
    return drawn(tensor, lambda shape: truncated(shape, tensor.dtype, (mean, std, a, b), drawer))


def truncated(
    shape: tuple[int, ...], dtype: np.dtype[Any], settings: tuple[float, ...], drawer: np.random.Generator
) -> ndarray:
    """Values of a normal distribution between two bounds, which are those of the dtype, to which values are rounded.

    Where much of the distribution lies between them it is drawn from it; else evenly, and a value is kept with the
    probability of its density relative to the largest.
    """
    mean, std, a, b = settings
    low, high = np.array([a, b], dtype)
    share = (math.erf((b - mean) / std / math.sqrt(2)) - math.erf((a - mean) / std / math.sqrt(2))) / 2
    peak = ((max(a, min(mean, b)) - mean) / std) ** 2 / 2
    reach = std * math.sqrt(2 * peak + 100)  # at its ends the density is e**-50 of the largest
    a, b = max(a, mean - reach), min(b, mean + reach)
    values = np.empty(shape, dtype)
    rest = np.arange(values.size)
    while rest.size:
        if share > 0.3:
            found = drawer.normal(mean, std, rest.size)
            kept = np.ones(rest.size, bool)
        else:
            found = drawer.uniform(a, b, rest.size)
            kept = np.log1p(-drawer.random(rest.size)) <= peak - ((found - mean) / std) ** 2 / 2
        rounded = found.astype(dtype)
        kept &= (rounded >= low) & (rounded <= high)
        values.ravel()[rest[kept]] = rounded[kept]
        rest = rest[~kept]
    return values


def eye_(tensor: Tensor) -> Tensor:
    """The identity, of a matrix: ``Linear`` passes on as many inputs as it can.

    >>> nn.init.eye_(mg.zeros(2, 3))
    tensor([[1., 0., 0.],
            [0., 1., 0.]])
    """
    return filled(tensor, lambda shape: np.eye(*of_axes("eye_", shape, (2,))))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """The identity of convolutions: a 1 in the middle of one kernel for each channel, else 0.

    Args:
        tensor: the filters (out, in / groups, *kernel), with 1 to 3 axes of the kernel.
        groups: into how many groups the channels are divided; it must divide ``out``.

    >>> nn.init.dirac_(mg.zeros(2, 2, 3))[1]
    tensor([[0., 0., 0.],
            [0., 1., 0.]])
    """
    groups = whole(groups, 1, "nn.init: groups must be an integer of at least 1")

    def values(shape: tuple[int, ...]) -> ndarray:
        outputs, inputs, *kernel = of_axes("dirac_", shape, (3, 4, 5))
        if outputs % groups:
            raise InvalidValueError(f"nn.init: dirac_: groups {groups} must divide the first length of {shape}.")
        array = np.zeros(shape)
        own = outputs // groups
        channel = np.arange(min(own, inputs))
        middle = [n // 2 for n in kernel]
        for group in range(groups):
            array[(group * own + channel, channel, *middle)] = 1
        return array

    return filled(tensor, values)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Any = None) -> Tensor:
    """Rows, or if there are more of them than columns, columns that are orthogonal and have the length ``gain``.

    The matrix is (first length, product of the others), evenly distributed among those (A. Saxe and others, Exact
    solutions to the nonlinear dynamics of learning, 2013).

    Args:
        tensor: of at least two axes; changed in place, and returned.
        generator: what draws the numbers; unless given the global random state.

    >>> weight = nn.init.orthogonal_(mg.zeros(2, 3))
    >>> mg.allclose(weight @ weight.T, mg.eye(2), atol=1e-6)
    True
    """
    gain, drawer = number("gain", gain), source(generator)

    def values(shape: tuple[int, ...]) -> ndarray:
        if len(shape) < 2:
            raise InvalidValueError(f"nn.init: orthogonal_ is for tensors of at least 2 axes, got {shape}.")
        rows, columns = shape[0], math.prod(shape[1:])
        q, r = np.linalg.qr(drawer.normal(size=(max(rows, columns), min(rows, columns))))
        q *= np.where(np.diag(r) < 0, -gain, gain)  # without it the signs would be those of the algorithm
        return (q if rows >= columns else q.T).reshape(shape)

    return drawn(tensor, values)


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """A matrix of normally distributed values, of which in each column a share is 0 (J. Martens, 2010).

    Args:
        tensor: the matrix.
        sparsity: the share of zeros, 0 to 1; their number is rounded up.
        std: of the other values.
        generator: where random numbers come from.

    >>> (nn.init.sparse_(mg.zeros(4, 2), 0.75) == 0).sum(0)
    tensor([3, 3])
    """
    std, drawer = number("std", std, not_negative), source(generator)
    share = real(sparsity, lambda x: 0 <= x <= 1, "nn.init: sparsity must be a number from 0 to 1")

    def values(shape: tuple[int, ...]) -> ndarray:
        rows, _ = of_axes("sparse_", shape, (2,))
        found = drawer.normal(0, std, shape)
        order = drawer.random(shape).argsort(0)
        np.put_along_axis(found, order[: math.ceil(share * rows)], 0, axis=0)
        return found

    return drawn(tensor, values)


def of_axes(name: str, shape: tuple[int, ...], numbers: tuple[int, ...]) -> Any:
    """The shape; refused if it has another number of axes than one of ``numbers``."""
    if len(shape) not in numbers:
        wanted = " or ".join(map(str, numbers))
        raise InvalidValueError(f"nn.init: {name} is for tensors of {wanted} axes, got {shape}.")
    return shape
