"""The state of a module: saved, loaded, converted; all of it or, after an error, nothing."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from ..engine.node import Memory, clock, wrap
from ..tensor.tensor import Tensor
from .parameter import Buffer
from .snapshot import Snapshot
from .tree import Branch, entries, joined, members, named_leaves, walk


class IncompatibleKeys(NamedTuple):
    """The names on which a state and a module did not agree; both empty after a strict load."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


EXTRA = "_extra_state"
"""The name of what ``get_extra_state`` returns, in a state."""


def saved(module: Branch, prefix: str = "") -> dict[str, tuple[Any, Any, str]]:
    """What a state consists of, parameters and persistent buffers: each with its module and the name there.

    Behind those of a module that defines ``get_extra_state`` that name has None in place of the tensor.
    """
    found: dict[str, tuple[Any, Any, str]] = {}
    for path, holder in walk(module, prefix):
        kept = [(name, value) for name, value in members(holder) if is_saved(value)]
        for name, value in [*kept, (EXTRA, None)] if holder._has_extra("get") else kept:
            full_name = joined(path, name)
            if full_name in found:
                raise RuntimeError(f"{type(module).__name__} has two different {full_name}: rename one.")
            found[full_name] = value, holder, name
    return found


def is_saved(member: Any) -> bool:
    """Whether a state has what a module holds: parameters, and buffers that are persistent."""
    return isinstance(member, Tensor) and not (isinstance(member, Buffer) and not member.persistent)


class Agreement:
    """The names on which a state and a module do not agree, and what else is wrong."""

    def __init__(self) -> None:
        self.keys = IncompatibleKeys([], [])
        self.errors: list[str] = []

    def ask(self, module: Branch, state: Any, strict: bool) -> None:
        """Have the hooks before loading change the state, and say what is wrong."""
        for path, holder in walk(module):
            for hook in holder._hooks_of("load_pre"):
                hook(holder, state, path and f"{path}.", {"version": 1}, strict, *self.keys, self.errors)

    def refuse(self, module: Any, strict: bool) -> None:
        """One error for all of it."""
        names = {"Missing": self.keys.missing_keys, "Unexpected": self.keys.unexpected_keys}
        problems = [
            f"{what} key(s) in state_dict: {', '.join(map(repr, some))}."
            for what, some in names.items()
            if strict and some
        ]
        problems += self.errors
        if problems:
            title = f"Error(s) in loading state_dict for {type(module).__name__}:"
            raise RuntimeError("\n\t".join([title, *problems]))


def load(module: Any, state: Mapping[str, Any], strict: bool, assign: bool) -> IncompatibleKeys:
    """What ``Module.load_state_dict`` does."""
    if not isinstance(state, Mapping):
        raise TypeError(f"expected a state_dict, names with tensors, got {type(state).__name__}.")
    modules = [holder for _, holder in walk(module)]
    if not any(holder._hooks or holder._has_extra("set") for holder in modules):
        return load_all(module, state, strict, assign)
    leaves = [leaf for _, leaf in named_leaves(module, Tensor)]
    before = Snapshot(modules, leaves)
    try:
        return load_all(module, OrderedDict(state), strict, assign)
    except BaseException:  # users' code may raise anything at any point
        before.restore()
        for leaf in leaves:
            if leaf.node is not None:
                leaf.node.dtype = leaf.dtype
        raise


def load_all(module: Any, state: Any, strict: bool, assign: bool) -> IncompatibleKeys:
    """Check all, and then write it; hooks and extra states are users' code, after which all is checked again."""
    found = Agreement()
    missing, unexpected = found.keys
    found.ask(module, state, strict)
    own = saved(module)
    lacking = {name: (holder, key) for name, (_, holder, key) in own.items() if name not in state}
    missing += [name for name, (holder, key) in lacking.items() if key not in holder._optional_keys]
    unexpected += [name for name in state if name not in own]
    values: list[tuple[Tensor, Any]] = []
    extras: list[tuple[Any, Any]] = []
    for name, (leaf, holder, _) in own.items():
        if name in state and leaf is None:
            extras.append((holder, state[name]))
        elif name in state:
            try:
                values.append((leaf, given(name, leaf, state[name]) if assign else fitting(name, leaf, state[name])))
            except (ValueError, OverflowError) as error:
                found.errors.append(str(error))
    late = any(holder._hooks_of("load_post") for holder in module.modules())
    found.refuse(module, strict and not late)  # hooks after loading may take names from the lists
    warn_of_lacking(module, lacking, state)
    for leaf, value in values:
        if assign:
            become(leaf, value)
        else:
            leaf.array[...] = value
            leaf.memory.changed = clock()
    for holder, extra in extras:
        holder.set_extra_state(extra)
    after_loading(module, found.keys)
    found.refuse(module, strict)
    return found.keys


