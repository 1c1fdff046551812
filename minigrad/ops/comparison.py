"""Comparisons and logic: functions whose derivative is zero wherever it exists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.node import Variable, describe, wrap
from .arithmetic import comparable


def piecewise_constant(name: str, function: Callable[..., Any], doc: str) -> Callable[..., Any]:
    """A piecewise constant function: its result never requires grad."""

    def apply(*operands: Any) -> Any:
        arrays, tensors = [], False
        for x in operands:
            if isinstance(x, Variable):
                tensors, x = True, x.array
            arrays.append(x)
        if tensors and len(arrays) == 2:
            a, b = arrays
            if type(a) is not ndarray or type(b) is not ndarray or a.dtype is not b.dtype:
                arrays = comparable(arrays)
        try:
            y = function(*arrays)
        except (ValueError, TypeError) as error:
            kind = ValueError if isinstance(error, ValueError) else TypeError
            raise kind(f"{name}: cannot be applied to {' and '.join(map(describe, operands))}: {error}") from error
        return wrap(y) if tensors else y

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = doc
    return apply


eq = piecewise_constant("eq", np.equal, "``a == b``, elementwise.")
ne = piecewise_constant("ne", np.not_equal, "``a != b``, elementwise.")
lt = piecewise_constant("lt", np.less, "``a < b``, elementwise.")
le = piecewise_constant("le", np.less_equal, "``a <= b``, elementwise.")
gt = piecewise_constant("gt", np.greater, "``a > b``, elementwise.")
ge = piecewise_constant("ge", np.greater_equal, "``a >= b``, elementwise.")
logical_and = piecewise_constant("logical_and", np.logical_and, "``a and b``, elementwise.")
logical_or = piecewise_constant("logical_or", np.logical_or, "``a or b``, elementwise.")
logical_not = piecewise_constant("logical_not", np.logical_not, "``not x``, elementwise.")
bitwise_and = piecewise_constant("bitwise_and", np.bitwise_and, "``a & b`` of booleans or integers, elementwise.")
bitwise_or = piecewise_constant("bitwise_or", np.bitwise_or, "``a | b`` of booleans or integers, elementwise.")
bitwise_not = piecewise_constant("bitwise_not", np.invert, "``~x`` of booleans or integers, elementwise.")
isnan = piecewise_constant("isnan", np.isnan, "Whether each element is NaN.")
isinf = piecewise_constant("isinf", np.isinf, "Whether each element is plus or minus infinity.")
isfinite = piecewise_constant("isfinite", np.isfinite, "Whether each element is neither NaN nor infinite.")
