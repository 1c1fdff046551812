"""The record of one operation, and what records are made of.

``Variable``  an array that may be part of a graph (what users hold is its subclass ``Tensor``)
``Node``      the record of one application of an operation: the graph consists of these

Edges run from a node to the nodes of its inputs, never back to tensors: a node refers to the
tensor it made by a weak reference only, so a graph nobody holds is freed at once, and arrays that
no derivative needs are not kept alive by it.
"""

from __future__ import annotations

import itertools
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from .anomaly import check_result
from .hooks import PreHook, RemovableHandle, Watch
from .lines import line_outside
from .modes import LINES, VALUES, Mode
from .scope import Scope

clock = itertools.count(1).__next__
"""Ticks at each record and each in-place change, so that any two of them can be put in order."""

# names of this module are found faster than attributes of others
new_object, new_weak_reference, new_tuple = object.__new__, weakref.ref, tuple.__new__


NUMBERS = frozenset({float, int, bool})
"""The classes of Python's numbers."""
DEEPEST = 64
"""How many axes NumPy's arrays can have."""
KEPT_WRITES = 64
"""Writes to viewed memory that are remembered, to recognise a view that is older than one of them."""


class Memory:
    """The storage under one or several variables: when it last changed in place, and which tensors have it."""

    changed = 0
    """The time, by ``clock``, of the last change in place."""
    shared = False
    """Whether a tensor outside the graph, detached say or a parameter, has it as well."""
    viewed = False
    """Whether an operation has returned a view of it, which knows what it has ``seen``."""
    writes: deque[tuple[int, ndarray, tuple[Any, ...]]] | None = None
    """When elements were set while it was viewed, and which: an array over it and the index."""
    copied = False
    """Whether a copied or unpickled tensor has it, of which another may be the next."""
    sharers: list[weakref.ref[Variable]] | None = None
    """The tensors that have it once they are several, the owner first; the others only while they live."""
    room = 16
    """The length of ``sharers`` at which those that are gone are dropped."""

    def share(self, owner: Variable, other: Variable) -> None:
        """Note that another tensor has this memory; the owner is noted with the first of them."""
        if self.sharers is None:
            self.sharers = [new_weak_reference(owner)]
        (self.sharers if len(self.sharers) < self.room else self.dropped()).append(new_weak_reference(other))

    def dropped(self) -> list[weakref.ref[Variable]]:
        """``sharers`` without those that are gone, with room for as many again."""
        assert self.sharers is not None
        owner, *others = self.sharers
        self.sharers = sharers = [owner, *(reference for reference in others if reference() is not None)]
        self.room = 2 * len(sharers) + 16
        return sharers

    def __reduce__(self) -> Any:
        return Memory, ()

    def take(self) -> None:
        """A tensor that is copied or unpickled has this memory; it may be the second."""
        self.shared, self.copied = self.copied, True

    def wrote(self, array: ndarray, index: tuple[Any, ...]) -> None:
        """Elements of viewed memory were set now: those of ``array`` at an index."""
        if self.writes is None:
            self.writes = deque(maxlen=KEPT_WRITES)
        # instead of index arrays, which may be large, all of the array: what NumPy takes by them is a copy, no part
        self.writes.append((self.changed, array, () if ndarray in map(type, index) else index))


class View(NamedTuple):
    """How a view was made: ``function(other, *attributes)``, where ``other`` is the tensor whose memory it has."""

    parent: View | None
    """How the other was made; None if that owns the memory."""
    array: ndarray
    """The array of the other."""
    node: Node | None
    """The node of the other, if it required grad."""
    function: Any
    attributes: Sequence[Any]
    recorded: bool
    """Whether it is in the graph of the other: not if detached, or made under ``no_grad``."""


OUTDATED = -1
"""What a view has ``seen`` if a recorded change has set its elements by an index since."""


class Borrowed(ndarray):
    """A gradient in memory that the next call of a compiled step overwrites: reading ``.grad`` makes a copy of it."""


class Variable:
    """An array, and the node that made it."""

    __slots__ = {
        "__weakref__": "",
        "_grad": "What backward has added up: an array (NumPy makes a number of one without axes), or the tensor "
        "around it once somebody has asked for it.",
        "array": "The values.",
        "memory": "What is known about the storage under the array.",
        "node": "The record of how it was made; None for a constant. It requires grad exactly if it has one.",
        "node_at_rest": "The node of a leaf that has stopped requiring grad, with its hooks; else missing.",
        "origin": "How it was made of another tensor over the same memory; else missing.",
        "seen": "The last change of its memory that came before it, if it was made as a view; else missing.",
    }
    array: ndarray
    node: Node | None
    memory: Memory
    node_at_rest: Node
    origin: View
    seen: int
    _grad: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
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
"""The class of what operations return. ``tensor.tensor`` sets it, which this module does not import."""


