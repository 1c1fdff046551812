"""Methods of modules that find or set what has a dotted name, and PyTorch's methods that are not there."""

from __future__ import annotations

import difflib
from typing import Any

from ..engine.arguments import a_type
from .parameter import Buffer, Parameter
from .tree import Branch, entries, held, members


class Absent:
    """A method of PyTorch's modules that there is none of here: who looks for it is told why."""

    def __init__(self, why: str) -> None:
        self.why = why

    def __repr__(self) -> str:
        return f"<not here: {self.why}>"

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        raise AttributeError(f"{owner.__name__}.{self.name}: {self.why}", name=self.name)


class Named(Branch):
    """Finds parameters, buffers and modules by name."""

    bfloat16 = Absent("NumPy has no bfloat16: use half() or float().")
    compile = Absent("mg.compile(model) gives a compiled model to predict with, mg.compile(train_step) a step.")
    ipu = Absent("minigrad runs on the CPU.")
    mtia = Absent("minigrad runs on the CPU.")
    register_backward_hook = Absent("deprecated in PyTorch: use register_full_backward_hook.")
    share_memory = Absent("tensors are not shared by processes: send state_dict() to them.")
    to_empty = Absent("there is no other device to be empty on: fill the parameters in place, under no_grad().")
    xpu = Absent("minigrad runs on the CPU.")

    def get_parameter(self, target: str) -> Parameter:
        """The parameter of a dotted name, the ``target``, as ``named_parameters`` gives it.

        Raises:
            AttributeError: if nothing has that name, with names that are near, or what has it is no parameter.

        >>> net = nn.Sequential(nn.Linear(2, 3))
        >>> net.get_parameter("0.bias") is net[0].bias
        True
        """
        return found(self, target, Parameter)  # type: ignore[no-any-return]

    def get_buffer(self, target: str) -> Buffer:
        """The buffer of a dotted name, the ``target``, as ``named_buffers`` gives it.

        Raises:
            AttributeError: if nothing has that name, with names that are near, or what has it is no buffer.

        >>> nn.Sequential(nn.BatchNorm1d(2)).get_buffer("0.running_mean")
        tensor([0., 0.])
        """
        return found(self, target, Buffer)  # type: ignore[no-any-return]

    def set_submodule(self, target: str, module: Any, strict: bool = False) -> None:
        """Put another module where a dotted name is, also in a list or dict of modules.

        Args:
            target: the name; all of it but the last part has to be there.
            module: the module.
            strict: refuse a name that is not there yet.

        Raises:
            ValueError: for an empty name, or what is no module.
            AttributeError: if the name is not there.

        >>> net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        >>> net.set_submodule("1", nn.Tanh())
        >>> net[1]
        Tanh()
        """
        if not target or not isinstance(target, str):
            raise ValueError(f"set_submodule: a submodule has a name, got {target!r}.")
        if not isinstance(module, Named):
            raise ValueError(f"set_submodule: {target} must be a module, got {a_type(module)}.")
        there = held(self, target)
        if there is not None and not isinstance(there, Named):
            raise AttributeError(f"{type(self).__name__}.{target} is {a_type(there)}, not a module.")
        if there is None and strict:
            raise missing(self, target, Named)
        holder, rest = place_of(self, target)
        *outer, name = rest.split(".")
        place: Any = vars(holder)
        for key in outer:
            place = place.get(key) if isinstance(place, dict) else item(place, key)
        if outer and not isinstance(place, (list, dict)):
            raise missing(self, target, Named)
        if not outer:
            setattr(holder, name, module)
        elif isinstance(place, dict):
            place[next((key for key in place if str(key) == name), name)] = module
        elif name.isdecimal() and int(name) < len(place):
            place[int(name)] = module
        else:
            raise missing(self, target, Named)


def place_of(module: Branch, target: str) -> tuple[Branch, str]:
    """The innermost module that a name leads to, and the rest of the name."""
    for name, value in members(module):
        if isinstance(value, Branch) and target.startswith(f"{name}."):
            return place_of(value, target[len(name) + 1 :])
    return module, target


def item(place: Any, key: str) -> Any:
    """What a list has at a number; None if it is no list, or has none."""
    fits = isinstance(place, list) and key.isdecimal() and int(key) < len(place)
    return place[int(key)] if fits else None


def found(module: Branch, target: Any, kind: type) -> Any:
    """The parameter or buffer of a name."""
    value = held(module, target) if isinstance(target, str) else None
    if value is None:
        raise missing(module, target, kind)
    if not isinstance(value, kind):
        raise AttributeError(f"{type(module).__name__}.{target} is {a_type(value)}, not a {kind.__name__}.")
    return value


def missing(module: Branch, target: Any, kind: type) -> AttributeError:
    """The error for a name that is not there, with names that are near."""
    names = [name for name, value, *_ in entries(module) if isinstance(value, kind)]
    near = difflib.get_close_matches(str(target), names, 3) or names[:5]
    what = "module" if kind is Named else kind.__name__
    return AttributeError(
        f"{type(module).__name__} has no {what} {target!r}; "
        + (f"near names: {', '.join(near)}." if near else "it has none.")
    )
