# Floor 5: imports come from the floors below.
"""Optimisers and what belongs to them: schedules of the learning rate, averages of models, ``mg.optim``.

An optimiser is given the parameters of a model; after ``loss.backward()`` its ``step()`` changes them in place.
Settings may be given by group, as in PyTorch: ``[{"params": model.parameters(), "lr": 0.1}]``; ``param_groups`` splits
a model into those with and those without weight decay. ``lr_scheduler`` has schedules, ``swa_utils`` averages.

>>> model = nn.Linear(2, 1)
>>> optimizer = optim.Adam(model.parameters(), lr=0.01)
>>> scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.1)
>>> for x, y in [(mg.ones(4, 2), mg.zeros(4, 1))]:
...     optimizer.zero_grad()
...     F.mse_loss(model(x), y).backward()
...     optimizer.step()
>>> scheduler.step()
>>> round(scheduler.get_last_lr()[0], 6)
0.001
"""

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
