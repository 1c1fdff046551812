"""Operations on bits, and others for integers only; results are integers or booleans, which have no gradient."""

from __future__ import annotations

import numpy as np

from .elementwise import elementwise

__all__ = [
    "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "gcd",
    "lcm",
]  # fmt: skip

bitwise_and = elementwise("bitwise_and", np.bitwise_and, doc="``input & other`` of booleans or integers")
bitwise_or = elementwise("bitwise_or", np.bitwise_or, doc="``input | other`` of booleans or integers")
bitwise_xor = elementwise("bitwise_xor", np.bitwise_xor, doc="``input ^ other`` of booleans or integers")
bitwise_not = elementwise("bitwise_not", np.invert, doc="``~input`` of booleans or integers")
bitwise_left_shift = elementwise(
    "bitwise_left_shift", np.left_shift, doc="``input << other``: ``input * 2**other`` of integers, 0 beyond their bits"
)
bitwise_right_shift = elementwise(
    "bitwise_right_shift", np.right_shift, doc="``input >> other``: ``floor(input / 2**other)`` of integers"
)
gcd = elementwise("gcd", np.gcd, doc="the greatest common divisor of integers, at least 0")
lcm = elementwise("lcm", np.lcm, doc="the least common multiple of integers, at least 0")
