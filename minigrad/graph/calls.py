"""The module calls behind recorded operations: who is called what, and what gets a cluster."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ..engine.node import Node
from ..engine.scope import Scope
from ..nn.layers.batchnorm import BatchNorm
from ..nn.module import Module
from ..nn.tree import named_leaves
from ..tensor.tensor import Tensor


class Calls:
    """The calls of some nodes, their modules, and the names of these and of their tensors.

    Names are those in ``model``; without one, those in the only outermost module that has parameters.
    What is in another outermost module is named from that module's class on. Calls of modules that no
    longer exist are left out. Names are those that the modules have now; ``then`` are the modules with the
    settings that each call found.
    """

    def __init__(self, nodes: Sequence[Node], model: Module | None) -> None:
        scopes: dict[Scope, None] = {}
        for node in nodes:
            if node.scope is not None and node.scope not in scopes:
                scopes.update(dict.fromkeys(node.scope.chain()))
        owners = [(scope, scope.owner()) for scope in scopes]
        self.modules: dict[Scope | None, Module] = {scope: module for scope, module in owners if module is not None}
        self.operations = Counter(node.scope for node in nodes)
        self.inner = Counter(scope.outer for scope in scopes)
        self.times: Counter[Module] = Counter()
        self.ordinal: dict[Scope | None, int] = {}
        self.then: dict[Scope | None, Module] = {
            scope: as_called(module, scope) for scope, module in owners if module is not None
        }
        for scope, module in self.modules.items():
            self.times[module] += 1
            self.ordinal[scope] = self.times[module]
        inside = set() if model is None else set(model.modules())
        self.roots = [] if model is None else [model]
        self.roots += outermost(module for module in self.modules.values() if module not in inside)
        trained = [root for root in self.roots if next(root.parameters(), None) is not None]
        alone = [some[0] for some in (trained, self.roots) if len(some) == 1]
        self.main = model if model is not None or not alone else alone[0]
        self.paths: dict[Module, str] = {}
        self.leaves: dict[int, tuple[str, Module]] = {}
        for root in self.roots:
            self.name_all(root, "" if root is self.main else type(root).__name__)

    def name_all(self, root: Module, prefix: str) -> None:
        """Name the modules and tensors of a tree that have no name yet."""
        for path, module in root.named_modules(prefix):
            self.paths.setdefault(module, path)
            for name, value in own_tensors(module):
                self.leaves.setdefault(id(value), (f"{path}.{name}" if path else name, module))

    def number(self, scope: Scope | None) -> str:
        """`` #2`` for the second of several calls of a module, nothing for an only one."""
        return f" #{self.ordinal[scope]}" if self.times[self.modules[scope]] > 1 else ""

    def name(self, scope: Scope | None) -> str:
        """The path of a call's module, or its class if it is outermost, and the number."""
        module = self.modules[scope]
        return (self.paths[module] or type(module).__name__) + self.number(scope)

    def title(self, scope: Scope | None) -> str:
        """A call's name and what its module is: ``fc1 #2: Linear(4, 8)``."""
        made = constructor(self.then[scope])
        if self.modules[scope] in self.roots:
            return made + self.number(scope)
        return f"{self.name(scope)}: {made}"

    def is_label(self, scope: Scope | None) -> bool:
        """Whether a call needs no cluster: it is one operation, without parameters or buffers."""
        if scope not in self.modules or self.operations[scope] > 1 or self.inner[scope]:
            return False
        module = self.modules[scope]
        return not isinstance(module, BatchNorm) and next(named_leaves(module, Tensor), None) is None

    def is_picture(self, scope: Scope) -> bool:
        """Whether a call is the model's only one, from outside: the picture itself is its cluster."""
        module = self.modules[scope]
        only = self.times[module] == 1 and scope.outer not in self.modules
        return module is self.main and only and next(module.children(), None) is not None


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
    """A module as it was made, ``Linear(4, 8)``, without what is the default; the class of one that holds modules."""
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
