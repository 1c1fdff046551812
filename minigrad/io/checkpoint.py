"""Checkpoints: arrays and JSON in one zip file, no pickle.

A checkpoint holds nested dicts, lists and tuples of tensors, arrays, numbers, strings, booleans and
None. It is an uncompressed zip of ``structure.json`` and of ``0.npy``, ``1.npy``, ..., to which the
structure refers, so other programs can read it, and nothing in it can run code.
"""

from __future__ import annotations

import io
import itertools
import json
import math
import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, TypeGuard

import numpy as np
from numpy import ndarray

from ..engine.arguments import a_type
from ..engine.node import wrap
from ..tensor.tensor import Tensor
from . import pytorch, safetensors
from .atomic import READING_CURES, as_path, near_file, refusal, replacing
from .errors import CheckpointError

FORMAT = "minigrad checkpoint"
VERSION = 1
KINDS = "fiub"
ARRAYS: dict[str, Callable[[ndarray], Any]] = {
    "$tensor": wrap,
    "$array": lambda array: array,
    "$scalar": lambda array: array[()],
}
"""What each kind of reference to an array stands for."""
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
TOO_LONG = 10**4300
"""The first integer that Python does not read from text, unless it was told otherwise."""
BLOCK = 1 << 20
"""So many bytes of an array are read at once, so that loading takes hardly more memory than what is loaded."""

OTHER_ZIP = "it is a zip file of another kind. Load a file that mg.save wrote."
DAMAGED = "is not a minigrad checkpoint, or was truncated or altered. Load a file that mg.save wrote."
ARRAY = "of NumPy's: load it with np.load; model.load_state_dict takes a dict of arrays."
LEGACY_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""How PyTorch's files of its layout before 1.6 begin."""
SAFETENSORS = ".safetensors"
FOREIGN_FILES = {
    b"\x93NUMPY": f"is an array {ARRAY}",
    b"\x80": "is a pickle, which minigrad does not read, because it can run code. Load a file that mg.save wrote.",
}
"""What files of other kinds are, by their first bytes."""
FOREIGN_PARTS = {".npy": f"it is a file of arrays {ARRAY}"}
"""What zip files of other kinds are, by the end of the name of one of their parts."""


# -- writing -----------------------------------------------------------------------------------


def save(obj: Any, f: str | os.PathLike[str] | IO[bytes]) -> None:
    """Write a checkpoint: the file is complete or, after an error, what it was before.

    Args:
        obj: nested dicts, lists and tuples of tensors, arrays, numbers, strings, booleans, None, such
            as ``{"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}``.
        f: the file's path, whose folder must exist; or an open binary file, a ``BytesIO`` say. A path that ends in
            ``.safetensors`` gets that format, which holds a dict of tensors by name only.

    Raises:
        TypeError: for an object of another kind, saying where it is.
        ValueError: if the object is nested too deeply, contains itself or an integer of more than 4,300 digits.
        OSError: if the file cannot be written, with the cure and the system's ``errno``; also if there is a
            folder, a pipe or a device of that name. Symbolic links are followed.

    >>> mg.save({"weight": mg.ones(2), "epoch": 3}, "run.ckpt")
    >>> mg.load("run.ckpt")
    {'weight': tensor([1., 1.]), 'epoch': 3}
    """
    if is_file(f, "write"):
        f.write(encoded(obj, "the file"))
        return
    path = as_path(f)
    content = safetensors.dumped(obj) if path.suffix == SAFETENSORS else None
    if content is None:
        structure, arrays = described(obj, path)
    with replacing(path) as file:
        if content is None:
            write_archive(file, structure, arrays)
        else:
            file.write(content)


def is_file(f: Any, method: str) -> TypeGuard[IO[bytes]]:
    """Whether it is an open file, with this method."""
    return callable(getattr(f, method, None)) and not isinstance(f, type)


def encoded(obj: Any, name: str) -> bytes:
    """A checkpoint as bytes."""
    memory = io.BytesIO()
    write_archive(memory, *described(obj, name))
    return memory.getvalue()


