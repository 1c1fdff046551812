"""minigrad: a small tensor and autograd engine on NumPy, with BatchNorm as a node of its graph.

>>> import minigrad as mg
>>> from minigrad import nn, optim

Names, arguments and defaults are PyTorch's; dtypes and indexing are NumPy's. The rooms, from the ground
up: ``engine`` (records and the backward walk), ``ops`` (operations and their derivatives), ``tensor``,
``nn`` (modules), ``optim``, ``data``, ``io`` (checkpoints), ``graph`` (pictures), ``checks`` (gradient
checks), ``command_line``.
"""

from . import command_line as command_line

# isort: split
from numpy import bool_ as bool_
from numpy import float16 as float16
from numpy import float32 as float32
from numpy import float64 as float64
from numpy import int32 as int32
from numpy import int64 as int64
from numpy import uint8 as uint8

from . import autograd as autograd
from . import data as data
from . import nn as nn
from . import optim as optim
from .autograd import detect_anomaly as detect_anomaly
from .autograd import enable_grad as enable_grad
from .autograd import grad as grad
from .autograd import is_grad_enabled as is_grad_enabled
from .autograd import no_grad as no_grad
from .autograd import set_grad_enabled as set_grad_enabled
from .checks.gradcheck import GradcheckError as GradcheckError
from .checks.gradcheck import gradcheck as gradcheck
from .checks.gradcheck import gradgradcheck as gradgradcheck
from .engine.dtypes import promote_types as promote_types
from .engine.dtypes import result_type as result_type
from .engine.op import Op as Op
from .graph.draw import draw as draw
from .io.checkpoint import CheckpointError as CheckpointError
from .io.checkpoint import load as load
from .io.checkpoint import save as save
from .ops import *  # noqa: F403
from .tensor.creation import arange as arange
from .tensor.creation import as_tensor as as_tensor
from .tensor.creation import eye as eye
from .tensor.creation import from_numpy as from_numpy
from .tensor.creation import full as full
from .tensor.creation import full_like as full_like
from .tensor.creation import linspace as linspace
from .tensor.creation import ones as ones
from .tensor.creation import ones_like as ones_like
from .tensor.creation import rand as rand
from .tensor.creation import rand_like as rand_like
from .tensor.creation import randint as randint
from .tensor.creation import randn as randn
from .tensor.creation import randn_like as randn_like
from .tensor.creation import randperm as randperm
from .tensor.creation import tensor as tensor
from .tensor.creation import zeros as zeros
from .tensor.creation import zeros_like as zeros_like
from .tensor.random import get_rng_state as get_rng_state
from .tensor.random import manual_seed as manual_seed
from .tensor.random import set_rng_state as set_rng_state
from .tensor.tensor import Tensor as Tensor

__version__ = "0.1.0"
