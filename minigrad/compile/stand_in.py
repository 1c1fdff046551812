"""``StandIn``: what stands for an array while a step is captured, and writes down each NumPy call on it.

It carries its real array: a call is carried out on that and written down. By NumPy's protocols NumPy's own functions
and operators come here by themselves, so that operations, derivative rules and optimisers run as they stand.

``isinstance(x, np.ndarray)`` is true of it, ``type(x) is np.ndarray`` is not. So a function that checks whether it was
given an array goes on as with one; kernels are for real arrays, and are chosen by the type.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NoReturn

import numpy as np
from numpy import ndarray
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.lib.stride_tricks import sliding_window_view

from ..engine.lines import line_outside
from ..engine.node import Variable
from ..ops.protocol import KNOWN

# fmt: off
FUNCTIONS = {
    *(getattr(np, name) for name in (
        "all", "amax", "amin", "any", "argmax", "argmin", "argsort", "around", "broadcast_to", "clip", "concatenate",
        "copy", "copyto", "cumprod", "cumsum", "diagonal", "diff", "dot", "einsum", "empty_like", "expand_dims", "flip",
        "full_like", "hstack", "inner", "max", "mean", "median", "min", "moveaxis", "nan_to_num", "ones_like", "outer",
        "pad", "partition", "prod", "ptp", "put_along_axis", "ravel", "repeat", "reshape", "roll", "rollaxis", "rot90",
        "round", "searchsorted", "sort", "split", "array_split", "squeeze", "stack", "std", "sum", "swapaxes", "take",
        "take_along_axis", "tensordot", "tile", "trace", "transpose", "tril", "triu", "vdot", "var", "vstack", "where",
        "zeros_like", "count_nonzero", "isin",
    )),
    sliding_window_view, *KNOWN,
}
"""The functions it knows besides NumPy's ufuncs: the shapes of their results follow from those of their arguments."""

METHODS = frozenset((
    "all", "any", "argmax", "argmin", "argsort", "astype", "clip", "copy", "cumprod", "cumsum", "diagonal", "dot",
    "fill", "flatten", "max", "mean", "min", "prod", "ravel", "repeat", "reshape", "round", "squeeze", "std", "sum",
    "swapaxes", "take", "trace", "transpose", "var",
))
"""Likewise the methods."""
# fmt: on

QUESTIONS = {np.shape, np.ndim, np.size, np.may_share_memory, np.shares_memory, np.result_type, np.can_cast}
"""Functions whose answers depend on shapes, dtypes and memory alone: they are answered, and not written down."""

OUT = {
    "all": 2, "any": 2, "argmax": 2, "argmin": 2, "clip": 3, "cumprod": 3, "cumsum": 3, "dot": 2, "max": 2, "mean": 3,
    "min": 2, "prod": 3, "round": 2, "std": 3, "sum": 3, "take": 3, "trace": 5, "var": 3,
}  # fmt: skip
"""Where methods take ``out``, the array itself counted as 0: before NumPy 2.4 they have no signatures."""

WRITES = {np.copyto, np.put_along_axis, ndarray.__setitem__, ndarray.fill}
"""What writes to its first argument, and returns nothing."""

IN_PLACE = {np.nan_to_num: ("copy", False), np.median: ("overwrite_input", True)}
"""What writes to its first argument by a flag: a program would not know."""

SAME = {
    np.diff, ndarray.astype,
    *(f for name in ("ravel", "repeat", "reshape", "squeeze", "swapaxes", "transpose")
      for f in (getattr(np, name), getattr(ndarray, name))),
    np.broadcast_to, np.expand_dims, np.flip, np.moveaxis, np.rollaxis, np.rot90,
}  # fmt: skip
"""What may return its first argument itself without having written to it."""

FIXED = frozenset(("dtype", "flags", "itemsize", "nbytes", "ndim", "shape", "size", "strides"))
"""What can be asked of an array that is the same at each replay."""

