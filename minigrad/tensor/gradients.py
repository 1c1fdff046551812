"""Gradients of many tensors."""

from __future__ import annotations

from collections.abc import Iterable

from ..engine.host import forgets
from .tensor import Tensor


def zero_gradients(parameters: Iterable[Tensor], set_to_none: bool) -> None:
    """Forget gradients: None, or zeros."""
    parameters = list(parameters)
    forgets(parameters)
    if set_to_none:
        for parameter in parameters:
            parameter._grad = None
        return
    for parameter in parameters:
        if parameter.grad is not None:
            parameter._grad = parameter.grad.detach().zero_()
