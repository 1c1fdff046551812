"""Floor 5: optimisers."""

from . import swa_utils as swa_utils
from .optimizer import Optimizer as Optimizer
from .rules.adam import Adam as Adam
from .rules.sgd import SGD as SGD
