"""Modules whose initial values do not matter."""

from __future__ import annotations

from typing import Any, TypeVar

from ...engine.arguments import a_type
from ...engine.errors import InvalidTypeError
from .. import init
from ..module import Module
from ..snapshot import Snapshot

M = TypeVar("M", bound=Module)


def skip_init(module_cls: type[M], *args: Any, **kwargs: Any) -> M:
    """A module whose initial values do not matter, as they will be overwritten: those of ``nn.init`` are not computed.

    It is made in the time that its memory takes; do not rely on what is in it. The random state stays as it is.

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
    token = init.WRITTEN.set(False)
    try:
        with Snapshot(random=True):
            return module_cls(*args, **kwargs)
    finally:
        init.WRITTEN.reset(token)
