"""Derivatives as functions, and the switches around them: ``mg.autograd``."""

from .engine.gradients import backward, grad
from .engine.modes import detect_anomaly, enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .tensor.function import Function

__all__ = [
    "Function",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "is_grad_enabled",
    "no_grad",
    "set_grad_enabled",
]
