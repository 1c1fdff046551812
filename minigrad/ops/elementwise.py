"""What entries of elementwise operations have in common: where users find them, and the derivative of a step."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..engine.op import Op
from .choosing import where

elementwise = partial(Op, faces="function method in_place")
"""An operation that users find as a function, as a method, and in place."""


def flat(dy: Any, *_: Any) -> Any:
    """The rule where the output does not follow an operand: a gradient of 0, whatever ``dy`` is."""
    return where(np.False_, dy, 0)


def kind_of(value: Any) -> str:
    """The kind of the dtype of an array or a number."""
    dtype = getattr(value, "dtype", None)
    return np.asarray(value).dtype.kind if dtype is None else dtype.kind
