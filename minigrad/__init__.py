"""A small tensor and autograd engine on NumPy, with BatchNorm as a node of its graph.

Names, arguments and defaults are PyTorch's; dtypes and indexing are NumPy's. A training step:

>>> import minigrad as mg
>>> from minigrad import nn, optim
>>> model = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))
>>> optimizer = optim.Adam(model.parameters())
>>> x, y = mg.randn(16, 2), mg.randn(16, 1)
>>> loss = nn.functional.mse_loss(model(x), y)
>>> loss.backward()
>>> optimizer.step()

``mg.tensor``, ``mg.exp`` and so on are tensors and their functions; ``mg.grad``, ``mg.no_grad`` and ``mg.gradcheck``
concern derivatives, ``mg.draw`` pictures of them; ``mg.save`` and ``mg.load`` checkpoints; ``mg.compile`` makes a step
faster. Modules: ``nn`` (layers and losses), ``optim``, ``data``, ``training`` (a loop), ``autograd``, ``func``,
``linalg``, ``special``, ``random``, ``distributions``, ``distributed``, ``onnx``, ``testing``. The command ``minigrad``
trains, draws and explains.
"""

from . import _starting as _starting  # first: from here on Ctrl-C is one line, where this process is the command

# isort: split
from math import e, inf, nan, pi
from typing import TYPE_CHECKING

from . import (
    autograd,
    backends,
    cuda,
    data,
    distributed,
    distributions,
    func,
    linalg,
    nn,
    onnx,
    ops,
    optim,
    random,
    special,
    testing,
    training,
    utils,
)
from .autograd import (
    detect_anomaly,
    enable_grad,
    grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_detect_anomaly,
    set_grad_enabled,
)
from .checks.gradcheck import GradcheckError, gradcheck, gradgradcheck
from .compile import compile as compile
from .compile import print as print
from .diagnosis.diagnose import diagnose
from .diagnosis.summary import summary
from .engine.absent import absent
from .engine.dtypes import get_default_dtype, promote_types, result_type, set_default_dtype
from .engine.op import Op
from .graph.draw import draw
from .io.checkpoint import load, save
from .io.errors import CheckpointError
from .kernels.threads import get_num_threads, set_num_threads
from .ops import *  # noqa: F403
from .random import default_generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from .tensor import creation as _creation
from .tensor import drawing as _drawing
from .tensor import dtype_words as _dtype_words
from .tensor import questions as _questions
from .tensor import typed as _typed
from .tensor.creation import *  # noqa: F403
from .tensor.device import (
    device,
    get_default_device,
    set_default_device,
    use_deterministic_algorithms,
)
from .tensor.drawing import *  # noqa: F403
from .tensor.dtype_words import *  # noqa: F403  # bool, int and float mean dtypes from here on
from .tensor.printing import set_printoptions
from .tensor.questions import *  # noqa: F403
from .tensor.random import Generator
from .tensor.size import Size
from .tensor.tensor import Tensor
from .tensor.typed import *  # noqa: F403

newaxis = None

# not compile and print: import * would hide Python's own
# fmt: off
__all__ = [
    "CheckpointError", "Generator", "GradcheckError", "Op", "Size", "Tensor", "__version__", "autograd", "backends",
    "cuda", "data", "default_generator", "detect_anomaly", "device", "diagnose", "distributed",
    "distributions", "draw", "e", "enable_grad", "func", "get_default_device", "get_default_dtype",
    "get_num_threads", "get_rng_state", "grad", "gradcheck", "gradgradcheck", "inf", "inference_mode",
    "initial_seed", "is_grad_enabled", "is_inference_mode_enabled", "linalg", "load", "manual_seed", "nan",
    "newaxis", "nn", "no_grad", "onnx", "optim", "pi", "promote_types", "random", "result_type", "save",
    "seed", "set_default_device", "set_default_dtype", "set_detect_anomaly", "set_grad_enabled", "set_num_threads",
    "set_printoptions", "set_rng_state", "special", "summary", "testing", "training",
    "use_deterministic_algorithms", "utils",
]
# fmt: on
__all__ += _creation.__all__
__all__ += _drawing.__all__
__all__ += _dtype_words.__all__
__all__ += _questions.__all__
__all__ += _typed.__all__
if not TYPE_CHECKING:  # see there
    __all__ += ops.__all__

__version__ = "0.1.0"

if not TYPE_CHECKING:
    __getattr__ = absent(__name__)
