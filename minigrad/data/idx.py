"""Files of the IDX format, in which MNIST and its like are stored."""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

DTYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
"""The types of the numbers by their codes."""
BLOCK = 1 << 20


def read_idx(path: str | os.PathLike[str]) -> ndarray:
    """The array in an IDX file, also in one that is compressed by gzip.

    Raises:
        ValueError: if it is none, or its size is another than its header says.
        OSError: if it cannot be read.
    """
    path = Path(path)
    with open(path, "rb") as raw:
        compressed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        try:
            with gzip.open(raw) if compressed else raw as file:
                return array_in(file, path)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(f"{path} is compressed by gzip, and damaged or cut off: get it anew.") from error


def array_in(file: Any, path: Path) -> ndarray:
    """The array of an open file; memory is asked for only as far as there is content."""
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in DTYPES or not start[3]:
        raise ValueError(f"{path} is no IDX file: it must begin with two zeros, a type and a number of axes.")
    sizes = file.read(4 * start[3])
    dtype: np.dtype[Any] = np.dtype(DTYPES[start[2]])
    shape = tuple(map(int, np.frombuffer(sizes[: len(sizes) // 4 * 4], ">u4")))
    needed = math.prod(shape) * dtype.itemsize
    content = bytearray()
    while len(content) <= needed and (block := file.read(min(BLOCK, needed + 1 - len(content)))):
        content += block
    if len(content) != needed or len(shape) < start[3]:
        raise ValueError(f"{path} does not have the size that its header says, {shape} of {dtype.name}: get it anew.")
    return np.frombuffer(content, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)