def no_tensor_of_list(values: Any) -> Any:
    """Stands for ``tensor_of_list`` until operations are there."""
    raise TypeError("no operation is there yet to make a tensor of a list of tensors.")


tensor_of_list: Callable[[Any], Any] = no_tensor_of_list
"""Makes one operand of a list that holds tensors. ``ops.shapes`` sets it: the engine has no operation."""


def wrap(array: Any, node: Node | None = None) -> Any:
    """A tensor around an array, which is not copied."""
    tensor: Any = new_object(tensor_type)
    tensor.array = array if type(array) is ndarray else as_array(array)
    tensor.node = node
    tensor.memory = Memory()
    tensor._grad = None
    return tensor


def is_stand_in(value: Any) -> bool:
    """Whether it stands in for an array: ``isinstance`` takes it for one, its type is another."""
    return type(value) is not ndarray and isinstance(value, ndarray) and not issubclass(type(value), ndarray)


def as_array(value: Any) -> Any:
    """``np.asarray(value)``; a stand-in for an array is left alone."""
    return value if type(value) is ndarray or is_stand_in(value) else np.asarray(value)


def real_array_of(value: Any) -> Any:
    """The array that a stand-in carries; anything else as it is."""
    return value.array if is_stand_in(value) else value


def copied(value: Any) -> Any:
    """A constant that a rule needs: a copy, since nobody can tell when the caller's own array or list changes."""
    if is_stand_in(value):
        return value.copy()
    if isinstance(value, (ndarray, list, tuple)):
        return np.array(value)
    return value.item() if isinstance(value, np.generic) else value


def array_of(value: Any) -> Any:
    """The array of a tensor; anything else as it is."""
    return value.array if isinstance(value, Variable) else value


def leaves(values: Any) -> Iterator[Any]:
    """What a list or tuple, or those inside it, hold besides Python's numbers.

    Raises:
        ValueError: for more than ``DEEPEST`` lists in each other.
    """
    level = [values]
    for _ in range(DEEPEST):
        kinds = set(map(type, level[0] if len(level) == 1 else chain.from_iterable(level)))
        if kinds <= NUMBERS:
            return
        inner = {}  # by id: lists that contain each other have many ways to the same one
        for value in chain.from_iterable(level):
            if isinstance(value, (list, tuple)):
                inner[id(value)] = value
            elif type(value) not in NUMBERS:
                yield value
        level = list(inner.values())
    raise ValueError(f"lists are nested more than {DEEPEST} deep, or one contains itself: no array has so many axes.")


def requires_grad(value: Any) -> bool:
    """Whether it is a tensor that requires grad, or a list or tuple that holds one."""
    if isinstance(value, Variable):
        return value.node is not None
    return isinstance(value, (list, tuple)) and any(
        isinstance(x, Variable) and x.node is not None for x in leaves(value)
    )


def holds_tensors(values: Any) -> bool:
    """Whether a list or tuple, or one inside it, holds a tensor."""
    return any(isinstance(value, Variable) for value in leaves(values))


class Effect(NamedTuple):
    """What an operation does besides computing its output: it ``reads`` or ``writes`` a tensor.

    ``note`` says how it writes, ``result`` the number that was written, if it is one; ``weight`` is that of what is new
    in an average.
    """

    verb: str
    tensor: Any
    note: str
    result: str = ""
    weight: float | None = None


