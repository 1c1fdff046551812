"""The fully connected layer, of one input and of two."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import ops
from ...engine.arguments import whole
from ...ops.products import linear_op
from ...tensor.creation import zeros
from .. import init
from ..module import Module
from ..parameter import Parameter


class Linear(Module):
    """``y = x @ weight.T + bias``: x (..., in_features), y (..., out_features).

    Weight (out_features, in_features) and bias start evenly distributed in ``±1 / sqrt(in_features)``.

    Args:
        in_features, out_features: the last lengths of input and output, at least 1.
        bias: whether to add a bias.
        device: the CPU.
        dtype: of the parameters, by default the default dtype, float32.

    >>> layer = nn.Linear(3, 2)
    >>> layer(mg.ones(5, 3)).shape, layer.weight.shape, layer.bias.shape
    ((5, 2), (2, 3), (2,))
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        for name, value in (("in_features", in_features), ("out_features", out_features)):
            if not isinstance(value, (int, np.integer)) or value < 1:
                raise ValueError(f"Linear: {name} must be an integer of at least 1, got {value!r}.")
        self.in_features = int(in_features)
        self.out_features = int(out_features)
        self.weight = Parameter(zeros(out_features, in_features, dtype=dtype, device=device))
        self.bias = Parameter(zeros(out_features, dtype=dtype)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new parameters from the global random state."""
        draw(self.in_features, self.weight, self.bias)

    def forward(self, input: Any) -> Any:
        return linear_op(input, self.weight, self.bias)  # ops.linear would be one more call in every step

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Module):
    """``y[o] = sum(x1[i] * weight[o, i, j] * x2[j]) + bias[o]``: x1 (..., in1), x2 (..., in2), y (..., out).

    Weight (out, in1, in2) and bias start evenly distributed in ``±1 / sqrt(in1_features)``.

    Args:
        in1_features, in2_features, out_features: the last lengths of inputs and output, at least 1.
        bias: whether to add a bias.
        device: the CPU.
        dtype: of the parameters, by default the default dtype, float32.

    >>> nn.Bilinear(2, 3, 5)(mg.ones(4, 2), mg.ones(4, 3)).shape
    (4, 5)
    """

    def __init__(
        self, in1_features: int, in2_features: int, out_features: int, bias: bool = True, device: Any = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        self.in1_features = whole(in1_features, 1, "Bilinear: in1_features must be an integer of at least 1")
        self.in2_features = whole(in2_features, 1, "Bilinear: in2_features must be an integer of at least 1")
        self.out_features = whole(out_features, 1, "Bilinear: out_features must be an integer of at least 1")
        self.weight = Parameter(zeros(out_features, in1_features, in2_features, dtype=dtype, device=device))
        self.bias = Parameter(zeros(out_features, dtype=dtype)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new parameters from the global random state."""
        draw(self.in1_features, self.weight, self.bias)

    def forward(self, input1: Any, input2: Any) -> Any:
        return ops.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


def draw(fan_in: int, weight: Any, bias: Any) -> None:
    """New values, evenly distributed in ``±1 / sqrt(fan_in)``."""
    bound = 1 / math.sqrt(fan_in)
    init.uniform_(weight, -bound, bound)
    if bias is not None:
        init.uniform_(bias, -bound, bound)
