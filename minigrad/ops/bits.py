"""Operations on bits, and others for integers only; results are integers or booleans, which have no gradient."""

from __future__ import annotations

import numpy as np

from .arguments import TWO_OPERANDS
from .elementwise import elementwise

__all__ = [
    "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "gcd",
    "lcm",
]  # fmt: skip

bitwise_and = elementwise(
    "bitwise_and",
    np.bitwise_and,
    doc="``input & other`` of booleans or integers: the bits that both have" + TWO_OPERANDS,
    example="mg.bitwise_and(mg.tensor([0b1100, 0b1010]), 0b0110) -> tensor([4, 2])",
)
bitwise_or = elementwise(
    "bitwise_or",
    np.bitwise_or,
    doc="``input | other`` of booleans or integers: the bits that either has" + TWO_OPERANDS,
    example="mg.bitwise_or(mg.tensor([0b1100, 0b1010]), 0b0110) -> tensor([14, 14])",
)
bitwise_xor = elementwise(
    "bitwise_xor",
    np.bitwise_xor,
    doc="``input ^ other`` of booleans or integers: the bits that one of them has" + TWO_OPERANDS,
    example="mg.bitwise_xor(mg.tensor([0b1100, 0b1010]), 0b0110) -> tensor([10, 12])",
)
bitwise_not = elementwise(
    "bitwise_not",
    np.invert,
    doc="``~input``: of booleans the opposite, of signed integers ``-input - 1``, of others all bits inverted",
    example="mg.bitwise_not(mg.tensor([0, 5])), mg.bitwise_not(mg.tensor([True, False])) -> "
    "(tensor([-1, -6]), tensor([False,  True]))",
)
bitwise_left_shift = elementwise(
    "bitwise_left_shift",
    np.left_shift,
    doc="``input << other``: ``input * 2**other`` of integers, 0 beyond their bits" + TWO_OPERANDS,
    example="mg.bitwise_left_shift(mg.tensor([1, 3]), mg.tensor([4, 1])) -> tensor([16,  6])",
)
bitwise_right_shift = elementwise(
    "bitwise_right_shift",
    np.right_shift,
    doc="``input >> other``: ``floor(input / 2**other)`` of integers" + TWO_OPERANDS,
    example="mg.bitwise_right_shift(mg.tensor([16, -3]), 1) -> tensor([ 8, -2])",
)
gcd = elementwise(
    "gcd",
    np.gcd,
    doc="the greatest common divisor of integers, at least 0; of 0 and n it is ``|n|``" + TWO_OPERANDS,
    example="mg.gcd(mg.tensor([12, -12, 0]), 18) -> tensor([ 6,  6, 18])",
)
lcm = elementwise(
    "lcm",
    np.lcm,
    doc="the least common multiple of integers, at least 0; of 0 and n it is 0" + TWO_OPERANDS,
    example="mg.lcm(mg.tensor([4, -6, 0]), 6) -> tensor([12,  6,  0])",
)
