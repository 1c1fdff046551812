"""The other frameworks, where they are installed."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
from typing import Any, NamedTuple

NAMES = {"torch": "PyTorch", "jax": "JAX", "autograd": "HIPS autograd"}


class Peers(NamedTuple):
    """The modules; None for one that is not there."""

    torch: Any = None
    jax: Any = None
    autograd: Any = None

    @property
    def missing(self) -> list[str]:
        """What people call those that are not there."""
        return [NAMES[field] for field in self._fields if getattr(self, field) is None]

    @property
    def versions(self) -> dict[str, str]:
        """The versions of those that are there."""
        return {NAMES[name]: importlib.metadata.version(name) for name in self._fields if getattr(self, name)}


def find_peers(threads: int) -> Peers:
    """Import the peers that are installed, with as many threads as NumPy's BLAS uses."""
    # JAX reads these when it is imported
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    os.environ.setdefault("NPROC", str(threads))
    peers = Peers(
        *(importlib.import_module(name) if importlib.util.find_spec(name) else None for name in Peers._fields)
    )
    if peers.torch:
        peers.torch.set_num_threads(threads)
    return peers
