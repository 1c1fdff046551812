"""``host``: the only way from Python's world into a program that is being written down.

What a training step computes in Python and not with arrays (a learning rate, a correction by the step's number, a
draw of random numbers) would be a constant of the program. So it is computed by ``host(function, *args)``: a plain
call, unless the step is being captured; then it is also an instruction, which calls the function anew at each replay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

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
