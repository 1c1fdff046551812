"""Floor 5: optimisers."""

from . import swa_utils
from .optimizer import Optimizer
from .rules.adam import Adam
from .rules.sgd import SGD

__all__ = ["SGD", "Adam", "Optimizer", "swa_utils"]
