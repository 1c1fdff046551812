"""``Function``: an operation of one's own in PyTorch's form, ``forward(ctx, ...)`` and ``backward(ctx, ...)``.

The short way to define an operation is ``mg.Op``: a definition and a rule for each operand. ``Function`` is for code
that was written for ``torch.autograd.Function``.
"""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.anomaly import values_of
from ..engine.errors import InvalidTypeError
from ..engine.modes import Switch, current, no_grad
from ..engine.node import Memory, Node, Variable, array_of, describe, named, wrap
from ..engine.shown import Shown
from ..engine.walk import as_recorded
from ..ops import astype, cat, clone, getitem, reshape
from ..ops.indexing import placed
from .random import fork_rng
from .views import others_over


class Saved:
    """A tensor that forward has saved: its values, and where it stands in the graph."""

    def __init__(self, tensor: Variable) -> None:
        self.array, self.memory = tensor.array, tensor.memory
        self.edge: Node | Variable = tensor.node or tensor
        self.changed = self.memory.changed

    def tensor(self, name: str) -> Variable:
        """The tensor; refused if its values are others now."""
        if self.memory.changed != self.changed:
            raise RuntimeError(
                f"{name}: a saved tensor {describe(self.array)} was changed in place after forward, so its gradient "
                "would be wrong. Change a copy (x.clone()), or write x = x + 1 instead of x += 1."
            )
        return as_recorded(self.edge, self.array, self.memory)


class FunctionCtx:
    """``ctx``: what forward leaves for backward.

    Attributes of any name may be set; tensors belong in ``save_for_backward``.

    >>> class Scale(mg.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x, factor):
    ...         ctx.factor = factor  # a number: an attribute of any name
    ...         return x * factor
    ...     @staticmethod
    ...     def backward(ctx, dy):
    ...         dx = dy * ctx.factor if ctx.needs_input_grad[0] else None
    ...         return dx, None  # one gradient for each argument of forward
    >>> x = mg.ones(2, requires_grad=True)
    >>> mg.grad(Scale.apply(x, 3.0).sum(), x)
    (tensor([3., 3.]),)
    """

    def __init__(self, name: str, inputs: Sequence[Any]) -> None:
        self.needs_input_grad = tuple(isinstance(x, Variable) and x.node is not None for x in inputs)
        """For each argument of ``apply`` whether it requires grad."""
        self._name = name
        self._inputs = [getattr(x, "node", None) or x for x in inputs]
        self._saved: list[Saved | None] = []
        self._constant: list[Any] = []
        self._dirty: list[Any] = []
        self._records = current().recording
        self._materializes = True

    def save_for_backward(self, *tensors: Variable | None) -> None:
        """Save inputs or outputs, which ``saved_tensors`` gives to backward."""
        for tensor in tensors:
            if tensor is not None and not isinstance(tensor, Variable):
                raise TypeError(f"{self._name}: save_for_backward takes tensors, got {describe(tensor)}: set ctx.name.")
        self._saved = [None if tensor is None else Saved(tensor) for tensor in tensors]

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What ``save_for_backward`` was given, part of the graph as it was."""
        return tuple(None if saved is None else saved.tensor(self._name) for saved in self._saved)

    def mark_non_differentiable(self, *outputs: Variable) -> None:
        """Outputs that are constants: they never require grad."""
        self._constant = list(outputs)

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward is given zeros (True, as it begins) or None for an output that nothing depends on."""
        self._materializes = bool(value)

    def mark_dirty(self, *inputs: Variable) -> None:
        """Inputs that forward changes in place and returns: they become the results.

        Raises:
            RuntimeError: for a leaf that requires grad, and for a tensor that shares its memory with another.
        """
        for x in inputs:
            if not isinstance(x, Variable):
                raise TypeError(f"{self._name}: mark_dirty takes inputs that are tensors, got {describe(x)}.")
            if self._records and x.node is not None and x.node.op is None:
                raise RuntimeError(
                    f"{self._name}: {describe(x)} is a leaf that requires grad and cannot be changed in place: change "
                    "a copy, x.clone()."
                )
            if self._records and (x.memory.shared or others_over(x)):
                raise RuntimeError(
                    f"{self._name}: {describe(x)} shares its memory with another tensor or array, which would not "
                    "follow the change: change a copy, x.clone()."
                )
        self._dirty = list(inputs)

    def _handed_out(self, part: Any, output: Any, args: Sequence[Any]) -> Any:
        """An output of forward as a result in the graph; a dirty input is the result itself."""
        if is_one_of(output, self._dirty):
            part.node.output = weakref.ref(output)
            output.node = part.node
            part = output
        elif is_one_of(output, args):
            return part  # saved, it is meant as the input
        for saved in self._saved:
            if saved is not None and saved.array is output.array:
                saved.edge, saved.memory = part.node, output.memory if part is output else Memory()
                saved.changed = saved.memory.changed
        return part