class Node:
    """The record of one operation: what was applied to what, and what its derivative will need.

    A leaf (a tensor that requires grad and was not computed) has a node without an ``op``.

    >>> x = mg.ones(2, requires_grad=True)
    >>> y = x.exp().sum()
    >>> y.grad_fn.name()
    'SumBackward0'
    >>> y.grad_fn.next_functions
    ((<exp (2,) float32>, 0),)
    """

    __slots__ = (
        "__weakref__", "attributes", "cache", "dtype", "edges", "hooks", "inputs", "memories", "op",
        "output", "retains", "saved", "scope", "shape", "time", "watch",
    )  # fmt: skip

    op: Any
    """The operation that was applied; None for a leaf."""
    inputs: Sequence[Any]
    """For each operand its node; a constant (tensor, number, None, or an array, copied if needed) stands for itself."""
    edges: Sequence[Node | None]
    """For each operand its node; None for a constant."""
    attributes: Sequence[Any]
    """What else the operation was given, after the operands."""
    saved: list[Any] | None
    """The rules' arguments after ``dy``; None once backward has freed them."""
    memories: Sequence[Memory]
    """The storage of all that is saved, in the order of ``op.saved_positions``; it may not change before
    backward."""
    cache: Any
    """What the kernel left for its derivative."""
    output: weakref.ref[Variable]
    """The tensor it made, as long as somebody holds it."""
    time: int
    """When it was recorded: an operand is always older than what was computed from it."""
    scope: Scope | None
    """The module call it belongs to."""
    hooks: dict[Any, Callable[[Any], Any]] | None
    """Functions of its gradient, each under the key that removes it."""
    retains: bool
    """Whether backward fills its tensor's ``.grad``, as it does for leaves."""
    watch: Watch | None
    """What few nodes have: the line that applied it, under ``detect_anomaly``; hooks of the node; users' notes."""

    def __init__(
        self, output: Variable, op: Any = None, inputs: Sequence[Any] = (), edges: Sequence[Node | None] = (),
        attributes: Sequence[Any] = (), saved: list[Any] | None = None, memories: Sequence[Memory] = (),
        cache: Any = None, mode: Mode | None = None,
    ) -> None:  # fmt: skip
        self.op = op
        self.inputs = inputs
        self.edges = edges
        self.attributes = attributes
        self.saved = saved
        self.memories = memories
        self.cache = cache
        self.output = new_weak_reference(output)
        array = output.array
        self.shape = array.shape
        self.dtype = array.dtype
        self.time = clock()
        self.scope = mode.calls.scope if mode else None
        self.hooks = None
        self.retains = False
        self.watch = None
        if mode and mode.anomaly:
            self.watch = Watch(line_outside(), mode.anomaly is not LINES)
            if mode.anomaly is VALUES:
                check_result(self, array)

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
        line = self.watch and self.watch.line
        return f"{self.op.name}{place}" + (f", called at {line}" if line else "")

    # -- as PyTorch's ``torch.autograd.graph.Node`` -----------------------------------------------

    def name(self) -> str:
        """PyTorch's name of the derivative: ``MulBackward0``, of a leaf ``torch::autograd::AccumulateGrad``.

        >>> (mg.ones(2, requires_grad=True) * 2).grad_fn.name()
        'MulBackward0'
        """
        if self.op is None:
            return "torch::autograd::AccumulateGrad"
        words: str = self.op.name
        return f"{''.join(word[:1].upper() + word[1:] for word in words.split('_'))}{self.op.name_ends}"

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """For each operand its node, None for a constant, and the number of that node's output, which is 0."""
        return tuple((edge, 0) for edge in self.edges)

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dictionary for notes of one's own."""
        self.watch = self.watch or Watch()
        return self.watch.metadata

    @property
    def variable(self) -> Variable | None:
        """The tensor of a leaf, if somebody still holds it."""
        if self.op is not None:
            raise AttributeError(f"{self.name()} has no variable: it is the node of a result, not of a leaf.")
        return self.output()

    def register_hook(self, fn: Callable[[tuple[Any, ...], tuple[Any, ...]], Any]) -> RemovableHandle:
        """Call ``fn(grad_inputs, grad_outputs)`` when the gradients of the operands are computed.

        Both are tuples of tensors, None for an operand without gradient; what it returns, a tuple of the same length,
        replaces ``grad_inputs``. That of a leaf is called with ``()`` when ``.grad`` has been added to.
        """
        self.watch = self.watch or Watch()
        return RemovableHandle(self.watch.hooks, fn)

    def register_prehook(self, fn: Callable[[tuple[Any, ...]], Any]) -> RemovableHandle:
        """Call ``fn(grad_outputs)`` before that; what it returns, a tuple of one tensor, replaces them."""
        self.hooks = {} if self.hooks is None else self.hooks
        return RemovableHandle(self.hooks, PreHook(fn))


def is_view(y: ndarray, x: ndarray) -> bool:
    """Whether ``y`` looks at the memory of ``x``: an index may give a view or a copy."""
    base = y.base
    return base is not None and (base is x or base is x.base or np.may_share_memory(y, x))


def no_tensor(value: Any) -> str:
    """What is wrong with a value in place of a tensor, and the cure."""
    return f"expected a tensor, got {named(value)}: {cure(value)}"


def written(value: Any) -> str:
    """An argument in an error message: an array or a tensor by its shape and dtype, anything else as it is written."""
    return describe(value) if isinstance(value, (Variable, ndarray)) else repr(value)


def named(value: Any) -> str:
    """As ``describe``; arrays are called so, where a tensor was expected."""
    return f"an array {describe(value)}" if isinstance(value, ndarray) else describe(value)


def cure(value: Any) -> str:
    """How a value becomes a tensor."""
    return f"make it one, mg.{'stack' if requires_grad(value) else 'tensor'}(...)."


def describe(value: Any) -> str:
    """A value in an error message: shape and dtype of an array, a number as it is."""
    if isinstance(value, (Variable, ndarray, Node)):
        return f"{value.shape} {value.dtype}"
    if isinstance(value, int) and value.bit_length() > 64:
        return f"an integer of {value.bit_length()} bits"
    return repr(value) if isinstance(value, (bool, int, float, type(None))) else type(value).__name__
