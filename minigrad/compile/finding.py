"""What a step reads from outside of it: through its closure, globals by name, objects of bound methods, arguments.

Modules, optimisers and tensors are its state. Of other objects those attributes are looked at that the code of the
step, or of a function it can be seen to call, mentions by name. Packages are not looked into.
"""

from __future__ import annotations

import builtins
import dis
import functools
import importlib
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from ..engine.node import Variable
from ..nn.hooks import EVERYWHERE, Hook
from ..nn.module import Module
from ..optim.optimizer import Optimizer
from .trees import fields_of, is_record

MANY = 1000
"""Items of a list or dict from which it is not looked into: data, rather than parts of a model."""

PACKAGES = frozenset(("minigrad", "numpy", *sys.stdlib_module_names)) - {"__main__", "test"}
"""Packages whose functions and objects are not looked into."""

LOOKED_INTO = frozenset((("types", "SimpleNamespace"), ("argparse", "Namespace")))
"""Classes of such packages that hold what users put there."""

CONTAINERS = (list, tuple, dict, set, frozenset, deque)
PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic, np.dtype)


class Read(NamedTuple):
    """A variable of Python's that the step reads: a global, an attribute, or one of its closure."""

    name: str
    holder: Any
    """The dict it is in, or the cell of a closure."""
    key: str
    value: Any


class Names(NamedTuple):
    """What the code of a function mentions."""

    globals: frozenset[str]
    attributes: frozenset[str]


