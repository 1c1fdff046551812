"""minigrad: a small tensor and autograd engine on NumPy, with BatchNorm as a node of its graph.

>>> import minigrad as mg
>>> from minigrad import nn, optim

Names, arguments and defaults are PyTorch's; dtypes and indexing are NumPy's. The rooms, from the ground
up: ``kernels`` (fast functions of arrays), ``engine`` (records and the backward walk), ``ops`` (operations
and their derivatives), ``tensor``, ``nn`` (modules), ``data``, ``io`` (checkpoints), ``optim``, ``graph``
(pictures), ``checks`` (gradient checks), ``compile`` (a step written down), ``benchmarks``, ``command_line``.
"""

from . import _starting as _starting  # first: from here on Ctrl-C is one line, where this process is the command

# isort: split
from numpy import bool_, float16, float32, float64, int32, int64, uint8

from . import autograd, data, linalg, nn, ops, optim, special
from .autograd import detect_anomaly, enable_grad, grad, is_grad_enabled, no_grad, set_grad_enabled
from .checks.gradcheck import GradcheckError, gradcheck, gradgradcheck
from .engine.dtypes import promote_types, result_type
from .engine.op import Op
from .graph.draw import draw
from .io.checkpoint import CheckpointError, load, save
from .ops import *  # noqa: F403
from .tensor.creation import (
    arange,
    as_tensor,
    eye,
    from_dlpack,
    from_numpy,
    full,
    full_like,
    linspace,
    ones,
    ones_like,
    rand,
    rand_like,
    randint,
    randn,
    randn_like,
    randperm,
    tensor,
    zeros,
    zeros_like,
)
from .tensor.random import get_rng_state, manual_seed, set_rng_state
from .tensor.tensor import Tensor

# fmt: off
__all__ = [
    "CheckpointError", "GradcheckError", "Op", "Tensor", "__version__", "arange", "as_tensor", "autograd", "bool_",
    "data", "detect_anomaly", "draw", "enable_grad", "eye", "float16", "float32", "float64", "from_dlpack",
    "from_numpy", "full", "full_like", "get_rng_state", "grad", "gradcheck", "gradgradcheck", "int32", "int64", "is_grad_enabled",
    "linalg", "linspace", "load", "manual_seed", "nn", "no_grad", "ones", "ones_like", "optim", "promote_types", "rand",
    "rand_like", "randint", "randn", "randn_like", "randperm", "result_type", "save", "set_grad_enabled",
    "set_rng_state", "special", "tensor", "uint8", "zeros", "zeros_like",
]
# fmt: on
__all__ += ops.__all__

__version__ = "0.1.0"
