"""``lowered``: a program of NumPy calls with NumPy's aliasing, as nodes in single assignments.

Each function that C knows has an entry in ``functions.LOWERED``; everything else becomes a call of Python's on the
same memory.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ...ops.losses.classes import some_ignored
from ...ops.normalisation.checks import check_variance
from ..execution import CannotBuild, Checked
from ..naming import Names
from ..passes import may_refuse
from ..program import Instruction, Program, Result, Value, values_in
from ..sections import sections
from ..trees import mapped, tree_leaves
from .elements import FAST_POWERS, MAPS, POWERS, REDUCTIONS, casts_alike, is_known
from .memory_versions import Outside, Versions
from .nodes import Graph, Node, in_order, is_dense, matrix_order, settled

MANY = 10_000
"""Nodes of a net for which the compiler would take too long."""


GUARDS: dict[Any, Callable[..., str]] = {
    check_variance: lambda *_: "x[i] < 0",
    some_ignored: lambda _name, _shape, classes, ignored: f"(x[i] < 0 | x[i] >= {classes}) & x[i] != {ignored}",
}
"""Checks of an array, each with what gives the condition on an element ``x[i]`` that it refuses, from other arguments.
"""


class Indices:
    """Positions that come from outside: C looks at them before anything else, and takes them as they are later."""

    def __init__(self) -> None:
        self.guards: dict[tuple[Node, int, tuple[int, ...], tuple[int, ...], int], None] = {}
        """A load node, the first position in it, shape and strides of all, and how many elements there are."""
        self.known: set[tuple[Node, int]] = set()
        """Nodes of positions, and how many elements there are, that are in bounds then."""

    def note(self, position: Node, size: int) -> None:
        """Have positions looked at first, if they come from outside as they are."""
        node = position
        while node.kind == "map" and (node.op == "copy" or (node.op == "cast" and node.args[0].dtype.kind in "iu")):
            node = node.args[0]
        base, (offset, strides) = (node.args[0], node.attribute) if node.kind == "view" else (node, (0, node.strides))
        if base.kind == "load" and base.op != "host":
            self.guards[base, offset, node.shape, tuple(strides), size] = None
            self.known.add((position, size))


class Lowered(NamedTuple):
    """A program in single assignments."""

    graph: Graph
    written: list[tuple[Outside, Node, Node]]
    """Arrays from outside that are changed: what was in them, what is."""
    gradients: list[Node | None]
    results: list[Node]
    effects: list[Node]
    """Calls that are made for what they refuse."""
    hosts: list[Instruction]
    """Host calls and checks, which come first."""
    guards: list[tuple[Instruction, Node]]
    """Checks that C makes, before anything else: Python makes one again if it fails, to say what is wrong."""
    indices: Indices
    """What is known of positions."""
    watched: list[tuple[Instruction, Node]]
    """Calls that warn where an array of booleans is false."""


REWRITES: list[Callable[[Lowering, Lowered], None]] = []
"""What changes nodes when all of them are known; each may be missing."""


class Unknown(Exception):  # noqa: N818
    """A call that C does not know: Python makes it."""


class Lowering:
    """One program on its way.

    Args:
        program: what is lowered.
        functions: how calls other than ufuncs are lowered: from their arguments to a node, or None if it has written.
    """

    def __init__(self, program: Program, functions: Mapping[Any, Callable[..., Node | None]]) -> None:
        self.program, self.functions = program, functions
        self.graph = Graph()
        self.names = Names(program)
        self.versions = Versions(program, self.graph)
        self.hosts: list[Instruction] = []
        self.drawn = 0
        """How many arrays host calls have given so far."""
        self.effects: list[Node] = []
        self.guards: list[tuple[Instruction, Node]] = []
        self.indices = Indices()
        self.watched: list[tuple[Instruction, Node]] = []

    def lower(self) -> Lowered:
        """All of it."""
        self.enter()
        used = {value for each in self.program.instructions for value in each.reads()}
        used |= {value for _, value in self.program.settings if value is not None} | set(results_of(self.program))
        names = self.names
        for section, instruction in zip(sections(self.program), self.program.instructions):
            self.graph.scope = section
            if instruction.kind == "call":
                made = instruction.results
                named = instruction.target if made is None else made
                self.graph.name = names.of(named, instruction) if isinstance(named, Value) else ""
                self.instruction(instruction)
                if isinstance(made, Value) and made not in used and may_refuse(instruction):
                    self.effects.append(self.versions.read(made))  # its index is looked at, as it is in eager
            elif instruction.kind == "watch":
                self.watched.append((instruction, self.own(instruction.args[0])))
            else:
                self.before(instruction)
        self.graph.scope, self.graph.name = None, ""
        if len(self.graph.nodes) > MANY:
            raise CannotBuild(f"it has {len(self.graph.nodes)} operations, which a compiler takes long for")
        settings = [value for _, value in self.program.settings]
        lowered = Lowered(
            self.graph, self.versions.written(), [None if value is None else self.own(value) for value in settings],
            [self.own(value) for value in results_of(self.program)], self.effects, self.hosts, self.guards,
            self.indices, self.watched,
        )  # fmt: skip
        for rewrite in REWRITES:
            rewrite(self, lowered)
        return lowered

    def own(self, value: Value) -> Node:
        """What a value is at the end, in memory that is not the user's."""
        node = self.versions.read(value)
        base = node.args[0] if node.kind == "view" else node
        if base.kind in ("load", "constant") or any(base is new for _, _, new in self.versions.written()):
            return self.graph.map("copy", [node], node.dtype, node.shape)
        return node

    def enter(self) -> None:
        """The arrays from outside."""
        entries = [("input", i, v) for i, (_, v) in enumerate(self.program.inputs)]
        entries += [("state", i, v) for i, (_, v) in enumerate(self.program.states)]
        entries += [("constant", i, v) for i, (_, v) in enumerate(self.program.constants)]
        memories: dict[Any, list[Any]] = {}
        for source, number, value in entries:
            memories.setdefault(value.memory, []).append((source, number, value))
            if value.dtype.kind not in "fiub" or value.dtype.itemsize > 8:
                raise CannotBuild(f"an array of dtype {value.dtype}")
        for several in memories.values():
            for source, number, value in several:
                if len(several) > 1 and value.memory.writes:
                    raise CannotBuild("an array that is changed is a view of the same memory as another one")
                self.graph.name = self.names.known[value]
                self.versions.enter(Outside(source, number), value, value if len(several) > 1 else None)

    def before(self, instruction: Instruction) -> None:
        """A host call, or a check of inputs: Python makes it before anything else.

        What a check needs is computed by Python for the check, and by C for whoever else needs it.
        """
        if instruction.kind == "check" and self.guarded(instruction):
            return
        self.hosts.append(instruction)
        if instruction.kind == "check":
            if instruction.results is not None:
                self.instruction(instruction)
            return
        for value in tree_leaves(instruction.results):
            if isinstance(value, Value):
                self.graph.name = self.names.of(value, instruction)
                self.versions.enter(Outside("host", self.drawn), value)
                self.drawn += 1

    # -- one instruction -------------------------------------------------------------------------

    def instruction(self, instruction: Instruction) -> None:
        """A call of NumPy."""
        if instruction.target is None and self.is_view(instruction):
            return
        if self.guarded(instruction):
            return
        self.result: Any = instruction.results
        node: Node | None
        try:
            if any(v.dtype.kind not in "fiub" or v.dtype.itemsize > 8 for v in values_in(tree_leaves(
                (instruction.args, instruction.kwargs, instruction.results)))):  # fmt: skip
                raise Unknown
            function = instruction.function
            owner = getattr(function, "__self__", None)
            if isinstance(function, np.ufunc):
                node = self.ufunc(function, instruction)
            elif function in self.functions:
                node = self.functions[function](self, *instruction.args, **instruction.kwargs)
            elif isinstance(owner, np.ufunc):
                node = self.reduction(owner, function.__name__, instruction)
            else:
                raise Unknown
        except (Unknown, TypeError):  # the latter: arguments that the entry does not take
            self.opaque(instruction)
            return
        if node is None:
            return
        if instruction.target is not None:
            self.versions.write(instruction.target, node)
        else:
            value: Any = self.result
            if node.shape != value.shape or node.dtype != value.dtype:
                raise CannotBuild(
                    f"{instruction.function}: {node.shape} {node.dtype} is not {value.shape} {value.dtype}"
                )
            self.versions.make(value, node)

    def guarded(self, instruction: Instruction) -> bool:
        """Whether it is a check of an array from outside that C makes."""
        check = instruction.function
        if (check.function if isinstance(check, Checked) else check) not in GUARDS:
            return False
        node = self.get(instruction.args[0])
        if node.kind != "load" or node.op == "host" or not is_dense(node.shape, node.strides):
            return False
        self.guards.append((instruction, node))
        return True

    def is_view(self, instruction: Instruction) -> bool:
        """Whether it takes views; then these are noted."""
        made = [v for v in tree_leaves(instruction.results) if isinstance(v, Value)]
        memories = {value.memory for value in instruction.reads()}
        if not made or any(value.memory not in memories for value in made):
            return False
        dummies = {value: self.versions.dummy(value) for value in instruction.reads()}
        args, kwargs = mapped(
            lambda leaf: dummies[leaf] if isinstance(leaf, Value) else leaf,
            (tuple(instruction.args), instruction.kwargs),
        )
        result = instruction.function(*args, **kwargs)
        for value, array in zip(made, [result] if isinstance(instruction.results, Value) else result):
            bases = [v for v in dummies if v.memory is value.memory]
            base = next((v for v in bases if np.may_share_memory(array, dummies[v])), bases[0])
            self.versions.view(value, base, array, dummies[base])
        return True

    def get(self, arg: Any, dtype: Any = None) -> Node:
        """An operand: a value or a number."""
        if isinstance(arg, Value):
            node = self.versions.read(arg)
            return node if dtype is None else self.graph.cast(node, dtype)
        if isinstance(arg, (bool, int, float, np.generic)):
            return self.graph.constant(arg, dtype or np.asarray(arg).dtype)
        raise Unknown

    def ufunc(self, ufunc: np.ufunc, instruction: Instruction) -> Node:
        """A function of elements: operands in the dtypes of NumPy's loop."""
        if set(instruction.kwargs) - {"out", "dtype", "casting"} or ufunc.nout != 1:
            raise Unknown
        args = instruction.args[: ufunc.nin]
        kinds = [arg.dtype if isinstance(arg, (Value, np.generic)) else type(arg) for arg in args]
        if ufunc is np.matmul:
            return self.matmul(*args)
        try:
            dtype = instruction.kwargs.get("dtype")
            more: dict[str, Any] = {} if dtype is None else {"signature": (None,) * ufunc.nin + (np.dtype(dtype),)}
            casting: Any = "unsafe" if "out" in instruction.kwargs else "same_kind"
            loop = ufunc.resolve_dtypes((*kinds, None), casting=casting, **more)
        except (TypeError, ValueError):
            raise Unknown from None
        if not is_known(ufunc, loop):
            raise Unknown
        nodes = [self.get(arg, kind) for arg, kind in zip(args, loop)]
        shape = np.broadcast_shapes(*(node.shape for node in nodes))
        like: Any = instruction.target or instruction.results
        strides = self.versions.strides(like) if shape == like.shape else None
        if strides is not None and not is_dense(shape, strides):
            strides = None
        op = MAPS[ufunc]
        if op == "pow" and type(args[1]) in (int, float) and float(args[1]) in POWERS:
            op, nodes = self.power(float(args[1]), nodes)
        return self.graph.map(op, nodes, loop[-1], shape, strides)

    def power(self, exponent: float, nodes: list[Node]) -> tuple[str, list[Node]]:
        """A power with a known exponent, as NumPy computes it."""
        op = POWERS[exponent]
        if op is None:
            return "copy", [self.graph.constant(1, nodes[0].dtype)]
        if op == "sqrt" and not FAST_POWERS:
            return "pow", nodes
        return op, nodes[:1]

    def matmul(self, a: Any, b: Any) -> Node:
        """A product of matrices, or of stacks of them."""
        a, b = self.get(a), self.get(b)
        dtype = np.result_type(a.dtype, b.dtype)
        if dtype not in (np.float32, np.float64) or not (a.size and b.size):
            raise Unknown
        a, b = (self.for_product(self.graph.cast(x, dtype)) for x in (a, b))
        left, right = a.shape, b.shape
        if len(left) == 1:
            a = self.seen_as(a, (1, *left))
        if len(right) == 1:
            b = self.seen_as(b, (*right, 1))
        ahead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        product = self.graph.node("product", "", (a, b), (*ahead, a.shape[-2], b.shape[-1]), dtype)
        shape = ahead + left[-2:-1] + (right[-1:] if len(right) > 1 else ())
        return self.seen_as(product, shape)

    def for_product(self, node: Node) -> Node:
        """A node of which each matrix has its rows or its columns one after the other."""
        if node.kind != "constant" and (len(node.shape) < 2 or matrix_order(node.shape[-2:], node.strides[-2:])):
            return node
        return self.graph.map("copy", [node], node.dtype, node.shape)

    def in_order(self, node: Node) -> Node:
        """A node whose elements lie one after the other, the last axis being the inner one."""
        if node.kind not in ("view", "constant") and node.strides == settled(node.shape, in_order(node.shape)):
            return node
        return self.graph.map("copy", [node], node.dtype, node.shape)

    def seen_as(self, node: Node, shape: tuple[int, ...]) -> Node:
        """A node with the same elements in the same order in another shape."""
        if node.shape == shape:
            return node
        squeezed = [(size, stride) for size, stride in zip(node.shape, node.strides) if size != 1]
        if [size for size in shape if size != 1] == [size for size, _ in squeezed]:
            steps = iter(squeezed)
            strides = [0 if size == 1 else next(steps)[1] for size in shape]
            if node.kind == "view":
                return self.graph.view(node.args[0], node.attribute[0], shape, strides)
            return self.graph.view(node, 0, shape, strides)
        return self.graph.view(self.in_order(node), 0, shape, in_order(shape))

    def reduction(self, ufunc: np.ufunc, method: str, instruction: Instruction) -> Node:
        """``np.add.reduce`` and the like."""
        given = dict(zip(("array", "axis", "dtype", "out", "keepdims", "initial", "where"), instruction.args))
        given |= instruction.kwargs
        if method != "reduce" or ufunc not in REDUCTIONS or given.get("where", True) is not True:
            raise Unknown
        x = self.get(given["array"])
        axes, initial = given.get("axis", 0), given.get("initial")
        axes = tuple(range(len(x.shape))) if axes is None else axes if isinstance(axes, tuple) else (axes,)
        axes = tuple(sorted(axis % len(x.shape) for axis in axes))
        dtype = given.get("dtype")
        if dtype is None:
            dtype = reduced_dtype(ufunc, x.dtype)
        return self.reduced(ufunc, x, axes, dtype, bool(given.get("keepdims", False)), initial)

    def reduced(
        self, ufunc: np.ufunc, x: Node, axes: tuple[int, ...], dtype: Any, keepdims: bool, initial: Any = None
    ) -> Node:
        """A reduction over axes."""
        op, dtype = REDUCTIONS[ufunc], np.dtype(dtype)
        if op in ("logical_or", "logical_and"):
            x = self.graph.cast(x, np.bool_)
        if dtype.kind not in "fiub" or not is_known(ufunc, (dtype, dtype, dtype)) or not casts_alike(x.dtype, dtype):
            raise Unknown
        x = self.graph.cast(x, dtype)
        if not x.size and op in ("maximum", "minimum"):
            raise Unknown
        kept = [size for axis, size in enumerate(x.shape) if axis not in axes]
        y = self.graph.node("reduce", op, (x,), kept, dtype, axes) if axes else x
        if initial is not None and not isinstance(initial, NO_VALUE) and not begins(op, initial, dtype):
            y = self.graph.map(op, [y, self.get(initial, dtype)], dtype, y.shape)
        shape = [1 if axis in axes else size for axis, size in enumerate(x.shape)]
        return self.seen_as(y, tuple(shape)) if keepdims else y

    # -- what Python does ------------------------------------------------------------------------

    def opaque(self, instruction: Instruction) -> None:
        """A call that Python makes, on arrays over the memory that C uses."""
        operands: list[Node] = []

        def operand(leaf: Any) -> Any:
            if not isinstance(leaf, Value):
                return leaf
            operands.append(self.versions.read(leaf))
            return Operand(len(operands) - 1)

        args, kwargs = mapped(operand, (tuple(instruction.args), instruction.kwargs))
        target = instruction.target
        made = [v for v in tree_leaves(instruction.results) if isinstance(v, Value)]
        if any(v.dtype.kind not in "fiub" or v.dtype.itemsize > 8 for v in (*made, *instruction.reads())):
            raise CannotBuild(f"{instruction.function} with an array of a dtype C does not have")
        note: Any = Call(instruction.function, args, kwargs, isinstance(instruction.results, list), target is not None)
        if target is not None:
            # NumPy writes to a copy of the target, and the copy is the new version of the target
            before = self.versions.read(target)
            place = next((i for i, node in enumerate(operands) if node is before), None)
            if place is None:
                raise CannotBuild(f"{instruction.function} writes to what it is not given")
            call = self.graph.node("call", "", operands, target.shape, target.dtype, note, unique=True)
            note.place = place
            self.versions.write(target, call)
            return
        call = self.graph.node("call", "", operands, (), np.bool_, note, unique=True)
        if not made:
            self.effects.append(call)
        for number, value in enumerate(made):
            strides = self.versions.strides(value)
            dense = strides if is_dense(value.shape, strides) else None
            node = self.graph.node("result", "", (call,), value.shape, value.dtype, number, dense)
            self.versions.make(value, node)


