"""Activation functions as modules."""

from __future__ import annotations

import warnings
from dataclasses import InitVar
from typing import Any

from ... import ops
from ...engine.arguments import whole
from ...engine.dtypes import get_default_dtype
from ...engine.errors import InvalidValueError
from ...engine.node import describe
from ...engine.scope import call_path
from ...ops import activation_curves as curves
from ...ops import activation_pieces as pieces
from ...ops.arguments import shape_of
from ...ops.softmax import softmin
from ...tensor.creation import full
from .. import stochastic
from ..module import Module
from ..parameter import Parameter
from .function_layer import FunctionLayer


class ReLU(Module):
    """``max(x, 0)``, elementwise.

    Args:
        inplace: accepted as in PyTorch; the input is never overwritten, the result is the same. The function
            ``F.relu(x, inplace=True)`` does overwrite it.

    >>> nn.ReLU()(mg.tensor([-1.0, 0.0, 2.0]))
    tensor([0., 0., 2.])
    """

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace

    def extra_repr(self) -> str:
        return "inplace=True" * bool(self.inplace)

    def forward(self, input: Any) -> Any:
        return ops.relu(input)


class ReLU6(FunctionLayer, function=pieces.relu6):
    """``min(max(x, 0), 6)``, elementwise.

    >>> nn.ReLU6()(mg.tensor([-1.0, 0.0, 2.0]))
    tensor([0., 0., 2.])
    """

    inplace: bool = False


class LeakyReLU(FunctionLayer, function=pieces.leaky_relu):
    """``x`` where it is positive, else ``negative_slope * x``.

    >>> nn.LeakyReLU(0.1)(mg.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.1000,  0.0000,  2.0000])
    """

    negative_slope: float = 0.01
    inplace: bool = False


