"""Changing a tensor in place: right for everybody who looks at it, noticed by backward, or refused."""

from __future__ import annotations

import itertools
from typing import Any, Self

import numpy as np
from numpy import ndarray

from .. import ops
from ..engine.dtypes import category, in_other_dtype
from ..engine.errors import catchable
from ..engine.lines import raised_outside
from ..engine.modes import current
from ..engine.node import OUTDATED, Variable, array_of, clock, describe, real_array_of, requires_grad
from ..ops.arithmetic import add_op, div_op, scaled, sub_op
from ..ops.assigning import setitem
from ..ops.indexing import array_index
from ..ops.rounding import division
from ..ops.table import ufuncs
from .conversion import fitting_array
from .views import Change, become_view, part_of

UFUNCS = ufuncs()
"""How an operation is done in place."""


def outdated(tensor: Variable) -> bool:
    """Whether elements of a view were set by an index or ``copy_`` of another tensor after it was taken.

    To NumPy a view is what its memory holds now. But ``x[i], x[j] = x[j], x[i]``, as functions that shuffle write it,
    means what it held then.
    """
    seen, memory = getattr(tensor, "seen", None), tensor.memory
    if seen == OUTDATED or seen is None:
        return seen == OUTDATED
    if memory.changed == seen or memory.writes is None:
        return False
    later = itertools.takewhile(lambda write: write[0] > seen, reversed(memory.writes))
    own = real_array_of(tensor.array)
    return any(np.shares_memory(part_of(array, index), own) for _, array, index in later)


def written_by(ufunc: np.ufunc | None, array: ndarray, others: tuple[Any, ...]) -> bool:
    """Whether a function of NumPy's has written its result into its first operand."""
    if ufunc is None:
        return False
    try:
        ufunc(array, *map(array_of, others), out=array)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def scalar(values: ndarray) -> ndarray:
    """Values without their axes, if they are a single one: NumPy sets no element to an array of axes."""
    return values.reshape(()) if values.size == 1 and values.ndim else values


def is_at(tensor: Variable, index: tuple[Any, ...], value: Variable) -> bool:
    """Whether a value is these very elements: ``y[0] += 1`` changes a view and then sets it to itself."""
    if value.memory is not tensor.memory or ndarray in map(type, index):
        return False
    own, part = real_array_of(value.array), real_array_of(tensor.array)[index]
    return isinstance(part, ndarray) and (
        own.shape == part.shape and own.__array_interface__["data"] == part.__array_interface__["data"]
        and own.strides == part.strides
    )  # fmt: skip


def failure(name: str, tensor: Variable, value: Any, error: Exception) -> Exception:
    """The error a user sees when a tensor cannot be changed like that."""
    cure = "" if tensor.array.flags.writeable else " (an expanded view, or another's array): change x.clone()."
    kind = next((kind for kind in (TypeError, IndexError) if isinstance(error, kind)), ValueError)
    return catchable(kind)(f"{name}: {describe(tensor)} cannot take {describe(value)}: {error}{cure}")


