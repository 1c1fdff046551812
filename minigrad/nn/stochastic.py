"""The functions of ``nn.functional`` that draw from the global random state, and are different in training."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from ..engine.errors import InvalidValueError
from ..engine.faces import public
from ..engine.node import describe
from ..engine.scope import call_path
from ..ops import activation_pieces, random
from ..ops.arguments import one_name, shape_of
from ..ops.shapes import squeeze, unsqueeze
from ..tensor.random import global_generator

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = [
    "alpha_dropout",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_alpha_dropout",
    "gumbel_softmax",
    "rrelu",
]


@public("functional_inplace")
def dropout(input: Any, p: float = 0.5, training: bool = True) -> Tensor:
    """Set each element to zero with probability ``p`` and divide the others by ``1 - p``.

    Without ``training`` the input is passed on. Random numbers come from the global random state.

    >>> F.dropout(mg.ones(4), p=0.5, training=False)
    tensor([1., 1., 1., 1.])
    """
    output: Tensor = random.dropout(input, p, global_generator()) if training else input
    return output


@public("functional_inplace")
def dropout1d(input: Any, p: float = 0.5, training: bool = True) -> Tensor:
    """Set whole channels of (N, C, L) or (C, L) to zero with probability ``p``; divide the others by ``1 - p``.

    J. Tompson et al., Efficient object localization using convolutional networks, 2015.

    Without ``training`` the input is passed on.

    Raises:
        ValueError: for an input of another number of axes.

    >>> F.dropout1d(mg.ones(1, 2, 3), training=False).shape
    (1, 2, 3)
    """
    if len(shape_of(input)) not in (2, 3):
        raise InvalidValueError(
            f"dropout1d{call_path()}: expected (N, C, L) or (C, L), got {describe(input)}; dropout2d takes images."
        )
    return of_channels(input, p, training, one_sample=len(input.shape) == 2)


@public("functional_inplace")
def dropout2d(input: Any, p: float = 0.5, training: bool = True) -> Tensor:
    """Set whole channels of (N, C, H, W) to zero with probability ``p``; divide the others by ``1 - p``.

    Axes 0 and 1 are always taken for N and C. With 3 axes this is ``dropout1d``, with a warning, as in PyTorch.
    Without ``training`` the input is passed on.

    >>> F.dropout2d(mg.ones(1, 2, 3, 3), training=False).shape
    (1, 2, 3, 3)
    """
    if len(shape_of(input)) != 4:
        warnings.warn(
            f"dropout2d{call_path()}: expected (N, C, H, W), got {describe(input)}: axes 0 and 1 are taken for N and "
            "C. For (N, C, L) use dropout1d, of one image make a batch, x.unsqueeze(0).",
            stacklevel=2,
        )
    return of_channels(input, p, training, one_sample=False)


@public("functional_inplace")
def dropout3d(input: Any, p: float = 0.5, training: bool = True) -> Tensor:
    """Set whole channels of (N, C, D, H, W) or (C, D, H, W) to zero with probability ``p``; scale the others.

    Without ``training`` the input is passed on.

    >>> F.dropout3d(mg.ones(1, 2, 3, 3, 3), training=False).shape
    (1, 2, 3, 3, 3)
    """
    rank = len(shape_of(input))
    if rank not in (4, 5):
        warnings.warn(
            f"dropout3d{call_path()}: expected (N, C, D, H, W) or (C, D, H, W), got {describe(input)}.", stacklevel=2
        )
    return of_channels(input, p, training, one_sample=rank != 5)


def of_channels(input: Any, p: float, training: bool, one_sample: bool) -> Tensor:
    """Dropout of channels, which are axis 1, or of one sample axis 0."""
    output: Tensor = input
    if training:
        output = random.dropout(unsqueeze(input, 0) if one_sample else input, p, global_generator(), channels=True)
    return squeeze(output, 0) if training and one_sample else output


@public("functional_inplace")
def alpha_dropout(input: Any, p: float = 0.5, training: bool = False) -> Tensor:
    """Dropout for ``selu``: elements become its smallest value, and mean 0 and variance 1 are kept.

    G. Klambauer et al., Self-normalizing neural networks, 2017.

    Without ``training`` the input is passed on.

    Args:
        p: the probability.
        training: whether elements are dropped.

    >>> F.alpha_dropout(mg.ones(2), training=False)
    tensor([1., 1.])
    """
    output: Tensor = random.alpha_dropout(input, p, global_generator()) if training else input
    return output


@public("functional_inplace")
def feature_alpha_dropout(input: Any, p: float = 0.5, training: bool = False) -> Tensor:
    """``alpha_dropout`` of whole channels of (N, C, ...).

    Without ``training`` the input is passed on.

    Arguments are those of ``alpha_dropout``.

    >>> F.feature_alpha_dropout(mg.ones(1, 2, 3), training=False).shape
    (1, 2, 3)
    """
    output: Tensor = random.alpha_dropout(input, p, global_generator(), channels=True) if training else input
    return output


@public("functional_inplace")
def rrelu(input: Any, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False) -> Tensor:
    """``x`` where it is positive, else x times a slope that is drawn for each element.

    B. Xu et al., Empirical evaluation of rectified activations in convolutional network, 2015.

    Args:
        input: the tensor.
        lower, upper: the bounds of the slopes; in evaluation the slope is their mean.
        training: whether slopes are drawn.

    >>> F.rrelu(mg.tensor([-16.0, 2.0]), lower=0.25, upper=0.75)
    tensor([-8.,  2.])
    """
    output: Tensor = activation_pieces.rrelu(input, lower, upper, training, global_generator())
    return output


@public("functional")
def gumbel_softmax(
    logits: Any, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1, *, axis: int | None = None
) -> Tensor:
    """``softmax((logits + noise) / tau)``: a sample of a category that gradients pass.

    E. Jang et al., Categorical reparameterization with Gumbel-softmax, 2017.

    Args:
        logits: unnormalised log-probabilities.
        tau: the temperature: the smaller, the nearer to a single one.
        hard: return a one at the sample and zeros elsewhere; the gradient is that of the softmax.
        eps: deprecated, and without effect.
        dim: the axis of the categories.
        axis: NumPy's name of dim.

    >>> F.gumbel_softmax(mg.zeros(2, 5), hard=True).sum(dim=-1)
    tensor([1., 1.])
    """
    if eps != 1e-10:
        warnings.warn("gumbel_softmax: eps is deprecated and has no effect: leave it out.", stacklevel=2)
    output: Tensor = random.gumbel_softmax(
        logits, tau, hard, dim if axis is None else one_name(None, axis), global_generator()
    )
    return output
