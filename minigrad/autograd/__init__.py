"""Floor 5: derivatives as functions, and the switches around them, ``mg.autograd``.

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
