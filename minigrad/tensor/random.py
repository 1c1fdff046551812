"""The global random state: what ``randn``, ``rand``, initialisation, dropout and shuffling draw from.

A generator is one of NumPy's, with PyTorch's methods: whatever takes one takes NumPy's as well.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..engine.arguments import a_type
from ..engine.errors import InvalidTypeError
from ..groups.default import of_thread
from . import device as devices

FIRST_SEED = 67280421310721
"""The seed of a new ``Generator``, which is PyTorch's."""


def checked_seed(seed: Any) -> int:
    """A seed as Python's own integer."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"a seed must be an integer of at least 0, got {seed!r}.")
    return int(seed)


class Generator(np.random.Generator):
    """A random state of its own, for the argument ``generator`` of random functions, loaders and splits.

    A new one always starts from the same seed. It is NumPy's PCG64 generator, with PyTorch's methods beside NumPy's.

    Args:
        device: ``"cpu"``, all there is.

    >>> g = mg.Generator().manual_seed(3)
    >>> bool((mg.rand(2, generator=g) == mg.rand(2, generator=mg.Generator().manual_seed(3))).all())
    True
    """

    def __init__(self, device: Any = "cpu") -> None:
        devices.on_cpu(device)
        super().__init__(np.random.PCG64(FIRST_SEED))
        self._seed = FIRST_SEED

    @property
    def device(self) -> devices.device:
        """The CPU."""
        return devices.CPU

    def manual_seed(self, seed: int) -> Generator:
        """Start again from a seed, an integer of at least 0; returns itself."""
        seed = checked_seed(seed)
        self.bit_generator.state = np.random.PCG64(seed).state
        self._seed = seed
        return self

    def seed(self) -> int:
        """Start again from a seed that nobody can foresee; returns it."""
        self.manual_seed(secrets.randbits(63))
        return self._seed

    def initial_seed(self) -> int:
        """The seed it started from."""
        return self._seed

    def get_state(self) -> dict[str, Any]:
        """The state, to be saved and set again: plain numbers and strings."""
        return dict(self.bit_generator.state)

    def set_state(self, new_state: dict[str, Any]) -> None:
        """Go on from ``new_state``, which ``get_state`` returned."""
        self.bit_generator.state = new_state

    def clone_state(self) -> Generator:
        """Another generator in the same state, with the same numbers ahead."""
        other = Generator()
        other.set_state(self.get_state())
        other._seed = self._seed
        return other

    def spawn(self, n_children: int) -> list[np.random.Generator]:
        """``n_children`` independent generators of NumPy's, as ``numpy.random.Generator.spawn`` makes them."""
        return np.random.Generator(self.bit_generator).spawn(n_children)

    def __reduce__(self) -> Any:
        return restored, (self.get_state(), self._seed)


def restored(state: dict[str, Any], seed: int) -> Generator:
    """A generator that was copied or pickled."""
    generator = Generator()
    generator.set_state(state)
    generator._seed = seed
    return generator


generator = Generator()
generator.seed()


def global_generator() -> Generator:
    """The process's generator; in a thread that is a rank its own, which begins as a copy of the process's."""
    rank = of_thread.get()
    if rank is None:
        return generator
    if rank.random is None:
        rank.random = generator.clone_state()
    own: Generator = rank.random
    return own


def source(given: Any) -> np.random.Generator:
    """The generator to draw from: the one that was given, the global one for None."""
    if given is None:
        return global_generator()
    if not isinstance(given, np.random.Generator):
        raise InvalidTypeError(
            f"generator must be a mg.Generator, or a numpy.random.Generator, got {a_type(given)}: "
            "make one, mg.Generator().manual_seed(0)."
        )
    return given


def manual_seed(seed: int) -> Generator:
    """Start the random state from ``seed``: the same numbers in the same order every time. Returns the generator.

    All threads of a process share its state, as in PyTorch: which of them draws which number changes from run to run. A
    thread that is to be repeatable draws from a ``Generator`` of its own, and trains in a process of its own. The ranks
    of ``distributed.ThreadGroup`` have a state each, which this function starts for the rank that calls it.

    >>> first = mg.manual_seed(0), mg.rand(3)
    >>> again = mg.manual_seed(0), mg.rand(3)
    >>> bool((first[1] == again[1]).all())
    True
    """
    return global_generator().manual_seed(seed)


def seed() -> int:
    """Start the random state from a seed that nobody can foresee; returns it.

    >>> isinstance(mg.seed(), int)
    True
    """
    return global_generator().seed()


def initial_seed() -> int:
    """The seed that the random state started from.

    >>> _ = mg.manual_seed(3)
    >>> mg.initial_seed()
    3
    """
    return global_generator().initial_seed()


def get_rng_state() -> dict[str, Any]:
    """The random state, to be saved and set again: plain numbers and strings.

    >>> state = mg.get_rng_state()
    >>> first = mg.rand(2)
    >>> mg.set_rng_state(state)
    >>> mg.equal(first, mg.rand(2))
    True
    """
    return global_generator().get_state()


def set_rng_state(new_state: dict[str, Any]) -> None:
    """Go on from a state that ``get_rng_state`` returned.

    Args:
        new_state: that state.

    >>> state = mg.get_rng_state()
    >>> first = mg.rand(2)
    >>> mg.set_rng_state(state)
    >>> mg.equal(first, mg.rand(2))
    True
    """
    global_generator().set_state(new_state)


@contextlib.contextmanager
def fork_rng(devices: Any = None, enabled: bool = True) -> Iterator[None]:
    """A block of code after which the random state is what it was before.

    Args:
        devices: accepted; there is only the CPU.
        enabled: whether it is; else the block draws as usual.

    >>> before = mg.get_rng_state()
    >>> with mg.random.fork_rng():
    ...     x = mg.manual_seed(1), mg.rand(2)
    >>> mg.get_rng_state() == before
    True
    """
    generator = global_generator()
    state, first = generator.get_state(), generator.initial_seed()
    try:
        yield
    finally:
        if enabled:
            generator.set_state(state)
            generator._seed = first
