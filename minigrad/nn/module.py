"""``Module``: a tree of layers with parameters, buffers and a training/eval switch.

A module is an ordinary object. Its parameters, buffers and submodules are those of its attributes that
have the type, also inside lists, tuples, deques and dicts, in the order in which they were set. Nothing
has to be registered. Sets of modules are refused; inside objects of other kinds nothing is looked for.
"""

from __future__ import annotations

import contextlib
import reprlib
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Set, ValuesView
from threading import get_ident
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ..engine.modes import Scope, current, own_calls
from ..engine.node import Memory, array_of, clock
from ..tensor.creation import tensor
from ..tensor.tensor import Tensor
from .parameter import Buffer, Parameter

Self = TypeVar("Self", bound="Module")


class IncompatibleKeys(NamedTuple):
    """The names on which a state and a module did not agree; both empty after a strict load."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The modules, parameters and buffers that an attribute is or holds, with their names."""
    if isinstance(value, (Module, Parameter, Buffer)):
        yield name, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(f"{name}.{key}", item)
    elif isinstance(value, (list, tuple, deque)):
        for i, item in enumerate(value):
            yield from leaves(f"{name}.{i}", item)
    elif isinstance(value, (Set, ValuesView)) and any(isinstance(item, (Module, Parameter, Buffer)) for item in value):
        raise TypeError(f"{name} is a {type(value).__name__} of modules or parameters, without order: use a list.")


