"""The text of a tensor, in PyTorch's layout: ``tensor([0.5000, 1.0000])``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.arguments import whole
from ..engine.errors import InvalidValueError

INDENT = len("tensor(")
PROFILES: dict[str, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}
OPTIONS: dict[str, Any] = {**PROFILES["default"], "sci_mode": None}
"""How tensors are written, as ``set_printoptions`` has set it."""
UNSAID = ("float32", "int64", "bool")
"""The dtypes Python's own numbers become: they go without saying, except where there is no number."""

Format = Callable[[Any], str]


def set_printoptions(
    precision: int | None = None, threshold: float | None = None, edgeitems: int | None = None,
    linewidth: int | None = None, profile: str | None = None, sci_mode: bool | None = None,
) -> None:  # fmt: skip
    """Set how tensors are written; what is None stays as it is, but for ``sci_mode``.

    Args:
        precision: digits behind the point, 4.
        threshold: with more elements than this only the ends of long axes are written, 1000; ``mg.inf`` for all.
        edgeitems: how many elements at each end, 3.
        linewidth: characters of a line, 80.
        profile: "default", "short" (2 digits, 2 elements at each end) or "full" (all elements), before the others.
        sci_mode: scientific notation always (True) or never (False); None, also where it is not given, where it is
            needed.

    Raises:
        ValueError: for anything else; nothing is set then.

    >>> mg.set_printoptions(precision=2)
    >>> mg.tensor([1.12345])
    tensor([1.12])
    >>> mg.set_printoptions(profile="default")
    """
    if profile is not None and profile not in PROFILES:
        raise InvalidValueError(f"set_printoptions: profile must be one of {', '.join(PROFILES)}, got {profile!r}.")
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    found = {
        name: value if value == math.inf and name == "threshold" else whole_number(name, value)
        for name, value in given.items()
        if value is not None
    }
    OPTIONS.update(PROFILES.get(profile or "", {}))
    OPTIONS.update(found, sci_mode=None if sci_mode is None else bool(sci_mode))


def whole_number(name: str, value: Any) -> int:
    """An option that is an integer of at least 0."""
    return whole(value, 0, f"set_printoptions: {name} must be an integer of at least 0")


def float_format(values: ndarray) -> tuple[Format, ndarray]:
    """How to write the ``values`` of a float tensor, and those of them that decide on the width.

    Whole numbers are written ``1.``, others with four digits, and all in scientific notation if they
    differ by more than a factor of 1000 or are very large or small.
    """
    decisive = values[np.isfinite(values) & (values != 0)]
    if not decisive.size:
        return without_fraction, decisive
    magnitudes = np.abs(decisive.astype(np.result_type(decisive, np.float32)))
    largest, smallest = magnitudes.max(), magnitudes.min()
    with np.errstate(over="ignore"):
        needed = largest / smallest > 1000 or largest > 1e8 or float(smallest) < 1e-4
    digits = OPTIONS["precision"]
    if needed if OPTIONS["sci_mode"] is None else OPTIONS["sci_mode"]:
        return (lambda v: f"{v:.{digits}e}"), decisive
    return without_fraction if np.all(decisive == np.ceil(decisive)) else (lambda v: f"{v:.{digits}f}"), decisive


def without_fraction(value: Any) -> str:
    """A whole number of a float tensor; ``nan`` and ``inf`` without the point."""
    return f"{value:.0f}." if np.isfinite(value) else f"{value:.0f}"


def shown(array: ndarray) -> ndarray:
    """The elements that are printed: of long axes of a large array only both ends."""
    if array.size <= OPTIONS["threshold"]:
        return array
    edge = OPTIONS["edgeitems"]
    ends = [np.r_[:edge, n - edge : n] if n > 2 * edge else np.arange(n) for n in array.shape]
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
    shorten = array.size > OPTIONS["threshold"] if shorten is None else shorten
    n, edge = len(array), OPTIONS["edgeitems"]
    skip = shorten and n > 2 * edge
    indices = [*range(edge), *range(n - edge, n)] if skip else range(n)
    items = [brackets(array[i, ...], write, width, indent + 1, shorten) for i in indices]
    if skip:
        items.insert(edge, " ..." if array.ndim == 1 else "...")
    per_line = max(1, (OPTIONS["linewidth"] - indent) // (width + 2)) if array.ndim == 1 else 1
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
        fits = used + len(note) + 2 <= OPTIONS["linewidth"]
        text += f", {note}" if fits else ",\n" + " " * INDENT + note
        used = used + len(note) + 2 if fits else INDENT + len(note)
    return text + ")"