@functools.cache
def names_in(code: CodeType) -> Names:
    """The globals and attributes that code mentions, also the code of functions inside it."""
    found: tuple[set[str], set[str]] = (set(), set())
    for each in dis.get_instructions(code):
        if each.opname.endswith(("_GLOBAL", "_NAME")):
            found[0].add(each.argval)
        elif each.opname.endswith(("_ATTR", "_METHOD")):
            found[1].add(each.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inner = names_in(constant)
            found[0].update(inner.globals)
            found[1].update(inner.attributes)
    return Names(frozenset(found[0]), frozenset(found[1]))


def is_of_package(thing: Any) -> bool:
    """Whether a function, class or module belongs to this package, to NumPy or to Python.

    What is made by ``exec``, in a notebook or an example say, has "builtins" for its module, or that of who runs it.
    """
    name = thing.__name__ if isinstance(thing, ModuleType) else getattr(thing, "__module__", None)
    if not isinstance(name, str) or name.partition(".")[0] not in PACKAGES:
        return False
    if isinstance(thing, FunctionType):
        return thing.__globals__ is vars(sys.modules.get(name, builtins))
    return name != "builtins" or isinstance(thing, ModuleType) or hasattr(builtins, thing.__name__)


class Finding:
    """What a function reads from outside.

    Args:
        function: the step.
        state: what it reads and changes besides.
    """

    def __init__(self, function: Any, state: Iterable[Any] = ()) -> None:
        self.attributes: set[str] = set()
        self.start(function, state)
        for _ in range(4):  # attributes that are mentioned later may be of objects that were seen before
            known = len(self.attributes)
            self.start(function, state)
            if len(self.attributes) == known:
                return

    def start(self, function: Any, state: Iterable[Any]) -> None:
        """Look at everything once, with the attributes' names known so far."""
        self.state: list[tuple[str, Any]] = []
        self.reads: list[Read] = []
        self.boxes: list[tuple[str, Any]] = []
        """Lists, dicts and sets, whose items are read."""
        self.seen: dict[int, Any] = {}
        self.look("", function)
        for thing in state:
            self.look("", thing)

    def look(self, name: str, value: Any) -> None:
        """Look at one thing, by its kind, unless it was seen before."""
        if isinstance(value, PLAIN) or id(value) in self.seen:
            return
        self.seen[id(value)] = value
        kind = next((kind for kind in self.KINDS if isinstance(value, kind)), object)
        self.KINDS[kind](self, name, value)

    def look_at_state(self, name: str, value: Any) -> None:
        """A tensor, or an optimiser, with its hooks."""
        self.state.append((name, value))
        for hooks in getattr(value, "_hooks", {}).values() if isinstance(value, Optimizer) else ():
            for number, hook in hooks.items():
                self.look(f"hook {number} of {name}", hook)

    def look_at_module(self, name: str, value: Module) -> None:
        """A model: its methods that are users' own, its hooks, what its attributes hold besides parameters."""
        self.state.append((name, value))
        self.attributes.add("forward")
        for path, module in value.named_modules():
            full = ".".join(filter(None, (name, path)))
            self.seen[id(module)] = module
            for hook in hooks_of(module):
                self.look(f"a hook of {full}", hook)
            self.look_at_methods(full, module)
            for key, held in list(vars(module).items()):
                if key in self.attributes and not isinstance(held, (Module, Variable)):
                    self.look(f"{full}.{key}", held)

    def look_at_methods(self, name: str, value: Any) -> None:
        """The methods that are mentioned, of the classes that are users' own."""
        for base in type(value).__mro__:
            if not is_of_package(base):
                for key, method in list(vars(base).items()):
                    if key in self.attributes or key == "__call__":
                        self.look(f"{name}.{key}", getattr(method, "fget", None) or method)

    def look_at_function(self, name: str, value: FunctionType) -> None:
        """A user's function: its closure, its globals, its defaults."""
        if is_of_package(value):
            return
        names = names_in(value.__code__)
        self.attributes |= names.attributes
        for variable, cell in zip(value.__code__.co_freevars, value.__closure__ or ()):
            with_contents = contents_of(cell)
            self.read(variable, cell, variable, *with_contents)
        for variable in sorted(names.globals & value.__globals__.keys()):
            self.read(variable, value.__globals__, variable, value.__globals__[variable])
        for default in (*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()):
            self.look(name, default)
        self.look(name, getattr(value, "__wrapped__", None))

    def read(self, name: str, holder: Any, key: str, *value: Any) -> None:
        """A variable, unless it is a package or a part of one."""
        if not value:
            return
        (now,) = value
        if isinstance(now, (ModuleType, type, FunctionType, np.ufunc)) and is_of_package(now):
            return
        self.reads.append(Read(name, holder, key, now))
        self.look(name, now)

    def look_at_method(self, name: str, value: MethodType) -> None:
        """A bound method: its object, and the function."""
        self.look(name.rpartition(".")[0] or "self", value.__self__)
        self.look(name, value.__func__)

    def look_at_partial(self, name: str, value: functools.partial[Any]) -> None:
        """A function with some of its arguments."""
        for part in (value.func, *value.args, *value.keywords.values()):
            self.look(name, part)

    def look_at_box(self, name: str, value: Any) -> None:
        """A list, tuple, dict or set."""
        if len(value) > MANY:
            return
        self.boxes.append((name, value))
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            self.look(f"{name}.{key}", item)

    def look_at_object(self, name: str, value: Any) -> None:
        """Any other object: the attributes that are mentioned."""
        kind = type(value)
        if isinstance(value, (type, ndarray)):
            return
        if is_of_package(value if isinstance(value, ModuleType) else kind):
            if (kind.__module__, kind.__name__) not in LOOKED_INTO:
                self.look(name, getattr(value, "__wrapped__", None))  # a compiled step
                return
        elif not isinstance(value, ModuleType):
            self.look_at_methods(name, value)
        attributes = getattr(value, "__dict__", {})
        for key in sorted(self.attributes & attributes.keys()):
            self.read(f"{name}.{key}" if name else key, attributes, key, attributes[key])

    KINDS: dict[type, Callable[[Any, str, Any], None]] = {  # noqa: RUF012
        Module: look_at_module,
        Optimizer: look_at_state,
        Variable: look_at_state,
        FunctionType: look_at_function,
        MethodType: look_at_method,
        functools.partial: look_at_partial,
        **dict.fromkeys(CONTAINERS, look_at_box),
        object: look_at_object,
    }


def contents_of(cell: CellType) -> tuple[Any, ...]:
    """What is in the cell of a closure; nothing if its variable has no value yet."""
    try:
        return (cell.cell_contents,)
    except ValueError:
        return ()


def hooks_of(module: Module) -> Iterator[Any]:
    """The functions of a module's hooks, and of those of all modules."""
    for hooks in filter(None, (EVERYWHERE, module._hooks)):
        for kind in hooks.kinds.values():
            yield from (hook.function if isinstance(hook, Hook) else hook for hook in kind.values())


PLAIN_KEYS = (bool, int, float, complex, str, bytes, type(None), np.dtype)


def frozen(value: Any, depth: int = 4) -> Any:
    """A part of a key: plain values by their type and value, tuples, lists and dicts by these, others by identity."""
    if isinstance(value, (*PLAIN_KEYS, np.generic)):
        return type(value), value if value == value else repr(value)
    if depth and isinstance(value, (list, tuple)) and len(value) <= MANY:
        return type(value), *(frozen(item, depth - 1) for item in value)
    if depth and isinstance(value, dict) and len(value) <= MANY:
        return dict, *((key, frozen(item, depth - 1)) for key, item in value.items())
    if depth and is_record(type(value)):
        return type(value), *(frozen(item, depth - 1) for item in fields_of(value).values())
    return id(value)


def part_in_words(part: Any) -> str:
    """A part of a key: shape and dtype of an array, or a plain value; nothing for what is known by its identity."""
    if isinstance(part, bool):
        return str(part)
    match part:
        case (type(), tuple() as shape, np.dtype() as dtype, *_):
            return f"{shape} {dtype}"
        case (type() as kind, value) if type(value) is kind:
            return repr(value)
        case (str(), (type() as kind, value)) if type(value) is kind:  # an attribute
            return repr(value)
    return ""


def is_global(compiled: Any) -> bool:
    """Whether it is what its module has under the name of its function, as after ``@mg.compile``."""
    if isinstance(compiled._function, Module):
        return False
    try:
        module = importlib.import_module(compiled._function.__module__)
        return functools.reduce(getattr, compiled._name().split("."), module) is compiled
    except (AttributeError, ImportError):
        return False
