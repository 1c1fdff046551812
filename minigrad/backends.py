"""What programs set and ask of other backends, ``mg.backends``: their switches are accepted, none is available."""

from __future__ import annotations

from typing import Any

__all__ = ["cuda", "cudnn", "mkldnn", "mps"]


class Backend:
    """A backend that is not there. Its switches, ``backends.cudnn.deterministic = True``, change nothing."""

    def __init__(self, **switches: Any) -> None:
        vars(self).update(switches)

    def is_available(self) -> bool:
        """Whether it can be used: no."""
        return False

    def is_built(self) -> bool:
        """Whether it is there: no."""
        return False

    def __setattr__(self, name: str, value: Any) -> None:
        vars(self)[name] = value


cudnn = Backend(enabled=False, deterministic=False, benchmark=False, allow_tf32=False)
cuda = Backend(matmul=Backend(allow_tf32=False))
mps, mkldnn = Backend(), Backend(enabled=False)
