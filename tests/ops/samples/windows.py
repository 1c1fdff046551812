"""Samples of convolution, pooling and padding. The formulas go from element to element."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

import minigrad.nn.functional as F
from minigrad.kernels.taking import Taken
from minigrad.kernels.windows import Windows
from minigrad.ops.convolution import weight_op
from minigrad.ops.pooling import given_to, spread, taken_from
from minigrad.ops.taking import axes_added
from tests.helpers.inputs import distinct
from tests.ops.samples.sample import Sample


def pair(value: Any, dims: int) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,) * dims


def window(start: int, kernel: int, dilation: int = 1) -> slice:
    return slice(start, start + dilation * (kernel - 1) + 1, dilation)


def convolution(
    x: Any, w: Any, b: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    dims, (outputs, inputs, *kernel) = w.ndim - 2, w.shape
    if x.ndim == dims + 1:
        return convolution(x[None], w, b, stride, padding, dilation, groups)[0]
    stride, dilation = pair(stride, dims), pair(dilation, dims)
    around = [(p, p) for p in pair(0 if padding in ("same", "valid") else padding, dims)]
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(dilation, kernel)]
        around = [(n // 2, n - n // 2) for n in total]
    x = np.pad(x, [(0, 0), (0, 0), *around])
    counts = [(n - d * (k - 1) - 1) // s + 1 for n, d, k, s in zip(x.shape[2:], dilation, kernel, stride)]
    y = np.zeros((len(x), outputs, *counts), x.dtype)
    for n, o, *i in np.ndindex(*y.shape):
        first = o // (outputs // groups) * inputs
        places = [window(j * s, k, d) for j, s, k, d in zip(i, stride, kernel, dilation)]
        y[(n, o, *i)] = np.sum(x[(n, slice(first, first + inputs), *places)] * w[o]) + (0 if b is None else b[o])
    return y


def transposed(
    x: Any, w: Any, b: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0, groups: int = 1,
    dilation: Any = 1,
) -> Any:  # fmt: skip
    dims, (inputs, outputs, *kernel) = w.ndim - 2, w.shape
    if x.ndim == dims + 1:
        return transposed(x[None], w, b, stride, padding, output_padding, groups, dilation)[0]
    stride, padding, dilation = pair(stride, dims), pair(padding, dims), pair(dilation, dims)
    more = pair(output_padding, dims)
    full = [(n - 1) * s + d * (k - 1) + 1 for n, s, d, k in zip(x.shape[2:], stride, dilation, kernel)]
    y = np.zeros((len(x), outputs * groups, *(n + m for n, m in zip(full, more))), x.dtype)
    for n, c, *i in np.ndindex(*x.shape):
        first = c // (inputs // groups) * outputs
        places = [window(j * s, k, d) for j, s, k, d in zip(i, stride, kernel, dilation)]
        y[(n, slice(first, first + outputs), *places)] += x[(n, c, *i)] * w[c]
    inner = [slice(p, n - p + m) for n, p, m in zip(full, padding, more)]
    y = y[(slice(None), slice(None), *inner)]
    return y if b is None else y + b.reshape(-1, *(1,) * dims)


def starts(n: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> Iterator[int]:
    """Where windows begin: they fit, or with ``ceil_mode`` the last one goes beyond but begins before the padding."""
    start, last = -padding, n + padding - dilation * (kernel - 1) - 1
    while start <= last or (ceil_mode and start - stride < last and start < n):
        yield start
        start += stride


def pooled(
    x: Any, combine: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None, dims: int = 1,
) -> Any:  # fmt: skip
    """Elements of each window, of padding zeros if that counts, combined to one number."""
    kernel, padding, dilation = pair(kernel_size, dims), pair(padding, dims), pair(dilation, dims)
    stride = kernel if stride is None else pair(stride, dims)
    lengths = x.shape[-dims:]
    counts = [list(starts(*each, ceil_mode)) for each in zip(lengths, kernel, stride, padding, dilation)]
    y = np.zeros((*x.shape[:-dims], *map(len, counts)), x.dtype)
    for index in np.ndindex(*y.shape):
        firsts = [places[i] for places, i in zip(counts, index[-dims:])]
        every = [range(i, i + d * (k - 1) + 1, d) for i, k, d in zip(firsts, kernel, dilation)]
        inside = [[i for i in places if 0 <= i < n] for places, n in zip(every, lengths)]
        counted = inside if not count_include_pad else [
            [i for i in places if i < n + p] for places, n, p in zip(every, lengths, padding)
        ]  # fmt: skip
        number = divisor_override or np.prod([len(places) for places in counted])
        y[index] = combine(x[index[:-dims]][np.ix_(*inside)], number)
    return y


def greatest(elements: Any, _number: Any) -> Any:
    return elements.max()


def quotient(elements: Any, number: Any) -> Any:
    return elements.sum() / number


def adaptive(x: Any, sizes: Any, combine: Any, dims: int) -> Any:
    lengths = x.shape[-dims:]
    sizes = tuple(length if n is None else n for n, length in zip(pair(sizes, dims), lengths))
    y = np.zeros((*x.shape[:-dims], *sizes), x.dtype)
    for index in np.ndindex(*y.shape):
        places = [
            slice(i * length // n, -(-(i + 1) * length // n)) for i, n, length in zip(index[-dims:], sizes, lengths)
        ]
        y[index] = combine(x[(*index[:-dims], *places)])
    return y


def settings(text: str) -> dict[str, Any]:
    """``stride=2, groups=3`` as a dict: the name of a sample."""
    found: dict[str, Any] = eval(f"dict({text})")
    return found


CONVOLUTIONS: list[tuple[tuple[int, ...], tuple[int, ...], str]] = [
    ((2, 2, 5), (3, 2, 2), ""),
    ((2, 5), (3, 2, 2), "stride=2"),
    ((2, 4, 5), (2, 2, 3), "padding=2, dilation=2, groups=2"),
    ((1, 1, 5), (1, 1, 2), "padding='same', dilation=3"),
    ((2, 2, 3, 4), (2, 2, 2, 3), ""),
    ((2, 3, 4), (2, 2, 2, 2), "padding='same'"),
    ((1, 2, 4, 5), (4, 1, 2, 2), "groups=2, stride=(2, 3), padding=(1, 0)"),
    ((1, 2, 5, 4), (1, 2, 2, 2), "dilation=(2, 1), padding='valid'"),
    ((2, 2, 2, 3), (3, 2, 1, 1), ""),
    ((1, 1, 5, 6), (2, 1, 3, 3), "padding=1"),
]
TRANSPOSED: list[tuple[tuple[int, ...], tuple[int, ...], str]] = [
    ((2, 2, 3), (2, 3, 2), ""),
    ((2, 3), (2, 3, 2), "stride=3, output_padding=2"),
    ((1, 4, 3), (4, 1, 3), "groups=2, dilation=2, padding=1"),
    ((1, 2, 2, 3), (2, 2, 2, 2), "stride=(1, 2), padding=(0, 1), output_padding=(0, 1)"),
    ((2, 2, 2), (2, 1, 2, 3), "dilation=(2, 1), groups=2"),
]
MAXIMA = [
    ((2, 2, 5), "kernel_size=2"), ((2, 6), "kernel_size=3, stride=2, padding=1, ceil_mode=True"),
    ((1, 3), "kernel_size=2, stride=2, padding=1, ceil_mode=True"),
    ((1, 2, 7), "kernel_size=3, stride=1, dilation=2"), ((2, 2, 4, 5), "kernel_size=2"),
    ((2, 4, 4), "kernel_size=(2, 3), stride=(1, 2), padding=(1, 1)"),
    ((1, 1, 5, 5), "kernel_size=2, dilation=(2, 1), stride=2, ceil_mode=True"), ((2, 1, 2, 3), "kernel_size=(2, 3)"),
]  # fmt: skip
MEANS = [
    ((2, 2, 5), "kernel_size=2"), ((2, 6), "kernel_size=3, stride=2, padding=1, ceil_mode=True"),
    ((1, 2, 5), "kernel_size=3, stride=1, padding=1, count_include_pad=False"),
    ((1, 3), "kernel_size=2, stride=2, padding=1, ceil_mode=True"), ((2, 2, 4, 5), "kernel_size=2"),
    ((2, 4, 4), "kernel_size=(2, 3), stride=(1, 2), padding=(1, 1), ceil_mode=True"),
    ((1, 1, 5, 5), "kernel_size=3, stride=2, padding=1, divisor_override=-2"), ((2, 1, 2, 3), "kernel_size=(2, 3)"),
    ((1, 1, 3, 3), "kernel_size=1"),
]  # fmt: skip
ADAPTIVE: list[tuple[tuple[int, ...], Any]] = [
    ((2, 2, 6), 3), ((2, 5), 3), ((1, 2, 3), 5), ((2, 2, 4, 4), 1), ((2, 3, 5), (2, None)), ((1, 1, 4, 5), (2, 3)),
]  # fmt: skip
PADS: list[tuple[tuple[int, ...], tuple[int, ...], str]] = [
    ((3,), (1, 2), ""), ((2, 3), (0, 1, 2, 0), "value=2.5"), ((3, 4), (-1, 2, 0, -1), ""), ((2, 2), (), ""),
    ((2, 4), (3, 2), "mode='reflect'"), ((1, 3, 3), (1, 1, 2, 0), "mode='reflect'"),
    ((2, 4), (2, -1), "mode='reflect'"), ((2, 2), (3, 1, 0, 2), "mode='replicate'"),
    ((2, 3), (3, 2), "mode='circular'"), ((2, 4), (-1, 2), "mode='circular'"),
]  # fmt: skip
NUMPYS = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def padded(x: Any, pad: tuple[int, ...], mode: str = "constant", value: float = 0) -> Any:
    widths = [(0, 0)] * (x.ndim - len(pad) // 2) + list(zip(pad[::2], pad[1::2]))[::-1]
    cut = tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, widths))
    around = [(max(a, 0), max(b, 0)) for a, b in widths]
    constant = {"constant_values": value} if mode == "constant" else {}
    if mode in ("constant", "circular"):
        return np.pad(x[cut], around, mode=NUMPYS[mode], **constant)
    y = np.pad(x, around, mode=NUMPYS[mode])
    return y[tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(y.shape, widths))]


def windows() -> Iterator[Sample]:
    for table, kind, formula in [(CONVOLUTIONS, "conv", convolution), (TRANSPOSED, "conv_transpose", transposed)]:
        for shape, weight, text in table:
            name = f"{kind}{len(weight) - 2}d"
            chosen = settings(text)
            function = partial(getattr(F, name), **chosen)
            outputs = weight[1] * chosen.get("groups", 1) if formula is transposed else weight[0]
            inputs = distinct(shape, weight, (outputs,))
            yield Sample(f"{name} {shape} {weight} {text}", function, partial(formula, **chosen), inputs)
            yield Sample(f"{name} {shape} {weight} {text} no bias", function, partial(formula, **chosen), inputs[:2])
    for table, kind, combine in [(MAXIMA, "max", greatest), (MEANS, "avg", quotient)]:
        for shape, text in table:
            dims = 2 if len(shape) == 4 or shape == (2, 4, 4) else 1
            name = f"{kind}_pool{dims}d"
            formula = partial(pooled, combine=combine, dims=dims, **settings(text))
            function = partial(getattr(F, name), **settings(text))
            yield Sample(f"{name} {shape} {text}", function, formula, distinct(shape))
    for shape, sizes in ADAPTIVE:
        dims = 2 if len(shape) == 4 or isinstance(sizes, tuple) else 1
        for kind, reduce in [("max", np.max), ("avg", np.mean)]:
            name = f"adaptive_{kind}_pool{dims}d"
            formula = partial(adaptive, sizes=sizes, combine=reduce, dims=dims)
            yield Sample(
                f"{name} {shape} {sizes}", partial(getattr(F, name), output_size=sizes), formula, distinct(shape)
            )
    for shape, pad, text in PADS:
        function, formula = (partial(each, pad=pad, **settings(text)) for each in (F.pad, padded))
        yield Sample(f"pad {shape} {pad} {text}", function, formula, distinct(shape))


ROWS = Windows((5,), (3,), (2,), (2,), (1,), (1,))
"""Windows from -1, 1 and 3."""


def sums_over_windows(x: Any, y: Any, groups: int) -> Any:
    ends = np.pad(x, [(0, 0), (0, 0), (1, 0)])
    found = np.zeros((y.shape[1], x.shape[1] // groups, 2), x.dtype)
    for o, c, k in np.ndindex(*found.shape):
        channel = o // (y.shape[1] // groups) * (x.shape[1] // groups) + c
        found[o, c, k] = sum(np.sum(ends[:, channel, 2 * i + k] * y[:, o, i]) for i in range(3))
    return found


def shared_over_windows(y: Any) -> Any:
    x = np.zeros((*y.shape[:2], 6), y.dtype)
    for i in range(3):
        x[..., 2 * i : 2 * i + 2] += y[..., i : i + 1] / 2
    return x[..., 1:]


LONG = Windows((20,), (2,), (18,), (2,), (0,), (1,))
"""Windows of more elements than are compared one by one."""


def at_places(y: Any, place: Any, windows: Windows) -> Any:
    x = np.zeros((*y.shape[:2], *windows.lengths), y.dtype)
    for n, c, i in np.ndindex(*y.shape):
        at = 2 * i - windows.padding[0] + place[n, c, i]
        if at >= 0:
            x[n, c, at] += y[n, c, i]
    return x


def from_places(x: Any, place: Any, windows: Windows) -> Any:
    y = np.zeros(place.shape, x.dtype)
    for n, c, i in np.ndindex(*y.shape):
        at = 2 * i - windows.padding[0] + place[n, c, i]
        y[n, c, i] = x[n, c, at] if at >= 0 else 0
    return y


def added_back(y: Any) -> Any:
    return np.stack([y[:, 2] + y[:, 3] + y[:, 4], y[:, 1], y[:, 0] + y[:, 6], y[:, 5]], 1)


def adjoints() -> Iterator[Sample]:
    """The operations that are only gradients of others."""
    for groups in (1, 2):
        function, formula = partial(of_weight, groups=groups), partial(sums_over_windows, groups=groups)
        yield Sample(f"convolution_weight {groups}", function, formula, distinct((2, 2, 5), (2, 4, 3)))
    taken = Taken((2, 4), (None, np.array([2, 1, 0, 0, 0, 3, 2])))
    yield Sample("add_axes", lambda y: axes_added(y, taken), added_back, distinct((2, 7)))
    for which, windows in [("", ROWS), (" of long windows", LONG)]:
        place = np.arange(1, 2 * 2 * windows.number + 1, dtype=np.int32).reshape(2, 2, -1) * 5 % windows.size
        places = {"place": place, "windows": windows}
        given, found = (partial(function, **places) for function in (given_to, taken_from))
        yield Sample(f"max_pool_spread{which}", given, partial(at_places, **places), distinct(place.shape))
        yield Sample(
            f"max_pool_elements{which}", found, partial(from_places, **places), distinct((2, 2, *windows.lengths))
        )
    yield Sample("avg_pool_spread", lambda y: spread(y, ROWS, True, None), shared_over_windows, distinct((2, 2, 3)))


def of_weight(x: Any, y: Any, groups: int) -> Any:
    return weight_op(x, y, ROWS, groups)
