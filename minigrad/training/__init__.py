# Floor 6: imports come from the floors below.
"""A small training loop, metrics, and models that the command line has trained.

>>> from minigrad import training
>>> train, test = data.train_test_split(data.moons(200))
>>> model = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
>>> optimizer = optim.Adam(model.parameters(), lr=0.01)
>>> loader = data.DataLoader(train, batch_size=32, shuffle=True)
>>> history = training.fit(model, loader, loss=F.cross_entropy, optimizer=optimizer, epochs=2)
>>> len(history)
2
"""

from . import plots
from .fitting import fit
from .history import History
from .metrics import accuracy, class_table, confusion_matrix, r2_score
from .predictor import Predictor, load_model

__all__ = [
    "History", "Predictor", "accuracy", "class_table", "confusion_matrix", "fit", "load_model", "plots", "r2_score",
]  # fmt: skip