class Module:
    """The base of all layers and models: define ``forward``, call the module.

    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         self.layers = [nn.Linear(4, 8), nn.Linear(8, 2)]
    ...     def forward(self, x):
    ...         for layer in self.layers:
    ...             x = layer(x)
    ...         return x

    ``super().__init__()`` may be called, but need not be. ``training`` says which mode the module is
    in; ``train()`` and ``eval()`` switch the whole tree.
    """

    training: bool
    not_saved: frozenset[str] = frozenset()
    """The buffers registered with ``persistent=False``."""
    optional_keys: frozenset[str] = frozenset()
    """Names a saved state may lack: the present value stays."""

    def __new__(cls: type[Self], *args: Any, **kwargs: Any) -> Self:
        self = object.__new__(cls)
        self.__dict__["training"] = True
        return self

    def __init__(self) -> None:
        """Takes no arguments, and does nothing: a subclass may leave it out."""

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} has no forward: define forward(self, ...).")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        calls = current().calls
        if calls.thread != get_ident():
            calls = own_calls()
        outer = calls.scope
        calls.scope = Scope(weakref.ref(self), outer)
        try:
            return self.forward(*args, **kwargs)
        finally:
            calls.scope = outer

    def __setattr__(self, name: str, value: Any) -> None:
        before = self.__dict__.get(name)
        if isinstance(before, (Parameter, Buffer)) and value is not None and not isinstance(value, type(before)):
            kind = type(before).__name__
            if not (kind == "Buffer" and isinstance(value, Tensor)):
                raise TypeError(
                    f"{type(self).__name__}.{name} is a {kind} {before.shape} {before.dtype}; it cannot become a "
                    f"{type(value).__name__}. Change its values in place: under no_grad(), {name}.copy_(...) or "
                    f"{name}.fill_(...)."
                )
            value = Buffer(value.detach())
        object.__setattr__(self, name, value)

    # -- the tree ------------------------------------------------------------------------------

    def members(self) -> Iterator[tuple[str, Any]]:
        """The modules, parameters and buffers this module holds directly, by name."""
        for name, value in vars(self).items():
            yield from leaves(name, value)

    def named_modules(self, prefix: str = "", memo: set[Module] | None = None) -> Iterator[tuple[str, Module]]:
        """This module and all below it, with dotted names; each once."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        memo.add(self)
        yield prefix, self
        for name, value in self.members():
            if isinstance(value, Module):
                yield from value.named_modules(f"{prefix}.{name}" if prefix else name, memo)

    def modules(self) -> Iterator[Module]:
        """This module and all below it, each once."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below this one, each once."""
        seen: set[Module] = set()
        for name, value in self.members():
            if isinstance(value, Module) and value not in seen:
                seen.add(value)
                yield name, value

    def children(self) -> Iterator[Module]:
        """The modules directly below this one, each once."""
        return (child for _, child in self.named_children())

    def named_leaves(
        self, kind: type[Tensor], recurse: bool = True, prefix: str = "", unique: bool = True
    ) -> Iterator[tuple[str, Any]]:
        """The parameters or buffers of the tree with dotted names; shared ones once if ``unique``."""
        seen: set[int] = set()
        modules = self.named_modules(prefix) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, value in module.members():
                if isinstance(value, kind) and not (unique and id(value) in seen):
                    seen.add(id(value))
                    yield f"{path}.{name}" if path else name, value

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Parameter]]:
        """All parameters with their names, in the order of definition; shared ones once."""
        return self.named_leaves(Parameter, recurse, prefix)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, in the order of definition; shared ones once."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Buffer]]:
        """All buffers with their names, in the order of definition; shared ones once."""
        return self.named_leaves(Buffer, recurse, prefix)

    def buffers(self, recurse: bool = True) -> Iterator[Buffer]:
        """All buffers, in the order of definition; shared ones once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """The module of a dotted name; ``""`` is this one."""
        if not target:
            return self
        for name, value in self.members():
            if isinstance(value, Module) and f"{target}.".startswith(f"{name}."):
                return value.get_submodule(target[len(name) + 1 :])
        names = ", ".join(name for name, _ in self.named_children())
        raise AttributeError(f"{type(self).__name__} has no submodule {target!r}; it has {names or 'none'}.")

    def name_of(self, module: Module) -> str:
        """The dotted name of a module below this one, ``?`` if it is not below."""
        return next((name for name, other in self.named_modules() if other is module), "?")

    def add_module(self, name: str, module: Module | None) -> None:
        """Set a submodule by name; refused if it is not a module or None."""
        self.register(name, module, Module)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Set a parameter by name; refused if it is not a ``Parameter`` or None."""
        self.register(name, param, Parameter)

    def register(self, name: str, value: Any, kind: type) -> None:
        """Set an attribute that must be found again by its type."""
        if value is not None and not isinstance(value, kind):
            raise TypeError(
                f"{type(self).__name__}.{name}: expected a {kind.__name__} or None, got a {type(value).__name__}."
            )
        setattr(self, name, value)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Set a buffer by name; ``persistent=False`` keeps it out of ``state_dict``."""
        setattr(self, name, tensor if tensor is None or isinstance(tensor, Buffer) else Buffer(tensor))
        object.__setattr__(self, "not_saved", self.not_saved - {name} if persistent else self.not_saved | {name})

    def apply(self: Self, function: Callable[[Module], Any]) -> Self:
        """Call ``function`` with every module of the tree, the inner ones first; returns itself."""
        for module in self.inner_first():
            function(module)
        return self

    def inner_first(self, memo: set[Module] | None = None) -> Iterator[Module]:
        """This module and all below it, each once and after those it holds."""
        memo = set() if memo is None else memo
        memo.add(self)
        for child in self.children():
            if child not in memo:
                yield from child.inner_first(memo)
        yield self

    # -- modes ---------------------------------------------------------------------------------

    def train(self: Self, mode: bool = True) -> Self:
        """Switch the whole tree to training mode (or to eval mode, ``train(False)``); returns itself.

        A module below with a ``train`` of its own is switched by that.
        """
        if not isinstance(mode, bool):
            raise ValueError(f"training mode is expected to be boolean, got {mode!r}.")
        for module in self.inner_first():
            if module is self or getattr(module.train, "__func__", None) is Module.train:
                module.switch(mode)
            else:
                module.train(mode)
        return self

    def eval(self: Self) -> Self:
        """Switch the whole tree to evaluation mode; returns itself."""
        return self.train(False)

    def switch(self, training: bool) -> None:
        """Change the mode of this module alone; layers that must not follow override it."""
        self.training = training

    @contextlib.contextmanager
    def evaluating(self: Self) -> Iterator[Self]:
        """Evaluation mode for a ``with`` block; after it every module has its own mode again."""
        modes = [(module, module.training) for module in self.modules()]
        try:
            yield self.eval()
        finally:
            for module, training in modes:
                module.training = training

    def requires_grad_(self: Self, requires_grad: bool = True) -> Self:
        """Train all parameters of the tree, or freeze them; returns itself."""
        for module in self.modules():
            module.switch_gradients(requires_grad)
        return self

    def switch_gradients(self, requires_grad: bool) -> None:
        """Train the parameters of this module alone, or not; layers that must not follow override it."""
        for parameter in self.parameters(recurse=False):
            parameter.requires_grad_(requires_grad)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters: None, or zeros."""
        zero_gradients(self.parameters(), set_to_none)

    # -- dtypes --------------------------------------------------------------------------------

    def to(self: Self, dtype: Any) -> Self:
        """Convert the floating point parameters and buffers of the tree in place; returns itself."""
        dtype = np.dtype(dtype)
        if dtype.kind != "f":
            raise TypeError(f"{type(self).__name__}.to: parameters must stay floating point, got {dtype}.")
        for module in self.modules():
            for _, value in module.members():
                if isinstance(value, Tensor) and value.dtype.kind == "f":
                    module.convert(value, dtype)
        return self

    def convert(self, leaf: Tensor, dtype: Any) -> None:
        """Convert one parameter or buffer in place."""
        if leaf.dtype == dtype:
            return
        leaf.array, leaf.memory = leaf.array.astype(dtype), Memory()
        leaf.grad = None if leaf.grad is None else tensor(leaf.grad.array, dtype)
        if leaf.node is not None:
            leaf.node.dtype = dtype

    def float(self: Self) -> Self:
        """Convert to float32; returns itself."""
        return self.to(np.float32)

    def double(self: Self) -> Self:
        """Convert to float64; returns itself."""
        return self.to(np.float64)

    def half(self: Self) -> Self:
        """Convert to float16; returns itself."""
        return self.to(np.float16)

    # -- saving --------------------------------------------------------------------------------

    def saved_leaves(self) -> Iterator[tuple[str, Tensor, bool]]:
        """What a state consists of: name, parameter or buffer, and whether a state may lack it."""
        names: set[str] = set()
        for path, module in self.named_modules():
            for name, value in module.members():
                if isinstance(value, (Parameter, Buffer)) and name not in module.not_saved:
                    full_name = f"{path}.{name}" if path else name
                    if full_name in names:
                        raise RuntimeError(f"{type(self).__name__} has two different {full_name}: rename one.")
                    names.add(full_name)
                    yield full_name, value, name in module.optional_keys

    def state_dict(self) -> OrderedDict[str, Tensor]:
        """Copies of all parameters and persistent buffers, by name: training on does not change them."""
        return OrderedDict((name, value.detach().clone()) for name, value, _ in self.saved_leaves())

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Take over the values of a ``state_dict``, in place: all of them or, after an error, none.

        Args:
            state_dict: tensors or arrays by name.
            strict: refuse missing and unexpected names; else they are returned.

        Raises:
            RuntimeError: with all names that are missing, unexpected or of another shape.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"expected a state_dict, names with tensors, got {type(state_dict).__name__}.")
        own = list(self.saved_leaves())
        names = {name for name, _, _ in own}
        missing = [name for name, _, optional in own if name not in state_dict and not optional]
        unexpected = [name for name in state_dict if name not in names]
        values = {name: np.asarray(array_of(state_dict[name])) for name in names if name in state_dict}
        problems = []
        if strict and missing:
            problems.append(f"Missing key(s) in state_dict: {', '.join(map(repr, missing))}.")
        if strict and unexpected:
            problems.append(f"Unexpected key(s) in state_dict: {', '.join(map(repr, unexpected))}.")
        for name, leaf, _ in own:
            if name in values and values[name].shape != leaf.shape:
                problems.append(
                    f"size mismatch for {name}: the state has {values[name].shape}, the model {leaf.shape}."
                )
            elif name in values and not np.can_cast(values[name].dtype, leaf.dtype, "same_kind"):
                problems.append(
                    f"dtype mismatch for {name}: the state has {values[name].dtype}, the model {leaf.dtype}."
                )
        if problems:
            raise RuntimeError("\n\t".join([f"Error(s) in loading state_dict for {type(self).__name__}:", *problems]))
        for name, leaf, _ in own:
            if name in values:
                leaf.array[...] = values[name]
                leaf.memory.changed = clock()
        return IncompatibleKeys(missing, unexpected)

    # -- text ----------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What stands between the brackets of ``repr``."""
        return ""

    def child_lines(self) -> list[str]:
        """What stands below that, for each module this one holds."""
        return [f"({name}): {child!r}" for name, child in self.members() if isinstance(child, Module)]

    @reprlib.recursive_repr()
    def __repr__(self) -> str:
        extra, children = self.extra_repr(), self.child_lines()
        if not children and "\n" not in extra:
            return f"{type(self).__name__}({extra})"
        body = "\n".join([extra] * bool(extra) + children).replace("\n", "\n  ")
        return f"{type(self).__name__}(\n  {body}\n)"


def zero_gradients(parameters: Iterable[Tensor], set_to_none: bool) -> None:
    """Forget gradients: None, or zeros."""
    if set_to_none:
        for parameter in parameters:
            parameter._grad = None
        return
    for parameter in parameters:
        if parameter.grad is not None:
            parameter._grad = parameter.grad.detach().zero_()