VALUES = {"view": "numpy()", "tolist": "tolist()", "tobytes": "tobytes()", "nonzero": "nonzero()"}
"""What gives the values away; ``numpy()`` of a tensor is a view of its array."""

NUMBERS = frozenset(("is_integer", "as_integer_ratio", "hex", "bit_length", "bit_count", "to_bytes"))
"""What numbers of Python have besides, which ``item()`` would give."""

DECIDES = "{what} asks for the value, which is another one at each replay. {cure}"
CURES = {
    "bool()": "Decide outside of the step, on what it returns, or by array: mg.where(condition, a, b).",
    **dict.fromkeys(
        ("float()", "int()", "complex()", "round()", "hash(), for a dict or a set,", *NUMBERS),
        "Compute with the tensor itself, or return it.",
    ),
    "an index": "Index with it, x[index], where x is an input or is found in state=[...].",
    **dict.fromkeys(
        ("np.asarray", "numpy()", "tolist()", "tobytes()"),
        "Compute with operations of minigrad, or return the tensor and convert it outside of the step.",
    ),
    "nonzero()": "The shape of the result depends on it: use mg.where(mask, x, 0).",
    "a mask as index": "The shape of the result depends on it: use mg.where(mask, x, 0), or multiply by the mask.",
    "np.where of one argument": "The shape of the result depends on it: use mg.where(mask, x, 0).",
}


class Refusal(RuntimeError):  # noqa: N818
    """What a step does cannot be written down."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{line_outside()}: {reason}")


class Unprepared(Refusal):
    """A step that can be captured once it has been taken."""


def refuse_value(what: str) -> NoReturn:
    """Refuse what would make a number of the first run a constant of the program."""
    raise Refusal(DECIDES.format(what=what, cure=CURES[what]))


def unknown(name: str) -> Refusal:
    """The refusal of a function that is in none of the tables."""
    return Refusal(
        f"{name} cannot be captured: it is not among the functions that a program can repeat. Use an operation of "
        "minigrad, or call it outside of the step."
    )


@functools.cache
def signature(function: Callable[..., Any]) -> inspect.Signature | None:
    """The names of a function's arguments, or None: older versions of NumPy do not know them of its methods."""
    try:
        return inspect.signature(function)
    except ValueError:
        return None


