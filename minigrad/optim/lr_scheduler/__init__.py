"""Schedules of the learning rate, by PyTorch's names: ``optim.lr_scheduler``.

Each is made for an optimiser, sets its rates at once for epoch 0, and for the next epoch with each ``step()``.

>>> optimizer = optim.SGD([nn.Parameter(mg.ones(2))], lr=1.0)
>>> schedule = optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
>>> for epoch in range(4):
...     optimizer.step()  # after a pass over the data
...     schedule.step()
>>> optimizer.param_groups[0]["lr"]
0.25
"""

from .annealing import CosineAnnealingLR, CosineAnnealingWarmRestarts, PolynomialLR
from .combined import ChainedScheduler, SequentialLR
from .cycles import CyclicLR, OneCycleLR
from .factors import ConstantLR, ExponentialLR, LambdaLR, LinearLR, MultiplicativeLR, MultiStepLR, StepLR
from .plateau import ReduceLROnPlateau
from .scheduler import LRScheduler

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
