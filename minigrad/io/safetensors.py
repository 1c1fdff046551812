"""``.safetensors`` files, by the package safetensors (an optional extra)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.arguments import a_type
from ..engine.node import array_of, wrap
from .errors import CheckpointError

MISSING = 'reads and writes .safetensors files with the package safetensors: pip install "minigrad[safetensors]"'

DTYPES = {
    "F64": "f8", "F32": "f4", "F16": "f2", "I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1", "U64": "u8", "U32": "u4",
    "U16": "u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip
"""NumPy's dtypes by the format's names."""
WRITTEN = set(map(np.dtype, DTYPES.values()))


def package(writing: bool = False) -> Any:
    """The package safetensors, or its part for arrays."""
    try:
        import safetensors
        import safetensors.numpy as arrays
    except ImportError as error:
        raise ImportError(f"minigrad {MISSING}") from error
    return arrays if writing else safetensors


def dumped(obj: Any) -> bytes:
    """A file of a dict of tensors or arrays by name.

    Raises:
        TypeError: for anything else: the format has no numbers, lists or dicts in dicts.
    """
    if not isinstance(obj, Mapping):
        raise TypeError(f"a .safetensors file holds a dict of tensors by name, got {a_type(obj)}: save a state_dict().")
    entries = {}
    for name, value in obj.items():
        array = array_of(value)
        if not isinstance(name, str) or not isinstance(array, ndarray) or array.dtype not in WRITTEN:
            raise TypeError(
                f"a .safetensors file holds tensors by name, got {a_type(value)} for {name!r}: save the rest with "
                "mg.save(obj, 'name.ckpt')."
            )
        entries[name] = np.asarray(array, order="C")  # of other orders the package writes the memory as it lies
    found: bytes = package(writing=True).save(entries)
    return found


def loaded(content: bytes) -> dict[str, Any]:
    """The tensors of a file by name; bfloat16 as float32."""
    module = package()
    try:
        entries = module.deserialize(content)
    except Exception as error:  # the package's own class, which is no subclass of a fitting one
        raise CheckpointError(f"is not a .safetensors file, or is damaged: {error}") from error
    return {name: wrap(array_in(name, entry)) for name, entry in entries}


def array_in(name: str, entry: Mapping[str, Any]) -> ndarray:
    """The array of an entry."""
    kind, shape, data = entry["dtype"], entry["shape"], bytes(entry["data"])
    if kind == "BF16":
        warnings.warn("the file holds bfloat16, which NumPy lacks: its values are float32 now.", stacklevel=2)
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32).reshape(shape)
    if kind not in DTYPES:
        raise CheckpointError(f"has {name!r} of {kind}, which NumPy lacks.")
    dtype = np.dtype(DTYPES[kind])
    return np.frombuffer(data, dtype.newbyteorder("<")).astype(dtype).reshape(shape)
