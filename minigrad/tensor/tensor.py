"""``Tensor``: the array users hold. Every operator and method is one call of an operation.

Names, arguments and defaults are PyTorch's; wherever ``dim`` and ``keepdim`` are taken, NumPy's
``axis`` and ``keepdims`` are taken too. dtypes are NumPy's.
"""

from __future__ import annotations

import builtins
import copy
from collections.abc import Callable, Iterator
from types import NoneType
from typing import Any

import numpy as np
from numpy import ndarray

from .. import ops
from ..engine import gradients as engine
from ..engine import node as records
from ..engine.dtypes import get_default_dtype
from ..engine.errors import InvalidValueError
from ..engine.host import forgets
from ..engine.modes import current
from ..engine.node import Borrowed, Memory, Node, Variable, View, array_of, describe, is_stand_in, wrap
from . import numpy_protocols
from .conversion import array_from
from .hooks import HookMethods
from .in_place import InPlace
from .methods.drawing import RandomMethods
from .methods.elementwise import ElementwiseMethods
from .methods.indexing import IndexingMethods
from .methods.kinds import KindMethods
from .methods.logic import LogicMethods
from .methods.new import NewMethods
from .methods.operators import OperatorMethods
from .methods.ordering import OrderingMethods
from .methods.products import ProductMethods
from .methods.reductions import ReductionMethods
from .methods.shapes import ShapeMethods
from .methods.storage import StorageMethods
from .notebook import as_html
from .printing import represent
from .size import Size


