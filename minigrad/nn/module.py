"""``Module``: a tree of layers with parameters, buffers and a training/eval switch.

A module is an ordinary object. Its parameters, buffers and submodules are those of its attributes that
have the type, also inside lists, tuples, deques and dicts, in the order in which they were set. Nothing
has to be registered. Sets of modules are refused; inside objects of other kinds nothing is looked for.
"""

from __future__ import annotations

import contextlib
import copy
import reprlib
import weakref
from collections.abc import Callable, Iterator, Mapping
from threading import get_ident
from types import FunctionType
from typing import Any, TypeVar

import numpy as np

from ..engine.arguments import a_type
from ..engine.modes import current, own_calls
from ..engine.scope import Scope, Settings
from ..engine.shown import ModuleShown
from ..tensor.device import destination
from ..tensor.gradients import zero_gradients
from ..tensor.tensor import Tensor
from ..tensor.typed import typed
from .hooks import EVERYWHERE, HookedCall, Hooks, note_place
from .names import Named
from .overview import module_as_html
from .parameter import Buffer, Parameter
from .registering import Hooked, register
from .saving import Saved
from .snapshot import Snapshot
from .state import convert
from .tree import PLAIN, changes, computed, members, named_leaves, once, walk

Self = TypeVar("Self", bound="Module")


