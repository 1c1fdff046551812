"""Dropouts as modules: they draw in training, and pass their input on in evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from ...ops.random import probability
from .. import stochastic
from ..module import Module


class DropoutLayer(Module):
    """A function ``function(input, p, training)``; the random numbers come from the global random state.

    Args:
        p: the probability with which something is dropped, 0 to 1.
        inplace: accepted as in PyTorch; the input is never overwritten, the result is the same.
    """

    _function: ClassVar[Callable[..., Any]]

    def __init_subclass__(cls, function: Callable[..., Any] | None = None) -> None:
        super().__init_subclass__()
        if function is not None:
            cls._function = function

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        self.p = probability(p, type(self).__name__)
        self.inplace = inplace

    def forward(self, input: Any) -> Any:
        return type(self)._function(input, self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(DropoutLayer, function=stochastic.dropout):
    """In training, sets each element to zero with probability ``p`` and divides the rest by ``1 - p``.

    In evaluation it passes its input on. The random numbers come from the global random state. ``inplace`` is accepted
    as in PyTorch; the input is never overwritten, the result is the same.

    >>> nn.Dropout(0.5)(mg.ones(6))
    tensor([2., 2., 2., 0., 0., 0.])
    >>> nn.Dropout(0.5).eval()(mg.ones(2))
    tensor([1., 1.])
    """


class Dropout1d(DropoutLayer, function=stochastic.dropout1d):
    """``Dropout`` of whole channels of (N, C, L) or (C, L).

    J. Tompson et al., Efficient object localization using convolutional networks, 2015.

    >>> drawn = nn.Dropout1d(0.5)(mg.ones(1, 100, 2))
    >>> bool((drawn[..., 0] == drawn[..., 1]).all()), sorted(set(drawn.flatten().tolist()))
    (True, [0.0, 2.0])
    """


class Dropout2d(DropoutLayer, function=stochastic.dropout2d):
    """``Dropout`` of whole channels of (N, C, H, W).

    >>> nn.Dropout2d(0.5).eval()(mg.ones(1, 2, 3, 3)).shape
    (1, 2, 3, 3)
    """


class Dropout3d(DropoutLayer, function=stochastic.dropout3d):
    """``Dropout`` of whole channels of (N, C, D, H, W) or (C, D, H, W).

    >>> nn.Dropout3d(0.5).eval()(mg.ones(1, 2, 3, 3, 3)).shape
    (1, 2, 3, 3, 3)
    """


class AlphaDropout(DropoutLayer, function=stochastic.alpha_dropout):
    """Dropout for ``SELU``: elements become its smallest value, and mean 0 and variance 1 are kept.

    G. Klambauer et al., Self-normalizing neural networks, 2017.

    >>> drawn = nn.AlphaDropout(0.2)(mg.randn(100000))
    >>> bool(abs(drawn.mean()) < 0.05), bool(abs(drawn.std() - 1) < 0.05)
    (True, True)
    """


class FeatureAlphaDropout(DropoutLayer, function=stochastic.feature_alpha_dropout):
    """``AlphaDropout`` of whole channels of (N, C, ...).

    >>> nn.FeatureAlphaDropout(0.5).eval()(mg.ones(1, 2, 3)).shape
    (1, 2, 3)
    """
