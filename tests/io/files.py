"""Content of checkpoints, and loading from bytes."""

import struct

import numpy as np

import minigrad as mg


def form(value):
    """A value as something that compares type, dtype, shape and every bit."""
    if isinstance(value, mg.Tensor):
        return "tensor", form(value.numpy())
    if isinstance(value, (np.ndarray, np.generic)):
        kind = "scalar" if isinstance(value, np.generic) else "array"
        return kind, value.dtype.str, value.shape, np.ascontiguousarray(value).tobytes()
    if isinstance(value, dict):
        return "dict", [(form(k), form(v)) for k, v in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [form(item) for item in value]
    if isinstance(value, float):
        return "float", struct.pack("<d", value)
    return type(value).__name__, value


def content(size=3):
    """A small checkpoint with one of each."""
    return {
        "model": {"weight": mg.tensor([1.5, -2.5]), "count": mg.tensor(3)},
        7: (np.arange(size, dtype=np.int16), None, [True, "text"]),
        "scalar": np.float64(0.1),
        "bits": np.array([True, False]),
    }


def load_bytes(path, data):
    """What ``load`` makes of these bytes: a form, or the refusal."""
    path.write_bytes(data)
    try:
        return form(mg.load(path))
    except mg.CheckpointError as error:
        assert str(path) in str(error)
        return "refused"
