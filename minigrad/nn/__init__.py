"""Floor 4: modules, the layers and losses among them, their functions and their initial values."""

from . import functional, init, utils
from .containers import ModuleDict, ModuleList, Sequential
from .layers.activations import GELU, LogSoftmax, ReLU, Sigmoid, Softmax, Softplus, Tanh
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
    "GELU", "BCELoss", "BCEWithLogitsLoss", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "Buffer", "CrossEntropyLoss",
    "Dropout", "Flatten", "FunctionLayer", "Identity", "L1Loss", "Linear", "LogSoftmax", "MSELoss",
    "Module", "ModuleDict", "ModuleList", "NLLLoss", "Parameter", "ReLU", "Sequential", "Sigmoid", "Softmax",
    "Softplus", "Tanh", "functional", "init", "utils",
]
# fmt: on
