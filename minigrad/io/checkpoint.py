"""Checkpoints: arrays and JSON in one zip file, no pickle.

A checkpoint holds nested dicts, lists and tuples of tensors, arrays, numbers, strings, booleans and
None. It is an uncompressed zip of ``structure.json`` and of ``0.npy``, ``1.npy``, ..., to which the
structure refers, so other programs can read it, and nothing in it can run code.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from ..tensor.creation import tensor
from ..tensor.tensor import Tensor
from .atomic import replacing

FORMAT = "minigrad checkpoint"
VERSION = 1
KINDS = "fiub"
ARRAYS: dict[str, Callable[[ndarray], Any]] = {
    "$tensor": tensor,
    "$array": lambda array: array,
    "$scalar": lambda array: array[()],
}
"""What each kind of reference to an array stands for."""


class CheckpointError(RuntimeError):
    """A file is not a checkpoint, or not a whole one."""


# -- writing -----------------------------------------------------------------------------------


def save(obj: Any, path: str | os.PathLike[str]) -> None:
    """Write a checkpoint: the file is complete or, after an error, what it was before.

    Args:
        obj: nested dicts, lists and tuples of tensors, arrays, numbers, strings, booleans, None, such
            as ``{"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}``.
        path: the file; its folder must exist.

    Raises:
        TypeError: for an object of another kind, saying where it is.
        ValueError: if the object is nested too deeply, or contains itself.
        OSError: if the file cannot be written.
    """
    arrays: list[ndarray] = []
    try:
        content = encode(obj, arrays, "the object")
        structure = json.dumps({"format": FORMAT, "version": VERSION, "content": content}, indent=1)
    except RecursionError as error:
        raise ValueError(f"cannot save {path}: the object is nested too deeply, or contains itself.") from error
    with replacing(path) as file:
        write_archive(file, structure, arrays)


def write_archive(file: Any, structure: str, arrays: list[ndarray]) -> None:
    """Write the members of the zip."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("structure.json", structure)
        for i, array in enumerate(arrays):
            with archive.open(f"{i}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def encode(value: Any, arrays: list[ndarray], where: str) -> Any:
    """A value as JSON; its arrays are added to the list and become numbers."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (Tensor, ndarray, np.generic)):
        array = value.array if isinstance(value, Tensor) else np.asarray(value)
        if array.dtype.kind not in KINDS:
            raise TypeError(f"cannot save {where}: an array of {array.dtype}; expected real numbers or booleans.")
        arrays.append(array)
        kind = "$tensor" if isinstance(value, Tensor) else "$scalar" if isinstance(value, np.generic) else "$array"
        return {kind: len(arrays) - 1}
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, dict):
        pairs = [[key, encode(item, arrays, f"{where}[{key!r}]")] for key, item in value.items()]
        for key, _ in pairs:
            if not isinstance(key, (str, int)):
                raise TypeError(f"cannot save {where}: its key {key!r} is a {type(key).__name__}; expected str or int.")
        return {"$dict": pairs}
    if isinstance(value, (list, tuple)):
        items = [encode(item, arrays, f"{where}[{i}]") for i, item in enumerate(value)]
        return items if isinstance(value, list) else {"$tuple": items}
    raise TypeError(
        f"cannot save {where}: a {type(value).__name__}. A checkpoint holds dicts, lists and tuples of tensors, "
        "arrays, numbers, strings, booleans and None; of a module save module.state_dict()."
    )


# -- reading -----------------------------------------------------------------------------------


def load(path: str | os.PathLike[str]) -> Any:
    """Read what ``save`` wrote.

    Raises:
        FileNotFoundError: if there is no such file.
        CheckpointError: if it is not a checkpoint, or is truncated or altered.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint {path}: there is no such file.")
    with open(path, "rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                return read_archive(archive, path.stat().st_size)
        except CheckpointError as error:
            raise CheckpointError(f"{path}: {error}") from error
        # about a damaged file zipfile, json and NumPy raise nearly every kind of error there is
        except Exception as error:
            raise CheckpointError(
                f"{path} is not a minigrad checkpoint, or was truncated or altered ({error!r}). "
                "Load a file that mg.save wrote."
            ) from error


def read_archive(archive: zipfile.ZipFile, size: int) -> Any:
    """Read and check the members of the zip."""
    members = archive.infolist()
    if len(archive.NameToInfo) != len(members):
        raise CheckpointError("it has two parts of one name, which no checkpoint has.")
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise CheckpointError("it is compressed, which no checkpoint is.")
    if sum(member.file_size for member in members) > size:
        raise CheckpointError("its parts are larger than the file.")
    try:
        structure = json.loads(archive.read("structure.json"))
        if structure["format"] != FORMAT:
            raise CheckpointError("it is a zip file of another kind.")
        if structure["version"] != VERSION:
            raise CheckpointError(
                f"it has version {structure['version']}, this minigrad reads version {VERSION}: update minigrad."
            )
        return decode(structure["content"], archive, itertools.count())
    except RecursionError as error:
        raise CheckpointError("it is nested too deeply.") from error


def decode(value: Any, archive: zipfile.ZipFile, numbers: Iterator[int]) -> Any:
    """A value from JSON, with its arrays: each is read once, in the order in which it was written."""
    if isinstance(value, list):
        return [decode(item, archive, numbers) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "$dict":
        return {key: decode(item, archive, numbers) for key, item in content}
    if kind == "$tuple":
        return tuple(decode(item, archive, numbers) for item in content)
    if kind not in ARRAYS:
        raise CheckpointError(f"it has an unknown part {kind!r}.")
    number = next(numbers)
    if content != number:
        raise CheckpointError(f"it refers to array {content!r} where number {number} is due.")
    return ARRAYS[kind](read_array(archive.read(f"{number}.npy")))


def read_array(data: bytes) -> ndarray:
    """An array from the bytes of an .npy file, whose header is believed only if it fits them."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    shape, fortran_order, dtype = read_header[version](stream)
    body = data[stream.tell() :]
    count = 1
    for n in shape:
        count *= n
    if dtype.kind not in KINDS or dtype.hasobject or any(n < 0 for n in shape) or count * dtype.itemsize != len(body):
        raise CheckpointError(f"an array of {dtype} {shape} does not fit its {len(body)} bytes.")
    return np.frombuffer(body, dtype).reshape(shape, order="F" if fortran_order else "C").copy()