class InPlace(Variable):
    """The in-place operators and methods of a tensor."""

    __slots__ = ()

    def _in_place(self, operation: Any, *args: Any, **named: Any) -> Self:
        """``self = operation(self, ...)`` for everybody who holds this tensor."""
        if current().recording and (self.node is not None or requires_grad((*args, *named.values()))):
            return self._rebind(f"{operation.__name__} in place", operation, *args, **named)
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

    def _rebind(self, name: str, operation: Any, *args: Any, **named: Any) -> Self:
        """The recorded form: this tensor becomes the result, the graph keeps the value it was."""
        self._refuse_graph(name)
        change = Change(name, self)
        new: Any = operation(self, *args, **named)
        if new.dtype != self.dtype and category(new.dtype) <= category(self.dtype):
            new = ops.astype(new, self.dtype)
        if (new.shape, new.dtype) != (self.shape, self.dtype):
            raise RuntimeError(f"{name}: {describe(self)} cannot become {describe(new)}: compute a new tensor.")
        if operation is setitem:
            change.overwrites(args[1])
        change.happens(new)
        return self

    def _shape_in_place(self, operation: Any, args: tuple[Any, ...], named: dict[str, Any]) -> Self:
        """``self = operation(self, ...)``, a view: other tensors over this memory keep their shape."""
        if self.node is not None and (self.node.op is None or not current().recording):
            leaf = self.node.op is None
            raise RuntimeError(
                f"{operation.__name__} in place: {describe(self)} is "
                f"{'a leaf that requires grad' if leaf else 'a result of a graph, which is not recorded now'}, whose "
                "gradient has its shape: use the new tensor that the operation without underscore returns."
            )
        become_view(self, operation(self, *args, **named))
        return self

    def _refuse_graph(self, name: str, what: str = "is a leaf") -> None:
        """Refuse to become part of a graph: a leaf that requires grad would be no leaf any more."""
        if self.node is not None and self.node.op is None:
            raise RuntimeError(
                f"{name}: {describe(self)} {what} that requires grad. Update parameters under "
                "no_grad(), or compute a new tensor, x = x + 1."
            )

    def _overwrite(self, index: tuple[Any, ...], value: Any, name: str) -> Self:
        """Write values into the array; recorded if it or the value requires grad."""
        if isinstance(value, Variable) and outdated(value):
            raise RuntimeError(
                f"{name}: the value, {describe(value)}, is a view whose elements were overwritten after it was taken: "
                "a swap through views has lost them by now. Take a copy first, x[i].clone(); to shuffle rows, "
                "x = x[mg.randperm(len(x))]."
            )
        if (self.node is not None or requires_grad(value)) and current().recording:
            return self._record_elements(index, value, name)
        try:
            if type(value) is not float:
                value = fitting_array(value, dtype := self.array.dtype)
                value = scalar(in_other_dtype(value, dtype) if dtype.kind in "iu" else value)
            self.array[index] = value
        except (TypeError, ValueError, IndexError, OverflowError) as error:
            raise failure(name, self, value, error) from raised_outside(error)
        memory = self.memory
        memory.changed = clock()
        if memory.viewed:
            memory.wrote(real_array_of(self.array), tuple(map(real_array_of, index)))
            if hasattr(self, "seen"):
                self.seen = memory.changed
        return self

    def _record_elements(self, index: tuple[Any, ...], value: Any, name: str) -> Self:
        """The recorded form: a new array with other elements."""
        if not self.array.flags.writeable:
            raise failure(name, self, value, ValueError("assignment destination is read-only"))
        if self.dtype.kind != "f":
            raise RuntimeError(f"{name}: {describe(self)} holds no floats and cannot take {describe(value)}, which "
                               "requires grad: convert it, x.float(), or detach the value.")  # fmt: skip
        if isinstance(value, Variable):
            if is_at(self, index, value):
                return self
            value = value if value.dtype == self.dtype else ops.astype(value, self.dtype)
        try:
            if not isinstance(value, Variable) and type(value) is not float:
                value = fitting_array(value, self.array.dtype).astype(self.dtype)
            return self._rebind(name, setitem, value, index)
        except (TypeError, ValueError, IndexError) as error:
            reason: Any = error.__context__ if error.__suppress_context__ else error  # that of an operation's failure
            raise failure(name, self, value, reason) from raised_outside(error)

    def __setitem__(self, index: Any, value: Any) -> None:
        self._overwrite(array_index(index), value, "setting elements")

    def copy_(self, src: Any, non_blocking: bool = False) -> Self:
        """Overwrite all elements with those of ``src``; ``non_blocking`` changes nothing.

        >>> mg.zeros(2).copy_(mg.tensor([1, 2]))
        tensor([1., 2.])
        """
        return self._overwrite((), src, "copy_")

    def fill_(self, value: float) -> Self:
        """Overwrite all elements with one value.

        >>> mg.zeros(2).fill_(7)
        tensor([7., 7.])
        """
        return self._overwrite((), value, "fill_")

    def zero_(self) -> Self:
        """Overwrite all elements with 0.

        >>> mg.ones(2).zero_()
        tensor([0., 0.])
        """
        return self._overwrite((), 0, "zero_")

    def add_(self, other: Any, *, alpha: float = 1) -> Self:
        """``self += alpha * other``

        >>> mg.tensor([1.0, 2.0]).add_(mg.tensor([10.0, 20.0]), alpha=0.5)
        tensor([ 6., 12.])
        """
        return self._in_place(add_op, scaled(other, alpha))

    def sub_(self, other: Any, *, alpha: float = 1) -> Self:
        """``self -= alpha * other``

        >>> mg.tensor([1.0, 2.0]).sub_(3)
        tensor([-2., -1.])
        """
        return self._in_place(sub_op, scaled(other, alpha))

    subtract_ = sub_

    def div_(self, other: Any, *, rounding_mode: str | None = None) -> Self:
        """``self /= other``, rounded as by ``div`` with its argument ``rounding_mode``

        >>> mg.tensor([-7, 7]).div_(2, rounding_mode="trunc")
        tensor([-3,  3])
        """
        return self._in_place(division(rounding_mode), other)

    divide_ = true_divide_ = div_

    def __iadd__(self, other: Any) -> Self:
        return self._in_place(add_op, other)

    def __isub__(self, other: Any) -> Self:
        return self._in_place(sub_op, other)

    def __imul__(self, other: Any) -> Self:
        return self._in_place(ops.mul, other)

    def __itruediv__(self, other: Any) -> Self:
        return self._in_place(div_op, other)

    def __ipow__(self, other: Any) -> Self:
        return self._in_place(ops.pow, other)

    def __iand__(self, other: Any) -> Self:
        return self._in_place(ops.bitwise_and, other)

    def __ior__(self, other: Any) -> Self:
        return self._in_place(ops.bitwise_or, other)

    def __ifloordiv__(self, other: Any) -> Self:
        return self._in_place(ops.floor_divide, other)

    def __imod__(self, other: Any) -> Self:
        return self._in_place(ops.remainder, other)

    def __ixor__(self, other: Any) -> Self:
        return self._in_place(ops.bitwise_xor, other)

    def __ilshift__(self, other: Any) -> Self:
        return self._in_place(ops.bitwise_left_shift, other)

    def __irshift__(self, other: Any) -> Self:
        return self._in_place(ops.bitwise_right_shift, other)
