"""Devices, of which there is one: the CPU. Its words are taken wherever PyTorch takes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.arguments import a_type
from ..engine.errors import InvalidTypeError, InvalidValueError
from ..engine.node import Variable

KINDS = ("cpu", "cuda", "mps", "xpu", "hpu", "mtia", "meta", "xla")
"""What PyTorch's programs call devices."""


class device:
    """The device that tensors are on, which is always the CPU.

    Args:
        type: ``"cpu"``, also with a number (``"cpu:0"``), or a device.
        index: the number.

    Raises:
        ValueError: for any other device.

    >>> mg.device("cpu")
    device(type='cpu')
    >>> mg.ones(2).device == mg.device("cpu")
    True
    """

    __slots__ = ("index", "type")
    type: str
    index: int | None

    def __init__(self, type: Any, index: int | None = None) -> None:
        if isinstance(type, device):
            type, index = type.type, type.index if index is None else index
        kind, _, number = type.partition(":") if isinstance(type, str) else (type, "", "")
        if isinstance(type, bool) or not isinstance(type, (str, int)):
            raise InvalidTypeError(f"a device is named by text, device='cpu', got {a_type(type)}.")
        if kind != "cpu" or (number and not number.isdecimal()):
            raise InvalidValueError(f"there is no device {type!r}: minigrad runs on the CPU, device='cpu'.")
        self.type, self.index = "cpu", int(number) if number else index

    def __repr__(self) -> str:
        return "device(type='cpu')" if self.index is None else f"device(type='cpu', index={self.index})"

    def __str__(self) -> str:
        return "cpu" if self.index is None else f"cpu:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and self.index == other.index

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> Any:
        return device, (self.type, self.index)

    def __enter__(self) -> device:
        return self

    def __exit__(self, *_: object) -> None:
        pass


CPU = device("cpu")


def on_cpu(where: Any) -> None:
    """Refuse a device that is not the CPU; None is the default one."""
    if where is not None and where is not CPU:
        device(where)


def get_default_device() -> device:
    """The device of new tensors: the CPU.

    >>> mg.get_default_device()
    device(type='cpu')
    """
    return CPU


def set_default_device(device: Any) -> None:
    """Refuse a device that is not the CPU; nothing else, new tensors are there anyway.

    >>> mg.set_default_device('cpu')
    """
    on_cpu(device)


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Accepted: results are the same in every run anyway.

    Args:
        mode, warn_only: PyTorch's switches, which change nothing.

    >>> mg.use_deterministic_algorithms(True)
    """


def is_device(value: Any) -> bool:
    """Whether an argument that may be a device or a dtype is a device."""
    if isinstance(value, str):
        return value.partition(":")[0] in KINDS
    return value is None or (isinstance(value, (device, int)) and not isinstance(value, np.integer))


def destination(args: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, bool]:
    """The dtype (None: as it is) that ``x.to(...)`` asks for, and whether it asks for a copy in any case.

    Args:
        args, named: a device, a dtype, or a device and a dtype, or another tensor; then ``non_blocking``, ``copy``.
    """
    if len(args) == 1 and not named and isinstance(args[0], (np.dtype, type)):
        return args[0], False  # how tensors are mostly converted: a dtype alone
    unknown = set(named) - {"device", "dtype", "other", "non_blocking", "copy"}
    rest = list(args)
    other = named.get("other")
    if rest and isinstance(rest[0], Variable):
        other = rest.pop(0)
    given = {name: named.get(name) for name in ("device", "dtype")}
    for name in ("device", "dtype"):
        if rest and not isinstance(rest[0], bool) and other is None and (name == "dtype" or is_device(rest[0])):
            given[name] = rest.pop(0)
    if unknown or len(rest) > 2 or not all(isinstance(flag, (bool, np.bool_)) for flag in rest):
        raise InvalidTypeError(
            f"to takes a device, a dtype, or both, or another tensor; then non_blocking and copy; got {args} {named}."
        )
    on_cpu(given["device"])
    if isinstance(given["dtype"], str):
        try:
            np.dtype(given["dtype"])
        except TypeError:
            raise InvalidTypeError(
                f"there is no dtype {given['dtype']!r}, and no such device: write mg.float64, or 'cpu'."
            ) from None
    copy = bool(named.get("copy", rest[1] if len(rest) > 1 else False))
    return (given["dtype"] if other is None else other.dtype), copy