class PReLU(Module):
    """``x`` where it is positive, else ``weight * x``, with slopes that are learned.

    Args:
        num_parameters: 1, or the number of channels (axis 1), which then have a slope each.
        init: the slope to start with.
        device: the CPU.
        dtype: of the weight, by default the default dtype, float32.

    >>> nn.PReLU()(mg.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.2500,  0.0000,  2.0000], grad_fn=<prelu>)
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        self.num_parameters = whole(num_parameters, 1, "PReLU: num_parameters must be an integer of at least 1")
        self.init = init
        self.weight = Parameter(full((self.num_parameters,), init, dtype=dtype or get_default_dtype(), device=device))

    def forward(self, input: Any) -> Any:
        return ops.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class RReLU(FunctionLayer):
    """``x`` where it is positive, else x times a slope: in training drawn for each element, else their mean.

    Args:
        lower, upper: the bounds of the slopes.

    >>> nn.RReLU().eval()(mg.tensor([-1.0, 2.0]))
    tensor([-0.2292,  2.0000])
    """

    lower: float = 1.0 / 8
    upper: float = 1.0 / 3
    inplace: bool = False

    def forward(self, input: Any) -> Any:
        return stochastic.rrelu(input, self.lower, self.upper, self.training)


class ELU(FunctionLayer, function=curves.elu):
    """``x`` where it is positive, else ``alpha * (exp(x) - 1)``.

    >>> nn.ELU()(mg.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.6321,  0.0000,  2.0000])
    """

    alpha: float = 1.0
    inplace: bool = False


class CELU(FunctionLayer, function=ops.celu):
    """``x`` where it is positive, else ``alpha * (exp(x / alpha) - 1)``.

    >>> nn.CELU()(mg.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.6321,  0.0000,  2.0000])
    """

    alpha: float = 1.0
    inplace: bool = False


class SELU(FunctionLayer, function=ops.selu):
    """``scale * elu(x, alpha)`` with the two constants that keep mean 0 and variance 1 through many layers.

    >>> nn.SELU()(mg.tensor([-1.0, 0.0, 2.0]))
    tensor([-1.1113,  0.0000,  2.1014])
    """

    inplace: bool = False


class SiLU(FunctionLayer, function=curves.silu):
    """``x * sigmoid(x)``, elementwise; also called swish.

    >>> nn.SiLU()(mg.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.2689,  0.0000,  1.7616])
    """

    inplace: bool = False


class Mish(FunctionLayer, function=curves.mish):
    """``x * tanh(softplus(x))``, elementwise.

    >>> nn.Mish()(mg.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.3034,  0.0000,  1.9440])
    """

    inplace: bool = False


class Hardtanh(FunctionLayer, function=pieces.hardtanh):
    """``min(max(x, min_val), max_val)``, elementwise; ``min_value`` and ``max_value`` are their names of long ago.

    >>> nn.Hardtanh()(mg.tensor([-1.0, 0.0, 2.0]))
    tensor([-1.,  0.,  1.])
    """

    min_val: float = -1.0
    max_val: float = 1.0
    inplace: bool = False
    min_value: InitVar[float | None] = None
    max_value: InitVar[float | None] = None

    def __post_init__(self, min_value: float | None, max_value: float | None) -> None:
        for name, value in (("min_val", min_value), ("max_val", max_value)):
            if value is not None:
                warnings.warn(f"Hardtanh: {name}ue is deprecated: pass it as {name}.", FutureWarning, stacklevel=3)
                setattr(self, name, value)


class Hardsigmoid(FunctionLayer, function=pieces.hardsigmoid):
    """``min(max(x + 3, 0), 6) / 6``, a sigmoid of straight pieces.

    >>> nn.Hardsigmoid()(mg.tensor([-1.0, 0.0, 2.0]))
    tensor([0.3333, 0.5000, 0.8333])
    """

    inplace: bool = False


class Hardswish(FunctionLayer, function=pieces.hardswish):
    """``x * hardsigmoid(x)``, elementwise.

    >>> nn.Hardswish()(mg.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.3333,  0.0000,  1.6667])
    """

    inplace: bool = False


class Shrink(FunctionLayer):
    """A function with a threshold, which it prints without its name, as in PyTorch."""

    lambd: float = 0.5

    def extra_repr(self) -> str:
        return repr(self.lambd)


class Hardshrink(Shrink, function=ops.hardshrink):
    """``x``, but 0 where ``-lambd <= x <= lambd``.

    >>> nn.Hardshrink()(mg.tensor([-1.0, 0.0, 2.0]))
    tensor([-1.,  0.,  2.])
    """


class Softshrink(Shrink, function=pieces.softshrink):
    """``x`` moved by ``lambd`` towards 0; 0 where ``|x| <= lambd``.

    >>> nn.Softshrink()(mg.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.5000,  0.0000,  1.5000])
    """


class Tanhshrink(FunctionLayer, function=curves.tanhshrink):
    """``x - tanh(x)``, elementwise.

    >>> nn.Tanhshrink()(mg.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.2384,  0.0000,  1.0360])
    """


class Threshold(FunctionLayer, function=pieces.threshold):
    """``x`` where it is greater than ``threshold``, else ``value``.

    >>> nn.Threshold(0.5, 0.0)(mg.tensor([-1.0, 0.0, 2.0]))
    tensor([0., 0., 2.])
    """

    threshold: float
    value: float
    inplace: bool = False


class Softsign(FunctionLayer, function=curves.softsign):
    """``x / (1 + |x|)``, elementwise.

    >>> nn.Softsign()(mg.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.5000,  0.0000,  0.6667])
    """


class LogSigmoid(FunctionLayer, function=curves.logsigmoid):
    """``log(sigmoid(x))``, exact where sigmoid is too small for its dtype.

    >>> nn.LogSigmoid()(mg.tensor([-1.0, 0.0, 2.0]))
    tensor([-1.3133, -0.6931, -0.1269])
    """


class GLU(FunctionLayer, function=curves.glu):
    """``a * sigmoid(b)``, where a and b are the first and the second half of the input along ``dim``.

    >>> nn.GLU()(mg.tensor([1.0, 2.0, 0.0, 0.0]))
    tensor([0.5000, 1.0000])
    """

    dim: int = -1


class GELU(FunctionLayer, function=ops.gelu):
    """``x * P(Z <= x)`` for a standard normal Z, or with ``approximate="tanh"`` nearly that.

    >>> nn.GELU()(mg.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.1587,  0.0000,  1.9545])
    """

    approximate: str = "none"


class Sigmoid(FunctionLayer, function=ops.sigmoid):
    """``1 / (1 + exp(-x))``, elementwise.

    >>> nn.Sigmoid()(mg.tensor([-1.0, 0.0, 2.0]))
    tensor([0.2689, 0.5000, 0.8808])
    """


class Softplus(FunctionLayer, function=ops.softplus):
    """``log(1 + exp(beta * x)) / beta``, a smooth ``max(x, 0)``; x itself where ``beta * x > threshold``.

    >>> nn.Softplus()(mg.tensor([-1.0, 0.0, 2.0]))
    tensor([0.3133, 0.6931, 2.1269])
    """

    beta: float = 1.0
    threshold: float = 20.0


class Tanh(FunctionLayer, function=ops.tanh):
    """``tanh(x)``, elementwise.

    >>> nn.Tanh()(mg.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.7616,  0.0000,  0.9640])
    """


class AlongAxis(FunctionLayer):
    """A function that is applied along one axis."""

    dim: int | None = None

    def __post_init__(self) -> None:
        if self.dim is None:
            raise TypeError(f"{type(self).__name__} needs the argument dim: usually dim=1 or dim=-1, the classes.")


class Softmax(AlongAxis, function=ops.softmax):
    """Softmax along ``dim``. Not in front of ``CrossEntropyLoss``, which wants logits.

    >>> nn.Softmax(dim=0)(mg.tensor([-1.0, 0.0, 2.0]))
    tensor([0.0420, 0.1142, 0.8438])
    """


class LogSoftmax(AlongAxis, function=ops.log_softmax):
    """The logarithm of softmax along ``dim``, for ``NLLLoss``.

    >>> nn.LogSoftmax(dim=0)(mg.tensor([-1.0, 0.0, 2.0]))
    tensor([-3.1698, -2.1698, -0.1698])
    """


class Softmin(AlongAxis, function=softmin):
    """``softmax(-x)`` along ``dim``.

    >>> nn.Softmin(dim=0)(mg.tensor([-1.0, 0.0, 2.0]))
    tensor([0.7054, 0.2595, 0.0351])
    """


class Softmax2d(Module):
    """Softmax over the channels of images (N, C, H, W) or (C, H, W).

    >>> nn.Softmax2d()(mg.zeros(1, 4, 1, 1)).flatten()
    tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """

    def forward(self, input: Any) -> Any:
        if len(shape_of(input)) not in (3, 4):
            raise InvalidValueError(
                f"Softmax2d{call_path()}: expected (N, C, H, W) or (C, H, W), got {describe(input)}."
            )
        return ops.softmax(input, -3)
