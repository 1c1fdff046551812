"""Layers and losses as functions, as PyTorch's ``torch.nn.functional``: what they need is given to them at each call.

>>> from minigrad.nn import functional as F
>>> F.relu(mg.tensor([-1.0, 2.0]))
tensor([0., 2.])
>>> F.cross_entropy(mg.tensor([[2.0, 0.0], [0.0, 2.0]]), mg.tensor([0, 0]))
tensor(1.1269)
>>> F.dropout(mg.ones(3), p=0.5, training=False)
tensor([1., 1., 1.])
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import ops
from ..engine.absent import absent
from ..engine.node import no_tensor
from ..ops.table import functions
from ..tensor.in_place import InPlace
from ..tensor.methods.method import in_place
from . import stochastic as stochastic

if TYPE_CHECKING:
    from ..ops import *  # noqa: F403
    from ..ops.losses import *  # noqa: F403
    from ..tensor.tensor import Tensor
    from .stochastic import *  # type: ignore[assignment]  # noqa: F403


def with_inplace(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with another argument, ``inplace``: whether the input itself becomes the result."""
    parameters = list(inspect.signature(function).parameters.values())
    count = len(parameters)

    @functools.wraps(function)
    def functional(*args: Any, inplace: bool = False, **named: Any) -> Any:
        if len(args) > count:
            *args, inplace = args  # type: ignore[assignment]
        if not inplace:
            return function(*args, **named)
        input = named.pop("input") if "input" in named else args[0]
        if not isinstance(input, InPlace):
            raise TypeError(f"{function.__name__}: inplace=True changes a tensor: {no_tensor(input)}")
        return input._in_place(function, *args[len(args) > 0 :], **named)

    formula, _, rest = (inspect.getdoc(function) or "").partition("\n\n")
    functional.__doc__ = f"{formula}\n\nWith ``inplace=True`` the input itself becomes the result.\n\n{rest}"
    own = inspect.Parameter("inplace", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=False)
    functional.__signature__ = inspect.Signature([*parameters, own])  # type: ignore[attr-defined]
    return functional


def with_underscore(name: str) -> Callable[..., Any]:
    """The function ``name_``, which changes its input; its example is the last one of ``name``."""
    function = functions("functional_inplace")[name]
    changing = in_place(function)
    _, call, example = (inspect.getdoc(function) or "").rpartition(f">>> F.{name}(")
    if call:
        changing.__doc__ = f"{changing.__doc__}\n\n>>> F.{name}_({example}"
    return changing


FUNCTIONS = {
    **functions("functional"),
    **{name: with_inplace(function) for name, function in functions("functional_inplace").items()},
    **{
        f"{name}_": with_underscore(name)
        for name in ("celu", "elu", "hardtanh", "leaky_relu", "relu", "rrelu", "selu", "threshold")
    },
}
globals().update(FUNCTIONS)


def batch_norm(  # type: ignore[no-redef]
    input: Any, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None,
    training: bool = False, momentum: float = 0.1, eps: float = 1e-5, *, mask: Any = None,
    group: Any = None,
) -> Tensor:  # fmt: skip
    """Normalise each channel of a batch (N, C, ...), then scale and shift it.

    ``(x - mean) / sqrt(var + eps) * weight + bias``, with the biased variance. S. Ioffe, C. Szegedy, Batch
    normalization, 2015.

    Args:
        input: the batch, at least 2 axes; channels are axis 1.
        running_mean, running_var: running estimates (C,), both or None. In training they are moved in
            place by ``momentum`` towards the batch's mean and unbiased variance, in evaluation read.
        weight, bias: scale (gamma) and shift (beta), (C,) or None.
        training: normalise with the batch's own statistics.
        momentum: the weight of the new batch in the running estimates.
        eps: added to the variance; positive in training.
        mask: booleans of the input's shape without channels, or (N,) for whole samples, True where values count.
            The others, padding say, take no part in the statistics, and their output and gradient are 0.
        group: of ``minigrad.distributed``: its ranks hold the parts of one batch, and in training its statistics are
            those of all of them. Weight and bias get the gradients of this rank's part.

    Raises:
        ValueError, TypeError: for what cannot be normalised; the running estimates are unchanged then.
        RuntimeError: for running estimates that require grad.

    >>> x = mg.tensor([[1.0], [3.0]])
    >>> mean, var = mg.zeros(1), mg.ones(1)
    >>> F.batch_norm(x, mean, var, training=True), mean, var
    (tensor([[-1.0000],
            [ 1.0000]]), tensor([0.2000]), tensor([1.1000]))
    """
    output: Tensor = ops.batch_norm(
        input, running_mean, running_var, weight, bias, training, momentum, eps, mask=mask, group=group
    )
    return output


__all__ = ["batch_norm", *FUNCTIONS]

if not TYPE_CHECKING:
    __getattr__ = absent(__name__)
