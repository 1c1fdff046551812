"""Modules whose initial values do not matter."""

from __future__ import annotations

from typing import Any, TypeVar

from ...engine.arguments import a_type
from ...engine.errors import InvalidTypeError
from ..module import Module
from ..snapshot import Snapshot

M = TypeVar("M", bound=Module)


def skip_init(module_cls: type[M], *args: Any, **kwargs: Any) -> M:
    """A module whose initial values do not matter, as they will be overwritten: the random state stays as it is.

    In PyTorch they are not written at all, which saves time; do not rely on them.

    Args:
        module_cls: the class.
        *args: its arguments.
        **kwargs: its arguments by name.

    Raises:
        TypeError: if it is no class of modules.

    >>> layer = nn.utils.skip_init(nn.Linear, 2, 3)
    >>> layer.load_state_dict(nn.Linear(2, 3).state_dict())
    <All keys matched successfully>
    """
    if not (isinstance(module_cls, type) and issubclass(module_cls, Module)):
        raise InvalidTypeError(f"skip_init expects a class of modules, nn.Linear say, got {a_type(module_cls)}.")
    with Snapshot(random=True):
        return module_cls(*args, **kwargs)
