"""Derivatives as functions, and the switches around them: ``mg.autograd``."""

from .engine.gradients import backward as backward
from .engine.gradients import grad as grad
from .engine.modes import detect_anomaly as detect_anomaly
from .engine.modes import enable_grad as enable_grad
from .engine.modes import is_grad_enabled as is_grad_enabled
from .engine.modes import no_grad as no_grad
from .engine.modes import set_grad_enabled as set_grad_enabled
from .tensor.function import Function as Function
