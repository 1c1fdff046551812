"""What programs ask of graphics cards, ``mg.cuda``: there is none, minigrad runs on the CPU."""

from typing import Any

__all__ = ["device_count", "empty_cache", "is_available", "manual_seed", "manual_seed_all", "synchronize"]


def is_available() -> bool:
    """Whether there is a device: no.

    >>> mg.cuda.is_available()
    False
    """
    return False


def device_count() -> int:
    """How many devices there are: none.

    >>> mg.cuda.device_count()
    0
    """
    return 0


def manual_seed(seed: int) -> None:
    """Accepted: there is no random state but that of the CPU.

    Args:
        seed: not used.

    >>> mg.cuda.manual_seed(0)
    """


def manual_seed_all(seed: int) -> None:
    """Accepted: there is no random state but that of the CPU.

    Args:
        seed: not used.

    >>> mg.cuda.manual_seed_all(0)
    """


def synchronize(device: Any = None) -> None:
    """Accepted: there is nothing to wait for.

    Args:
        device: not used.

    >>> mg.cuda.synchronize()
    """


def empty_cache() -> None:
    """Accepted: there is no memory to free.

    >>> mg.cuda.empty_cache()
    """
