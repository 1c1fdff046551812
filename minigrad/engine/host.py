"""``host``: the only way from Python's world into a program that is being written down.

What a training step computes in Python and not with arrays (a learning rate, a correction by the step's number, a
draw of random numbers) would be a constant of the program. So it is computed by ``host(function, *args)``: a plain
call, unless the step is being captured; then it is also an instruction, which calls the function anew at each replay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy import ndarray

from .modes import current, own_calls


def host(function: Callable[..., Any], *args: Any) -> Any:
    """``function(*args)``, called again at each replay of a program.

    Args:
        function: returns an array, several as a tuple, or None. A number is an array without axes, in the dtype of
            what it meets. It may read and advance what lives in Python (settings, counters, generators), and must not
            read arrays that the step changes.
        *args: passed as they are, and not copied.
    """
    if current().calls.writer is None:
        return function(*args)
    writer = writer_here()
    return function(*args) if writer is None else writer.host(function, *args)


class Numbers:
    """A function of the host that returns Python's own floats, as one that returns arrays without axes.

    A program whose memory is its own calls ``function`` and puts the floats there.
    """

    __slots__ = ("dtype", "function")

    def __init__(self, function: Callable[..., Any], dtype: np.dtype[Any]) -> None:
        self.function, self.dtype = function, dtype

    def __call__(self, *args: Any) -> list[ndarray]:
        return [np.array(number, self.dtype) for number in self.function(*args)]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Numbers) and (self.function, self.dtype) == (other.function, other.dtype)

    def __hash__(self) -> int:
        return hash((self.function, self.dtype))

    @property
    def __self__(self) -> Any:
        """The object of the function, if it is a method."""
        return getattr(self.function, "__self__", None)

    @property
    def __name__(self) -> str:
        return str(self.function.__name__)


def host_numbers(function: Callable[..., Any], dtype: Any, *args: Any) -> list[Any]:
    """``host`` for a function that returns Python's own numbers: arrays without axes, in a dtype."""
    if current().calls.writer is None:
        return [np.array(number, dtype) for number in function(*args)]
    found: list[Any] = host(Numbers(function, dtype), *args)
    return found


def watch(function: Callable[..., Any], usable: Any, *args: Any) -> None:
    """``function(usable, *args)``, which warns where an array of booleans is false; at replays only if it is somewhere.

    It is called when all else is done.
    """
    writer = writer_here()
    if writer is None:
        function(usable, *args)
    else:
        writer.watch(function, usable, *args)


def check(function: Callable[..., Any], *args: Any) -> None:
    """``function(*args)``, which looks at the values of arrays and refuses some.

    A program looks before it changes anything if the arrays follow from inputs of the step alone. Else it looks where
    the step does, which may be after a change.
    """
    writer = writer_here()
    if writer is None:
        function(*args)
    else:
        writer.check(function, *args)


def forgets(tensors: Iterable[Any]) -> None:
    """Gradients are about to be replaced, whatever they are: what a program must know of those that are None."""
    if current().calls.writer is not None:
        writer = writer_here()
        if writer is not None:
            writer.forgets(tensors)


def writer_here() -> Any:
    """What writes down the operations of this thread, or None."""
    writer = current().calls.writer
    return writer and own_calls().writer  # the context may be a copy of another thread's
