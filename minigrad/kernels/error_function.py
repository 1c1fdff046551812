"""The error function and the functions beside it, of arrays in float64, to the last digits.

Each takes ``exact``: False where the result is rounded to float32 or less, which shorter polynomials are enough for.
Nothing here overflows, and what is infinite or NaN at the ends of a domain is so without a warning.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

ROOT_OF_HALF = math.sqrt(0.5)


def constants(*values: float) -> list[Any]:
    """Coefficients, that of the power 0 first."""
    return [np.array(value) for value in values]


MIDDLE = 3.5
"""The x at which ``t = (x - MIDDLE) / (x + MIDDLE)`` is 0: with it the fewest powers of t are needed."""
TAIL = constants(
    1.2423492448711544, -0.1400091801376197, -0.010555596332221669, 0.09751909515328706, -0.11508959816003075,
    0.08798315382403678, -0.04882332583088402, 0.019099330953271165, -0.004215019879774186, -0.0003022679534333239,
    0.0005643842668705102, -0.00012151212091980101, -4.2781739959539994e-05, 2.4260300984917994e-05,
    2.3273309537791425e-06, -3.814012584490695e-06, -4.309237398316666e-08, 6.014823849950426e-07,
    -8.611571571113718e-09, -9.64004253144383e-08, 6.651894382376532e-10, 1.3624442778701048e-08,
    6.040390099342991e-11, -1.1656687889203665e-09,
)  # fmt: skip
SHORT_TAIL = constants(
    1.2423492451279927, -0.14000918208858443, -0.010555621566403184, 0.09751916886857022, -0.1150891930617573,
    0.0879823447396027, -0.04882576761036125, 0.019103272773594367, -0.004207996372843364, -0.00031224345364834206,
    0.0005539717080501172, -0.00010766818287903493, -3.5054929339068246e-05, 1.3891011660231716e-05,
)  # fmt: skip
"""``(1 + 2 x) exp(x**2) erfc(x)`` of x from 0 to infinity as a polynomial in t (M. Shepherd, J. Laframboise, Chebyshev
approximation of (1 + 2 x) exp(x**2) erfc x, 1981), computed here with 50 digits: to 3e-17 and 1e-9."""

NEAR = constants(
    1.1283791670955126, -0.37612638903183543, 0.1128379167094513, -0.026866170643256995, 0.005223977607269946,
    -0.0008548325982543225, 0.00012055295112667001, -1.4924740785377576e-05, 1.6447471190594618e-06,
    -1.6208829856810202e-07, 1.3721520406351094e-08, -7.798543850549947e-10,
)  # fmt: skip
SHORT_NEAR = constants(
    1.1283791670623609, -0.3761263847599132, 0.11283782622062184, -0.026865438310515116, 0.005221053412537675,
    -0.0008484396550601893, 0.00011268253894199437, -9.673590811750782e-06,
)  # fmt: skip
"""``erf(x) / x`` as a polynomial in x**2, up to x = 1: to 2e-17 and 1e-9."""

CENTRE = constants(
    3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987,
    67265.7709270087, 33430.57558358813, 2509.0809287301227,
)  # fmt: skip
CENTRE_BELOW = constants(
    1.0, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
    28729.085735721943, 5226.495278852854,
)  # fmt: skip
SIDE = constants(
    1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684,
    0.2417807251774506, 0.022723844989269184, 0.0007745450142783414,
)  # fmt: skip
SIDE_BELOW = constants(
    1.0, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
    0.0005475938084995345, 1.0507500716444169e-09,
)  # fmt: skip
END = constants(
    6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
    0.0012426609473880784, 2.7115555687434876e-05, 2.0103343992922881e-07,
)  # fmt: skip
END_BELOW = constants(
    1.0, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133, 1.8463183175100548e-05,
    1.421511758316446e-07, 2.0442631033899397e-15,
)  # fmt: skip
"""The quantiles of the normal distribution as quotients of polynomials: up to 0.425 from the middle; where ``r``, the
root of the logarithm of the tail's probability, is at most 5; beyond (M. Wichura, algorithm AS 241, 1988)."""


def polynomial(coefficients: Sequence[Any], x: Any) -> Any:
    """The sum of ``coefficients[i] * x**i``."""
    y = x * coefficients[-1]
    for coefficient in coefficients[-2:0:-1]:
        y += coefficient
        y *= x
    y += coefficients[0]
    return y


