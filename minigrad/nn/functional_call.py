"""``functional_call``: a module with other parameters and buffers, for one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine.node import Variable, describe, named
from ..tensor.tensor import Tensor
from .module import Module
from .parameter import Buffer, Parameter
from .tree import changes, contents, entries


class Lent:
    """A parameter or buffer that is another tensor for the length of a call."""

    def __init__(self, leaf: Tensor, value: Any) -> None:
        self.leaf, self.value = leaf, value
        self.before = leaf.array, leaf.node, leaf.memory
        leaf.array, leaf.node, leaf.memory = value.array, value.node, value.memory

    def give_back(self) -> None:
        """Make it what it was; what the call made of it is the other tensor's."""
        if self.leaf is not self.value:
            self.value.array, self.value.node, self.value.memory = self.leaf.array, self.leaf.node, self.leaf.memory
            self.leaf.array, self.leaf.node, self.leaf.memory = self.before


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    args: Any = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with other tensors in place of its parameters and buffers, so that it is a function of them.

    Args:
        module: the module; after the call it is what it was.
        parameter_and_buffer_dicts: tensors by the names of ``named_parameters`` and ``named_buffers``, or a sequence
            of such dicts without common names. What is not named stays the module's own. Changes of a buffer in the
            call (running statistics) are made to the tensor that is given for it.
        args: the arguments of the call as a tuple, or the only one.
        kwargs: arguments by name.
        tie_weights: True: parameters that several names share are all replaced by one of the names.
        strict: refuse missing and unexpected names; else they are left out.

    Raises:
        RuntimeError: with ``strict`` for missing and unexpected names.
        ValueError: for a name in two dicts, or different tensors for one shared parameter.

    >>> net = nn.Linear(2, 1, bias=False)
    >>> mg.func.functional_call(net, {"weight": mg.tensor([[1.0, 2.0]])}, mg.tensor([[3.0, 4.0]]))
    tensor([[11.]])
    """
    values = one_dict(parameter_and_buffer_dicts)
    leaves = {name: value for name, value, *_ in entries(module) if isinstance(value, (Parameter, Buffer))}
    if strict:
        refuse_names(module, leaves, values)
    values = {name: value for name, value in values.items() if name in leaves}
    chosen: dict[int, tuple[Tensor, Any]] = {}
    for name, value in values.items():
        _, other = chosen.setdefault(id(leaves[name]), (leaves[name], value))
        if other is not value:
            raise ValueError(f"functional_call: {name} is a shared parameter: give one tensor for it, not two.")
    if not tie_weights:
        refuse_tied(leaves, values)
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    lent: list[Lent] = []
    attributes = [(holder, dict(vars(holder))) for holder in module.modules()]
    try:
        lent.extend(Lent(leaf, value) for leaf, value in chosen.values())
        output = module(*args, **(kwargs or {}))
        for one in lent:
            output = replaced(output, one.leaf, one.value)
        return output
    finally:
        for one in reversed(lent):
            one.give_back()
        for holder, before in attributes:
            put_back(holder, before)


def put_back(holder: Module, before: Mapping[str, Any]) -> None:
    """Put parameters and buffers back that the call has replaced by others."""
    for name, value in before.items():
        if isinstance(value, (Parameter, Buffer)) and vars(holder).get(name) is not value:
            vars(holder)[name] = value
            changes.count += 1


def replaced(output: Any, leaf: Any, value: Any) -> Any:
    """What a call returned, with the given tensor where it returned the parameter itself."""
    if output is leaf:
        return value
    if isinstance(output, (list, tuple)) and any(part is leaf for _, part in contents("", output)):
        parts = [replaced(part, leaf, value) for part in output]
        return type(output)(*parts) if hasattr(output, "_fields") else type(output)(parts)
    if isinstance(output, dict):
        return {key: replaced(part, leaf, value) for key, part in output.items()}
    return output


def one_dict(dicts: Any) -> dict[str, Any]:
    """The dicts as one."""
    given = [dicts] if isinstance(dicts, Mapping) else dicts
    if not isinstance(given, (list, tuple)) or not all(isinstance(one, Mapping) for one in given):
        raise ValueError(f"functional_call: expected a dict of tensors or a sequence of dicts, got {describe(dicts)}.")
    values: dict[str, Any] = {}
    for one in given:
        for name, value in one.items():
            if name in values:
                raise ValueError(f"functional_call: {name} is in several of the dicts.")
            if not isinstance(value, Variable):
                raise TypeError(f"functional_call: {name} must be a tensor, got {named(value)}.")
            values[name] = value
    return values


def refuse_names(module: Module, leaves: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Refuse names that the module does not have, and those it has and that are not given."""
    unexpected = sorted(set(values) - set(leaves))
    named = {id(leaves[name]) for name in values if name in leaves}
    missing = sorted(name for name, leaf in leaves.items() if id(leaf) not in named)
    if unexpected or missing:
        wrong = [f"unexpected names {', '.join(unexpected)}"] * bool(unexpected)
        wrong += [f"missing names {', '.join(missing)}"] * bool(missing)
        raise RuntimeError(f"functional_call: {type(module).__name__}: {' and '.join(wrong)}.")


def refuse_tied(leaves: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Refuse to replace a shared parameter under one of its names only."""
    for name in values:
        others = [other for other, leaf in leaves.items() if leaf is leaves[name] and other not in values]
        if others:
            raise RuntimeError(
                f"functional_call: {name} is the same parameter as {', '.join(others)}: tie_weights=False cannot "
                "replace it under one name only. Give a tensor for each of its names, or let tie_weights be True."
            )
