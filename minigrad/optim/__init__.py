"""Floor 5: optimisers."""

from . import swa_utils as swa_utils
from .adam import Adam as Adam
from .optimizer import Optimizer as Optimizer
from .sgd import SGD as SGD
