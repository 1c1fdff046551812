"""Floor 2: every differentiable operation, one file per family.

An operation is an ``Op`` of the engine: its forward function beside its derivatives. Called with
a tensor it is recorded; called with arrays only it is plain NumPy, which is what lets a
derivative be written once and be used both for numbers and for graphs.
"""

from .batch_norm import batch_norm
from .dropout import dropout as dropout
from .elementwise import (
    abs,
    add,
    bitwise_and,
    bitwise_not,
    bitwise_or,
    clamp,
    cos,
    div,
    eq,
    exp,
    ge,
    gt,
    isfinite,
    isinf,
    isnan,
    le,
    log,
    logical_and,
    logical_not,
    logical_or,
    lt,
    maximum,
    minimum,
    mul,
    ne,
    neg,
    pow,
    reciprocal,
    relu,
    sigmoid,
    sign,
    sin,
    sqrt,
    square,
    sub,
    tanh,
    where,
)
from .indexing import getitem as getitem
from .linear_algebra import linear, matmul
from .losses import binary_cross_entropy, binary_cross_entropy_with_logits, cross_entropy, l1_loss, mse_loss, nll_loss
from .reductions import amax, amin, argmax, argmin, max, mean, min, prod, std, sum, var
from .shapes import (
    astype,
    cat,
    clone,
    expand,
    flatten,
    permute,
    reshape,
    squeeze,
    stack,
    swapaxes,
    transpose,
    unsqueeze,
)
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