def after_loading(module: Branch, keys: IncompatibleKeys) -> None:
    """Call the hooks after loading, which may take names from the lists."""
    for _, holder in walk(module, inner_first=True):
        for hook in holder._hooks_of("load_post"):
            if hook(holder, keys) is not None:
                raise RuntimeError("a hook after loading returns None: change the lists of names in place.")


def given(name: str, leaf: Tensor, value: Any) -> Any:
    """A saved value as a tensor that may take the place of a parameter or buffer; a copy if it is no tensor."""
    fitting(name, leaf, value, any_dtype=True)
    tensor = value if isinstance(value, Tensor) and value.array.flags.writeable else wrap(np.array(unwrapped(value)))
    if leaf.requires_grad and tensor.dtype.kind != "f":
        raise ValueError(f"dtype mismatch for {name}: the state has {tensor.dtype}, which cannot require grad.")
    return tensor


def unwrapped(value: Any) -> Any:
    """The array of a tensor; other values as they are."""
    return value.array if isinstance(value, Tensor) else value


def become(leaf: Tensor, value: Tensor) -> None:
    """Give a parameter or buffer the memory of another tensor, in its dtype."""
    leaf.array, leaf.memory = value.array, value.memory
    leaf.memory.shared = True
    if leaf.node is not None:
        leaf.node.dtype = value.dtype
    if leaf._grad is not None and leaf._grad.dtype != value.dtype:
        leaf._grad = None


def warn_of_lacking(module: Branch, lacking: Mapping[str, tuple[Any, str]], state: Iterable[Any]) -> None:
    """One warning if a state lacks an optional name without which what it has is worth less."""
    reasons: dict[str, list[str]] = {}
    for full_name, (holder, name) in lacking.items():
        loaded = any(str(key).startswith(full_name.removesuffix(name)) for key in state)
        reason = holder._worth_without(name) if loaded else ""
        if reason:
            reasons.setdefault(reason, []).append(full_name)
    if reasons:
        text = "; ".join(f"no {', '.join(names)}: {reason}" for reason, names in reasons.items())
        warnings.warn(f"{type(module).__name__}.load_state_dict: the state has {text}.", stacklevel=5)


def convert(module: Branch, dtype: Any) -> None:
    """What ``Module.to`` does."""
    title, dtype = f"{type(module).__name__}.to", np.dtype(dtype)
    if dtype.kind != "f":
        raise TypeError(f"{title}: parameters must stay floating point, got {dtype}.")
    # all values are converted before the first is replaced
    new: dict[int, tuple[Tensor, ndarray, ndarray | None]] = {}
    for name, leaf, holder, _ in entries(module):
        if not isinstance(leaf, Tensor) or leaf.dtype.kind != "f" or id(leaf) in new:
            continue
        wanted = holder._dtype_for(leaf, dtype)
        if leaf.dtype != wanted:
            array = converted(f"{title}: {name}", leaf.array, wanted)
            gradient = None if leaf.grad is None else converted(f"{title}: {name}.grad", leaf.grad.array, wanted)
            new[id(leaf)] = leaf, array, gradient
    for leaf, array, gradient in new.values():
        leaf.array, leaf.memory, leaf._grad = array, Memory(), gradient
        if leaf.node is not None:
            leaf.node.dtype = array.dtype


# -- values: converted and checked before the first is written ----------------------------------


def converted(title: str, array: ndarray, dtype: np.dtype[Any]) -> ndarray:
    """A copy in another dtype; OverflowError, beginning with ``title``, for a value that it cannot hold."""
    with np.errstate(all="ignore"):
        copy = array.astype(dtype)
    lost = np.isfinite(array) & ~np.isfinite(copy) if dtype.kind == "f" else copy != array
    if lost.any():
        raise OverflowError(f"{title}: {array[lost][0]} is too large for {dtype}.")
    return copy


def fitting(name: str, leaf: Tensor, value: Any, any_dtype: bool = False) -> ndarray:
    """A copy of a saved value, in the dtype of the parameter or buffer it is for; an error if it does not fit."""
    try:
        array = value.array if isinstance(value, Tensor) else np.asarray(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is no array: {error}") from error
    if array.shape != leaf.shape:
        raise ValueError(f"size mismatch for {name}: the state has {array.shape}, the model {leaf.shape}.")
    if any_dtype and array.dtype.kind == leaf.dtype.kind:
        return array
    if not np.can_cast(array.dtype, leaf.dtype, "same_kind"):
        raise ValueError(f"dtype mismatch for {name}: the state has {array.dtype}, the model {leaf.dtype}.")
    if not leaf.array.flags.writeable:
        raise ValueError(f"{name} of the model is read-only: give it memory of its own, {name}.data = values.clone().")
    return converted(f"overflow in {name}", array, leaf.dtype)
