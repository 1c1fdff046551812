"""What operations and modules say of themselves to pictures: plain data, made only when a picture is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray


class Part(NamedTuple):
    """A step inside of an operation, for a picture in which it is opened."""

    title: str
    lines: Sequence[str]
    sources: Sequence[str]
    """What it is computed from: names of operands, and titles of parts before it."""
    effects: Sequence[int] = ()
    """Which of the operation's effects are its own, by their numbers."""


class Shown(NamedTuple):
    """What an operation adds to the picture of one of its nodes. Channels are those of axis 1."""

    lines: Sequence[str] = ()
    """Lines of its box, below shape and attributes."""
    mode: str = ""
    """``train`` or ``eval`` if it computes differently in the two: the colours of its box."""
    described: Sequence[str] = ()
    """Names of arguments that the lines describe: they are not shown once more."""
    keeps: Mapping[str, Any] | None = None
    """Arrays kept for the derivative, by name, whose size is shown; None shows nothing of it."""
    cancels: bool = False
    """Whether a constant that is added to a channel of the first operand leaves the output as it is."""
    adds: int | None = None
    """The number of the operand whose elements are added to the channels of the output."""
    alarms: Sequence[str] = ()
    """Lines of what went wrong, below the others."""
    parts: Callable[[Sequence[Any]], Sequence[Part]] | None = None
    """From the operands' arrays, the steps inside of it."""
    summary: int = 0
    """How many of the first lines a folded module repeats, of which it is the only such operation."""
    output: str = ""
    """What came out, in place of shape and dtype: that of several outputs."""


class ModuleShown(NamedTuple):
    """What a module adds to the picture of one of its calls, which then always has a cluster."""

    mode: str = ""
    """What is to be said besides the mode of its operation: ``frozen``."""
    symbols: Mapping[str, str] = {}
    """What the literature calls its parameters, by their names."""
    reason: str = ""
    """Why it computes something else in training and evaluation: from what the latter takes its statistics."""
    cumulative: bool = False
    """Whether the averages that it writes are those of all that it has seen, each with the same weight."""


BLOCKS = "▁▂▃▄▅▆▇█"
BINS = 16


def histogram_text(array: ndarray) -> str:
    """How the finite elements are spread over their range, a block for each of ``BINS`` parts of it."""
    values = array[np.isfinite(array)].astype(np.float64)
    if not values.size or values.min() == values.max():
        return ""
    counts, _ = np.histogram(values, BINS)
    return "".join(BLOCKS[int(np.ceil(count / counts.max() * (len(BLOCKS) - 1)))] for count in counts)


def range_text(array: ndarray) -> str:
    """The smallest and the largest element, for a line."""
    return f"in [{array.min():.3g}, {array.max():.3g}]" if array.size else "empty"
