"""The record of one operation, and what records are made of.

``Op``        an operation: its forward function and its derivatives, defined once per process
``Variable``  an array that may be part of a graph (what users hold is its subclass ``Tensor``)
``Node``      the record of one application of an ``Op``: the graph consists of these

Edges run from a node to the nodes of its inputs, never back to tensors: a node refers to the
tensor it made by a weak reference only, so a graph nobody holds is freed at once, and arrays that
no derivative needs are not kept alive by it.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import sys
import traceback
import weakref
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy import ndarray

from .modes import Scope, thread, where

clock = itertools.count(1).__next__
"""Ticks at each record and each in-place change, so that any two of them can be put in order."""

float32, float64 = np.dtype(np.float32), np.dtype(np.float64)
# names of this module are found faster than attributes of others
new_object, new_weak_reference = object.__new__, weakref.ref


class Memory:
    """The storage under one or several variables: when it last changed in place, who looks at it."""

    changed = 0
    shared = False


class Variable:
    """An array, and the node that made it."""

    __slots__ = {
        "__weakref__": "",
        "_grad": "What backward has added up: an array (NumPy makes a number of one without axes), or the tensor "
        "around it once somebody has asked for it.",
        "array": "The values.",
        "memory": "What is known about the storage under the array.",
        "node": "The record of how it was made; None for a constant. It requires grad exactly if it has one.",
    }
    array: ndarray
    node: Node | None
    memory: Memory
    _grad: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis, as a plain tuple."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy dtype of the elements."""
        return self.array.dtype

    @property
    def base(self) -> Any:
        """The array whose memory it looks at, as in NumPy; None if the memory is its own."""
        return self.array.base


tensor_type: type[Variable] = Variable
"""The class of what operations return. The tensor floor sets it: this floor does not import that one."""


def wrap(array: Any, node: Node | None = None) -> Any:
    """A tensor around an array, which is not copied."""
    tensor: Any = new_object(tensor_type)
    tensor.array = array if type(array) is ndarray else np.asarray(array)
    tensor.node = node
    tensor.memory = Memory()
    tensor._grad = None
    return tensor


def array_of(value: Any) -> Any:
    """The array of a tensor; anything else as it is."""
    return value.array if isinstance(value, Variable) else value


UNCHANGED = Memory()
"""Stands for the storage of an operand that is no tensor: an array or a list that a rule needs is copied."""

Packed = tuple[Sequence[Any], Sequence["Node | None"], Sequence[Any], Any, Sequence[Memory]]
"""A record's ``inputs``, ``edges``, ``attributes``, ``saved`` and ``memories``."""


class Effect(NamedTuple):
    """What an operation does besides computing its output: it ``reads`` or ``writes`` a tensor."""

    verb: str
    tensor: Any
    note: str