def gaussian(x: Any, rate: float, exact: bool) -> Any:
    """``exp(-rate * x**2)`` of x up to 40, where rate is a power of 2.

    A rounded square would cost up to ``x**2`` units in the last place. So x is the sum of ``head``, whose square is
    exact, and a rest with which the series of the exponential ends after three terms.
    """
    if not exact:
        return np.exp(x * x * -rate)
    shifted = x * 134217729.0  # 2**27 + 1: head has the first 26 of the 53 bits (G. Veltkamp, T. Dekker, 1971)
    head = shifted - (shifted - x)
    rest = (x - head) * (x + head) * rate
    return np.exp(head * head * -rate) * (1 - rest * (1 - rest * (0.5 - rest / 6)))


def scaled_tail(x: Any, exact: bool) -> Any:
    """``(1 + 2 x) exp(x**2) erfc(x)`` of x of at least 0."""
    finite = np.minimum(x, 1e18)
    return polynomial(TAIL if exact else SHORT_TAIL, (finite - MIDDLE) / (finite + MIDDLE))


def near_zero(x: Any, exact: bool) -> Any:
    """``erf(x)`` up to 1."""
    return x * polynomial(NEAR if exact else SHORT_NEAR, x * x)


def erf(x: Any, exact: bool) -> Any:
    """``2 / sqrt(pi)`` times the integral of ``exp(-t**2)`` from 0 to x."""
    size = np.minimum(np.absolute(x), 40)
    far = 1 - gaussian(size, 1, exact) * scaled_tail(size, exact) / (1 + 2 * size)
    return np.copysign(np.where(size < 1, near_zero(size, exact), far), x)


def two_sided(x: Any, exact: bool, rate: float) -> Any:
    """``erfc(x * sqrt(rate))``, where rate is 1 or 0.5."""
    size = np.minimum(np.absolute(x), 40)
    argument = size if rate == 1 else size * ROOT_OF_HALF
    tail = gaussian(size, rate, exact) * scaled_tail(argument, exact) / (1 + 2 * argument)
    y = np.where(argument < 0.5, 1 - near_zero(argument, exact), tail)
    return np.where(x < 0, 2 - y, y)


def erfc(x: Any, exact: bool) -> Any:
    """``1 - erf(x)``"""
    return two_sided(x, exact, 1)


def ndtr(x: Any, exact: bool) -> Any:
    """``P(Z <= x)`` of a standard normal Z."""
    return 0.5 * two_sided(-x, exact, 0.5)


@np.errstate(over="ignore")  # x**2 / 2, whose limit is right
def log_ndtr(x: Any, exact: bool) -> Any:
    """``log(ndtr(x))``, also where ``ndtr(x)`` is 0."""
    size = np.clip(-x, 1, 1e300) * ROOT_OF_HALF
    far = np.log(0.5 * scaled_tail(size, exact) / (1 + 2 * size)) - x * x * 0.5
    return np.where(x < -1, far, np.log1p(-0.5 * two_sided(np.maximum(x, -1), exact, 0.5)))


@np.errstate(over="ignore")
def inverse_mills(x: Any, exact: bool) -> Any:
    """``exp(-x**2 / 2) / (sqrt(2 pi) ndtr(x))``, the derivative of ``log_ndtr``."""
    size = np.maximum(-x, 0) * ROOT_OF_HALF
    far = math.sqrt(2 / math.pi) * (1 + 2 * size) / scaled_tail(size, exact)
    near = np.exp(x * x * -0.5) / (1 - 0.5 * two_sided(np.maximum(x, 0), exact, 0.5))
    return np.where(x < 0, far, near * (1 / math.sqrt(2 * math.pi)))


def quantile(x: Any) -> Any:
    """``erfinv(x)`` to 5 units in the last place, for x from 0 to less than 1."""
    half = 0.5 * x
    q = 0.180625 - half * half
    centre = half * polynomial(CENTRE, q) / polynomial(CENTRE_BELOW, q)
    r = np.sqrt(-np.log(np.maximum(0.5 * (1 - x), 1e-17)))
    near, far = np.minimum(r, 5) - 1.6, r - 5
    side = polynomial(SIDE, near) / polynomial(SIDE_BELOW, near)
    end = polynomial(END, far) / polynomial(END_BELOW, far)
    return ROOT_OF_HALF * np.where(x <= 0.85, centre, np.where(far > 0, end, side))


def erfinv(x: Any, exact: bool) -> Any:
    """The y with ``erf(y) == x``: infinite at -1 and 1, NaN beyond."""
    size = np.absolute(x)
    y = quantile(np.minimum(size, 1))
    if exact:  # one step of Newton's method, which compares with the tail where that is small
        slope = gaussian(y, 1, True)
        tail = slope * scaled_tail(y, True) / (1 + 2 * y)
        excess = np.where(size < 0.84, near_zero(y, True) - size, (1 - size) - tail)
        y = y - excess / slope * (math.sqrt(math.pi) / 2)
    y = np.where(size < 1, y, np.where(size == 1, np.inf, np.nan))
    return np.copysign(y, x)
