"""Modules that hold parameters: in a list, by name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, KeysView, Mapping
from typing import Any, TypeVar

from ..engine.arguments import a_type
from ..engine.errors import InvalidTypeError
from ..tensor.tensor import Tensor
from .containers import check_name
from .module import Module
from .parameter import Parameter

List = TypeVar("List", bound="ParameterList")
Dict = TypeVar("Dict", bound="ParameterDict")


class Parameters(Module):
    """What is held under names of its own, in order; tensors become parameters."""

    _keys: tuple[str, ...] = ()
    """The names; a new tuple at each change, so that a copy of the module keeps its own."""

    def _set(self, key: str, value: Any) -> None:
        """Hold a value under a name."""
        tensor = isinstance(value, Tensor) and not isinstance(value, Parameter)
        setattr(self, key, Parameter(value) if tensor else value)
        if key not in self._keys:
            self._keys = (*self._keys, key)

    def __len__(self) -> int:
        return len(self._keys)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(f"{type(self).__name__} cannot be called: its owner's forward uses what is in it.")

    def _child_lines(self) -> list[str]:
        return [f"({key}): {described(getattr(self, key))}" for key in self._keys]


def described(value: Any) -> str:
    """One line for what a list or dict of parameters holds."""
    if not isinstance(value, Tensor):
        return f"Object of type: {type(value).__name__}"
    kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
    return f"{kind} containing: [{value.dtype} of size {'x'.join(map(str, value.shape))}]"


def iterable(kind: str, values: Any) -> Any:
    """What can be gone through; a tensor, whose rows nobody means, and everything else is refused."""
    if isinstance(values, Tensor) or not isinstance(values, Iterable):
        raise InvalidTypeError(f"{kind}: expected an iterable, got {a_type(values)}: put it in a list, [value].")
    return values


class ParameterList(Parameters):
    """A list of parameters, which the module that holds it finds.

    Plain tensors become parameters; other values are kept as they are.

    Args:
        values: the first ones.

    >>> weights = nn.ParameterList([mg.ones(2), mg.ones(1, 3)])
    >>> weights
    ParameterList(
      (0): Parameter containing: [float32 of size 2]
      (1): Parameter containing: [float32 of size 1x3]
    )
    >>> weights += [mg.zeros(4)]
    >>> len(weights), list(weights.state_dict())
    (3, ['0', '1', '2'])
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        if values is not None:
            self.extend(values)

    def _key(self, index: Any) -> str:
        """The name of a position."""
        try:
            key: str = self._keys[index]
            return key
        except IndexError:
            raise IndexError(f"index {index} is out of range: the ParameterList has {len(self)} values.") from None

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)([getattr(self, key) for key in self._keys[index]])
        return getattr(self, self._key(index))

    def __setitem__(self, index: int, param: Any) -> None:
        self._set(self._key(index), param)

    def __iter__(self) -> Iterator[Any]:
        return iter([getattr(self, key) for key in self._keys])

    def __iadd__(self: List, parameters: Iterable[Any]) -> List:
        return self.extend(parameters)

    def append(self: List, value: Any) -> List:
        """Add a value at the end; returns itself."""
        self._set(str(len(self)), value)
        return self

    def extend(self: List, values: Iterable[Any]) -> List:
        """Add values at the end; returns itself."""
        for value in list(iterable("ParameterList.extend", values)):
            self.append(value)
        return self


