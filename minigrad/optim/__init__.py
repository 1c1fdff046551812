"""Floor 5: optimisers."""

from typing import TYPE_CHECKING

from ..engine.absent import absent
from . import lr_scheduler, swa_utils
from .decay import param_groups
from .optimizer import Optimizer
from .rules.adagrad import Adadelta, Adagrad, RMSprop
from .rules.adam import Adam, AdamW
from .rules.nadam import Adamax, NAdam, RAdam
from .rules.rprop import ASGD, Rprop
from .rules.sgd import SGD

__all__ = [
    "ASGD",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "lr_scheduler",
    "param_groups",
    "swa_utils",
]

if not TYPE_CHECKING:
    __getattr__ = absent(__name__)
