"""The state of a module: saved, loaded, converted; all of it or, after an error, nothing."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from ..engine.node import Memory, clock
from ..tensor.tensor import Tensor
from .tree import Branch, entries


class IncompatibleKeys(NamedTuple):
    """The names on which a state and a module did not agree; both empty after a strict load."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def saved(module: Branch) -> dict[str, tuple[Tensor, Any, str]]:
    """What a state consists of, parameters and persistent buffers: each with its module and the name there."""
    found: dict[str, tuple[Tensor, Any, str]] = {}
    for full_name, value, holder, name in entries(module):
        if isinstance(value, Tensor) and name not in holder._not_saved:
            if full_name in found:
                raise RuntimeError(f"{type(module).__name__} has two different {full_name}: rename one.")
            found[full_name] = value, holder, name
    return found


def load(module: Branch, state: Mapping[str, Any], strict: bool) -> IncompatibleKeys:
    """What ``Module.load_state_dict`` does."""
    if not isinstance(state, Mapping):
        raise TypeError(f"expected a state_dict, names with tensors, got {type(state).__name__}.")
    own = saved(module)
    lacking = {name: (holder, key) for name, (_, holder, key) in own.items() if name not in state}
    missing = [name for name, (holder, key) in lacking.items() if key not in holder._optional_keys]
    unexpected = [name for name in state if name not in own]
    problems = [
        f"{what} key(s) in state_dict: {', '.join(map(repr, names))}."
        for what, names in (("Missing", missing), ("Unexpected", unexpected))
        if strict and names
    ]
    values: list[tuple[Tensor, ndarray]] = []
    for name, (leaf, *_) in own.items():
        if name in state:
            try:
                values.append((leaf, fitting(name, leaf, state[name])))
            except (ValueError, OverflowError) as error:
                problems.append(str(error))
    if problems:
        raise RuntimeError("\n\t".join([f"Error(s) in loading state_dict for {type(module).__name__}:", *problems]))
    warn_of_lacking(module, lacking, state)
    for leaf, array in values:
        leaf.array[...] = array
        leaf.memory.changed = clock()
    return IncompatibleKeys(missing, unexpected)


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
        warnings.warn(f"{type(module).__name__}.load_state_dict: the state has {text}.", stacklevel=4)


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


def fitting(name: str, leaf: Tensor, value: Any) -> ndarray:
    """A copy of a saved value, in the dtype of the parameter or buffer it is for; an error if it does not fit."""
    try:
        array = value.array if isinstance(value, Tensor) else np.asarray(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is no array: {error}") from error
    if array.shape != leaf.shape:
        raise ValueError(f"size mismatch for {name}: the state has {array.shape}, the model {leaf.shape}.")
    if not np.can_cast(array.dtype, leaf.dtype, "same_kind"):
        raise ValueError(f"dtype mismatch for {name}: the state has {array.dtype}, the model {leaf.dtype}.")
    if not leaf.array.flags.writeable:
        raise ValueError(f"{name} of the model is read-only: give it memory of its own, {name}.data = values.clone().")
    return converted(f"overflow in {name}", array, leaf.dtype)
