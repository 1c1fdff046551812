"""Floor 4: modules, the layers and losses among them, their functions and their initial values."""

from typing import TYPE_CHECKING

from ..engine.absent import absent
from . import functional, init, modules, utils
from .containers import ModuleDict, ModuleList, Sequential
from .layers.activations import (
    CELU,
    ELU,
    GELU,
    GLU,
    SELU,
    Hardshrink,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    LogSigmoid,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    RReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softmax2d,
    Softmin,
    Softplus,
    Softshrink,
    Softsign,
    Tanh,
    Tanhshrink,
    Threshold,
)
from .layers.batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from .layers.dropout import Dropout
from .layers.function_layer import FunctionLayer
from .layers.linear import Linear
from .layers.shapes import Flatten, Identity
from .losses import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, L1Loss, MSELoss, NLLLoss
from .module import Module
from .parameter import Buffer, Parameter

# fmt: off
__all__ = [
    "CELU", "ELU", "GELU", "GLU", "SELU", "BCELoss", "BCEWithLogitsLoss", "BatchNorm1d", "BatchNorm2d",
    "BatchNorm3d", "Buffer", "CrossEntropyLoss", "Dropout", "Flatten", "FunctionLayer", "Hardshrink", "Hardsigmoid",
    "Hardswish", "Hardtanh", "Identity", "L1Loss", "LeakyReLU", "Linear", "LogSigmoid", "LogSoftmax", "MSELoss",
    "Mish", "Module", "ModuleDict", "ModuleList", "NLLLoss", "PReLU", "Parameter", "RReLU", "ReLU", "ReLU6",
    "Sequential", "SiLU", "Sigmoid", "Softmax", "Softmax2d", "Softmin", "Softplus", "Softshrink", "Softsign",
    "Tanh", "Tanhshrink", "Threshold", "functional", "init", "modules", "utils",
]
# fmt: on

if not TYPE_CHECKING:
    __getattr__ = absent(__name__)
