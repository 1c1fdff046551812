"""Arguments of convolution, pooling and padding that are refused: a call, the error, and parts of its message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F


def ones(*shape: int, dtype: Any = np.float32) -> mg.Tensor:
    return mg.tensor(np.ones(shape, dtype))


def conv(*shape: int, weight: tuple[int, ...] = (3, 2, 2, 2), **settings: Any) -> Callable[[], Any]:
    return lambda: F.conv2d(ones(*shape), ones(*weight), **settings)


def back(*shape: int, weight: tuple[int, ...] = (2, 3, 2, 2), **settings: Any) -> Callable[[], Any]:
    return lambda: F.conv_transpose2d(ones(*shape), ones(*weight), **settings)


def pool(function: Callable[..., Any], *settings: Any, **named: Any) -> Callable[[], Any]:
    return lambda: function(ones(1, 2, 5, 5), *settings, **named)


def pad(*settings: Any, dtype: Any = np.float32, **named: Any) -> Callable[[], Any]:
    return lambda: F.pad(ones(2, 3, dtype=dtype), *settings, **named)


REFUSED_WINDOWS: dict[str, tuple[Callable[[], Any], type[Exception], list[str]]] = {
    "conv2d rank": (conv(4, 4), ValueError, ["conv2d", "(N, C, H, W) or (C, H, W)", "(4, 4)"]),
    "conv1d rank": (lambda: F.conv1d(ones(3), ones(1, 1, 2)), ValueError, ["conv1d", "(N, C, L) or (C, L)", "(3,)"]),
    "conv2d list": (lambda: F.conv2d([[1.0]], ones(1, 1, 1, 1)), TypeError, ["list", "mg.tensor"]),
    "conv2d empty image": (conv(1, 2, 0, 4, padding=2), ValueError, ["only N and C may be 0", "(1, 2, 0, 4)"]),
    "conv2d weight": (conv(1, 2, 4, 4, weight=(3, 2, 2)), ValueError, ["(out, in / groups, kernel, kernel)"]),
    "conv2d empty kernel": (conv(1, 2, 4, 4, weight=(3, 2, 0, 2)), ValueError, ["no kernel empty", "(3, 2, 0, 2)"]),
    "conv2d channels": (conv(1, 3, 4, 4), ValueError, ["wants 2 channels, got 3", "(3, 2, 2, 2)", "(1, 3, 4, 4)"]),
    "conv2d groups": (conv(1, 4, 4, 4, groups=2), ValueError, ["groups 2 must divide", "(3, 2, 2, 2)"]),
    "conv2d no groups": (conv(1, 2, 4, 4, groups=0), ValueError, ["groups must be at least 1", "got 0"]),
    "conv2d bias": (conv(1, 2, 4, 4, bias=ones(2)), ValueError, ["the bias must be (3,)", "got (2,)"]),
    "conv2d stride": (conv(1, 2, 4, 4, stride=0), ValueError, ["stride must be at least 1", "got 0"]),
    "conv2d strides": (conv(1, 2, 4, 4, stride=(1, 1, 1)), ValueError, ["for each of 2 axes", "(1, 1, 1)"]),
    "conv2d float stride": (conv(1, 2, 4, 4, stride=1.0), TypeError, ["stride must be of integers", "1.0"]),
    "conv2d padding": (conv(1, 2, 4, 4, padding=-1), ValueError, ["padding must be at least 0", "-1"]),
    "conv2d padding's name": (conv(1, 2, 4, 4, padding="full"), ValueError, ["'same' or 'valid'", "'full'"]),
    "conv2d same": (conv(1, 2, 4, 4, padding="same", stride=2), ValueError, ["for stride 1", "(2, 2)"]),
    "conv2d dilation": (conv(1, 2, 4, 4, dilation=0), ValueError, ["dilation must be at least 1"]),
    "conv2d too small": (conv(1, 2, 4, 1, padding=(0, 0)), ValueError, ["(2, 2)", "larger than the input (4, 1)"]),
    "conv2d booleans": (
        lambda: F.conv2d(ones(1, 2, 4, 4, dtype=bool), ones(3, 2, 2, 2)),
        TypeError,
        ["conv2d", "x.float()"],
    ),
    "conv2d dtypes": (
        lambda: F.conv2d(ones(1, 2, 4, 4), ones(3, 2, 2, 2, dtype=np.float64)),
        TypeError,
        ["float32", "float64"],
    ),
    "conv_transpose2d channels": (back(1, 3, 4, 4), ValueError, ["conv_transpose2d", "wants 2 channels, got 3"]),
    "conv_transpose2d weight": (back(1, 2, 4, 4, weight=(2, 2)), ValueError, ["(in, out / groups, kernel, kernel)"]),
    "conv_transpose2d bias": (back(1, 2, 4, 4, bias=ones(2)), ValueError, ["the bias must be (3,)"]),
    "conv_transpose2d same": (back(1, 2, 4, 4, padding="same"), TypeError, ["padding must be of integers", "'same'"]),
    "conv_transpose2d more": (back(1, 2, 4, 4, output_padding=1), ValueError, ["less than stride or dilation"]),
    "conv_transpose2d nothing": (back(1, 2, 1, 1, padding=1), ValueError, ["nothing is left", "(0, 0)"]),
    "max_pool2d rank": (lambda: F.max_pool2d(ones(4, 4), 2), ValueError, ["max_pool2d", "(4, 4)"]),
    "max_pool2d kernel": (pool(F.max_pool2d, 0), ValueError, ["kernel_size must be at least 1"]),
    "max_pool2d too large": (pool(F.max_pool2d, 6), ValueError, ["larger than the input (5, 5)"]),
    "max_pool2d stride": (pool(F.max_pool2d, 2, 0), ValueError, ["stride must be at least 1"]),
    "max_pool2d padding": (pool(F.max_pool2d, 3, 1, 2), ValueError, ["at most half of the kernel", "(2, 2)"]),
    "max_pool1d only padding": (
        lambda: F.max_pool1d(ones(1, 2), 2, 1, 1, dilation=3),
        ValueError,
        ["only padding", "dilation (3,)", "(2,)"],
    ),
    "max_pool2d booleans": (
        lambda: F.max_pool2d(ones(1, 4, 4, dtype=bool), 2),
        TypeError,
        ["max_pool2d", "booleans", "x.float()"],
    ),
    "avg_pool1d rank": (lambda: F.avg_pool1d(ones(4), 2), ValueError, ["avg_pool1d", "(4,)"]),
    "avg_pool2d kernel": (pool(F.avg_pool2d, (2, 2, 2)), ValueError, ["kernel_size", "2 axes", "(2, 2, 2)"]),
    "avg_pool2d padding": (pool(F.avg_pool2d, 2, padding=2), ValueError, ["at most half"]),
    "avg_pool2d divisor": (pool(F.avg_pool2d, 2, divisor_override=0), ValueError, ["divisor_override", "other than 0"]),
    "avg_pool2d float divisor": (pool(F.avg_pool2d, 2, divisor_override=1.5), TypeError, ["divisor_override", "1.5"]),
    "adaptive_avg_pool2d sizes": (pool(F.adaptive_avg_pool2d, (1,)), ValueError, ["each of 2 axes", "(1,)"]),
    "adaptive_avg_pool2d size": (pool(F.adaptive_avg_pool2d, -1), ValueError, ["output_size must be at least 0"]),
    "adaptive_max_pool1d None": (
        lambda: F.adaptive_max_pool1d(ones(2, 4), None),
        TypeError,
        ["adaptive_max_pool1d", "output_size must be of integers", "None"],
    ),
    "adaptive_avg_pool1d ints": (
        lambda: F.adaptive_avg_pool1d(ones(2, 4, dtype=int), 2),
        TypeError,
        ["adaptive_avg_pool1d", "int64", "x.float()"],
    ),
    "pad odd": (pad((1,)), ValueError, ["two integers for each axis", "got 1: (1,)"]),
    "pad too many": (pad((1,) * 6), ValueError, ["(2, 3) up to 4", "got 6"]),
    "pad number": (pad(1), TypeError, ["pad must be integers, (left, right, top, bottom, ...)", "got 1"]),
    "pad floats": (pad((1.0, 1)), TypeError, ["pad must be integers", "(1.0, 1)"]),
    "pad cuts too much": (pad((-4, 5)), ValueError, ["(-4, 5) cuts more off", "3 elements"]),
    "pad mode": (pad((1, 1), "wrap"), ValueError, ["'constant', 'reflect', 'replicate', 'circular'", "'wrap'"]),
    "pad reflects too much": (pad((3, 0), "reflect"), ValueError, ["'reflect'", "at most 2", "(3, 0)"]),
    "pad wraps too much": (pad((4, 0), "circular"), ValueError, ["'circular'", "at most 3", "(4, 0)"]),
    "pad wraps what is cut off": (pad((-1, 3), "circular"), ValueError, ["2 elements by at most 2", "(-1, 3)"]),
    "pad replicates nothing": (
        lambda: F.pad(ones(2, 0), (1, 0), "replicate"),
        ValueError,
        ["0 elements by at most 0"],
    ),
    "pad value of a mode": (pad((1, 1), "reflect", 3.0), ValueError, ["value is for mode 'constant'"]),
    "pad value's type": (pad((1, 1), value="0"), TypeError, ["value must be a number", "str"]),
    "pad value of integers": (pad((1, 1), value=np.nan, dtype=int), ValueError, ["value nan is no int64", "x.float()"]),
    "pad value beyond integers": (pad((1, 1), value=300, dtype=np.uint8), ValueError, ["value 300 is no uint8"]),
    "pad value below integers": (pad((1, 1), value=-1, dtype=np.uint8), ValueError, ["value -1 is no uint8"]),
}
