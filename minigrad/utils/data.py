"""``mg.data`` under PyTorch's name, ``from minigrad.utils.data import DataLoader``."""

from .. import data
from ..data import *  # noqa: F403

__all__ = data.__all__
