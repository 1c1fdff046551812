"""Floor 6: a small training loop, what is measured beside the loss, and models of the command line.

>>> from minigrad import training
"""

from . import plots
from .fitting import fit
from .history import History
from .metrics import accuracy, class_table, confusion_matrix, r2_score
from .predictor import Predictor, load_model

__all__ = [
    "History", "Predictor", "accuracy", "class_table", "confusion_matrix", "fit", "load_model", "plots", "r2_score",
]  # fmt: skip
