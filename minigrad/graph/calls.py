"""The module calls behind recorded operations: who is called what, and what gets a cluster."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ..engine.node import Node
from ..engine.scope import Derivative, Scope
from ..engine.shown import ModuleShown
from ..nn.module import Module
from ..nn.tree import joined, named_leaves
from ..tensor.tensor import Tensor


class Call(NamedTuple):
    """All that a picture knows of one call of a module."""

    module: Module
    then: Module
    """The module with the settings that the call found."""
    shown: ModuleShown | None
    """What the module adds to the picture of this call."""
    name: str
    """The module's path, or its class if it is outermost; `` #2`` behind it for the second of several calls."""
    title: str
    """Of its cluster: the name, and what the module is, ``fc1 #2: Linear(4, 8)``; nothing if it has no cluster."""
    label: str
    """In front of its only operation's name, where that needs no cluster; else nothing."""
    said: str
    """The path that the titles of its cluster and of those around it say: what is inside does not repeat it."""


class Names:
    """The modules of some calls, and the names of these and of their tensors.

    Names are those in ``model``; without one, those in the only outermost module that has parameters.
    What is in another outermost module is named from that module's class on.
    """

    def __init__(self, called: Iterable[Module], model: Module | None) -> None:
        inside = set() if model is None else set(model.modules())
        self.roots = [] if model is None else [model]
        self.roots += outermost(module for module in called if module not in inside)
        trained = [root for root in self.roots if next(root.parameters(), None) is not None]
        alone = [some[0] for some in (trained, self.roots) if len(some) == 1]
        self.main = model if model is not None or not alone else alone[0]
        self.paths: dict[Module, str] = {}
        self.leaves: dict[int, tuple[str, Module]] = {}
        for root in self.roots:
            self.name_all(root, "" if root is self.main else type(root).__name__)

    def name_all(self, root: Module, prefix: str) -> None:
        """Name the modules and tensors of a tree that have no name yet."""
        for path, module in root.named_modules(prefix=prefix):
            self.paths.setdefault(module, path)
            shown = module._shows()
            for name, value in own_tensors(module):
                symbol = shown.symbols.get(name) if shown else None
                title = joined(path, name) + (f" ({symbol})" if symbol else "")
                self.leaves.setdefault(id(value), (title, module))


def read_calls(nodes: Sequence[Node], model: Module | None) -> tuple[dict[Scope | None, Call], Names]:
    """The calls that some nodes were recorded in, each after the one around it, and the names of their modules.

    Calls of modules that no longer exist are left out. Names are those that the modules have now.
    """
    scopes: dict[Scope, None] = {}
    for node in nodes:
        if node.scope is not None and node.scope not in scopes:
            scopes.update(dict.fromkeys(node.scope.chain()))
    modules: dict[Scope, Module] = {scope: owner for scope in scopes if (owner := scope.owner()) is not None}
    names = Names(modules.values(), model)
    operations, inner = Counter(node.scope for node in nodes), Counter(scope.outer for scope in scopes)
    forward = [scope for scope in modules if not isinstance(scope, Derivative)]
    times, so_far = Counter(modules[scope] for scope in forward), Counter[Module]()
    numbers: dict[Scope, str] = {}
    for scope in forward:
        module = modules[scope]
        so_far[module] += 1
        numbers[scope] = f" #{so_far[module]}" if times[module] > 1 else ""
    calls: dict[Scope | None, Call] = {}
    for scope, module in modules.items():
        number = numbers.get(origin(scope), "")
        small = operations[scope] <= 1 and not inner[scope]
        outside = times[module] <= 1 and scope.outer not in modules
        around = calls[scope.outer].said if scope.outer in calls else ""
        calls[scope] = call_of(scope, module, names, number, small, outside, around)
    return calls, names


def origin(scope: Scope) -> Scope:
    """The call that a derivative is of; a call itself."""
    while isinstance(scope, Derivative):
        scope = scope.of
    return scope


def derivative_text(scope: Scope) -> str:
    """`` gradient`` of the derivative of a call, `` gradient of the gradient`` of the second; nothing of a call."""
    order = 0
    while isinstance(scope, Derivative):
        scope, order = scope.of, order + 1
    return " gradient" * (order > 0) + " of the gradient" * (order - 1)


def call_of(
    scope: Scope, module: Module, names: Names, number: str, small: bool, outside: bool, around: str
) -> Call:  # fmt: skip
    """A call as it is drawn: as a label, as the picture itself, or else as a cluster.

    ``small``: it is at most one operation; ``outside``: it is the only call of its module, and from outside of others;
    ``around``: the path that the clusters around it say.
    """
    then = as_called(module, scope)
    shown, gradient = then._shows(), derivative_text(scope)
    path = names.paths[module]
    name = (path or type(module).__name__) + number
    within = (below(path, around) or type(module).__name__) + number
    if small and shown is None and next(named_leaves(module, Tensor), None) is None:
        return Call(module, then, shown, name, "", f"{within}{gradient}: ", around)
    if outside and module is names.main and next(module.children(), None) is not None:
        return Call(module, then, shown, name, "", "", around)
    if gradient:
        called = f"{within} ({type(module).__name__})" if path else within
        return Call(module, then, shown, name, f"{called}:{gradient}", "", path)
    made = constructor(then)
    return Call(module, then, shown, name, made + number if module in names.roots else f"{within}: {made}", "", path)


def below(path: str, around: str) -> str:
    """A path without that of the clusters around it, if it begins with that."""
    return path.removeprefix(f"{around}.") if around else path


def own_tensors(module: Module) -> Iterator[tuple[str, Tensor]]:
    """The parameters and buffers that a module holds itself, with their names."""
    yield from module.named_parameters(recurse=False)
    yield from module.named_buffers(recurse=False)


def as_called(module: Module, scope: Scope) -> Module:
    """The module with the settings its call found: itself, unless they are others now."""
    now, then = vars(module), scope.settings.values
    if all(name in now and now[name] is value for name, value in then.items()):
        return module
    stand_in: Module = object.__new__(type(module))
    vars(stand_in).update({**now, **then})
    return stand_in


def outermost(modules: Iterable[Module]) -> list[Module]:
    """Those of the modules that are not below another one, each once."""
    roots: list[Module] = []
    known: set[Module] = set()
    for module in modules:
        if module not in known:
            below = set(module.modules())
            roots = [root for root in roots if root not in below] + [module]
            known |= below
    return roots


def constructor(module: Module) -> str:
    """The call that makes a module, ``Linear(4, 8)``, without default arguments; of a container the class alone."""
    name = type(module).__name__
    if next(module.children(), None) is not None:
        return name
    accepted = inspect.signature(type(module).__init__).parameters
    shown = []
    for part in " ".join(module.extra_repr().split()).split(", "):
        key, _, value = part.partition("=")
        default = accepted[key].default if key in accepted else None
        if default is inspect.Parameter.empty:
            shown.append(value or part)
        elif not value or value != repr(default):
            shown.append(part)
    return f"{name}({', '.join(shown)})"
