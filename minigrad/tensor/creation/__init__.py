"""New tensors by family: from values, filled, in steps, random.

Shapes are given as numbers or as one tuple: ``zeros(2, 3)`` is ``zeros((2, 3))``. Floats are of the default dtype,
float32, unless ``dtype`` says otherwise. ``device`` may be the CPU.
"""

from .filled import empty, empty_like, eye, full, full_like, ones, ones_like, zeros, zeros_like
from .random import rand, rand_like, randint, randint_like, randn, randn_like, randperm
from .steps import arange, linspace, logspace
from .triangles import tril_indices, triu_indices
from .values import as_tensor, asarray, from_dlpack, from_numpy, tensor

__all__ = [
    "arange", "as_tensor", "asarray", "empty", "empty_like", "eye", "from_dlpack", "from_numpy", "full",
    "full_like", "linspace", "logspace", "ones", "ones_like", "rand", "rand_like", "randint", "randint_like",
    "randn", "randn_like", "randperm", "tensor", "tril_indices", "triu_indices", "zeros", "zeros_like",
]  # fmt: skip