class Function:
    """An operation with a derivative of one's own.

    >>> class Cube(mg.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x**3
    ...     @staticmethod
    ...     def backward(ctx, dy):
    ...         (x,) = ctx.saved_tensors
    ...         return 3 * x**2 * dy
    >>> x = mg.tensor(2.0, requires_grad=True)
    >>> Cube.apply(x).backward()
    >>> x.grad
    tensor(12.)

    ``forward(ctx, *args)`` computes a tensor or a tuple of them, without recording; ``backward(ctx, *gradients)``
    returns a gradient for each argument of ``apply``, None for what is no tensor. It is recorded when the gradient must
    be a graph, so what it computes from ``ctx.saved_tensors`` can be differentiated again. PyTorch's other form,
    ``forward(*args)`` with ``setup_context(ctx, inputs, output)``, works as well.
    """

    def __init__(self, *_: Any, **__: Any) -> None:
        name = type(self).__name__
        raise InvalidTypeError(f"{name} is applied, not made: write {name}.apply(x) in place of {name}(...).")

    @staticmethod
    def forward(ctx: Any, *args: Any) -> Any:
        """What the operation computes; subclasses define it."""
        raise NotImplementedError("a Function defines forward(ctx, ...) and backward(ctx, ...) as static methods.")

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """The gradients of the inputs; subclasses define it."""
        raise NotImplementedError("a Function defines forward(ctx, ...) and backward(ctx, ...) as static methods.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Saves what backward needs, if ``forward`` takes no ``ctx``."""

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """The result of ``forward`` for these arguments, recorded."""
        if kwargs:
            args = in_order(cls, args, kwargs)
        ctx = FunctionCtx(cls.__name__, args)
        with Switch("recording", False):
            if cls.setup_context is Function.setup_context:
                result = cls.forward(ctx, *args)
            else:
                result = cls.forward(*args)
                cls.setup_context(ctx, args, result)
        several = isinstance(result, (tuple, list))
        outputs = list(result) if several else [result]
        if not any(isinstance(output, Variable) for output in outputs):
            raise TypeError(f"{cls.__name__}: forward must return tensors, got {', '.join(map(named, outputs))}.")
        if not all(is_one_of(x, outputs) for x in ctx._dirty):
            raise RuntimeError(f"{cls.__name__}: forward must return the inputs that it marks as dirty.")
        places = [i for i, y in enumerate(outputs) if varies(y, ctx._constant)]
        if places and any(ctx.needs_input_grad) and current().recording:
            for i, part in zip(places, recorded(FunctionOp(cls, ctx, outputs, places), ctx, outputs)):
                outputs[i] = ctx._handed_out(part, outputs[i], args)
        return tuple(outputs) if several else outputs[0]


def in_order(function: type[Function], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """Arguments of ``forward`` by position."""
    context = (None,) * (function.setup_context is Function.setup_context)
    bound = inspect.signature(function.forward).bind(*context, *args, **kwargs)
    bound.apply_defaults()
    return bound.args[len(context) :]


def is_one_of(x: Any, tensors: Sequence[Any]) -> bool:
    """Whether a tensor itself is among others: ``in`` would compare values."""
    return any(x is other for other in tensors)


def varies(y: Any, constants: Sequence[Any]) -> bool:
    """Whether an output of forward can require grad."""
    return isinstance(y, Variable) and y.dtype.kind == "f" and not is_one_of(y, constants)


def recorded(op: FunctionOp, ctx: FunctionCtx, outputs: Sequence[Any]) -> list[Any]:
    """The outputs of forward that can require grad, as results of one recorded operation.

    The engine's operations have one output. So several are the parts of one vector. Behind their elements it has one
    for each part, into which the gradient of the part brings 1: it tells that one has come.
    """
    inputs = ctx._inputs
    edges = [x if isinstance(x, Node) else None for x in inputs]
    arrays = [outputs[i].array for i in op.places]
    if len(arrays) == 1:
        whole = wrap(arrays[0].copy())
    else:
        vectors = [reshape(wrap(array), -1) for array in arrays]
        whole = cat([*vectors, wrap(np.zeros(len(vectors), vectors[0].dtype))])
    whole.node = Node(whole, op, inputs, edges, (), [None, *inputs, ctx], (), None, current())
    if len(arrays) == 1:
        return [whole]
    parts = [wrap(array.copy()) for array in arrays]
    for i, part in enumerate(parts):
        output = PartOp(whole.shape, whole.dtype, op.slices[i], op.slices[-1].stop + i)
        part.node = Node(
            part, output, (whole.node,), (whole.node,), (op.places[i],), [None, whole.node], (), None, current()
        )
    return parts


class OwnOp:
    """What the engine reads of an operation that users do not call: one that saves nothing by itself."""

    name, name_ends = "", "Backward"
    __signature__ = inspect.Signature([inspect.Parameter("input", inspect.Parameter.POSITIONAL_OR_KEYWORD)])
    saved_positions: tuple[int, ...] = ()
    chooses, view, effects = "", False, None
    operands: int = -1
    written_rules: tuple[Any, ...] = ()

    def shows(self, node: Node) -> Shown:
        """What it adds to the picture of one of its nodes."""
        return Shown()

    def again(self, *operands: Any) -> Any:
        """What it makes of tensors, recorded if they are; a tuple of several outputs, None if that is not known."""
        return None

    def by_rules(self, dy: Any, *arguments: Any) -> Sequence[Any]:
        """The gradients of the operands."""
        raise NotImplementedError

    def on_arrays(self, dy: Any, *arguments: Any) -> Sequence[Any]:
        """The same of arrays."""
        return self.by_rules(dy, *arguments)

    def __repr__(self) -> str:
        return f"<op {self.name}>"


class PartOp(OwnOp):
    """One of several outputs of a Function."""

    name = "output"
    __doc__ = "one of several outputs of a Function"
    __signature__ = inspect.Signature(
        [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("input", "number")]
    )

    def __init__(self, shape: tuple[int, ...], dtype: Any, part: slice, place: int) -> None:
        self.shape, self.part = shape, part
        self.arrival = np.zeros(shape, dtype)
        self.arrival[place] = 1

    def again(self, *operands: Any) -> Any:
        """The output of that number."""
        outputs, number = operands
        return outputs[number]

    def by_rules(self, dy: Any, *_: Any) -> Sequence[Any]:
        """The gradient in the place of the output, and 1 for having come."""
        flat = reshape(dy, -1)
        flat = flat if flat.dtype == self.arrival.dtype else astype(flat, self.arrival.dtype)
        return [placed(flat, self.shape, (self.part,)) + self.arrival]


class OnceOp(OwnOp):
    """What ``once_differentiable`` puts behind a gradient."""

    name = "once_differentiable"
    __doc__ = "a gradient that cannot be differentiated"

    def by_rules(self, *_: Any) -> Sequence[Any]:
        """Refuse."""
        raise RuntimeError(
            "trying to differentiate twice: a backward marked with @once_differentiable has no second derivative. "
            "Write it with tensors and without the decorator."
        )


def once_differentiable(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The decorator of a ``backward`` that computes outside of the graph: differentiating it again is refused.

    Args:
        fn: the ``backward``.

    >>> class Double(mg.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         return x * 2
    ...     @staticmethod
    ...     @mg.autograd.function.once_differentiable
    ...     def backward(ctx, dy):
    ...         return mg.tensor(dy.numpy() * 2)
    >>> x = mg.ones(2, requires_grad=True)
    >>> Double.apply(x).sum().backward()
    >>> x.grad
    tensor([2., 2.])
    """

    @functools.wraps(fn)
    def backward(ctx: Any, *gradients: Any) -> Any:
        with no_grad():
            found = fn(ctx, *gradients)
        if not current().recording:
            return found
        inputs = [*ctx._inputs, *(dy.node or dy for dy in gradients if isinstance(dy, Variable))]
        edges = [x if isinstance(x, Node) else None for x in inputs]
        several = isinstance(found, (tuple, list))
        results = []
        for dx in found if several else (found,):
            result = wrap(dx.array) if isinstance(dx, Variable) else dx
            if isinstance(dx, Variable):
                result.node = Node(result, OnceOp(), inputs, edges, (), [None, *inputs])
            results.append(result)
        return tuple(results) if several else results[0]

    return backward


class FunctionOp(OwnOp):
    """A Function as the engine reads an operation."""

    def __init__(
        self, function: type[Function], ctx: FunctionCtx, outputs: Sequence[Any], places: Sequence[int]
    ) -> None:
        self.name, self.__doc__ = function.__name__, function.__doc__
        self.function, self.places = function, places
        self.outputs: list[Any] = [(y.shape, y.dtype) if isinstance(y, Variable) else None for y in outputs]
        ends = np.cumsum([outputs[i].array.size for i in places]).tolist()
        self.slices = [slice(a, b) for a, b in zip([0, *ends], ends)]
        parameters = list(inspect.signature(function.forward).parameters.values())
        if function.setup_context is Function.setup_context:
            parameters = parameters[1:]
        self.__signature__ = inspect.Signature(parameters)
        self.definition, self.written_rules = function.forward, (function.backward,)

    def again(self, *operands: Any) -> Any:
        """What forward makes of copies; the random state is afterwards what it was."""
        copies = [clone(x) if isinstance(x, Variable) else x for x in operands]
        with fork_rng():
            return self.function.apply(*copies)

    def shows(self, node: Node) -> Shown:
        """The shapes of several outputs, and what forward has saved."""
        shapes = [f"{output[0]} {output[1]}" for i in self.places if (output := self.outputs[i])]
        saved = node.saved[-1]._saved if node.saved else ()
        names = {id(x): name for x, name in zip(node.inputs, self.__signature__.parameters)} | {id(node): "output"}
        kept = {names.get(id(x.edge), f"tensor {i}"): x.array for i, x in enumerate(saved) if x is not None}
        return Shown(output=", ".join(shapes) * (len(shapes) > 1), keeps=kept if kept or not node.saved else None)

    def gradients(self, dy: Any, materializes: bool) -> list[Any]:
        """For each output of forward its gradient, of that of the vector; zeros or None where none has come."""
        came: dict[int, Any] = {self.places[0]: dy}
        if len(self.places) > 1:
            total = self.slices[-1].stop
            arrivals = values_of(dy)[total:]
            came = {
                i: reshape(getitem(dy, part), self.outputs[i][0])
                for i, part, arrived in zip(self.places, self.slices, arrivals)
                if materializes or arrived
            }
        found: list[Any] = [came.get(i) for i in range(len(self.outputs))]
        for i, output in enumerate(self.outputs):
            if output is not None and found[i] is None and materializes:
                found[i] = wrap(np.zeros(*output))
            elif found[i] is not None and found[i].dtype != output[1]:
                found[i] = astype(found[i], output[1])
        return found

    def by_rules(self, dy: Any, _cache: Any, needs: Sequence[Any], _y: Any, *arguments: Any) -> list[Any]:
        """The gradients of the inputs, as ``backward`` returns them."""
        *operands, ctx = arguments
        tensor = dy if isinstance(dy, Variable) else wrap(dy)
        found = self.function.backward(ctx, *self.gradients(tensor, ctx._materializes))
        found = list(found) if isinstance(found, (tuple, list)) else [found]
        if len(found) < len(operands) or any(dx is not None for dx in found[len(operands) :]):
            raise RuntimeError(
                f"{self.name}: backward returned {len(found)} gradients for {len(operands)} inputs: return one for "
                "each argument of apply, None for what is no tensor."
            )
        for i, (dx, need) in enumerate(zip(found, needs)):
            if need and dx is not None and not isinstance(dx, Variable):
                raise InvalidTypeError(f"{self.name}: backward returned {named(dx)} for input {i}, expected a tensor.")
        zeros = [None if edge is None else np.zeros(edge.shape, edge.dtype) for edge in needs]
        found = [dx if zero is None or dx is not None else wrap(zero) for dx, zero in zip(found, zeros)]
        return found if dy is tensor else [array_of(dx) for dx in found]

    def __repr__(self) -> str:
        return f"<function {self.name}>"
