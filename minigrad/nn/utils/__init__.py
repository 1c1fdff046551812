"""Tools for modules and their gradients: clipping, parameters as one vector, BatchNorm fused into the layer before it.

>>> model = nn.Linear(2, 1)
>>> (1000 * model(mg.ones(1, 2))).sum().backward()
>>> norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
>>> round(norm.item()), round(mg.norm(model.weight.grad).item(), 2)
(1732, 0.82)
"""

from typing import TYPE_CHECKING

from ...engine.absent import absent
from . import fusion, rnn
from .clipping import clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm
from .fusion import fuse, fuse_conv_bn_eval, fuse_linear_bn_eval
from .skipping import skip_init
from .vectors import parameters_to_vector, vector_to_parameters

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "fuse",
    "fuse_conv_bn_eval",
    "fuse_linear_bn_eval",
    "fusion",
    "get_total_norm",
    "parameters_to_vector",
    "rnn",
    "skip_init",
    "vector_to_parameters",
]

if not TYPE_CHECKING:
    __getattr__ = absent(__name__)
