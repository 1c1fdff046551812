"""The text of a tensor, in PyTorch's layout: ``tensor([0.5000, 1.0000])``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

WIDTH, DIGITS, THRESHOLD, EDGE = 80, 4, 1000, 3
INDENT = len("tensor(")
UNSAID = ("float32", "int64", "bool")
"""The dtypes Python's own numbers become: they go without saying, except where there is no number."""

Format = Callable[[Any], str]


def float_format(values: ndarray) -> tuple[Format, ndarray]:
    """How to write the ``values`` of a float tensor, and those of them that decide on the width.

    Whole numbers are written ``1.``, others with four digits, and all in scientific notation if they
    differ by more than a factor of 1000 or are very large or small.
    """
    decisive = values[np.isfinite(values) & (values != 0)]
    if not decisive.size:
        return whole, decisive
    magnitudes = np.abs(decisive.astype(np.result_type(decisive, np.float32)))
    largest, smallest = magnitudes.max(), magnitudes.min()
    with np.errstate(over="ignore"):
        scientific = largest / smallest > 1000 or largest > 1e8 or float(smallest) < 1e-4
    if scientific:
        return (lambda v: f"{v:.{DIGITS}e}"), decisive
    return whole if np.all(decisive == np.ceil(decisive)) else (lambda v: f"{v:.{DIGITS}f}"), decisive


def whole(value: Any) -> str:
    """A whole number of a float tensor; ``nan`` and ``inf`` without the point."""
    return f"{value:.0f}." if np.isfinite(value) else f"{value:.0f}"


def shown(array: ndarray) -> ndarray:
    """The elements that are printed: of long axes of a large array only both ends."""
    if array.size <= THRESHOLD:
        return array
    ends = [np.r_[:EDGE, n - EDGE : n] if n > 2 * EDGE else np.arange(n) for n in array.shape]
    return array[np.ix_(*ends)]


def text_of(array: ndarray) -> str:
    """The nested brackets of an array."""
    write, decisive = float_format(shown(array)) if array.dtype.kind == "f" else (str, shown(array).ravel())
    width = max(map(len, map(write, decisive)), default=1)
    return brackets(array, lambda value: write(value).rjust(width), width, INDENT)


def brackets(array: ndarray, write: Format, width: int, indent: int, shorten: bool | None = None) -> str:
    """One axis of the text; the inner axes are written by the same function."""
    if array.ndim == 0:
        return write(array[()])
    shorten = array.size > THRESHOLD if shorten is None else shorten
    n = len(array)
    skip = shorten and n > 2 * EDGE
    indices = [*range(EDGE), *range(n - EDGE, n)] if skip else range(n)
    items = [brackets(array[i, ...], write, width, indent + 1, shorten) for i in indices]
    if skip:
        items.insert(EDGE, " ..." if array.ndim == 1 else "...")
    per_line = max(1, (WIDTH - indent) // (width + 2)) if array.ndim == 1 else 1
    gap = "," + "\n" * max(1, array.ndim - 1) + " " * (indent + 1)
    return "[" + gap.join(", ".join(items[i : i + per_line]) for i in range(0, len(items), per_line)) + "]"


def represent(array: ndarray, requires_grad: bool, made_by: str | None) -> str:
    """The whole text, with the dtype where it is not the usual one."""
    text = "tensor(" + (text_of(array) if array.size else "[]")
    notes = []
    if not array.size and array.ndim != 1:
        notes.append(f"size={array.shape}")
    if array.dtype.name not in (UNSAID if array.size else UNSAID[:1]):
        notes.append(f"dtype={array.dtype.name}")
    if made_by or requires_grad:
        notes.append(f"grad_fn=<{made_by}>" if made_by else "requires_grad=True")
    used = len(text) - text.rfind("\n") + 1
    for note in notes:
        fits = used + len(note) + 2 <= WIDTH
        text += f", {note}" if fits else ",\n" + " " * INDENT + note
        used = used + len(note) + 2 if fits else INDENT + len(note)
    return text + ")"
