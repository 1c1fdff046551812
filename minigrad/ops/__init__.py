"""Floor 2: every differentiable operation, one file per family.

An operation is an ``Op`` of the engine: its forward function beside its derivatives. Called with
a tensor it is recorded; called with arrays only it is plain NumPy, which is what lets a
derivative be written once and be used both for numbers and for graphs.
"""

from .activation import relu, sigmoid
from .arithmetic import abs, add, div, mul, neg, pow, sign, sub
from .choosing import clamp, maximum, minimum, where
from .choosing_along import argmax, argmin, max, min
from .comparison import (
    bitwise_and,
    bitwise_not,
    bitwise_or,
    eq,
    ge,
    gt,
    isfinite,
    isinf,
    isnan,
    le,
    logical_and,
    logical_not,
    logical_or,
    lt,
    ne,
)
from .functions import cos, exp, log, reciprocal, sin, sqrt, square, tanh
from .indexing import getitem as getitem
from .joining import cat, stack
from .losses.classes import cross_entropy, nll_loss
from .losses.pairs import binary_cross_entropy, binary_cross_entropy_with_logits, l1_loss, mse_loss
from .normalisation.batch_norm import batch_norm
from .prod import prod
from .products import linear, matmul
from .random import dropout as dropout
from .reductions import amax, amin, mean, std, sum, var
from .shapes import astype, clone, expand, flatten, permute, reshape, squeeze, swapaxes, transpose, unsqueeze
from .softmax import log_softmax, logsumexp, softmax

# fmt: off
__all__ = [
    "abs", "add", "amax", "amin", "argmax", "argmin", "astype", "batch_norm", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "bitwise_and", "bitwise_not", "bitwise_or", "cat", "clamp", "clone",
    "cos", "cross_entropy", "div", "eq", "exp", "expand", "flatten", "ge", "gt", "isfinite", "isinf",
    "isnan", "l1_loss", "le", "linear", "log", "log_softmax", "logical_and", "logical_not", "logical_or",
    "logsumexp", "lt", "matmul", "max", "maximum", "mean", "min", "minimum", "mse_loss", "mul", "ne", "neg",
    "nll_loss", "permute", "pow", "prod", "reciprocal", "relu", "reshape", "sigmoid", "sign", "sin", "softmax",
    "sqrt", "square", "squeeze", "stack", "std", "sub", "sum", "swapaxes", "tanh", "transpose", "unsqueeze",
    "var", "where",
]
