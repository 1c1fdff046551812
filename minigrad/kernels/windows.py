"""Windows over the last axes of an array, which convolution and pooling work on: where they lie, and their elements."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from numpy import ndarray
from numpy.lib.stride_tricks import as_strided

from .tuning import WINDOW_BYTES


@dataclass(frozen=True, repr=False)
class Windows:
    """Where windows lie over the last axes of an array. Each field has one number for each of these axes.

    Window ``i`` has the elements ``i * stride - padding + k * dilation`` for ``k`` from 0 to ``kernel - 1``. What is
    outside of the array is padding; what lies behind the last window is in none.
    """

    lengths: tuple[int, ...]
    """Of the array."""
    counts: tuple[int, ...]
    """How many windows there are."""
    kernel: tuple[int, ...]
    """How many elements a window has."""
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    """Elements of padding in front of the array."""
    dilation: tuple[int, ...]

    def __repr__(self) -> str:
        """The settings as a picture says them: ``3 x 3, stride 2, padding 1``."""
        others = [("stride", self.stride, 1), ("padding", self.padding, 0), ("dilation", self.dilation, 1)]
        said = [f"{name} {by_axis(numbers)}" for name, numbers, usual in others if set(numbers) != {usual}]
        return ", ".join([" x ".join(map(str, self.kernel)), *said])

    @cached_property
    def axes(self) -> tuple[int, ...]:
        """The axes of the array, counted from the end."""
        return tuple(range(-len(self.kernel), 0))

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """From the first to the last element of a window."""
        return tuple(d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel))

    @cached_property
    def reach(self) -> tuple[int, ...]:
        """From the first element of the first window to the last one of the last."""
        return tuple((n - 1) * s + w for n, s, w in zip(self.counts, self.stride, self.widths))

    @cached_property
    def behind(self) -> tuple[int, ...]:
        """Elements of padding behind the array; negative for elements that no window reaches."""
        return tuple(r - p - n for r, p, n in zip(self.reach, self.padding, self.lengths))

    @cached_property
    def pads(self) -> bool:
        """Whether a window has padding."""
        return any(self.padding) or max(self.behind) > 0

    @cached_property
    def is_plain(self) -> bool:
        """Whether the windows are the elements, one after the other."""
        return self.size == 1 and not self.pads and self.counts == self.lengths

    @cached_property
    def overlaps(self) -> bool:
        """Whether an element may be in several windows."""
        return any(s < w for s, w in zip(self.stride, self.widths))

    @cached_property
    def inside(self) -> tuple[Any, ...]:
        """The array in the padded one."""
        return (..., *(slice(p, min(p + n, r)) for p, n, r in zip(self.padding, self.lengths, self.reach)))

    @cached_property
    def reached(self) -> tuple[Any, ...]:
        """What of the array is in the padded one."""
        return (..., *(slice(min(n, r - p)) for p, n, r in zip(self.padding, self.lengths, self.reach)))

    @cached_property
    def size(self) -> int:
        """How many elements a window has."""
        return math.prod(self.kernel)

    @cached_property
    def number(self) -> int:
        """How many windows there are."""
        return math.prod(self.counts)

    @cached_property
    def slices(self) -> list[list[slice]]:
        """Along each axis, for each element of a window: where it is in the windows, in the padded array."""
        settings = zip(self.kernel, self.counts, self.stride, self.dilation)
        return [[slice(k * d, k * d + max((n - 1) * s + 1, 0), s) for k in range(size)] for size, n, s, d in settings]

    @cached_property
    def along(self) -> list[list[tuple[Any, ...]]]:
        """The same as indices of an array that is padded along that axis."""
        every = slice(None)
        dims = len(self.kernel)
        return [[(..., one, *[every] * (dims - 1 - axis)) for one in ones] for axis, ones in enumerate(self.slices)]

    @cached_property
    def offsets(self) -> list[tuple[Any, ...]]:
        """For each element of a window: where it is in all windows, in the padded array."""
        return [(..., *slices) for slices in product(*self.slices)]

    @cached_property
    def within(self) -> list[list[tuple[slice, slice]]]:
        """Along each axis, for each element of a window: where it is in the array, and in which windows that is.

        Without the windows of which that element is padding.
        """
        settings = zip(self.lengths, self.counts, self.kernel, self.stride, self.padding, self.dilation)
        found = []
        for length, n, size, s, p, d in settings:
            starts = [k * d - p for k in range(size)]
            firsts = [max(-(start // s), 0) for start in starts]
            ends = [max(min((length - 1 - start) // s + 1, n), first) for start, first in zip(starts, firsts)]
            found.append(
                [
                    (slice(a := start + first * s, a + max((end - first - 1) * s + 1, 0), s), slice(first, end))
                    for start, first, end in zip(starts, firsts, ends)
                ]
            )
        return found

    @cached_property
    def places(self) -> list[tuple[tuple[Any, ...], tuple[Any, ...]]]:
        """``within`` for all axes together, as indices."""
        return [((..., *(p for p, _ in pairs)), (..., *(w for _, w in pairs))) for pairs in product(*self.within)]


def by_axis(numbers: tuple[int, ...]) -> str:
    """A setting: one number if it is the same along all axes."""
    return str(numbers[0]) if len(set(numbers)) == 1 else " x ".join(map(str, numbers))


def padded(x: ndarray, windows: Windows, value: Any = 0) -> ndarray:
    """The array as far as windows reach, with a number as padding; the array itself if there is none."""
    if not windows.pads:
        return x
    shape = (*x.shape[: -len(windows.kernel)], *windows.reach)
    y = np.zeros(shape, x.dtype) if value == 0 else np.full(shape, value, x.dtype)
    y[windows.inside] = x[windows.reached]
    return y


def view_of_windows(x: ndarray, windows: Windows) -> ndarray:
    """The windows of a padded array, (..., *kernel, *counts): a view."""
    ahead = x.ndim - len(windows.kernel)
    steps = x.strides[ahead:]
    strides = [step * d for step, d in zip(steps, windows.dilation)] + [
        step * s for step, s in zip(steps, windows.stride)
    ]
    return as_strided(x, (*x.shape[:ahead], *windows.kernel, *windows.counts), (*x.strides[:ahead], *strides))


def added_windows(values: ndarray, windows: Windows, out: ndarray | None = None) -> ndarray:
    """The elements (..., *kernel, *counts) of all windows, added up where they lie: the adjoint of taking them out.

    ``out`` is an array of zeros for the result.
    """
    ahead = values.shape[: values.ndim - 2 * len(windows.kernel)]
    y = np.zeros((*ahead, *windows.lengths), values.dtype) if out is None else out
    flat: Any = values.reshape(*ahead, windows.size, *windows.counts)
    before = (slice(None),) * len(ahead)
    for k, (at, which) in enumerate(windows.places):
        if windows.overlaps:
            y[at] += flat[(*before, k, *which[1:])]
        else:
            y[at] = flat[(*before, k, *which[1:])]
    return y


def blocks_of_samples(samples: int, elements: int, itemsize: int) -> list[slice]:
    """Slices of the first axis, so that a block, of so many elements for each sample, stays in the cache."""
    step = max(WINDOW_BYTES // max(elements * itemsize, 1), 1)
    return [slice(start, min(start + step, samples)) for start in range(0, samples, step)]


def room_for(blocks: list[slice], shape: tuple[int, ...], dtype: np.dtype[Any]) -> ndarray:
    """Memory for one block after the other: new memory for each takes as long again."""
    return np.empty((blocks[0].stop if blocks else 0, *shape), dtype)