class Op:
    """A differentiable operation.

    Args:
        name: PyTorch's name.
        forward: the function of the operands' arrays, and after them the attributes.
        *vjps: for each operand the rule ``vjp(dy, y, *operands, *attributes)``, the product of
            the output's gradient with the Jacobian, or None where there is no derivative.
            A rule is run with arrays, and with tensors when the gradient must be a graph
            itself; it therefore keeps to operators, to methods both have and to ops.
            A parameter whose name starts with an underscore is not kept for it: of ``_x`` only
            ``shape`` and ``dtype`` can be asked, and ``_y`` is None.
        fused: an optional twin of all the rules together, for arrays only:
            ``fused(dy, cache, needs, y, *operands, *attributes)`` returns the gradient of every
            operand for which ``needs`` says so, an array of its own each, and None for the others. It may use
            the ``cache`` forward left.
        view: the output may share the first operand's memory.
        effects: from the attributes, the tensors it reads or writes besides its operands.
        doc: what the operation computes, its formula first.

    The rules do only the mathematics. Undoing broadcasting, converting the dtype, adding up and
    skipping what nobody needs is the backward walk's work.
    """

    registry: ClassVar[dict[str, Op]] = {}

    def __init__(
        self,
        name: str,
        forward: Callable[..., Any],
        *vjps: Callable[..., Any] | None,
        fused: Callable[..., Sequence[Any]] | None = None,
        view: bool = False,
        effects: Callable[..., list[Effect]] | None = None,
        doc: str = "",
    ) -> None:
        self.name = self.__name__ = name
        self.__doc__ = doc
        self.forward = forward
        self.fused = fused
        self.view = view
        self.effects = effects
        self.vjps = [vjp or no_derivative(name, i) for i, vjp in enumerate(vjps)]
        self.operands = len(vjps)
        # NumPy's own functions would take one more array for the memory to write their result to
        self.counts = range(self.operands, self.operands + 1 if isinstance(forward, np.ufunc) else sys.maxsize)
        self.__signature__ = signature(forward, *vjps)
        # numbers of the rules' arguments after dy: 0 is the output, i is operand i - 1
        used = {i for vjp in vjps if vjp for i, name in enumerate(parameters(vjp)[1:]) if name[0] != "_"}
        self.kept = tuple(sorted(used & set(range(self.operands + 1))))
        self.pack_tensors = packer(self.kept, self.operands)
        Op.registry.setdefault(name, self)

    def __call__(self, *args: Any) -> Any:
        """Apply the operation to operands and attributes; recorded if an operand is a tensor."""
        if len(args) not in self.counts:
            args = self.completed(args)
        arrays: Sequence[Any] = [arg.array for arg in args if isinstance(arg, Variable)]
        recorded = only_tensors = True
        if not arrays:
            recorded, arrays = False, args
        elif len(arrays) < len(args):
            arrays = [arg.array if isinstance(arg, Variable) else constant(arg) for arg in args]
            only_tensors = self.operands == 1 and isinstance(args[0], Variable)
        try:
            y = self.forward(*arrays)
        except (ValueError, TypeError, IndexError, AttributeError) as error:
            raise self.failure(args, error) from error
        if not recorded:
            return y
        if y.dtype is float64:
            y = undrifted(y, arrays)
        return record(self, y, args, None, only_tensors)

    def completed(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, with forward's defaults for operands that were left out; refused if there are none."""
        names, count = parameters(self.forward), len(args)
        defaults = getattr(self.forward, "__defaults__", None) or ()
        default = dict(zip(names[len(names) - len(defaults) :], defaults))
        missing = names[count : self.operands]
        if count >= self.operands or count + len(missing) < self.operands or not default.keys() >= set(missing):
            raise TypeError(f"{self.name} takes {counted(self.operands, 'operand')}, got {counted(count, 'argument')}.")
        return (*args, *[default[name] for name in missing])

    def failure(self, args: Sequence[Any], error: Exception) -> Exception:
        """The error a user sees when the operation cannot be computed."""
        operands = args[: self.operands]
        others = [arg for arg in operands if arg is not None and not isinstance(arg, (Variable, ndarray))]
        if isinstance(error, AttributeError) and others:
            reason = f"expected a tensor, got {describe(others[0])}: make it one, mg.tensor(...)."
        else:
            reason = str(error)
        kind = next((kind for kind in (IndexError, ValueError) if isinstance(error, kind)), TypeError)
        return kind(f"{self.name}{where()}: cannot be applied to {' and '.join(map(describe, operands))}: {reason}")

    def __repr__(self) -> str:
        return f"<op {self.name}>"


def counted(count: int, noun: str) -> str:
    """``1 operand``, ``2 operands``."""
    return f"{count} {noun}" + "s" * (count != 1)


FEW_OPERANDS = 8
"""Operands up to which a function for them alone is worth its making."""


@functools.cache
def packer(kept: Sequence[int], operands: int) -> Callable[..., Packed]:
    """``pack``, written out for the numbers of what is kept, and for operands that are all tensors.

    Only ``pack`` itself if there are more than a few. For ``relu``, which keeps its output, it is
    ``lambda y, x1, *rest: ([x1.node or x1], [x1.node], rest, [y.array, x1.node or x1, *rest], [y.memory])``.
    """
    if operands > FEW_OPERANDS:
        return functools.partial(pack, kept, operands)
    names = ["y", *(f"x{i}" for i in range(1, operands + 1))]
    inputs = [f"{x}.node or {x}" for x in names[1:]]
    edges = [f"{x}.node" for x in names[1:]]
    saved = [f"{x}.array" if i in kept else other for i, (x, other) in enumerate(zip(names, ["None", *inputs]))]
    memories = [f"{names[i]}.memory" for i in kept]
    lists = [", ".join(items) for items in (names, inputs, edges, saved, memories)]
    return eval("lambda {}, *rest: ([{}], [{}], rest, [{}, *rest], [{}])".format(*lists))


def pack(kept: Sequence[int], operands: int, y: Variable, *args: Any) -> Packed:
    """What is kept of an operation's output and arguments; nothing if no operand requires grad.

    Of an operand that no rule needs it is the node, or the constant.
    """
    edges, inputs = [], []
    for x in args[:operands]:
        edge = getattr(x, "node", None)
        edges.append(edge)
        inputs.append(edge or x)
    if not any(edges):
        return (), edges, (), None, ()
    attributes = args[operands:]
    saved = [None, *inputs, *attributes]
    memories = []
    for i in kept:
        x = args[i - 1] if i else y
        if isinstance(x, Variable):
            saved[i] = x.array
            memories.append(x.memory)
        else:
            saved[i] = inputs[i - 1] = kept_constant(x)
            memories.append(UNCHANGED)
    return inputs, edges, attributes, saved, memories


def kept_constant(value: Any) -> Any:
    """A constant that a rule needs: a copy, since nobody can tell when the caller's own array or list changes."""
    return np.array(value) if isinstance(value, (ndarray, list, tuple)) else constant(value)


def parameters(function: Callable[..., Any] | None) -> tuple[str, ...]:
    """The names of a function's positional parameters; none for NumPy's own functions."""
    code = getattr(function, "__code__", None)
    return code.co_varnames[: code.co_argcount] if code else ()


def signature(*functions: Callable[..., Any] | None) -> inspect.Signature:
    """What editors show of an operation: its arguments, as its forward function or its rules name them."""
    forward, *vjps = map(parameters, functions)
    names = max([forward, *(names[2:] for names in vjps)], key=len)
    return inspect.Signature([inspect.Parameter(name.lstrip("_"), inspect.Parameter.POSITIONAL_ONLY) for name in names])


def no_derivative(name: str, number: int) -> Callable[..., Any]:
    """The rule of an operand that an operation is not differentiable in: it refuses."""

    def refuse(dy: Any, *_: Any) -> Any:
        raise RuntimeError(f"{name} has no derivative with respect to operand {number}: pass it detached, x.detach().")

    return refuse


def constant(value: Any) -> Any:
    """An operand that is not a tensor: an array as it is, a number as a Python number.

    A Python number takes the dtype of what it meets, a NumPy scalar would not: ``np.float64(2)``
    must not turn a float32 result into float64.
    """
    if isinstance(value, np.generic):
        return value.item()
    return value


def undrifted(y: ndarray, arrays: Sequence[Any]) -> ndarray:
    """float32 for a float64 result that no operand of that precision, and no attribute, asked for."""
    asked = any(array is float64 or (isinstance(array, ndarray) and array.dtype == float64) for array in arrays)
    return y if asked else y.astype(float32)


class Node:
    """The record of one operation: what was applied to what, and what its derivative will need.

    A leaf (a tensor that requires grad and was not computed) has a node without an ``op``.
    """

    __slots__ = (
        "__weakref__", "attributes", "cache", "dtype", "edges", "hooks", "inputs", "memories", "op",
        "output", "retains", "saved", "scope", "shape", "time", "trace",
    )  # fmt: skip

    op: Op | None
    """What was applied; None for a leaf."""
    inputs: Sequence[Any]
    """For each operand its node; a constant (tensor, number, None, or an array, copied if needed) stands for itself."""
    edges: Sequence[Node | None]
    """For each operand its node; None for a constant."""
    attributes: Sequence[Any]
    """What else forward was given, after the operands."""
    saved: list[Any] | None
    """The rules' arguments after ``dy``; None once backward has freed them."""
    memories: Sequence[Memory]
    """The storage of all that is saved, in the order of ``op.kept``: none of it may change before backward."""
    cache: Any
    """What forward left for the fused rule."""
    output: weakref.ref[Variable]
    """The tensor it made, as long as somebody holds it."""
    time: int
    """When it was recorded: an operand is always older than what was computed from it."""
    scope: Scope | None
    """The module call it belongs to."""
    hooks: dict[Any, Callable[[Any], Any]] | None
    """What looks at its gradient, each under a key that removes it."""
    retains: bool
    """Whether backward fills its tensor's ``.grad``, as it does for leaves."""
    trace: str | None
    """Under ``detect_anomaly`` the line of the user's code that applied it."""

    def __init__(
        self, output: Variable, op: Op | None = None, packed: Packed = ((), (), (), None, ()), cache: Any = None,
        scope: Scope | None = None,
    ) -> None:  # fmt: skip
        self.op = op
        self.inputs, self.edges, self.attributes, self.saved, self.memories = packed
        self.cache = cache
        self.output = new_weak_reference(output)
        array = output.array
        self.shape = array.shape
        self.dtype = array.dtype
        self.time = clock()
        self.scope = scope
        self.hooks = self.trace = None
        self.retains = False

    @property
    def effects(self) -> list[Effect]:
        """The tensors it read or wrote besides its operands."""
        return self.op.effects(*self.attributes) if self.op and self.op.effects else []

    def __repr__(self) -> str:
        return f"<{self.op.name if self.op else 'leaf'} {self.shape} {self.dtype}>"

    def __str__(self) -> str:
        """The operation, its module and, if known, its line: for error messages."""
        if self.op is None:
            return f"leaf {self.shape} {self.dtype}"
        place = f" in {self.scope}" if self.scope else ""
        return f"{self.op.name}{place}" + (f", called at {self.trace}" if self.trace else "")


def record(op: Op, y: Any, args: Sequence[Any], cache: Any = None, only_tensors: bool = False) -> Any:
    """A tensor around ``y = op.forward(*args)``, with a node if an operand requires grad.

    ``only_tensors``: all operands are known to be tensors, so that the function written out for them will do.
    """
    output = wrap(y)
    if op.view and is_view(output.array, args[0].array):
        output.memory = args[0].memory
        output.memory.shared = True
    state = thread.state
    if state.recording:
        packed = op.pack_tensors(output, *args) if only_tensors else pack(op.kept, op.operands, output, *args)
        if any(packed[1]):
            output.node = Node(output, op, packed, cache, state.scope)
            if state.anomaly:
                output.node.trace = line_outside()
    return output


def is_view(y: ndarray, x: ndarray) -> bool:
    """Whether ``y`` looks at the memory of ``x``: an index may give a view or a copy."""
    base = y.base
    return base is not None and (base is x or base is x.base or np.may_share_memory(y, x))


def line_outside() -> str:
    """The innermost line of the running program that is not minigrad's own."""
    package = __name__.partition(".")[0]
    for frame, number in traceback.walk_stack(None):
        if frame.f_globals.get("__name__", "").partition(".")[0] != package:
            return f"{frame.f_code.co_filename}:{number}"
    return "an unknown line"


def describe(value: Any) -> str:
    """A value in an error message: shape and dtype of an array, a number as it is."""
    if isinstance(value, (Variable, ndarray, Node)):
        return f"{value.shape} {value.dtype}"
    return repr(value) if isinstance(value, (bool, int, float, type(None))) else type(value).__name__
