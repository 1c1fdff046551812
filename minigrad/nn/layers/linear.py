"""The fully connected layer, and layers that only pass on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

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
        dtype: of the parameters, by default the default dtype, float32.
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True, dtype: Any = None) -> None:
        for name, value in (("in_features", in_features), ("out_features", out_features)):
            if not isinstance(value, (int, np.integer)) or value < 1:
                raise ValueError(f"Linear: {name} must be an integer of at least 1, got {value!r}.")
        self.in_features = int(in_features)
        self.out_features = int(out_features)
        self.weight = Parameter(zeros(out_features, in_features, dtype=dtype))
        self.bias = Parameter(zeros(out_features, dtype=dtype)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new parameters from the global random state."""
        bound = 1 / math.sqrt(self.in_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Any) -> Any:
        return linear_op(input, self.weight, self.bias)  # ops.linear would be one more call in every step

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"