def described(obj: Any, name: Any) -> tuple[str, list[ndarray]]:
    """The structure of an object as JSON, and its arrays."""
    arrays: list[ndarray] = []
    try:
        content = encode(obj, arrays, "the object")
        return json.dumps({"format": FORMAT, "version": VERSION, "content": content}, indent=1), arrays
    except RecursionError as error:
        raise ValueError(f"cannot save {name}: the object is nested too deeply, or contains itself.") from error


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
        return refuse_long(value, where)
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, (str, int)):
                raise TypeError(f"cannot save {where}: its key {key!r} is {a_type(key)}; expected str or int.")
            refuse_long(key, f"a key of {where}")
        return {"$dict": [[key, encode(item, arrays, f"{where}[{key!r}]")] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        items = [encode(item, arrays, f"{where}[{i}]") for i, item in enumerate(value)]
        return items if isinstance(value, list) else {"$tuple": items}
    raise TypeError(
        f"cannot save {where}: {a_type(value)}. A checkpoint holds dicts, lists and tuples of tensors, "
        "arrays, numbers, strings, booleans and None; of a module save module.state_dict()."
    )


def refuse_long(value: Any, where: str) -> Any:
    """The value, unless it is an integer with too many digits to be read again."""
    if isinstance(value, int) and abs(value) >= TOO_LONG:
        raise ValueError(
            f"cannot save {where}: an integer of more than 4,300 digits, which Python does not read from text. "
            "Save hex(value), and read it with int(text, 16)."
        )
    return value


# -- reading -----------------------------------------------------------------------------------


def load(
    f: str | os.PathLike[str] | IO[bytes], map_location: Any = None, weights_only: bool | None = None,
    mmap: bool | None = None,
) -> Any:  # fmt: skip
    """Read what ``save`` wrote, or a checkpoint of PyTorch's, or a ``.safetensors`` file.

    Of PyTorch's checkpoints tensors, containers and numbers are read, without PyTorch; whatever could run code is
    refused by name. bfloat16 becomes float32, with a warning.

    Args:
        f: the file's path, or an open binary file, a ``BytesIO`` say.
        map_location: accepted as in PyTorch: only the CPU.
        weights_only: accepted as in PyTorch; nothing else is ever read.
        mmap: accepted as in PyTorch.

    Raises:
        FileNotFoundError: if there is no such file.
        OSError: if it cannot be read.
        CheckpointError: if it is not a checkpoint, or is truncated or altered.
        MemoryError: if its arrays do not fit into memory.

    >>> model = nn.Linear(2, 1)
    >>> mg.save(model.state_dict(), "model.ckpt")
    >>> model.load_state_dict(mg.load("model.ckpt"))
    <All keys matched successfully>
    """
    on_the_cpu(map_location)
    if is_file(f, "read"):
        return read_file(io.BytesIO(f.read()), "the file")
    path = as_path(f)
    with opened(path) as file:
        return read_file(file, path)


def on_the_cpu(map_location: Any) -> None:
    """Refuse another place than the CPU."""
    place = getattr(map_location, "type", map_location)
    if isinstance(place, str) and place.partition(":")[0] != "cpu":
        raise ValueError(f"map_location must be 'cpu': minigrad runs on the CPU only, got {map_location!r}.")


def read_file(file: IO[bytes], name: Any) -> Any:
    """What a file holds, by what it begins with."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    beginning = file.read(len(LEGACY_TORCH))
    file.seek(0)
    try:
        if beginning == LEGACY_TORCH:
            return pytorch.read_legacy(file, size)
        if str(name).endswith(SAFETENSORS):
            return safetensors.loaded(file.read())
        with zipfile.ZipFile(file) as archive:
            return pytorch.read_zip(archive, size) if pytorch.is_pytorchs(archive) else read_archive(archive, size)
    except CheckpointError as error:
        raise CheckpointError(f"{name}: {error}") from error
    except MemoryError as error:
        raise MemoryError(f"not enough memory to load {name}. Close other programs, or save less in it.") from error
    except ImportError:
        raise
    # about a damaged file zipfile, json and NumPy raise nearly every kind of error there is
    except Exception as error:
        kind = next((kind for magic, kind in FOREIGN_FILES.items() if beginning.startswith(magic)), DAMAGED)
        raise CheckpointError(f"{name} {kind}") from error


def opened(path: Path) -> IO[bytes]:
    """The file, to read; refused if it is none."""
    try:
        status = os.stat(path)
        if stat.S_ISREG(status.st_mode):
            return open(path, "rb")
    except FileNotFoundError:
        raise FileNotFoundError(f"no checkpoint {path}: there is no such file.{near_file(path)}") from None
    except OSError as error:
        raise refusal(path, error, "read", READING_CURES) from error
    kind = "a folder: name the file in it" if stat.S_ISDIR(status.st_mode) else "no regular file"
    raise FileNotFoundError(f"no checkpoint {path}: it is {kind}.")


def read_archive(archive: zipfile.ZipFile, size: int) -> Any:
    """Read and check the members of the zip."""
    members = archive.infolist()
    if len(archive.NameToInfo) != len(members):
        raise CheckpointError("it has two parts of one name, which no checkpoint has.")
    if "structure.json" not in archive.NameToInfo:
        kinds = (kind for end, kind in FOREIGN_PARTS.items() for name in archive.NameToInfo if name.endswith(end))
        raise CheckpointError(next(kinds, OTHER_ZIP))
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise CheckpointError("it is compressed, which no checkpoint is.")
    if any(member.compress_size != member.file_size for member in members):
        raise CheckpointError("one of its parts has two different sizes, which no checkpoint has.")
    if sum(member.file_size for member in members) > size:
        raise CheckpointError("its parts are larger than the file.")
    try:
        structure = json.loads(archive.read("structure.json"))
        if structure["format"] != FORMAT:
            raise CheckpointError(OTHER_ZIP)
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
    name = f"{number}.npy"
    if name not in archive.NameToInfo:
        raise CheckpointError(f"its part {name} is missing.")
    with archive.open(name) as member:
        return ARRAYS[kind](read_array(member, archive.NameToInfo[name].file_size))


def read_array(member: IO[bytes], size: int) -> ndarray:
    """An array from an .npy file of ``size`` bytes, whose header is believed only if it fits them."""
    shape, fortran_order, dtype = read_header(member)
    left = size - member.tell()
    if dtype.kind not in KINDS or any(n < 0 for n in shape) or math.prod(shape) * dtype.itemsize != left:
        raise CheckpointError(f"an array of {dtype} {shape} does not fit its {left} bytes.")
    array = np.empty(shape, dtype, order="F" if fortran_order else "C")
    memory = array.reshape(-1, order="A").view(np.uint8)  # the same bytes in the order of the file
    for start in range(0, left, BLOCK):
        block = member.read(min(BLOCK, left - start))
        memory[start : start + len(block)] = np.frombuffer(block, np.uint8)
    return array


def read_header(member: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """The shape, the order and the dtype of an .npy file."""
    try:
        version = np.lib.format.read_magic(member)
        return HEADERS[version](member)
    except Exception as error:  # whatever NumPy raises, and MemoryError where brackets are nested too deeply
        raise CheckpointError("an array in it has a damaged header.") from error
