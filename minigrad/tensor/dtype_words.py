"""PyTorch's words for dtypes: each is one of NumPy's dtypes.

Some are the names of Python's own types, so that nothing else belongs into this file.
"""

import numpy as np

dtype = np.dtype
bool = bool_ = np.dtype(np.bool_)
uint8, uint16, uint32, uint64 = map(np.dtype, (np.uint8, np.uint16, np.uint32, np.uint64))
int8 = np.dtype(np.int8)
int16 = short = np.dtype(np.int16)
int32 = int = np.dtype(np.int32)
int64 = long = np.dtype(np.int64)
float16 = half = np.dtype(np.float16)
float32 = float = np.dtype(np.float32)
float64 = double = np.dtype(np.float64)

# fmt: off
__all__ = [
    "bool",
    "bool_",
    "double",
    "dtype",
    "float",
    "float16",
    "float32",
    "float64",
    "half",
    "int",
    "int8",
    "int16",
    "int32",
    "int64",
    "long",
    "short",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
]
# fmt: on
