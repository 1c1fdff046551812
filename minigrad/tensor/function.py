"""``Function``: an operation of one's own in PyTorch's form, ``forward(ctx, ...)`` and ``backward(ctx, ...)``.

The short way to define an operation is ``mg.Op``: a definition and a rule for each operand. ``Function`` is for code
that was written for ``torch.autograd.Function``.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.modes import Switch, current
from ..engine.node import Memory, Node, Variable, array_of, describe, wrap
from ..engine.walk import as_recorded
from ..ops import astype, cat, getitem, reshape


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
    """

    def __init__(self, name: str, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self._name = name
        self._saved: list[Saved | None] = []
        self._constant: list[Any] = []

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
        """Accepted as in PyTorch; backward is given zeros, never None, for an output that nothing depends on."""

    def mark_dirty(self, *inputs: Variable) -> None:
        """Refused: operations here do not change their operands."""
        raise RuntimeError(f"{self._name}: an operation cannot change its inputs in place: return a new tensor.")


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
    def apply(cls, *args: Any) -> Any:
        """The result of ``forward`` for these arguments, recorded."""
        edges = [arg.node if isinstance(arg, Variable) else None for arg in args]
        ctx = FunctionCtx(cls.__name__, tuple(edge is not None for edge in edges))
        with Switch("recording", False):
            if cls.setup_context is Function.setup_context:
                result = cls.forward(ctx, *args)
            else:
                result = cls.forward(*args)
                cls.setup_context(ctx, args, result)
        outputs = list(result) if isinstance(result, (tuple, list)) else [result]
        if not all(isinstance(output, Variable) for output in outputs):
            raise TypeError(f"{cls.__name__}: forward must return tensors, got {', '.join(map(describe, outputs))}.")
        varying = [y for y in outputs if y.dtype.kind == "f" and not any(y is other for other in ctx._constant)]
        if not (varying and any(edges) and current().recording):
            return result
        # the engine's operations have one output: several are one vector here, and the outputs its parts
        flat = varying[0].array.copy() if len(varying) == 1 else cat([reshape(y.detach(), -1) for y in varying]).array
        whole = wrap(flat)
        inputs = [edge or arg for edge, arg in zip(edges, args)]
        shapes = [y.shape for y in varying]
        op = FunctionOp(cls, shapes, [y.dtype for y in varying])
        whole.node = Node(whole, op, inputs, edges, (), [None, *inputs, ctx], (), None, current())
        parts = iter([whole] if len(varying) == 1 else op.split(whole))
        for i, y in enumerate(outputs):
            if any(y is other for other in varying):
                outputs[i] = part = next(parts)
                for saved in ctx._saved:
                    if saved is not None and saved.array is y.array and part.node is not None:
                        saved.edge, saved.memory, saved.changed = part.node, Memory(), 0
        return outputs[0] if result is not outputs and not isinstance(result, (tuple, list)) else tuple(outputs)


class FunctionOp:
    """A Function as the engine reads an operation."""

    saved_positions: tuple[int, ...] = ()
    chooses, view, effects, shows = "", False, None, None

    def __init__(self, function: type[Function], shapes: Sequence[tuple[int, ...]], dtypes: Sequence[Any]) -> None:
        self.name, self.__doc__ = function.__name__, function.__doc__
        self.function, self.shapes, self.dtypes = function, shapes, dtypes
        parameters = list(inspect.signature(function.forward).parameters.values())
        if function.setup_context is Function.setup_context:
            parameters = parameters[1:]
        self.__signature__ = inspect.Signature(parameters)

    def split(self, whole: Any) -> list[Any]:
        """The outputs of the vector that holds them all."""
        ends = np.cumsum([int(np.prod(shape)) for shape in self.shapes]).tolist()
        starts = [0, *ends[:-1]]
        parts = [reshape(getitem(whole, slice(a, b)), shape) for a, b, shape in zip(starts, ends, self.shapes)]
        return [part if part.dtype == dtype else astype(part, dtype) for part, dtype in zip(parts, self.dtypes)]

    def by_rules(self, dy: Any, _cache: Any, needs: Sequence[Any], _y: Any, *arguments: Any) -> list[Any]:
        """The gradients of the inputs, as ``backward`` returns them."""
        *operands, ctx = arguments
        tensor = dy if isinstance(dy, Variable) else wrap(dy)
        gradients = [tensor] if len(self.shapes) == 1 else self.split(tensor)
        found = self.function.backward(ctx, *gradients)
        found = list(found) if isinstance(found, (tuple, list)) else [found]
        if len(found) < len(operands) or any(dx is not None for dx in found[len(operands) :]):
            raise RuntimeError(
                f"{self.name}: backward returned {len(found)} gradients for {len(operands)} inputs: return one for "
                "each argument of apply, None for what is no tensor."
            )
        for i, (dx, need) in enumerate(zip(found, needs)):
            if need and dx is not None and not isinstance(dx, Variable):
                raise TypeError(f"{self.name}: backward returned {describe(dx)} for input {i}, expected a tensor.")
        zeros = [None if edge is None else np.zeros(edge.shape, edge.dtype) for edge in needs]
        found = [dx if zero is None or dx is not None else wrap(zero) for dx, zero in zip(found, zeros)]
        return found if dy is tensor else [array_of(dx) for dx in found]

    on_arrays = by_rules

    def __repr__(self) -> str:
        return f"<function {self.name}>"
