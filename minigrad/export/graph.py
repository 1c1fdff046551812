"""``Graph``: the ONNX graph that is being written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from ..compile.naming import UniqueNames
from ..compile.program import Instruction, Value
from ..compile.trees import mapped
from .errors import Fixed
from .lengths import Differing, Length, Parallel

INT64 = np.dtype(np.int64)
FLOATS = tuple(map(np.dtype, (np.float16, np.float32, np.float64)))
WRITTEN = (*FLOATS, *map(np.dtype, ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")))
"""The dtypes that a file may have."""


class Lacking:
    """The result of what has no form: a reason, which is an error only if an output needs the result."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


class Graph:
    """Nodes, initializers and names.

    Args:
        onnx: the package.
        opset: the version of the operators.
        parallel: the captures that are being translated.
        instructions: those of the first one.
    """

    def __init__(self, onnx: Any, opset: int, parallel: Parallel, instructions: Sequence[Instruction]) -> None:
        self.onnx, self.opset, self.parallel, self.instructions = onnx, opset, parallel, instructions
        self.nodes: list[Any] = []
        self.initializers: dict[str, ndarray] = {}
        self.names: dict[Value, str | Lacking] = {}
        """What each value is called, or why it has no name."""
        self.arrays: list[dict[Value, tuple[str, ndarray]]] = [{} for _ in parallel.sizes.captures]
        """For each capture the parameters, buffers and constants: names, of constants none, and arrays."""
        self.dtypes: dict[str, np.dtype[Any]] = {}
        self.names_taken = UniqueNames(first=1)
        self.used = self.names_taken.used
        self.path = ""
        """The path of the module whose calls are being translated."""
        self.sources: dict[str, tuple[str, int]] = {}
        """For the name of each size an input and the axis that has it."""
        self.defaults: list[str] = []
        """Initializers that are inputs, too: a runtime may write to these alone."""
        self.exits: set[str] = set()
        """The names of outputs."""
        self.known: dict[Any, str] = {}
        """Constants and lengths that are in the graph already."""

    # -- names -------------------------------------------------------------------------------------

    def unique(self, name: str) -> str:
        """A name that nothing has yet."""
        return self.names_taken.new(re.sub(r"\s", "_", name))

    def in_module(self, name: str) -> str:
        """A name with the path of the module in front."""
        return self.unique(f"{self.path}/{name}" if self.path else name)

    # -- operands ----------------------------------------------------------------------------------

    def read(self, operand: Any, dtype: Any = None) -> str:
        """The name of a value, a number, an array or a length, in a dtype."""
        if isinstance(operand, str):
            return self.cast(operand, dtype)
        if isinstance(operand, Value):
            return self.cast(self.name_of(operand), dtype)
        if isinstance(operand, Length):
            return self.cast(self.scalar(operand), dtype)
        if isinstance(operand, Differing):
            raise Fixed(f"has {operand.values[0]!r} for one size and {operand.values[-1]!r} for another")
        return self.constant(np.asarray(operand, dtype))

    def name_of(self, value: Value) -> str:
        """The name of a value; a parameter or constant becomes an initializer when it is asked for."""
        if value not in self.names and value in self.arrays[0]:
            self.names[value] = self.initialized(value)
        name = self.names.get(value, Lacking("is made by nothing that has a form"))
        if isinstance(name, Lacking):
            raise Needed(name)
        return name

    def now(self, value: Value) -> ndarray:
        """A value that follows from parameters, buffers and constants alone, as it is at this time."""
        if value in self.arrays[0]:
            return self.arrays[0][value][1]
        maker = next((each for each in self.instructions if value in each.makes()), None)
        if maker is None or maker.kind == "host":
            raise Fixed("has a setting that is computed from the input")
        arrays: Any = {read.number: self.now(read) for read in maker.reads()}
        args, kwargs = mapped(
            lambda leaf: arrays[leaf.number] if type(leaf) is Value else leaf, (maker.args, maker.kwargs)
        )
        return np.asarray(maker.function(*args, **kwargs))

    def initialized(self, value: Value) -> str:
        """The name of a parameter, a buffer or a constant."""
        name, first = self.arrays[0][value]
        arrays = [table[twin][1] for table, twin in zip(self.arrays, self.parallel.twins[value])]
        if all(array is first or same_arrays(array, first) for array in arrays[1:]):
            return self.initializer(name, first) if name else self.constant(first)
        return self.repeated(self.shape(value), arrays)

    def repeated(self, shape: Any, arrays: Sequence[ndarray]) -> str:
        """A constant whose lengths change: equal along these axes, or integers at equal distances along one of them."""
        first = arrays[0]
        changing = [axis for axis, n in enumerate(shape) if isinstance(n, Length)] if isinstance(shape, tuple) else []
        if changing and first.size:
            one = first[tuple(slice(0, 1) if axis in changing else slice(None) for axis in range(first.ndim))]
            if all(same_arrays(array, np.broadcast_to(one, array.shape)) for array in arrays):
                return self.expanded(self.constant(one), shape)
            if len(changing) == 1 and first.size == first.shape[changing[0]] and is_range(arrays):
                return self.reshaped(self.range(first.reshape(-1), shape[changing[0]]), shape)
        raise Fixed("needs an array that Python computes from a size")

    def range(self, first: ndarray, length: Length) -> str:
        """Integers at equal distances, as many as a length."""
        start, step = int(first[0]), int(first[1] - first[0]) if first.size > 1 else 1
        end = self.scalar(length)
        found = self.node("Range", [self.read(0, INT64), end, self.read(1, INT64)], INT64)
        if step != 1:
            found = self.node("Mul", [found, self.read(step, INT64)], INT64)
        if start:
            found = self.node("Add", [found, self.read(start, INT64)], INT64)
        return self.cast(found, first.dtype)

    def expanded(self, name: str, shape: Any) -> str:
        """A value repeated to a shape."""
        return self.node("Expand", [name, self.vector(shape)], self.dtypes[name])

    def default(self, value: Value | None, start: ndarray, name: str) -> str:
        """An input that need not be given, with a buffer of the model as its default, or what a new one starts with.

        onnxruntime 1.32 writes statistics in place over their initializers, which it shares with equal ones, a bias of
        zeros say, and then computes with these: but not if they are inputs.
        """
        own, array = (name, start) if value is None else self.arrays[0].get(value, (name, start))
        key = "default", own, self.path if value is None else ""
        if key not in self.known:
            wanted = own if value is not None and own else f"{self.path}.{name}".lstrip(".")
            self.known[key] = self.initializer(wanted, array.astype(start.dtype))
            self.defaults.append(self.known[key])
        return self.known[key]

    def initializer(self, name: str, array: ndarray) -> str:
        """A named initializer."""
        name = self.unique(name)
        self.initializers[name] = array
        self.dtypes[name] = np.dtype(array.dtype)
        return name

    def constant(self, array: Any) -> str:
        """An initializer without a name of its own; equal ones are there once."""
        array = np.ascontiguousarray(array).reshape(np.shape(array))
        key = array.dtype.str, array.shape, array.tobytes()
        if key not in self.known:
            self.known[key] = self.initializer("constant", array)
        return self.known[key]

    def scalar(self, length: Length) -> str:
        """A length as a number."""
        return self.node("Squeeze", [self.vector([length]), self.constant(np.array([0]))], INT64)

    def vector(self, lengths: Any) -> str:
        """Integers, some of which may be lengths that change, as a vector."""
        if not any(isinstance(n, Length) for n in lengths):
            return self.constant(np.array([*lengths], INT64))
        key = tuple(lengths)
        if key not in self.known:
            parts = [self.length(n) if isinstance(n, Length) else self.constant(np.array([n], INT64)) for n in lengths]
            self.known[key] = parts[0] if len(parts) == 1 else self.node("Concat", parts, INT64, axis=0)
        return self.known[key]

    def length(self, length: Length) -> str:
        """A length that changes, as a vector of one element, computed from the sizes of the inputs."""
        if length.factors is None:
            raise Fixed("has a length for which no formula is found")
        total = self.constant(np.array([length.rest], INT64)) if length.rest or not length.factors else ""
        for name, factor in length.factors.items():
            term = self.size(name)
            if factor != 1:
                term = self.node("Mul", [term, self.constant(np.array([factor], INT64))], INT64)
            total = self.node("Add", [total, term], INT64) if total else term
        return total

    def size(self, name: str) -> str:
        """A size of the inputs, as a vector of one element."""
        if name not in self.known:
            source, axis = self.sources[name]
            self.known[name] = self.node("Shape", [source], INT64, start=axis, end=axis + 1)
        return self.known[name]

    def cast(self, name: str, dtype: Any) -> str:
        """A value in a dtype: itself if it has that."""
        if dtype is None or self.dtypes[name] == dtype:
            return name
        to = self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.node("Cast", [name], dtype, to=to)

    # -- nodes ---------------------------------------------------------------------------------------

    def node(self, kind: str, inputs: Sequence[str], dtype: Any, doc: str = "", **attributes: Any) -> str:
        """A node with one output of a dtype; returns its name."""
        return self.node_of(kind, inputs, [dtype], doc, **attributes)[0]

    def node_of(
        self, kind: str, inputs: Sequence[str], dtypes: Sequence[Any], doc: str = "", **attributes: Any
    ) -> list[str]:
        """A node with an output for each dtype; returns their names."""
        attributes = {key: plain(value) for key, value in attributes.items() if value is not None}
        name = self.in_module(kind)
        ends = [""] if len(dtypes) == 1 else [f"_{i}" for i in range(len(dtypes))]
        outputs = [self.unique(f"{name}_output{end}") for end in ends]
        for output, dtype in zip(outputs, dtypes):
            self.dtypes[output] = np.dtype(dtype)
        made = self.onnx.helper.make_node(kind, inputs, outputs, name, doc or None, **attributes)
        self.nodes.append(made)
        return outputs

    def shape(self, value: Any) -> tuple[Any, ...]:
        """The shape of a value, with a ``Length`` where it changes."""
        return self.parallel.shapes[value]

    def reshaped(self, name: str, shape: Sequence[Any]) -> str:
        """A value in another shape; one length that changes may follow from the others."""
        changing = [n for n in shape if isinstance(n, Length)]
        if len(changing) == 1 and 0 not in [n for n in shape if type(n) is int]:
            wanted = self.constant(np.array([-1 if isinstance(n, Length) else n for n in shape], INT64))
        else:
            wanted = self.vector(shape)
        zeros = 1 if any(type(n) is int and n == 0 for n in shape) else None
        return self.node("Reshape", [name, wanted], self.dtypes[name], allowzero=zeros)

    def rename(self, inner: str, name: str) -> None:
        """Call the result of a node by the name of an output; what is an input or an output already is copied."""
        self.used.add(name)
        makers = [node for node in self.nodes if inner in node.output]
        if not makers or inner in self.exits:
            self.nodes.append(self.onnx.helper.make_node("Identity", [inner], [name], self.unique(f"{name}/Identity")))
            self.exits.add(name)
            return
        for node in self.nodes:
            for names in (node.input, node.output):
                names[:] = [name if own == inner else own for own in names]
        for value, own in self.names.items():
            if own == inner:
                self.names[value] = name
        self.dtypes[name] = self.dtypes[inner]
        self.exits.add(name)

    def in_use(self, outputs: Sequence[str]) -> tuple[list[Any], dict[str, ndarray]]:
        """The nodes and initializers that the outputs need, in their order."""
        needed, kept = set(outputs), []
        for node in reversed(self.nodes):
            if needed & set(node.output):
                kept.append(node)
                needed.update(node.input)
        return kept[::-1], {name: array for name, array in self.initializers.items() if name in needed}


class Needed(Exception):  # noqa: N818
    """An operand has no name: what is computed from it has none, for the same reason."""

    def __init__(self, lacking: Lacking) -> None:
        self.lacking = lacking


def plain(value: Any) -> Any:
    """An attribute as ONNX takes it; refused if it changes with a size."""
    if isinstance(value, (tuple, list)):
        return [plain(part) for part in value]
    if isinstance(value, Differing):
        raise Fixed("has a setting that changes with a size")
    return value.item() if isinstance(value, np.generic) else value


def is_range(arrays: Sequence[ndarray]) -> bool:
    """Whether the elements of all arrays are the same integers at equal distances, as many as they have."""
    first, *_ = flat = [array.reshape(-1).astype(np.float64) for array in arrays]
    step = first[1] - first[0] if first.size > 1 else 1.0
    return first[0] % 1 == step % 1 == 0 and all(np.array_equal(x, first[0] + step * np.arange(x.size)) for x in flat)


def same_arrays(a: ndarray, b: ndarray) -> bool:
    """Whether two arrays have the same shape and contents."""
    return a.shape == b.shape and a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