class Tensor(
    RandomMethods, StorageMethods, InPlace, HookMethods, OperatorMethods, ElementwiseMethods, LogicMethods,
    ReductionMethods, OrderingMethods, ShapeMethods, IndexingMethods, ProductMethods, KindMethods, NewMethods,
):  # fmt: skip
    """An n-dimensional array that can be differentiated with respect to.

    ``mg.tensor(data)`` makes one, of any dtype. The class itself is called as in PyTorch, and always
    gives the default dtype, float32:

    Args:
        *data: lengths, ``Tensor(2, 3)``: zeros of that shape (PyTorch's hold anything); or nested lists, an array or a
            tensor: a copy of the values; nothing: an empty tensor.

    Raises:
        TypeError: for a float, which is no length.

    >>> mg.Tensor([1, 2])
    tensor([1., 2.])
    >>> mg.tensor([1, 2])
    tensor([1, 2])
    """

    __slots__ = ()

    def __init__(self, *data: Any) -> None:
        lengths = all(isinstance(n, (builtins.int, np.integer)) and not isinstance(n, builtins.bool) for n in data)
        if lengths:
            self.array = np.zeros(data or (0,), get_default_dtype())
        elif len(data) == 1 and not isinstance(data[0], (builtins.bool, builtins.float)):
            self.array = array_from(data[0], get_default_dtype())
        else:
            raise TypeError(
                f"Tensor takes lengths or one list, array or tensor, got {', '.join(map(describe, data))}: "
                "a tensor of numbers is mg.tensor(...), also with dtype= and requires_grad=."
            )
        self.node = None
        self.memory = Memory()
        self._grad = None

    # -- what it is --------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        """The length of each axis: a tuple, with ``numel()``."""
        return Size(self.array.shape)

    @property
    def ndim(self) -> builtins.int:
        """How many axes it has."""
        return self.array.ndim

    def dim(self) -> builtins.int:
        """How many axes it has."""
        return self.array.ndim

    def size(self, dim: builtins.int | None = None) -> Any:
        """The shape, or the length of the axis ``dim``."""
        if dim is None:
            return Size(self.array.shape)
        try:
            return self.array.shape[dim]
        except IndexError:
            raise IndexError(f"dim {dim} is out of range for a tensor of {self.ndim} dimensions.") from None

    def ndimension(self) -> builtins.int:
        """How many axes it has."""
        return self.array.ndim

    def numel(self) -> builtins.int:
        """How many elements it has."""
        return self.array.size

    def nelement(self) -> builtins.int:
        """How many elements it has."""
        return self.array.size

    def __len__(self) -> builtins.int:
        if not self.array.ndim:
            raise TypeError("a tensor of a single number has no length.")
        return len(self.array)

    def __repr__(self) -> str:
        made_by = self.node.op.name if self.node is not None and self.node.op else None
        array: Any = self.array
        return represent(array.shown() if is_stand_in(array) else array, self.node is not None, made_by)

    def _repr_html_(self) -> str:
        """For notebooks: a vector or a matrix as a table."""
        made_by = self.node.op.name if self.node is not None and self.node.op else None
        notes = [f"computed by {made_by}" if made_by else "requires grad"] * (self.node is not None)
        kind = type(self).__name__
        return as_html("tensor" if kind == "Tensor" else kind, self.array, notes, repr(self))

    def __format__(self, spec: str) -> str:
        if not self.array.ndim:
            return format(self.item(), spec)
        if spec:
            raise TypeError(f"only a single number can be written as {spec!r}, not {describe(self)}: use item().")
        return repr(self)

    # -- its values, outside the graph ---------------------------------------------------------

    def numpy(self, *, force: builtins.bool = False) -> ndarray:
        """The values as a read-only NumPy view, also of a tensor that requires grad: ``force`` changes nothing.

        Read-only, other than in PyTorch, because a change through it could not be noticed and would
        make gradients wrong: take ``t.numpy().copy()`` to change a copy, or ``t[...] = value``
        under ``no_grad()`` to change the tensor.
        """
        view = self.array.view()
        view.flags.writeable = False
        return view

    def item(self) -> Any:
        """The only element, as a Python number."""
        if self.array.size != 1:
            raise InvalidValueError(
                f"item() needs a tensor of one element, got {describe(self)}: reduce it first, or use tolist()."
            )
        return self.array.item()

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers."""
        return self.array.tolist()

    def __bool__(self) -> builtins.bool:
        return self.is_nonzero()

    def __float__(self) -> builtins.float:
        return float(self.item())

    def __int__(self) -> builtins.int:
        return int(self.item())

    def __index__(self) -> builtins.int:
        if self.array.dtype.kind not in "iu" or self.array.size != 1:
            raise TypeError(f"only an integer tensor of one element can be an index, got {describe(self)}.")
        return int(self.array.item())

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __contains__(self, value: Any) -> builtins.bool:
        return bool((self.array == array_of(value)).any())

    # -- the graph -----------------------------------------------------------------------------

    @property
    def requires_grad(self) -> builtins.bool:
        """Whether operations on it are recorded, so that gradients can flow to or through it."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, value: builtins.bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: builtins.bool = True) -> Tensor:
        """Make it a leaf that requires grad, or not, by ``requires_grad``; returns itself. Its hooks stay.

        >>> mg.ones(2).requires_grad_()
        tensor([1., 1.], requires_grad=True)
        """
        if requires_grad and self.node is None:
            if self.array.dtype.kind != "f":
                raise RuntimeError(
                    f"only floating point tensors can require grad, got {describe(self)}: convert it, x.float()."
                )
            self.node = getattr(self, "node_at_rest", None) or Node(self)
            self.node.dtype = self.array.dtype  # it may have been converted at rest
        elif not requires_grad and self.node is not None:
            if not self.is_leaf:
                raise RuntimeError(
                    "only a leaf can stop requiring grad: use x.detach() for a tensor that was computed."
                )
            self.node_at_rest = self.node
            self.node = None
        return self

    @property
    def is_leaf(self) -> builtins.bool:
        """Whether it was not computed by a recorded operation."""
        return self.node is None or self.node.op is None

    @property
    def grad_fn(self) -> Node | None:
        """The record of the operation that computed it, None for a leaf."""
        return None if self.is_leaf else self.node

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward has added up, None before."""
        if not isinstance(self._grad, (Tensor, NoneType)):
            self._grad = wrap(np.array(self._grad) if type(self._grad) is Borrowed else self._grad)
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None and not (
            isinstance(value, Variable) and (value.shape, value.dtype) == (self.shape, self.dtype)
        ):
            raise TypeError(f"grad must be None or a tensor {describe(self)}, got {describe(value)}.")
        if value is not None and not value.array.flags.writeable:
            value = value.clone()  # backward adds to it in place
        forgets((self,))
        self._grad = value

    def backward(
        self, gradient: Any = None, retain_graph: builtins.bool | None = None, create_graph: builtins.bool = False,
        inputs: Any = None,
    ) -> None:  # fmt: skip
        """Add the gradient of this tensor to ``.grad`` of every leaf it was computed from.

        Args:
            gradient: the gradient of this tensor, of its shape; 1 if it is a single value.
            retain_graph: keep what the graph saved, for another backward.
            create_graph: make the gradients graphs themselves, to be differentiated again.
            inputs: the tensors whose ``.grad`` is added to; all leaves unless given.
        """
        engine.backward(self, gradient, retain_graph, create_graph, None, inputs)

    def detach(self) -> Tensor:
        """The same memory outside the graph: a constant."""
        return self._sharing(wrap(self.array), Tensor.detach)

    def detach_(self) -> Tensor:
        """Make it a constant itself, in place; what was computed from it keeps its graph. Returns itself.

        >>> x = mg.ones(2, requires_grad=True)
        >>> (x * 2).detach_()
        tensor([2., 2.])
        """
        if self.is_leaf:
            return self.requires_grad_(False)
        self.node = None
        return self

    @property
    def data(self) -> Tensor:
        """The values outside the graph; what is written to it is noticed by backward."""
        return self.detach()

    @data.setter
    def data(self, value: Any) -> None:
        value = value if isinstance(value, Variable) else wrap(array_from(value))
        if value.shape != self.shape or (self.node is not None and value.dtype != self.dtype):
            raise ValueError(
                f"data keeps its shape, and its dtype if the tensor requires grad: {describe(self)}, "
                f"got {describe(value)}."
            )
        self.array, self.memory = value.array, value.memory
        self.memory.shared = True
        if hasattr(self, "origin"):
            del self.origin
        if hasattr(self, "seen"):
            del self.seen

    @property
    def retains_grad(self) -> builtins.bool:
        """Whether backward fills ``.grad`` of this intermediate result, as ``retain_grad`` asks for."""
        return self.node is not None and self.node.retains

    def copy(self) -> Tensor:
        """``clone``, by NumPy's name."""
        return ops.clone(self)

    def __copy__(self) -> Tensor:
        copied = self._sharing(self._over(self.array, self.memory), copy.copy)
        if self.is_leaf:
            return copied.requires_grad_(self.requires_grad)
        copied.node = self.node
        return copied

    def _sharing(self, other: Any, function: Callable[[Tensor], Tensor]) -> Any:
        """Another tensor around the same array, a view of the same age, made by a function that records nothing."""
        other.memory = memory = self.memory
        other.origin = View(getattr(self, "origin", None), self.array, self.node, function, (), False)
        if hasattr(self, "seen"):
            other.seen = self.seen
        memory.share(self, other)
        return other

    def __deepcopy__(self, memo: dict[Any, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError("a computed tensor cannot be copied with its graph: copy x.detach(), or use x.clone().")
        # array and memory are the same for all tensors that share them
        array, memory = memo.get(id(self.array)), memo.get(id(self.memory))
        if array is None:
            array = memo[id(self.array)] = self.array.copy("K")
        if memory is None:
            memory = memo[id(self.memory)] = Memory()
        memory.take()
        copied = memo[id(self)] = self._over(array, memory)
        copied._grad = None if self.grad is None else self.grad.detach().clone()
        return copied.requires_grad_(self.requires_grad)

    def _over(self, array: ndarray, memory: Memory) -> Tensor:
        """A tensor of the same class around an array, outside the graph."""
        tensor = object.__new__(type(self))
        tensor.array, tensor.memory, tensor.node, tensor._grad = array, memory, None, None
        return tensor

    def __reduce_ex__(self, protocol: Any) -> Any:
        if not self.is_leaf:
            raise RuntimeError("a computed tensor cannot be pickled with its graph: pickle x.detach().")
        gradient = None if self.grad is None else self.grad.detach()
        return object.__new__, (type(self),), (self.array, self.memory, self.requires_grad, gradient)

    def __setstate__(self, values: tuple[ndarray, Memory, bool, Any]) -> None:
        self.array, self.memory, requires_grad, self._grad = values
        self.memory.take()
        self.node = None
        self.requires_grad_(requires_grad)

    # -- NumPy's protocols ------------------------------------------------------------------------

    def __array__(self, dtype: Any = None, copy: Any = None) -> ndarray:
        if self.node is not None and current().recording:
            raise RuntimeError(
                f"a tensor {describe(self)} that requires grad cannot become an array, it would lose its graph: "
                "use an operation of minigrad, for a list of tensors mg.stack(list), or take its values, x.detach()."
            )
        return np.array(self.numpy(), dtype, copy=copy)

    def __dlpack__(self, **options: Any) -> Any:
        """The memory for another library, which shares it: ``torch.from_dlpack(t)``, ``np.from_dlpack(t)``.

        Raises:
            BufferError: for a tensor that requires grad; it would lose its graph.
        """
        if self.node is not None:
            raise BufferError(f"a tensor {describe(self)} that requires grad cannot be exported: use x.detach().")
        self.memory.shared = True
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[builtins.int, builtins.int]:
        return self.array.__dlpack_device__()

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return numpy_protocols.apply_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return numpy_protocols.apply_function(function, args, kwargs)


records.tensor_type = Tensor
