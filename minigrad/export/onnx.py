"""ONNX files: a model's forward pass as a graph that other programs run."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import IO, Any

import numpy as np
from numpy import ndarray

from ..compile.program import Program, Result, Value
from ..compile.trees import leaves_like, tree_leaves
from ..engine.arguments import a_type
from ..engine.node import Variable, array_of, describe
from ..io.atomic import as_path, replacing
from ..nn.module import Module
from ..tensor.creation import tensor
from .captures import Axes, captured
from .errors import Fixed, OnnxExporterError
from .graph import WRITTEN, Graph, Lacking
from .lengths import OTHERWISE, Length, Parallel, Sizes
from .walk import CURE, Walk

OPSETS = range(17, 24)
"""The versions of ONNX's operators that can be written. LayerNormalization is there from 17 on."""
DEFAULT_OPSET = 17
LARGEST = 2**31 - 2**20
"""So many bytes of parameters fit into a file: protobuf holds less than 2 GiB."""
DOC = (
    "Written by minigrad from the captured forward pass. BatchNormalization in training mode is as the runtime has it: "
    "see its doc_string."
)


def package() -> Any:
    """The package onnx."""
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        raise ImportError('minigrad writes .onnx files with the package onnx: pip install "minigrad[onnx]"') from error
    return onnx


def export(
    model: Callable[..., Any],
    args: Any,
    f: str | os.PathLike[str] | IO[bytes],
    *,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    opset_version: int | None = None,
    dynamic_axes: Mapping[str, Any] | None = None,
) -> None:
    """Write a model as an ONNX file, which other programs run.

    The model is run with its example, as it is: each module in its own mode. Whole operations become nodes where ONNX
    has them (``Gemm``, ``Conv``, ``BatchNormalization``, ...), everything else the elementary ones it consists of.
    Nodes are named by their modules, initializers as in ``state_dict()``; a weight that is shared is there once.

    BatchNorm in evaluation is an inference node. In training it is a node with ``training_mode=1``: its momentum is
    that of ONNX, the weight of the old statistics (1 - momentum), and its running variance is the biased one there,
    which its ``doc_string`` says; the running statistics are inputs that need not be given. Dropout in evaluation is
    nothing, in training a ``Dropout`` node whose masks are the runtime's. GroupNorm and InstanceNorm are written by
    ``LayerNormalization``, which runtimes compute without cancellation. The dtypes are the model's: onnxruntime has no
    ``Conv`` and ``AveragePool`` of float64. What the forward pass changes, such as running statistics, a file cannot
    keep.

    The model is run again with other sizes, and what is different then follows from the sizes: so a reshape by the
    length of the batch is right for every batch. Where that cannot be found out it is refused, not written for one
    batch.

    Args:
        model: a module, or a function of tensors.
        args: an example of its input: a tensor, an array, a tuple of the arguments, or a dict of them by name.
        f: the path of the file, whose folder must exist, or an open binary file. After an error the file is what it was
            before.
        input_names: of the tensors among the arguments; by default the names of the arguments.
        output_names: of the results; by default ``output``, or ``output_0`` and so on, or the keys of a dict.
        opset_version: the version of the operators, 17 to 23. 17, the default, is the first that has
            LayerNormalization, and what the most programs read.
        dynamic_axes: which axes may have another length than in the example, by the input's name: ``{"x": {0: "batch",
            2: "length"}}`` or ``{"x": [0, 2]}``. By default axis 0 of every input, ``batch``, that has the length of
            the first one's. ``{}``: none.

    Raises:
        ImportError: without the package onnx.
        OnnxExporterError: for what has no form in ONNX, naming operations and modules, for random numbers, for a
            decision on a value, and for what changes with a size in a way that a graph cannot follow. Nothing is
            written then.
        ValueError, TypeError: for arguments that do not fit.
        OSError: if the file cannot be written, with the cure.

    >>> import importlib.util
    >>> model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.ReLU()).eval()
    >>> if importlib.util.find_spec("onnx"):
    ...     mg.onnx.export(model, mg.zeros(2, 4), "model.onnx")
    """
    onnx = package()
    if not hasattr(f, "write"):
        as_path(f)
    opset = checked_opset(opset_version)
    keywords, arguments = isinstance(args, Mapping), arguments_of(args)
    names = names_of_inputs(model, arguments, keywords, input_names)
    axes, sizes = axes_of(names, arguments, dynamic_axes)
    programs = captured(model, arguments, keywords, axes, Sizes(sizes))
    outputs = names_of_outputs(programs[0].outputs, output_names)
    strangers = [name for name in dynamic_axes or () if name not in (*names.values(), *outputs)]
    if strangers:
        raise ValueError(
            f"onnx.export: dynamic_axes names {strangers[0]!r}; there are {', '.join([*names.values(), *outputs])}."
        )
    content = written(onnx, opset, programs, (names, axes, Sizes(sizes)), outputs, type(model).__name__)
    if hasattr(f, "write"):
        f.write(content)
        return
    with replacing(f) as file:
        file.write(content)


