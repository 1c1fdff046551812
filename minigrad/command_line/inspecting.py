"""``minigrad inspect``: what is in a file of arrays, read without running code from it."""

from __future__ import annotations

import argparse
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.node import array_of
from ..io.checkpoint import load
from ..io.errors import CheckpointError
from ..nn.overview import size
from ..reports.table import text_table
from .ending import collected_warnings, distinct
from .errors import CommandError
from .options import path as existing
from .output import complain
from .results import Lines, Result
from .train import BEST, CHECKPOINT, counted

HEADER = ("name", "kind", "shape", "bytes", "content")
NUMBERS = ("bytes",)
TABLE = "a table of text, which minigrad train reads"
FORMATS = {
    "structure.json": "minigrad checkpoint",
    "data.pkl": "PyTorch checkpoint",
    ".npy": "NumPy's file of arrays",
}
"""What a zip is, by the end of the name of one of its parts; the first that fits."""
ENDINGS = {
    ".npy": "NumPy's file of one array",
    ".safetensors": "safetensors",
    ".csv": TABLE,
}
"""What other files are, by the end of their names."""
WORDS = 40
"""Characters of a text that are shown."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``minigrad inspect``."""
    command.description = (
        "Lists what is in a checkpoint of minigrad's or PyTorch's (.pt), in .safetensors, .npz or .npy: names, dtypes, "
        "shapes, sizes and ranges. No code in it is run, and whatever could be is refused by name."
    )
    command.add_argument("file", type=existing, metavar="FILE", help="the file, or the folder of a run")


def run(options: argparse.Namespace) -> Lines:
    """The table of what is in the file."""
    path = file_of(options.file)
    with collected_warnings() as caught:
        kind, content = opened(path)
    rows = [described(name, value) for name, value in entries(content)]
    values = sum(row.get("values", 0) for row in rows)
    arrays = counted(sum("shape" in row for row in rows), "array")
    about = {"file": path, "format": kind, "bytes": path.stat().st_size, "values": values}
    yield f"{path}: {kind}, {size(about['bytes'])}, {arrays} of {values:,} values"
    if rows:
        yield text_table(HEADER, [cells(row) for row in rows], NUMBERS, 24)
    for text in distinct(caught):
        complain(text)
    yield Result(about, entries=rows)


def file_of(path: Path) -> Path:
    """The file that is meant; of a run's folder the checkpoint."""
    if path.is_dir():
        found = next((path / name for name in (BEST, CHECKPOINT) if (path / name).is_file()), None)
        if found is None:
            raise CommandError(f"{path} is a folder without {BEST} or {CHECKPOINT}: name a file.")
        return found
    return path


def opened(path: Path) -> tuple[str, Any]:
    """What kind of file it is, and what it holds."""
    try:
        kind = kind_of(path)
        if kind == TABLE:
            raise CommandError(f"{path} is {kind}: minigrad train {path}.")
        return kind, arrays_in(path) if kind.startswith("NumPy") else load(path)
    except (OSError, CheckpointError, ImportError) as error:
        raise CommandError(str(error)) from error


def kind_of(path: Path) -> str:
    """What kind of file it is, by its parts and its name."""
    if not path.is_file():
        return "none"  # and load says why
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        return next((kind for end, kind in FORMATS.items() for name in names if name.endswith(end)), "a zip")
    return next((kind for end, kind in ENDINGS.items() if path.name.lower().endswith(end)), "PyTorch checkpoint")


def arrays_in(path: Path) -> Any:
    """The arrays of NumPy's files; objects in them, which could run code, are refused."""
    try:
        found = np.load(path, allow_pickle=False)
        return {"the array": found} if isinstance(found, ndarray) else dict(found)
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise CheckpointError(f"cannot read {path}: {error}") from error
        raise CheckpointError(
            f"cannot read {path}: it has Python objects in it, which could run code. Save arrays of numbers or words."
        ) from error
    except Exception as error:  # about a damaged file zipfile and NumPy raise nearly every kind of error there is
        raise CheckpointError(f"cannot read {path}: {' '.join(str(error).split())}") from error


def entries(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """What is in nested dicts, and in lists with arrays in them, by dotted names."""
    if isinstance(value, Mapping) and value:
        parts: Any = value.items()
    elif isinstance(value, (list, tuple)) and any(map(holds_arrays, value)):
        parts = enumerate(value)
    else:
        yield name or "the content", value
        return
    for key, item in parts:
        yield from entries(item, f"{name}.{key}" if name else str(key))


def holds_arrays(value: Any) -> bool:
    """Whether a value is an array, or has one in it."""
    if isinstance(value, Mapping):
        return any(map(holds_arrays, value.values()))
    return isinstance(array_of(value), ndarray) or (isinstance(value, (list, tuple)) and any(map(holds_arrays, value)))


def described(name: str, value: Any) -> dict[str, Any]:
    """An entry for programs."""
    array = array_of(value)
    if not isinstance(array, ndarray):
        return {"name": name, "kind": type(value).__name__, "value": value}
    row: dict[str, Any] = {
        "name": name,
        "kind": "array" if array is value else type(value).__name__,
        "dtype": str(array.dtype),
    }
    row |= {"shape": array.shape, "bytes": array.nbytes, "values": array.size}
    if array.dtype.kind not in "fiub":
        return row
    finite = array[np.isfinite(array)]
    bounds = (finite.min(), finite.max()) if finite.size else (None, None)
    return row | {"smallest": bounds[0], "largest": bounds[1], "nonfinite": array.size - finite.size}


def cells(row: dict[str, Any]) -> list[str]:
    """An entry as a line of the table."""
    if "shape" not in row:
        return [row["name"], "" if row["value"] is None else row["kind"], "", "", text_of(row["value"])]
    low, high = row.get("smallest"), row.get("largest")
    content = "" if low is None else f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
    if row.get("nonfinite"):
        content += f"; {row['nonfinite']:,} NaN or infinite"
    return [row["name"], row["dtype"], str(row["shape"]), size(row["bytes"]), content.lstrip("; ")]


def text_of(value: Any) -> str:
    """A value in a few characters."""
    if isinstance(value, (list, tuple)) and len(str(value)) > WORDS:
        return f"{len(value)} items"
    text = str(value)
    return text if len(text) <= WORDS else f"{text[: WORDS - 1]}…"
