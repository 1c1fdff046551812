"""Comparisons and logic, element by element. Their results are booleans or integers, which have no gradient."""

from __future__ import annotations

import numpy as np

from ..engine.op import Op

__all__ = [
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "eq",
    "ge",
    "gt",
    "isfinite",
    "isinf",
    "isnan",
    "le",
    "logical_and",
    "logical_not",
    "logical_or",
    "lt",
    "ne",
]

eq = Op("eq", np.equal, faces="function method in_place", doc="``input == other``")
ne = Op("ne", np.not_equal, faces="function method in_place", doc="``input != other``")
lt = Op("lt", np.less, faces="function method in_place", doc="``input < other``")
le = Op("le", np.less_equal, faces="function method in_place", doc="``input <= other``")
gt = Op("gt", np.greater, faces="function method in_place", doc="``input > other``")
ge = Op("ge", np.greater_equal, faces="function method in_place", doc="``input >= other``")
logical_and = Op("logical_and", np.logical_and, faces="function method in_place", doc="``input and other``")
logical_or = Op("logical_or", np.logical_or, faces="function method in_place", doc="``input or other``")
logical_not = Op("logical_not", np.logical_not, faces="function method in_place", doc="``not input``")
bitwise_and = Op(
    "bitwise_and", np.bitwise_and, faces="function method in_place", doc="``input & other`` of booleans or integers"
)
bitwise_or = Op(
    "bitwise_or", np.bitwise_or, faces="function method in_place", doc="``input | other`` of booleans or integers"
)
bitwise_not = Op("bitwise_not", np.invert, faces="function method in_place", doc="``~input`` of booleans or integers")
isnan = Op("isnan", np.isnan, faces="function method", doc="whether each element is NaN")
isinf = Op("isinf", np.isinf, faces="function method", doc="whether each element is plus or minus infinity")
isfinite = Op("isfinite", np.isfinite, faces="function method", doc="whether each element is neither NaN nor infinite")
