# Floor 4: imports come from the floors below.
"""Checkpoints: ``mg.save`` and ``mg.load``, files without pickle, complete or not there.

>>> mg.save({"model": nn.Linear(2, 1).state_dict(), "epoch": 3}, "run.ckpt")
>>> sorted(mg.load("run.ckpt"))
['epoch', 'model']

``load`` reads PyTorch's ``.pt`` files and ``.safetensors``, too.
"""

from .checkpoint import load, save
from .errors import CheckpointError

__all__ = ["CheckpointError", "load", "save"]
