"""Floor 6: a small training loop and what is measured beside the loss; neither is needed to train.

>>> from minigrad import training
"""

from .fitting import fit
from .history import History
from .metrics import accuracy, class_table, confusion_matrix, r2_score

__all__ = ["History", "accuracy", "class_table", "confusion_matrix", "fit", "r2_score"]