# -- arguments -----------------------------------------------------------------------------------


def checked_opset(version: Any) -> int:
    """The version of the operators, refused out of range."""
    if version is None:
        return DEFAULT_OPSET
    if type(version) is not int or version not in OPSETS:
        raise ValueError(
            f"onnx.export: opset_version must be an integer from {OPSETS[0]} to {OPSETS[-1]}, got {version!r}."
        )
    return version


def arguments_of(args: Any) -> tuple[Any, ...]:
    """The arguments of the model; a list of numbers is a tensor."""
    if isinstance(args, Mapping):
        return (dict(args),)
    if isinstance(args, tuple):
        return args
    if isinstance(args, list) and not any(isinstance(leaf, (Variable, ndarray)) for leaf in tree_leaves(args)):
        return (tensor(args),)
    return (args,)


def named_leaves(tree: Any, name: str) -> Iterable[str]:
    """A name for each leaf, in the order of ``tree_leaves``: of nested ones their keys or numbers behind it."""
    if isinstance(tree, dict):
        parts: Iterable[tuple[Any, Any]] = tree.items()
    elif isinstance(tree, (tuple, list)):
        parts = enumerate(tree)
    else:
        yield name
        return
    for key, part in parts:
        yield from named_leaves(part, f"{name}_{key}" if name else str(key))


def names_of_inputs(model: Any, arguments: Any, keywords: bool, given: Sequence[str] | None) -> dict[int, str]:
    """The names of the arguments that are tensors, by their numbers."""
    if keywords:
        own = list(named_leaves(arguments[0], ""))
    else:
        parameters = parameters_of(model.forward if isinstance(model, Module) else model, len(arguments))
        own = [leaf for name, part in zip(parameters, arguments) for leaf in named_leaves(part, name)]
    leaves = tree_leaves(arguments)
    numbers = [i for i, leaf in enumerate(leaves) if isinstance(leaf, (Variable, ndarray))]
    if not numbers:
        raise TypeError(
            f"onnx.export: the example must have a tensor or an array, got {', '.join(map(a_type, leaves)) or 'none'}: "
            "export(model, x, 'model.onnx')."
        )
    for number in numbers:
        if array_of(leaves[number]).dtype not in WRITTEN:
            raise TypeError(f"onnx.export: {own[number]} is {describe(leaves[number])}, which ONNX has not.")
    names = [own[i] for i in numbers] if given is None else checked_names("input_names", given, len(numbers))
    return dict(zip(numbers, names))


