"""The process's random state: what ``randn``, ``rand``, initialisation, dropout and shuffling draw from."""

from __future__ import annotations

from typing import Any

import numpy as np

generator = np.random.Generator(np.random.PCG64())


def manual_seed(seed: int) -> np.random.Generator:
    """Start the random state from ``seed``: the same numbers in the same order every time. Returns the generator.

    >>> first = mg.manual_seed(0), mg.rand(3)
    >>> again = mg.manual_seed(0), mg.rand(3)
    >>> bool((first[1] == again[1]).all())
    True
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"a seed must be an integer of at least 0, got {seed!r}.")
    generator.bit_generator.state = np.random.PCG64(int(seed)).state
    return generator


def get_rng_state() -> dict[str, Any]:
    """The random state, to be saved and set again: plain numbers and strings."""
    return dict(generator.bit_generator.state)


def set_rng_state(state: dict[str, Any]) -> None:
    """Go on from a state that ``get_rng_state`` returned."""
    generator.bit_generator.state = state
