"""Changing a tensor in place: right for everybody who looks at it, noticed by backward, or refused."""

from __future__ import annotations

import itertools
import weakref
from typing import Any, Self

import numpy as np
from numpy import ndarray

from .. import ops
from ..engine.dtypes import category
from ..engine.errors import catchable
from ..engine.modes import current
from ..engine.node import Variable, array_of, clock, describe, real_array_of, requires_grad
from ..ops.arithmetic import add_op, scaled, sub_op
from ..ops.indexing import array_index
from ..ops.table import ufuncs
from .conversion import fitting_array

UFUNCS = ufuncs()
"""How an operation is done in place."""


def outdated(view: Variable) -> bool:
    """Whether elements of a view were set by an index or ``copy_`` of another tensor after it was taken.

    To NumPy a view is what its memory holds now. But ``x[i], x[j] = x[j], x[i]``, as functions that shuffle write it,
    means what it held then.
    """
    seen, memory = getattr(view, "seen", None), view.memory
    if seen is None or memory.changed == seen or memory.writes is None:
        return False
    later = itertools.takewhile(lambda write: write[0] > seen, reversed(memory.writes))
    own = real_array_of(view.array)
    return any(np.shares_memory(part_of(array, index), own) for _, array, index in later)


def part_of(array: ndarray, index: tuple[Any, ...]) -> ndarray:
    """The elements at an index as a view; where NumPy would copy them, the whole array."""
    part = array[index]
    if not isinstance(part, ndarray):
        inside = (*index, ...)
        part = array[inside]
    return part if np.may_share_memory(part, array) else array


def written_by(ufunc: np.ufunc | None, array: ndarray, others: tuple[Any, ...]) -> bool:
    """Whether a function of NumPy's has written its result into its first operand."""
    if ufunc is None:
        return False
    try:
        ufunc(array, *map(array_of, others), out=array)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def failure(name: str, tensor: Variable, value: Any, error: Exception) -> Exception:
    """The error a user sees when a tensor cannot be changed like that."""
    cure = "" if tensor.array.flags.writeable else " (an expanded view, or another's array): change x.clone()."
    kind = TypeError if isinstance(error, TypeError) else ValueError
    return catchable(kind)(f"{name}: {describe(tensor)} cannot take {describe(value)}: {error}{cure}")


class InPlace(Variable):
    """The in-place operators and methods of a tensor."""

    __slots__ = ()

    def _in_place(self, operation: Any, *args: Any, **named: Any) -> Self:
        """``self = operation(self, ...)`` for everybody who holds this tensor."""
        if current().recording and (self.node is not None or requires_grad((*args, *named.values()))):
            return self._rebind(operation, args, named)
        if named or not written_by(UFUNCS.get(operation), self.array, args):
            self._become(operation, args, named)
        self.memory.changed = clock()
        return self

    def _become(self, operation: Any, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Take over a result that NumPy does not write in place; it may be of another dtype, but no higher category."""
        result = array_of(operation(self, *args, **named))
        name = f"{operation.__name__} in place"
        if result.shape != self.shape or category(result.dtype) > category(self.dtype):
            raise failure(name, self, result, ValueError("it keeps its shape and the kind of its dtype"))
        try:
            self.array[...] = result
        except (TypeError, ValueError, OverflowError) as error:
            raise failure(name, self, result, error) from error

    def _rebind(self, operation: Any, args: tuple[Any, ...], named: dict[str, Any]) -> Self:
        """The recorded form: this tensor becomes the result, the graph keeps the value it was."""
        name = f"{operation.__name__} in place"
        if self.node is not None and self.node.op is None:
            raise RuntimeError(
                f"{name}: {describe(self)} is a leaf that requires grad. Update parameters under "
                "no_grad(), or compute a new tensor, x = x + 1."
            )
        if self.memory.shared:
            raise RuntimeError(
                f"{name}: {describe(self)} shares its memory with another tensor or array, which would "
                "not follow. Compute a new tensor, x = x + 1, or change a copy, x.clone()."
            )
        new: Any = operation(self, *args, **named)
        if new.dtype != self.dtype and category(new.dtype) <= category(self.dtype):
            new = ops.astype(new, self.dtype)
        if (new.shape, new.dtype) != (self.shape, self.dtype):
            raise RuntimeError(f"{name}: {describe(self)} cannot become {describe(new)}: compute a new tensor.")
        if new.node is not None:
            new.node.output = weakref.ref(self)
            new.node.retains = self.node is not None and self.node.retains
        self.array, self.node, self.memory = new.array, new.node, new.memory
        return self

    def _overwrite(self, index: tuple[Any, ...], value: Any, name: str) -> Self:
        """Write values into the array; nothing of it is recorded."""
        if (self.node is not None or requires_grad(value)) and current().recording:
            raise RuntimeError(
                f"{name}: {describe(self)} or the value requires grad, and overwriting elements is not recorded. "
                "Write under no_grad(), or compute a new tensor: mg.where(mask, value, x), mg.cat, mg.stack."
            )
        if isinstance(value, Variable) and outdated(value):
            raise RuntimeError(
                f"{name}: the value, {describe(value)}, is a view whose elements were overwritten after it was taken: "
                "a swap through views has lost them by now. Take a copy first, x[i].clone(); to shuffle rows, "
                "x = x[mg.randperm(len(x))]."
            )
        try:
            self.array[index] = value if type(value) is float else fitting_array(value, self.array.dtype)
        except (TypeError, ValueError, OverflowError) as error:
            raise failure(name, self, value, error) from error
        memory = self.memory
        memory.changed = clock()
        if memory.viewed:
            memory.wrote(real_array_of(self.array), tuple(map(real_array_of, index)))
            if hasattr(self, "seen"):
                self.seen = memory.changed
        return self

    def __setitem__(self, index: Any, value: Any) -> None:
        self._overwrite(array_index(index), value, "setting elements")

    def copy_(self, other: Any) -> Self:
        """Overwrite all elements with those of ``other``."""
        return self._overwrite((), other, "copy_")

    def fill_(self, value: float) -> Self:
        """Overwrite all elements with one value."""
        return self._overwrite((), value, "fill_")

    def zero_(self) -> Self:
        """Overwrite all elements with 0."""
        return self._overwrite((), 0, "zero_")

    def add_(self, other: Any, *, alpha: float = 1) -> Self:
        """``self += alpha * other``"""
        return self._in_place(add_op, scaled(other, alpha))

    def sub_(self, other: Any, *, alpha: float = 1) -> Self:
        """``self -= alpha * other``"""
        return self._in_place(sub_op, scaled(other, alpha))

    def __iadd__(self, other: Any) -> Self:
        return self._in_place(add_op, other)

    def __isub__(self, other: Any) -> Self:
        return self._in_place(sub_op, other)

    def __imul__(self, other: Any) -> Self:
        return self._in_place(ops.mul, other)

    def __itruediv__(self, other: Any) -> Self:
        return self._in_place(ops.div, other)

    def __ipow__(self, other: Any) -> Self:
        return self._in_place(ops.pow, other)

    def __iand__(self, other: Any) -> Self:
        return self._in_place(ops.bitwise_and, other)

    def __ior__(self, other: Any) -> Self:
        return self._in_place(ops.bitwise_or, other)
