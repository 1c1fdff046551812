"""NumPy's ``.npz`` files with inputs and targets."""

from __future__ import annotations

import math
import os
import zipfile
from typing import IO

import numpy as np
from numpy import ndarray

from .table import Table, TableError, from_arrays, near, some

INPUTS = "X", "x", "inputs", "data", "features", "images"
TARGETS = "y", "Y", "target", "targets", "labels"
SPLIT = "x_train", "y_train", "x_test", "y_test"
"""The names of the arrays; those of a file that is split already are written small or with a capital X."""


def read_npz(path: str | os.PathLike[str], target: str | None = None, inputs_only: bool = False) -> Table:
    """The table of a file with arrays ``X`` and ``y``, or ``x_train``, ``y_train``, ``x_test`` and ``y_test``.

    ``X`` has a row per sample; its other axes are laid out flat, and its columns are ``x1``, ``x2``, ... Other names
    that are understood are ``x inputs data features images`` and ``Y target targets labels``.

    Args:
        path: the file.
        target: the name of the array of targets, if it is another one.
        inputs_only: whether targets may be missing.

    Raises:
        TableError: for other files, arrays that do not fit each other, and Python objects, which are not loaded.
    """
    name = str(path)
    try:
        with open(path, "rb") as raw:  # np.load would leave a damaged file open
            if raw.read(6) == b"\x93NUMPY":
                raise TableError(f"{name} is a single array: write inputs and targets by np.savez(file, X=X, y=y).")
            raw.seek(0)
            with np.load(raw, allow_pickle=False) as file:
                if file.zip is not None:
                    check_sizes(file.zip, name)
                return table_of(file, name, target, inputs_only)
    except FileNotFoundError:
        raise TableError(f"there is no file {name}.") from None
    except IsADirectoryError:
        raise TableError(f"{name} is a folder: name the file in it.") from None
    except TableError:
        raise
    except (ValueError, EOFError, zipfile.BadZipFile, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
        raise TableError(f"{name} is no .npz file of arrays, or is damaged: write it by np.savez.") from error


def table_of(file: np.lib.npyio.NpzFile, name: str, target: str | None, inputs_only: bool) -> Table:
    """The table of a file's arrays."""
    spellings = {found.replace("X", "x", 1): found for found in file.files}
    if target is None and all(part in spellings for part in SPLIT):
        parts = [file[spellings[part]] for part in SPLIT]
        if parts[0].shape[1:] != parts[2].shape[1:]:
            raise TableError(f"{name}: samples of x_train {parts[0].shape} and x_test {parts[2].shape} differ.")
        checked(parts[0], parts[1], name)
        checked(parts[2], parts[3], name)
        whole = from_arrays(name, np.concatenate(parts[::2]), np.concatenate(parts[1::2]))
        return whole._replace(testing=np.arange(whole.rows) >= len(parts[0]))
    key = one_of(file, (target,) if target else TARGETS, name, not inputs_only)
    inputs = file[one_of(file, INPUTS, name, required=True) or ""]
    targets = None if key is None else file[key]
    checked(inputs, targets, name)
    return from_arrays(name, inputs, targets, key or "y")


def one_of(file: np.lib.npyio.NpzFile, names: tuple[str, ...], source: str, required: bool) -> str | None:
    """The first of these names that the file has."""
    found = next((name for name in names if name in file.files), None)
    if found is None and required:
        hint = near(names[0], file.files) if len(names) == 1 else ""
        raise TableError(
            f"{source} has no array {names[0]!r}.{hint} It has {some(file.files) or 'none'}: "
            "write np.savez(file, X=X, y=y), or with x_train, y_train, x_test and y_test."
        )
    return found


def checked(inputs: ndarray, targets: ndarray | None, name: str) -> None:
    """Refuse arrays that are no table of samples."""
    if inputs.ndim == 0 or not inputs.size:
        raise TableError(f"{name}: X {inputs.shape} has no samples: it must have a row for each.")
    for array in (inputs, targets):
        if array is not None and array.dtype.kind not in "biufU":
            raise TableError(f"{name}: arrays must be of numbers or texts, got {array.dtype}.")
    if targets is not None and targets.shape not in ((len(inputs),), (len(inputs), 1)):
        raise TableError(f"{name}: y {targets.shape} must have one value for each row of X {inputs.shape}.")


def check_sizes(archive: zipfile.ZipFile, name: str) -> None:
    """Refuse arrays whose headers promise more or less than the file holds, before memory is asked for."""
    for part in archive.infolist():
        with archive.open(part) as member:
            if part.filename.endswith(".npy") and size_of(member) != part.file_size:
                raise TableError(f"{name}: its array {part.filename[:-4]!r} is damaged: its size is not its header's.")


def size_of(member: IO[bytes]) -> int | None:
    """The bytes that an array's header promises, with the header; None if that says nothing."""
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    read = readers.get(np.lib.format.read_magic(member))
    if read is None:
        return None
    shape, _, dtype = read(member)
    if dtype.hasobject:
        raise TableError("an array of Python objects is not loaded, because it can run code: save numbers or texts.")
    return member.tell() + math.prod(shape) * dtype.itemsize
