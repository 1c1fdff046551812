"""A forward pass that leaves no trace: what is drawn of a module and its inputs."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from numpy import ndarray

from ..engine.modes import enable_grad
from ..engine.node import Variable, array_of, wrap
from ..nn.module import Module
from ..nn.snapshot import Snapshot
from ..tensor.tensor import Tensor
from .containers import inside, replaced


def perhaps_meant(names: Iterable[str], options: Iterable[str]) -> str:
    """The option that the first of the names is like, as a question."""
    close = difflib.get_close_matches(next(iter(names), ""), options, 1)
    return f" Did you mean {close[0]}=?" if close else ""


class Pass(NamedTuple):
    """A forward pass of a module."""

    outputs: list[Tensor]
    """With their graph."""
    inputs: list[tuple[str, Tensor]]
    """Leaves of that graph, with their names."""
    leaves: dict[int, Tensor]
    """The same by the ids of the tensors and arrays that were given."""

    def named(self, names: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Names of tensors of the pass: of a tensor that was given that of its leaf."""
        return {name: self.leaves.get(id(tensor), tensor) for name, tensor in names.items()}


def record(
    module: Module, inputs: Sequence[Any], named_inputs: Mapping[str, Any], options: Iterable[str] = ()
) -> Pass:  # fmt: skip
    """A forward pass, after which the module is what it was.

    ``options`` are those of the caller: one of them that is misspelt comes as an input.
    """
    signature = inspect.signature(module.forward)
    try:
        bound = signature.bind(*inputs, **named_inputs)
    except TypeError as error:
        unknown = [name for name in named_inputs if name not in signature.parameters]
        taken = ", ".join(map(bare, signature.parameters.values()))
        raise TypeError(
            f"draw(model, *inputs): {type(module).__name__}.forward({taken}): {error}.{perhaps_meant(unknown, options)}"
        ) from None
    copies: dict[int, Any] = {}
    leaves: dict[int, Tensor] = {}

    def as_leaf(value: Any) -> Any:
        leaves[id(value)] = made = leaf(value)
        return made

    named: list[tuple[str, Tensor]] = []
    for name, value in bound.arguments.items():
        bound.arguments[name] = value = replaced(value, (Variable, ndarray), as_leaf, copies)
        collected = signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD
        named += [
            pair
            for key, part in (value.items() if collected else [(name, value)])
            for pair in inside(part, key, Tensor)
        ]
    try:
        with Snapshot.of(module), enable_grad():
            return Pass(tensors_in(module(*bound.args, **bound.kwargs)), named, leaves)
    except Exception as error:
        error.add_note(
            f"draw has called {type(module).__name__} with these inputs, which it fails on; the model is as it was."
        )
        raise


def leaf(value: Any) -> Any:
    """A tensor over the memory of a tensor or an array of numbers, which requires grad if it can."""
    if isinstance(value, ndarray) and value.dtype.kind not in "fiub":
        return value
    tensor = wrap(array_of(value))
    return tensor.requires_grad_() if tensor.dtype.kind == "f" else tensor


def tensors_in(value: Any) -> list[Tensor]:
    """The tensors that a value is or holds."""
    return [tensor for _, tensor in inside(value, "", Tensor)]


def bare(parameter: inspect.Parameter) -> str:
    """A parameter without its type."""
    return str(parameter.replace(annotation=inspect.Parameter.empty))
