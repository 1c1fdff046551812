# Floor 5: imports come from the floors below.
"""Derivatives as functions, operations of one's own, and the switches around them: ``mg.autograd``.

>>> x = mg.tensor([1.0, 2.0], requires_grad=True)
>>> (dx,) = mg.autograd.grad((x**3).sum(), x)
>>> dx
tensor([ 3., 12.])
>>> mg.autograd.functional.hessian(lambda x: (x**3).sum(), mg.tensor([1.0, 2.0]))
tensor([[ 6.,  0.],
        [ 0., 12.]])

The files:

``functional``  Jacobians, Hessians and their products with vectors, for a function at a point
``graph``       nodes of a graph, and hooks of several tensors
``function``    operations of one's own in PyTorch's form
``transform``   differentiation in progress, of which ``functional`` and ``mg.func`` are made
``trees``       nested tuples, lists and dicts of tensors
"""

from typing import TYPE_CHECKING

from ..checks.gradcheck import gradcheck, gradgradcheck
from ..engine.absent import absent
from ..engine.gradients import backward, grad
from ..engine.modes import (
    detect_anomaly,
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_detect_anomaly,
    set_grad_enabled,
)
from ..tensor.function import Function
from . import function, functional, graph

__all__ = [
    "Function",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "function",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]

if not TYPE_CHECKING:
    __getattr__ = absent(__name__)
