"""Elements taken along axes in another order, also several times: in runs of neighbours, which are slices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from .constants import at_least_float32
from .sums import sum_over


class Run(NamedTuple):
    """Neighbours that are taken one after the other."""

    to: slice
    """Where they are put."""
    source: slice
    """Where they come from; one element if it is taken again and again."""
    repeated: bool


def runs(index: ndarray) -> Iterator[Run]:
    """The runs of an index: up, down, or of one element."""
    numbers, start = index.tolist(), 0
    while start < len(numbers):
        first, end = numbers[start], start + 1
        step = numbers[end] - first if end < len(numbers) and abs(numbers[end] - first) < 2 else 1
        while end < len(numbers) and numbers[end] - numbers[end - 1] == step:
            end += 1
        last = numbers[end - 1]
        stop = last + step if last + step >= 0 else None
        yield Run(slice(start, end), slice(first, stop, step) if step else slice(first, first + 1), not step)
        start = end


@dataclass(frozen=True, repr=False, eq=False)
class Taken:
    """Which elements are taken along some axes."""

    lengths: tuple[int, ...]
    """Of the last axes, before."""
    indices: tuple[ndarray | None, ...]
    """For each of these axes which elements are taken; None: all."""
    title: str = ""
    """What a picture says."""

    def __repr__(self) -> str:
        return self.title

    @cached_property
    def along(self) -> list[tuple[int, int, list[Run]]]:
        """The axes that change, counted from the end: each with its length before, and its runs."""
        dims = len(self.lengths)
        return [
            (i - dims, n, list(runs(index)))
            for i, (n, index) in enumerate(zip(self.lengths, self.indices))
            if index is not None
        ]


def place(axis: int, part: slice) -> tuple[Any, ...]:
    """The index of a slice along an axis that is counted from the end."""
    return (..., part, *(slice(None),) * (-1 - axis))


def take(x: ndarray, taken: Taken) -> ndarray:
    """The elements that are taken."""
    for axis, _, found in taken.along:
        shape = list(x.shape)
        shape[axis] = found[-1].to.stop if found else 0
        y = np.empty(shape, x.dtype)
        for run in found:
            y[place(axis, run.to)] = x[place(axis, run.source)]
        x = y
    return x if taken.along else x.copy()


def add(dy: ndarray, taken: Taken) -> ndarray:
    """The adjoint of ``take``: each element added where it comes from."""
    dtype = dy.dtype
    for axis, n, found in taken.along:
        shape = list(dy.shape)
        shape[axis] = n
        dx = np.zeros(shape, at_least_float32(dtype))
        for run in found:
            part = dy[place(axis, run.to)]
            dx[place(axis, run.source)] += sum_over(part, (part.ndim + axis,), True) if run.repeated else part
        dy = dx
    return dy.astype(dtype, copy=not taken.along)
