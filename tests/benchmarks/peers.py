"""The other frameworks, where they are installed."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import sys
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


def load(name: str) -> Any:
    """A module, or None if it is not installed or cannot be imported."""
    if not importlib.util.find_spec(name):
        return None
    try:
        return importlib.import_module(name)
    except Exception as error:  # whatever it raises: it cannot be compared with
        print(f"{NAMES[name]} is installed, but cannot be imported: {error}", file=sys.stderr)
        return None


def find_peers(threads: int) -> Peers:
    """Import the peers that are installed, with as many threads as NumPy's BLAS uses."""
    # JAX reads these when it is imported
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    os.environ.setdefault("NPROC", str(threads))
    peers = Peers(*map(load, Peers._fields))
    if peers.torch:
        peers.torch.set_num_threads(threads)
    return peers
