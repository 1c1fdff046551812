"""The logarithm of the gamma function and its derivatives, computed by SciPy, which is optional."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ...engine.arguments import whole
from ...engine.faces import public
from ...engine.op import Op
from ...kernels.precision import in_float64
from ..elementwise import elementwise

if TYPE_CHECKING:
    from ...tensor.tensor import Tensor

__all__ = ["digamma", "lgamma", "polygamma"]


def scipys(name: str) -> Any:
    """A function of SciPy's, which is imported where it is called."""
    try:
        from scipy import special
    except ImportError as error:
        raise ImportError(
            'lgamma, digamma and polygamma are computed by SciPy, which is not there: pip install "minigrad[special]".'
        ) from error
    return getattr(special, name)


def polygamma_of(input: Any, n: int) -> Any:
    """The derivative of order n of digamma, ``(-1)**(n + 1) n! zeta(n + 1, x)``."""
    n = whole(n, 0, "n must be an integer of at least 0")
    if n == 0:
        return digamma.definition(input)
    scale = (-1.0) ** (n + 1) * math.factorial(n)
    return in_float64(lambda x, _exact: scale * scipys("zeta")(n + 1.0, x))(input)


polygamma_op: Op = elementwise(
    "polygamma",
    polygamma_of,
    lambda dy, _y, x, n: dy * polygamma_op(x, n + 1),
    faces="method in_place",
    doc="""the derivative of order n of digamma; needs SciPy

    Of order 1 it is ``pi**2 / 6`` at 1. NIST Digital Library of Mathematical Functions, 5.15.

    Args:
        input: the tensor.
        n: the order, an integer of at least 0.
    """,
    example="mg.tensor([1.0, 10.0]).polygamma(1) -> tensor([1.6449, 0.1052])",
)
digamma = elementwise(
    "digamma",
    in_float64(lambda x, _exact: scipys("psi")(x)),
    lambda dy, _y, x: dy * polygamma_op(x, 1),
    faces="function method in_place special",
    doc="""the derivative of lgamma, ``gamma'(x) / gamma(x)``; needs SciPy

    ``psi`` in ``special``. At 1 it is minus Euler's constant. NIST Digital Library of Mathematical Functions, 5.2.2.
    """,
    example="mg.digamma(mg.tensor([1.0, 100.0])) -> tensor([-0.5772,  4.6002])",
)
lgamma = elementwise(
    "lgamma",
    in_float64(lambda x, _exact: scipys("gammaln")(x)),
    lambda dy, _y, x: dy * digamma(x),
    doc="""``log |gamma(x)|``; needs SciPy

    ``gammaln`` in ``special``. ``gamma(n + 1) = n!``, so at 5 it is ``log(24)``; inf at 0 and negative integers.
    NIST Digital Library of Mathematical Functions, 5.2.1.
    """,
    example="mg.lgamma(mg.tensor([5.0, 200.0, 0.0])) -> tensor([  3.1781, 857.9337,      inf])",
)
public("special", name="psi")(digamma)
public("special", name="gammaln")(lgamma)


@public("function special")
def polygamma(n: int, input: Any) -> Tensor:
    """The derivative of order n of digamma; of order 0 digamma itself.

    Args:
        n: the order, an integer of at least 0.
        input: the tensor. As a method the tensor comes first: ``x.polygamma(1)``.

    Raises:
        ImportError: without SciPy.

    >>> round(mg.polygamma(1, mg.tensor(1.0)).item(), 4)  # pi**2 / 6
    1.6449
    """
    return polygamma_op(input, n)