class Module(Saved, Hooked, Named):
    """The base of all layers and models: define ``forward``, call the module.

    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         self.layers = [nn.Linear(4, 8), nn.Linear(8, 2)]
    ...     def forward(self, x):
    ...         for layer in self.layers:
    ...             x = layer(x)
    ...         return x

    Attributes may have any name but those of the methods here, which only functions can replace.
    ``super().__init__()`` may be called, but need not be.
    ``training`` says which mode the module is in; ``train()`` and ``eval()`` switch the whole tree.
    """

    training: bool
    _optional_keys: frozenset[str] = frozenset()
    """Names a saved state may lack: the present value stays."""
    _call_settings = Settings({"training": True})
    """The plain values among the attributes; calls record it."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, value in vars(cls).items():
            if not hasattr(value, "__get__"):  # functions and properties have it
                refuse_in_place_of_method(cls, name, value)

    def __init__(self) -> None:
        """The arguments are those that the class describes."""

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} has no forward: define forward(self, ...).")

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        calls = current().calls
        if calls.thread != get_ident():
            calls = own_calls()
        outer = calls.scope
        calls.scope = Scope(weakref.ref(self), outer, self._call_settings)
        hooked = None
        try:
            if (self._hooks is None or not self._hooks.kinds) and not EVERYWHERE.kinds:
                output: Tensor = self.forward(*args, **kwargs)  # for type checkers: forward may return anything
                return output
            hooked = HookedCall(self, args, kwargs)
            hooked.before()
            hooked.after(self.forward(*hooked.args, **hooked.kwargs))  # from here, as warnings count the frames
            return hooked.output  # type: ignore[no-any-return]
        except Exception as error:
            if hooked:
                hooked.failed()
            note_place(error, calls.scope)
            raise
        finally:
            calls.scope = outer

    def __setattr__(self, name: str, value: Any) -> None:
        refuse_in_place_of_method(type(self), name, value)
        before = self.__dict__.get(name)
        if isinstance(before, (Parameter, Buffer)) and value is not None and not isinstance(value, type(before)):
            kind = type(before).__name__
            if not (kind == "Buffer" and isinstance(value, Tensor)):
                raise TypeError(
                    f"{type(self).__name__}.{name} is a {kind} {before.shape} {before.dtype}; it cannot become a "
                    f"{type(value).__name__}. Change its values in place: under no_grad(), {name}.copy_(...) or "
                    f"{name}.fill_(...)."
                )
            value = Buffer(value.detach(), persistent=getattr(before, "persistent", True))
        object.__setattr__(self, name, value)
        changes.count += 1
        settings = self._call_settings.values
        if type(value) in PLAIN:
            if settings.get(name, settings) is not value:
                self.__dict__["_call_settings"] = Settings({**settings, name: value})
        elif name in settings:
            others = {key: setting for key, setting in settings.items() if key != name}
            self.__dict__["_call_settings"] = Settings(others)

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        changes.count += 1

    # -- the tree ------------------------------------------------------------------------------

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all below it, with dotted names; each once.

        Args:
            memo: modules to leave out, with what is below them; those that are found are added.
            prefix: stands before every name.
            remove_duplicate: False: a module that is held in several places has all its names.
        """
        return walk(self, prefix, again=not remove_duplicate, seen=memo)

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """This module and all below it; each once, or with ``remove_duplicate=False`` as often as it is held."""
        return (module for _, module in walk(self, again=not remove_duplicate))

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below this one, each once."""
        return once(members(self), Module)

    def children(self) -> Iterator[Module]:
        """The modules directly below this one, each once."""
        return (child for _, child in self.named_children())

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """All parameters with their names, in the order of definition.

        Args:
            prefix: stands before every name.
            recurse: False: only its own, not those of the modules in it.
            remove_duplicate: False: shared ones come under all their names, not once.
        """
        return named_leaves(self, Parameter, recurse, prefix, again=not remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, in the order of definition; shared ones once; with ``recurse=False`` only its own."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Buffer]]:
        """All buffers with their names; ``prefix``, ``recurse``, ``remove_duplicate`` as in ``named_parameters``."""
        return named_leaves(self, Buffer, recurse, prefix, again=not remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Buffer]:
        """All buffers, in the order of definition; shared ones once; with ``recurse=False`` only its own."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """The module of a dotted name, the ``target``; ``""`` is this one."""
        if not target:
            return self
        for name, value in members(self):
            if isinstance(value, Module) and f"{target}.".startswith(f"{name}."):
                return value.get_submodule(target[len(name) + 1 :])
        names = ", ".join(name for name, _ in self.named_children())
        raise AttributeError(f"{type(self).__name__} has no submodule {target!r}; it has {names or 'none'}.")

    def _name_of(self, module: Module) -> str:
        """The dotted name of a module below this one, ``?`` if it is not below."""
        return next((name for name, other in walk(self) if other is module), "?")

    def add_module(self, name: str, module: Module | None) -> None:
        """Set a submodule by name.

        Raises:
            TypeError: if it is no module or None, or the name no string.
            KeyError: for a name that is empty, has a dot, or is that of something else.
        """
        register(self, name, module, Module)

    def register_module(self, name: str, module: Module | None) -> None:
        """``add_module(name, module)`` by its other name."""
        self.add_module(name, module)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Set ``param``, a parameter or None, by name; refused as by ``add_module``."""
        register(self, name, param, Parameter)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Set ``self.name`` as a buffer, a ``tensor`` or None; ``persistent=False`` keeps it out of ``state_dict``."""
        made = isinstance(tensor, (Tensor, np.ndarray)) and not isinstance(tensor, Buffer)
        buffer: Any = Buffer(tensor) if made else tensor
        register(self, name, buffer, Buffer)
        if buffer is not None:
            buffer.persistent = persistent

    def apply(self: Self, fn: Callable[[Module], Any]) -> Self:
        """Call ``fn`` with every module of the tree, the inner ones first; returns itself."""
        for _, module in walk(self, inner_first=True):
            fn(module)
        return self

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name[:1].isdigit()]  # x.0 is no attribute to write

    # -- modes ---------------------------------------------------------------------------------

    def train(self: Self, mode: bool = True) -> Self:
        """Switch the whole tree to training mode (or to eval mode, ``train(False)``); returns itself.

        A module below with a ``train`` of its own is switched by that.
        """
        if not isinstance(mode, bool):
            raise ValueError(f"training mode is expected to be boolean, got {mode!r}.")
        for _, module in walk(self, inner_first=True):
            if module is self or getattr(module.train, "__func__", None) is Module.train:
                module._switch(mode)
            else:
                module.train(mode)
        return self

    def eval(self: Self) -> Self:
        """Switch the whole tree to evaluation mode; returns itself."""
        return self.train(False)

    def _switch(self, training: bool) -> None:
        """Change the mode of this module alone; layers that must not follow override it."""
        self.training = training

    @contextlib.contextmanager
    def evaluating(self: Self) -> Iterator[Self]:
        """Evaluation mode for a ``with`` block; after it every module has its own mode again."""
        with Snapshot(modes=self.modules()):
            yield self.eval()

    def requires_grad_(self: Self, requires_grad: bool = True) -> Self:
        """Train all parameters of the tree, or with ``requires_grad=False`` freeze them; returns itself."""
        for module in self.modules():
            module._switch_gradients(requires_grad)
        return self

    def _switch_gradients(self, requires_grad: bool) -> None:
        """Train the parameters of this module alone, or not; layers that must not follow override it."""
        for parameter in self.parameters(recurse=False):
            parameter.requires_grad_(requires_grad)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters: None, or with ``set_to_none=False`` zeros."""
        zero_gradients(self.parameters(), set_to_none)

    # -- dtypes --------------------------------------------------------------------------------

    def to(self: Self, *args: Any, **named: Any) -> Self:
        """Convert the floating point parameters and buffers of the tree in place; returns itself.

        Args:
            *args: ``module.to(dtype)``, ``module.to(device)``, ``module.to(device, dtype)``, or ``module.to(tensor)``
                for its dtype. The only device is the CPU; ``non_blocking`` changes nothing.
            **named: the same by name.

        Raises:
            OverflowError: if the dtype cannot hold one of the values; nothing is converted then.
        """
        dtype, _ = destination(args, named)
        if dtype is not None:
            convert(self, dtype)
        return self

    def cpu(self: Self) -> Self:
        """Itself: it is on the CPU."""
        return self

    def cuda(self: Self, device: Any = None) -> Self:
        """Refused, for any ``device``: there is only the CPU."""
        return self.to("cuda" if device is None else device)

    def _dtype_for(self, leaf: Tensor, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """What one parameter or buffer becomes when the module is converted; layers override it."""
        return dtype

    def type(self: Self, dst_type: Any) -> Self:
        """Convert to a dtype, as ``to(dst_type)`` does: what is no float keeps its dtype; returns itself.

        >>> nn.Linear(1, 1).type("torch.DoubleTensor").weight.dtype
        dtype('float64')
        """
        return self.to(dtype=typed(dst_type))

    def float(self: Self) -> Self:
        """Convert to float32; returns itself."""
        return self.to(np.float32)

    def double(self: Self) -> Self:
        """Convert to float64; returns itself."""
        return self.to(np.float64)

    def half(self: Self) -> Self:
        """Convert to float16; returns itself."""
        return self.to(np.float16)

    # -- copying -------------------------------------------------------------------------------

    def __copy__(self) -> Any:
        made, state = self._emptied()
        return with_state(made, state)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        made, state = self._emptied()
        refuse_computed(self, state, "copied", memo)
        memo[id(self)] = made
        return with_state(made, copy.deepcopy(state, memo))

    def _emptied(self) -> tuple[Any, Any]:
        """A new object of the same class, and what is to be its state."""
        reduced: Any = super().__reduce_ex__(4)
        return reduced[0](*reduced[1]), reduced[2]

    def __reduce_ex__(self, protocol: Any) -> Any:
        reduced: Any = super().__reduce_ex__(protocol)
        refuse_computed(self, reduced[2], "pickled", {})
        return reduced

    # -- text ----------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What stands between the brackets of ``repr``."""
        return ""

    def _shows(self) -> ModuleShown | None:
        """What it adds to the picture of a call; None, as of most modules, adds nothing."""
        return None

    def _child_lines(self) -> list[str]:
        """What stands below that, for each module this one holds."""
        return [f"({name}): {child!r}" for name, child in members(self) if isinstance(child, Module)]

    def _repr_html_(self) -> str:
        """For notebooks."""
        return module_as_html(self)

    @reprlib.recursive_repr()
    def __repr__(self) -> str:
        extra, children = self.extra_repr(), self._child_lines()
        if not children and "\n" not in extra:
            return f"{type(self).__name__}({extra})"
        body = "\n".join([extra] * bool(extra) + children).replace("\n", "\n  ")
        return f"{type(self).__name__}(\n  {body}\n)"


OWN: dict[str, Any] = {
    "training": (bool, np.bool_),
    "_call_settings": Settings,
    "_hooks": (Hooks, type(None)),
    "_optional_keys": frozenset,
}
"""The classes of the attributes that every module has."""


def refuse_in_place_of_method(kind: type[Module], name: str, value: Any) -> None:
    """Refuse a value that cannot do what a method or an attribute of all modules does.

    A method can become another function; modules, which can be called as well, would be lost among the methods.
    """
    if name in OWN:
        fits, what = isinstance(value, OWN[name]), "the mode" if name == "training" else "an attribute"
    else:
        fits = not is_method(kind, name) or (callable(value) and not isinstance(value, (Module, Tensor)))
        what = "a method"
    if not fits:
        raise TypeError(
            f"{kind.__name__}.{name} is {what} of every module of its kind; it cannot become "
            f"{a_type(value)}: choose another name."
        )


def is_method(kind: type[Module], name: str) -> bool:
    """Whether a name is a method that this package gives a class of modules."""
    if not hasattr(kind, name):
        return False
    package = __name__.partition(".")[0]
    own = [base for base in kind.__mro__ if base.__module__.partition(".")[0] == package]
    return any(isinstance(vars(base).get(name), FunctionType) for base in own)


# -- copies ------------------------------------------------------------------------------------


def refuse_computed(module: Module, state: Any, verb: str, memo: Mapping[int, Any]) -> None:
    """Refuse to copy a module with a part of a graph."""
    for name, value in computed(state):
        if id(value) not in memo:
            raise RuntimeError(
                f"{type(module).__name__}.{name} is a computed tensor, which cannot be {verb} with its graph: "
                "set it to None first, or keep x.detach() in its place."
            )


def with_state(module: Any, state: Any) -> Any:
    """A module that has just been made, with the state of another: attributes, or what it makes of them itself."""
    if hasattr(module, "__setstate__"):
        module.__setstate__(state)
    else:
        for part in state if isinstance(state, tuple) else (state,):  # a second part is for slots
            for name, value in (part or {}).items():
                object.__setattr__(module, name, value)
    return module
