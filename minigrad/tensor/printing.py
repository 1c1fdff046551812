"""The text of a tensor, in PyTorch's layout: ``tensor([0.5000, 1.0000])``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

WIDTH, DIGITS, THRESHOLD, EDGE = 80, 4, 1000, 3
INDENT = len("tensor(")


def number_format(values: ndarray) -> tuple[Any, int]:
    """How to write the finite ``values`` of a float tensor, and PyTorch's count of their width.

    Whole numbers are written ``1.``, others with four digits, in scientific notation where they
    differ by more than a factor of 1000 or are very large or small.
    """
    magnitudes = np.abs(values[values != 0].astype(np.float64))
    if not magnitudes.size:
        return (lambda v: f"{v:.0f}."), 1
    whole = bool(np.all(values == np.ceil(values)))
    largest, smallest = magnitudes.max(), magnitudes.min()
    far = largest / smallest > 1000 or largest > 1e8
    if far or (not whole and smallest < 1e-4):
        return (lambda v: f"{v:.{DIGITS}e}"), max(len(f"{v:.{DIGITS}e}") for v in values)
    if whole:
        return (lambda v: f"{v:.0f}."), max(len(f"{v:.0f}") for v in values)
    return (lambda v: f"{v:.{DIGITS}f}"), max(len(f"{v:.{DIGITS}f}") for v in values)


def shown(array: ndarray) -> ndarray:
    """The elements that are printed: of long axes of a large array only both ends."""
    if array.size <= THRESHOLD:
        return array
    ends = [np.r_[:EDGE, n - EDGE : n] if n > 2 * EDGE else np.arange(n) for n in array.shape]
    return array[np.ix_(*ends)]


def text_of(array: ndarray) -> str:
    """The nested brackets of an array."""
    values = shown(array).ravel()
    if array.dtype.kind == "f":
        finite = values[np.isfinite(values)]
        write, width = number_format(finite)
        width = max([width, *(len(str(v)) for v in values[~np.isfinite(values)])])
    else:
        write, width = str, max([1, *(len(str(v)) for v in values)])
    if array.ndim == 0:
        return write_padded(array[()], write, 0)
    return brackets(array, write, width, INDENT, array.size > THRESHOLD)


def write_padded(value: Any, write: Any, width: int) -> str:
    """One element, on its right."""
    if isinstance(value, np.floating) and not np.isfinite(value):
        return str(value).rjust(width)
    return write(value).rjust(width)


def brackets(array: ndarray, write: Any, width: int, indent: int, shorten: bool) -> str:
    """One axis of the text; the inner axes are written by the same function."""
    n = len(array)
    skip = shorten and n > 2 * EDGE
    indices = [*range(EDGE), *range(n - EDGE, n)] if skip else range(n)
    if array.ndim == 1:
        items = [write_padded(array[i], write, width) for i in indices]
        per_line = max(1, (WIDTH - indent) // (width + 2))
    else:
        items = [brackets(array[i], write, width, indent + 1, shorten) for i in indices]
        per_line = 1
    if skip:
        items.insert(EDGE, " ..." if array.ndim == 1 else "...")
    gap = "\n" * (array.ndim - 1 or 1) + " " * (indent + 1)
    lines = [", ".join(items[i : i + per_line]) for i in range(0, len(items), per_line)]
    return "[" + ("," + gap).join(lines) + "]"


def represent(array: ndarray, requires_grad: bool, made_by: str | None) -> str:
    """The whole text, with the dtype where it is not the usual one."""
    notes = [text_of(array) if array.size else "[]"]
    if not array.size and array.ndim != 1:
        notes.append(f"size={array.shape}")
    if array.dtype.name not in ("float32", "int64", "bool"):
        notes.append(f"dtype={array.dtype.name}")
    if made_by:
        notes.append(f"grad_fn=<{made_by}>")
    elif requires_grad:
        notes.append("requires_grad=True")
    return f"tensor({', '.join(notes)})"
