"""Tools for modules and their gradients."""

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