class ParameterDict(Parameters):
    """Parameters by name, which the module that holds it finds. It has the methods of a dict.

    Plain tensors become parameters; other values are kept as they are. What comes from a plain dict is sorted by name,
    as in PyTorch, so that optimisers number the parameters alike; an ``OrderedDict``, a ``ParameterDict`` and pairs
    keep their order.

    Args:
        parameters: a mapping, or pairs of a name and a value.

    >>> weights = nn.ParameterDict({"left": mg.ones(2)})
    >>> weights["right"] = mg.ones(3)
    >>> list(weights), weights.pop("left").shape, weights
    (['left', 'right'], (2,), ParameterDict(
      (right): Parameter containing: [float32 of size 3]
    ))
    """

    def __init__(self, parameters: Any = None) -> None:
        if parameters is not None:
            self.update(parameters)

    def _check(self, key: Any) -> None:
        """Refuse a name that a state could not have, or that is an attribute of all modules."""
        check_name(self, key, "parameter", key in self._keys)

    def __getitem__(self, key: str) -> Any:
        if key not in self._keys:
            raise KeyError(key)
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        self._check(key)
        self._set(key, value)

    def __delitem__(self, key: str) -> None:
        if key not in self._keys:
            raise KeyError(key)
        delattr(self, key)
        self._keys = tuple([other for other in self._keys if other != key])

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._keys)

    def __or__(self: Dict, other: Mapping[str, Any]) -> Dict:
        return self.copy().__ior__(other) if is_mapping(other) else NotImplemented

    def __ror__(self, other: Any) -> Any:
        """The other mapping's kind, as in PyTorch: a dict stays one."""
        if not is_mapping(other):
            return NotImplemented
        joined = other.copy()
        joined.update(self)
        return joined

    def __ior__(self: Dict, other: Mapping[str, Any]) -> Dict:
        self.update(other)
        return self

    def keys(self) -> KeysView[str]:
        """The names."""
        return dict.fromkeys(self._keys).keys()

    def values(self) -> Iterable[Any]:
        """The values."""
        return [getattr(self, key) for key in self._keys]

    def items(self) -> Iterable[tuple[str, Any]]:
        """The names with their values."""
        return [(key, getattr(self, key)) for key in self._keys]

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a name, or ``default``."""
        return getattr(self, key) if key in self._keys else default

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The value of a name; if there is none, ``default`` is set first."""
        if key not in self._keys:
            self[key] = default
        return self[key]

    def pop(self, key: str) -> Any:
        """Remove a name and return its value."""
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        """Remove the last name and return it with its value."""
        if not self._keys:
            raise KeyError("popitem: the ParameterDict is empty")
        key = self._keys[-1]
        return key, self.pop(key)

    def clear(self) -> None:
        """Remove everything."""
        for key in self._keys:
            del self[key]

    def copy(self: Dict) -> Dict:
        """Another dict that holds the same parameters."""
        return type(self)(OrderedDict(self.items()))

    def fromkeys(self: Dict, keys: Iterable[str], default: Any = None) -> Dict:
        """A new dict that has these names, all with the value ``default``."""
        return type(self)([(key, default) for key in keys])

    def update(self, parameters: Any) -> None:
        """Set several values: those of a mapping, or pairs of a name and a value; all or, if one is refused, none."""
        given = iterable("ParameterDict.update", parameters)
        if isinstance(given, (OrderedDict, ParameterDict)):
            pairs = list(given.items())
        elif isinstance(given, Mapping):
            for key in given:
                self._check(key)
            pairs = sorted(given.items(), key=lambda item: item[0])
        else:
            pairs = [pair_of(number, item) for number, item in enumerate(given)]
        for key, _ in pairs:
            self._check(key)
        for key, value in pairs:
            self._set(key, value)


def is_mapping(value: Any) -> bool:
    """Whether ``|`` joins a dict of parameters with it."""
    return isinstance(value, (Mapping, ParameterDict))


def pair_of(number: int, item: Any) -> tuple[Any, Any]:
    """A name and a value, from an iterable of two."""
    what = f"ParameterDict.update: element {number} must be a pair of a name and a value"
    if not isinstance(item, Iterable):
        raise InvalidTypeError(f"{what}, got {a_type(item)}.")
    pair = tuple(item)
    if len(pair) != 2:
        raise ValueError(f"{what}, got {len(pair)} values.")
    return pair[0], pair[1]
