"""What is said of tensors and operations: values, gradients, attributes and sizes as short texts."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.application import to_plain
from ..engine.node import Node, Variable, array_of
from ..engine.op import Op
from ..engine.shown import Shown
from ..tensor.tensor import Tensor
from .appearance import MODES
from .description import Line


def number(value: Any) -> str:
    """A number with four digits; an integer with all of them."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def value_text(value: Any, now: str = "") -> str:
    """Shape and dtype, and the value of a single number; ``now`` is said behind that."""
    array = array_of(value)
    single = isinstance(array, ndarray) and array.size == 1
    return f"{array.shape} {dtype_name(array.dtype)}" + (f" = {number(array.item())}{now}" if single else "")


@functools.cache
def dtype_name(dtype: np.dtype[Any]) -> str:
    """``float32``: NumPy takes 15 us to say it."""
    return str(dtype)


def now_if_changed(value: Any, since: int) -> str:
    """`` now`` behind a value that is another one than at the time ``since``."""
    return " now" if isinstance(value, Variable) and value.memory.changed > since else ""


def attribute_text(value: Any) -> str:
    """A simple attribute; nothing for one that is an array, or off, or left out."""
    value = to_plain(value)
    if isinstance(value, tuple):
        return str(value) if all(isinstance(part, int) for part in value) else ""
    off = value is None or value is False
    return number(value) if isinstance(value, (int, float, str, np.dtype)) and not off else ""


def root_mean_square(array: ndarray) -> float:
    """0 of nothing. The largest element is taken out first, so that no square overflows."""
    sizes = np.abs(array.astype(np.float64))
    largest = float(sizes.max(initial=0))
    return largest * float(np.sqrt(np.mean((sizes / largest) ** 2))) if 0 < largest < np.inf else largest


def gradient_line(rms: float, cancelled_by: str, now: str) -> Line:
    """How large a gradient is; alarming where nothing can be learned from it."""
    reason = f" (cancelled by {cancelled_by})" if cancelled_by else ""
    return Line(f"|grad|{now} rms {rms:.2g}{reason}", not (rms > 0 or cancelled_by) or not np.isfinite(rms))


def tensor_of(operand: Any) -> Any:
    """The tensor of a leaf, as long as it lives; any other operand as it is."""
    tensor = operand.output() if isinstance(operand, Node) and operand.op is None else None
    return operand if tensor is None else tensor


def gradient_of(operand: Any) -> ndarray | None:
    """What backward has added up for a leaf, None before and for any other operand."""
    tensor = tensor_of(operand)
    return tensor.grad.array if isinstance(tensor, Tensor) and tensor.grad is not None else None


def arguments(node: Node, op: Op) -> list[tuple[str, Any]]:
    """An operation's operands and attributes with their names, "" for want of one."""
    values, names = (*node.inputs, *node.attributes), op.__signature__.parameters
    return list(zip([*names, *[""] * (len(values) - len(names))], values))


def shown_of(node: Node, op: Op) -> Shown:
    """What an operation adds to the picture of one of its nodes."""
    shown = op.shows(node) if op.shows else Shown()
    if shown.mode and shown.mode not in MODES:
        raise ValueError(f"{op.name}: shows returned the mode {shown.mode!r}: it must be one of {', '.join(MODES)}.")
    return shown


def kept_text(names: Sequence[str], size: int, new: int) -> str:
    """What is kept for the derivative, its bytes, and how many of them a box before counts already."""
    shared = size - new
    also = f", {shared:,} shared" if 0 < shared < size else ", shared" if shared else ""
    return f"saves {', '.join(names)} ({size:,} bytes{also})" if names else f"saves {size:,} bytes{also}"


def mode_text(modes: Sequence[bool], of: str = "modules") -> str:
    """``train`` or ``eval`` if all modules, or calls, are in one mode."""
    if len(set(modes)) == 1:
        return "train" if modes[0] else "eval"
    return f"mixed ({sum(modes)} of {len(modes)} {of} in train)"


def anonymous(kind: str, name: str) -> str:
    """What to call a tensor that no module holds: by what it is to its operation, or what it is."""
    if kind == "parameter":
        return "leaf"
    return name if len(name) > 1 and name != "other" else "input" if name == "x" else "constant"


def counted(number: int, word: str) -> str:
    """``1 operation``, ``2,000 operations``."""
    return f"{number:,} {word}{'s' * (number != 1)}"