def target_of(function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """What a call writes to, by position or by name, or None; refused if a flag makes it work in place."""
    names = signature(function)
    given = kwargs
    if names is not None:
        try:
            given = names.bind(*args, **kwargs).arguments
        except TypeError:
            return None  # NumPy says what is wrong
    elif OUT.get(function.__name__, len(args)) < len(args):
        given = {**kwargs, "out": args[OUT[function.__name__]]}
    flag, value = IN_PLACE.get(function, ("", None))
    if flag in given and bool(given[flag]) is value:
        raise Refusal(f"np.{function.__name__}({flag}={value}) works in place: compute a new array, without {flag}.")
    return [*args, *kwargs.values()][0] if function in WRITES else given.get("out")


class StandIn(NDArrayOperatorsMixin):
    """Stands for an array.

    Args:
        array: the array it carries.
        value: its name in the program.
        writer: what writes the program down.
        base: what it is a view of, or None.
    """

    __slots__ = ("__weakref__", "array", "base", "is_number", "value", "writer")

    def __init__(self, array: ndarray, value: Any, writer: Any, base: Any = None) -> None:
        self.array, self.value, self.writer, self.base = array, value, writer, base
        self.is_number = False
        """Whether it stands for a number of Python's, which ``item()`` has made, or which was computed of such."""

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """What ``isinstance`` goes by, besides the type."""
        return ndarray

    # -- NumPy's protocols ---------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = (), **kwargs: Any) -> Any:
        """``np.exp(x)``, ``np.add.reduce(x, 0)``, ``x + y``, ``x += y``, each also with ``out=``."""
        if any(isinstance(x, Variable) for x in inputs):
            return NotImplemented  # a tensor makes an operation of it
        if method not in ("__call__", "reduce", "accumulate") or len(out) > 1:
            raise unknown(f"np.{ufunc.__name__}.{method}")
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        if not out or out[0] is None:
            return self.writer.call(function, inputs, kwargs)
        return self.writer.call(function, inputs, {**kwargs, "out": out[0]}, target=out[0])

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """``np.where(c, x, y)`` and the like."""
        if any(issubclass(each, Variable) for each in types):
            return NotImplemented
        if function in QUESTIONS:
            return function(*self.writer.real(args), **self.writer.real(kwargs))
        if function not in FUNCTIONS:
            raise unknown(f"np.{function.__name__}")
        if function is np.where and len(args) == 1:
            refuse_value("np.where of one argument")
        return self.writer.call(function, args, kwargs, target=target_of(function, args, kwargs))

    def __getattr__(self, name: str) -> Any:
        """The methods of an array, and what is the same at each replay."""
        if name in FIXED:
            return getattr(self.array, name)
        if name in METHODS:
            return partial(self._call_method, getattr(ndarray, name))
        if name in VALUES:
            refuse_value(VALUES[name])
        if name in NUMBERS:
            refuse_value(name)
        if name.startswith("__") or not hasattr(ndarray, name):
            raise AttributeError(f"an array has no attribute {name!r}.")
        raise unknown(f"the array's {name}")

    def _call_method(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        args = self, *args
        return self.writer.call(method, args, kwargs, target=target_of(method, args, kwargs))

    @property
    def T(self) -> Any:  # noqa: N802
        """The axes in reverse order."""
        return self.transpose()

    def item(self) -> Any:
        """The only element: a number that is not known, which can be computed with, formatted and returned."""
        number = self.reshape(())
        if number is self:  # without axes it may be part of a tensor
            number = self[()]
        number.is_number = True
        return number

    # -- elements ------------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Any:
        self._check_index(index)
        return self.writer.call(ndarray.__getitem__, (self, index), {})

    def taken_from(self, table: ndarray, index: Any) -> Any:
        """``table[index]`` of a real array, where this is part of the index."""
        self._check_index(index)
        return self.writer.call(ndarray.__getitem__, (table, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        if np.ndim(value):
            self._check_index(index)
        self.writer.call(ndarray.__setitem__, (self, index, value), {}, target=self)

    def _check_index(self, index: Any) -> None:
        parts = index if isinstance(index, tuple) else (index,)
        if any(type(part) is StandIn and part.dtype.kind == "b" for part in parts):
            refuse_value("a mask as index")

    def __len__(self) -> int:
        return len(self.array)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    # -- its values, which may be shown and nothing else ------------------------------------------

    def __bool__(self) -> bool:
        refuse_value("bool()")

    def __float__(self) -> float:
        refuse_value("float()")

    def __int__(self) -> int:
        refuse_value("int()")

    def __complex__(self) -> complex:
        refuse_value("complex()")

    def __round__(self, digits: Any = None) -> Any:
        refuse_value("round()")

    def __trunc__(self) -> int:
        refuse_value("int()")

    def __hash__(self) -> int:
        refuse_value("hash(), for a dict or a set,")

    def __index__(self) -> int:
        refuse_value("an index")

    def __array__(self, dtype: Any = None, copy: Any = None) -> ndarray:
        refuse_value("np.asarray")

    def __format__(self, spec: str) -> str:
        self.writer.shows()
        return format(self.array.item(), spec) if not self.array.ndim else repr(self)

    def shown(self) -> ndarray:
        """The array, to be shown."""
        self.writer.shows()
        return self.array

    def __repr__(self) -> str:
        if self.is_number:
            self.writer.shows()
            return repr(self.array.item())
        return f"<{self.value}, stands for {self.shape} {self.dtype}>"

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()