class Operand:
    """The place of an operand among the arguments of a call."""

    def __init__(self, number: int) -> None:
        self.number = number


class Call:
    """A call that Python makes: ``place`` is the operand it writes to."""

    def __init__(self, function: Callable[..., Any], args: Any, kwargs: Any, several: bool, writes: bool) -> None:
        self.function, self.args, self.kwargs = function, args, kwargs
        self.several, self.writes = several, writes
        self.place: int | None = None


def results_of(program: Program) -> list[Value]:
    """The distinct values that a step returns."""
    known = getattr(program, "results", None)
    if known is not None:
        return list(known)
    return list(dict.fromkeys(leaf.value for leaf in tree_leaves(program.outputs) if isinstance(leaf, Result)))


NO_VALUE = type(np._NoValue)


def begins(op: str, initial: Any, dtype: Any) -> bool:
    """Whether a reduction begins with this number by itself."""
    lowest = -np.inf if op == "maximum" else np.inf
    number = {"add": 0, "multiply": 1, "maximum": lowest, "minimum": lowest}.get(op)
    return isinstance(initial, (int, float)) and initial == number and np.dtype(dtype).kind == "f"


@functools.cache
def reduced_dtype(ufunc: np.ufunc, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype in which NumPy reduces."""
    return np.asarray(ufunc.reduce(np.ones(1, dtype))).dtype