def parameters_of(function: Callable[..., Any], count: int) -> list[str]:
    """Names for so many positional arguments of a function: those of its parameters."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        parameters = ()  # type: ignore[assignment]
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)][:count]
    rest = [f"input_{i}" for i in range(len(names), count)]
    return [*names, *(rest if names or count > 1 else ["input"])]


def checked_names(argument: str, given: Any, count: int) -> list[str]:
    """Names that are as many as needed, and different."""
    names = [given] if isinstance(given, str) else list(given)
    if len(names) != count or len(set(names)) != count or not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"onnx.export: {argument} must be {count} different names, got {given!r}.")
    return names


def axes_of(names: dict[int, str], arguments: Any, given: Mapping[str, Any] | None) -> tuple[Axes, dict[str, int]]:
    """For each input the names of the sizes of axes that may change; and the sizes in the example."""
    leaves = tree_leaves(arguments)
    shapes = {name: array_of(leaves[number]).shape for number, name in names.items()}
    if given is None:
        batch = next((shape[0] for shape in shapes.values() if shape), None)
        wanted = {name: {0: "batch"} for name, shape in shapes.items() if shape and shape[0] == batch}
    else:
        wanted = {name: named_axes(name, given[name]) for name in shapes if name in given}
    sizes: dict[str, int] = {}
    axes: Axes = {}
    for number, name in names.items():
        for axis, size in wanted.get(name, {}).items():
            shape = shapes[name]
            if type(axis) is not int or not -len(shape) <= axis < len(shape):
                raise ValueError(f"onnx.export: dynamic_axes: {name} of shape {shape} has no axis {axis!r}.")
            length = shape[axis]
            if not length or sizes.setdefault(size, length) != length:
                other = "is empty" if not length else f"has {length} where another has {sizes[size]}"
                raise ValueError(f"onnx.export: {size!r}: axis {axis} of {name} {other}: give an example that fits.")
            axes.setdefault(number, {})[axis % len(shape)] = size
    return axes, sizes


def named_axes(name: str, given: Any) -> dict[int, str]:
    """The axes of an input with names of their sizes; a list of axes is without names."""
    if isinstance(given, Mapping):
        return {axis: str(size) for axis, size in given.items()}
    if not isinstance(given, (tuple, list)):
        raise TypeError(
            f"onnx.export: dynamic_axes[{name!r}] must be a dict of axes and names, or a list of axes, got {given!r}."
        )
    return {axis: f"{name}_{axis}" for axis in given}


# -- the file ------------------------------------------------------------------------------------


def written(
    onnx: Any, opset: int, programs: Sequence[Program], inputs: tuple[dict[int, str], Axes, Sizes],
    outputs: Sequence[str], title: str,
) -> bytes:  # fmt: skip
    """The file of a model, checked."""
    names, axes, sizes = inputs
    parallel = Parallel(sizes)
    graph = Graph(onnx, opset, parallel, programs[0].instructions)
    entries = [declare(graph, programs, number, name, axes.get(number, {})) for number, name in names.items()]
    known(graph, programs)
    Walk(graph, programs).run()
    exits = [result(graph, value, name) for value, name in zip(outputs_of(programs, parallel), outputs)]
    nodes, initializers = graph.in_use([exit.name for exit in exits])
    size = sum(array.nbytes for array in initializers.values())
    if size > LARGEST:
        raise OnnxExporterError(
            f"onnx.export: the parameters take {size / 2**30:.1f} GiB, and a file holds less than 2: use model.half()."
        )
    entries += [entry(graph, name, initializers[name], initializers[name].shape)
                for name in graph.defaults if name in initializers]  # fmt: skip
    made = onnx.helper.make_graph(
        nodes, title, entries, exits,
        [onnx.numpy_helper.from_array(np.asarray(array, order="C"), name) for name, array in initializers.items()],
    )  # fmt: skip
    proto = onnx.helper.make_model(
        made, opset_imports=[onnx.helper.make_opsetid("", opset)], producer_name="minigrad",
        producer_version=version(), doc_string=DOC,
    )  # fmt: skip
    proto.ir_version = onnx.helper.find_min_ir_version_for(proto.opset_import)
    try:
        onnx.checker.check_model(proto, full_check=True)
    except Exception as error:  # the package has classes of its own for each step of the check
        raise OnnxExporterError(f"onnx.export: the graph does not pass onnx.checker: {error}") from error
    content: bytes = proto.SerializeToString()
    return content


def version() -> str:
    """The version of this package, whose face is imported after this file."""
    found: str = sys.modules[__name__.partition(".")[0]].__version__
    return found


def declare(graph: Graph, programs: Sequence[Program], number: int, name: str, axes: dict[int, str]) -> Any:
    """Name an input; returns its entry."""
    values = tuple(dict(program.inputs)[number] for program in programs)
    first = graph.parallel.value(values)
    graph.used.add(name)
    graph.names[first], graph.dtypes[name] = name, first.dtype
    for axis, size in axes.items():
        graph.sources.setdefault(size, (name, axis))
    return entry(graph, name, first, [axes.get(i, n) for i, n in enumerate(first.shape)])


def entry(graph: Graph, name: str, value: Any, shape: Sequence[Any]) -> Any:
    """What a graph says of an input or an output."""
    helper = graph.onnx.helper
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), shape)


def known(graph: Graph, programs: Sequence[Program]) -> None:
    """Take parameters, buffers and constants, which become initializers where they are asked for."""
    for table, program in zip(graph.arrays, programs):
        for place, value in program.every_state:
            array = array_of(place.get())
            if isinstance(array, ndarray):
                table[value] = place.name, array
        table.update({value: ("", array) for array, value in program.every_constant})


def names_of_outputs(tree: Any, given: Sequence[str] | None) -> list[str]:
    """The names of the tensors that the model returns; refused if it returns something else."""
    leaves = tree_leaves(tree)
    for leaf in leaves:
        if leaf is not None and not isinstance(leaf, Result):
            raise OnnxExporterError(f"onnx.export: the model returns {a_type(leaf)}, expected tensors.")
    own = named_leaves(tree, "" if isinstance(tree, dict) else "output")
    names = [name for name, leaf in zip(own, leaves) if isinstance(leaf, Result)]
    if not names:
        raise OnnxExporterError("onnx.export: the model returns no tensor.")
    return names if given is None else checked_names("output_names", given, len(names))


def outputs_of(programs: Sequence[Program], parallel: Parallel) -> list[Value]:
    """What the model returns; the tensors must be the same in all captures."""
    first = programs[0].outputs
    leaves = [
        [leaf for leaf in leaves_like(first, program.outputs) if isinstance(leaf, Result)] for program in programs
    ]
    try:
        if len({len(results) for results in leaves}) > 1:
            raise Fixed(OTHERWISE)
        return [parallel.value(tuple(leaf.value for leaf in together)) for together in zip(*leaves)]
    except Fixed as error:
        raise OnnxExporterError(f"onnx.export: the model {error}. {CURE}") from error


def result(graph: Graph, value: Value, name: str) -> Any:
    """Name an output; returns its entry. What has no form is refused here."""
    graph.path = ""
    lacking = graph.names.get(value)
    if isinstance(lacking, Lacking):
        raise OnnxExporterError(f"onnx.export: {lacking.reason.rstrip('.')}.")
    if name in graph.used:
        raise OnnxExporterError(f"onnx.export: the name {name!r} is taken: give output_names.")
    graph.rename(graph.read(value, value.dtype), name)
    shape = [n.symbol if isinstance(n, Length) else n for n in graph.shape(value)]
    return entry(graph, name, value, shape)
