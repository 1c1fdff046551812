"""A trained net with all that it needs to predict from raw data, as ``load_model`` reads it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from ..data.csv_file import read_csv
from ..data.npz_file import read_npz
from ..data.sources import DATASETS
from ..data.table import Table, TableError, column_of, from_arrays
from ..engine.arguments import a_type
from ..engine.errors import InvalidTypeError
from ..engine.modes import no_grad
from ..io.checkpoint import load
from ..io.errors import CheckpointError
from ..nn.module import Module
from ..nn.parameter import Buffer
from ..tensor.creation import from_numpy
from ..tensor.tensor import Tensor
from .metrics import plain
from .mlp import ACTIVATIONS, mlp
from .preparation import Preparation, wrong_width

BATCH = 4096
"""Samples that are predicted at once."""
NAMES = "best.npz", "checkpoint.npz"
"""What a folder's model is read from, the first that is there."""


class Predictor(Module):
    """A net with the scaling of its inputs and the names of its classes: it takes raw data.

    Called with raw inputs (N, F), it gives the net's outputs: scores of the classes (N, C), or scaled targets (N, 1).

    Attributes:
        net: the trained net, whose inputs are scaled.
        mean, scale: buffers (F,), float64, of the training part.
        classes: the classes, integers or words, in the order of the scores; None in regression.
        target: the name of what is predicted.
        features: the names of the columns that are the inputs.
        preparation: how columns become inputs.

    >>> from minigrad.training.preparation import Preparation
    >>> net = nn.Linear(2, 2, bias=False)
    >>> net.load_state_dict({"weight": mg.eye(2)})  # the score of a class is the column of that number
    <All keys matched successfully>
    >>> model = training.Predictor(net, Preparation.plain(2, classes=2))  # which needs no scaling
    >>> model.predict(np.array([[3.0, 1.0], [0.0, 2.0]]))
    array([0, 1])
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, net: Module, preparation: Preparation) -> None:
        self.net = net
        self.preparation = preparation
        self.mean = Buffer(from_numpy(preparation.mean))
        self.scale = Buffer(from_numpy(preparation.scale))
        self.classes = preparation.classes
        self.target = preparation.target
        self.features = tuple(name for name, _ in preparation.features)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(((x.double() - self.mean) / self.scale).float())

    def predict(self, x: Any) -> ndarray:
        """The predicted classes or numbers, (N,).

        Args:
            x: the path of a ``.csv`` or ``.npz`` file; a dict of columns by name; or the inputs (N, F) in the order of
                the training data, an array or a tensor.

        Raises:
            ValueError: if columns are missing, or values that training did not see, saying where.
        """
        return self.preparation.predictions(self.outputs(x))

    def predict_proba(self, x: Any) -> ndarray:
        """The probabilities of the classes, (N, C) of float64.

        Args:
            x: as that of ``predict``.

        Raises:
            TypeError: for a model of numbers, which has no classes.
            ValueError: as ``predict``.
        """
        if self.classes is None:
            raise InvalidTypeError(f"predict_proba: {self.target} is a number, it has no classes: use predict.")
        return probabilities(self.outputs(x))

    def outputs(self, x: Any) -> ndarray:
        """The net's outputs in evaluation mode for raw data as ``predict`` takes it."""
        inputs = self.preparation.encoded(table_of(x, self.features))
        with self.net.evaluating(), no_grad():
            batches = [inputs[start : start + BATCH] for start in range(0, len(inputs), BATCH)]
            return np.concatenate([self.net(from_numpy(batch)).numpy() for batch in batches])

    def extra_repr(self) -> str:
        found = f"{len(self.classes)} classes" if self.classes else "a number"
        return f"{self.target}: {found} from {len(self.features)} columns"


def probabilities(outputs: ndarray) -> ndarray:
    """The softmax of scores (N, C)."""
    values = np.exp(outputs.astype(np.float64) - outputs.max(1, keepdims=True))
    return np.asarray(values / values.sum(1, keepdims=True))


def table_of(x: Any, features: Sequence[str]) -> Table:
    """A table of whatever ``predict`` takes; an array has as many columns as the model has features."""
    if isinstance(x, Table):
        return x
    if isinstance(x, (str, os.PathLike)):
        return read_table(x, inputs_only=True)
    if isinstance(x, Mapping):
        columns = tuple(column_of(str(name), np.asarray(plain(values))) for name, values in x.items())
        if len({column.values.shape for column in columns}) != 1 or columns[0].values.ndim != 1:
            raise TableError("predict: columns must be vectors of one length.")
        return Table("the dict", columns)
    array = plain(x)
    if array.ndim < 2 or array.dtype.kind not in "biuf":
        raise InvalidTypeError(
            f"predict takes inputs (N, F), a dict of columns, or a file, got {a_type(x)} {array.dtype} {array.shape}; "
            "a single sample is x[None]."
        )
    table = from_arrays("the array", array)
    if len(table.columns) != len(features):
        raise TableError(wrong_width(table, features))
    return table


def read_table(
    path: Any, header: bool | None = None, target: str | None = None, inputs_only: bool = False, **options: Any
) -> Table:
    """The table in a file: an ``.npz`` file by its name, else text, which is read with further options."""
    if str(path).lower().endswith(".npz"):
        return read_npz(path, target, inputs_only)
    return read_csv(path, header, **options)


def load_model(path: str | os.PathLike[str]) -> Predictor:
    """The model that ``minigrad train`` has written, ready to predict from raw data.

    Args:
        path: its ``best.npz``, with the model of the best epoch, or its ``checkpoint.npz``, with that of the last; or
            their folder, of which the best is taken.

    Returns:
        A ``Predictor``, in evaluation mode. Its net is ``.net``.

    Raises:
        CheckpointError: if the file is none of this command's.
        OSError: if it cannot be read.

    >>> from minigrad.training.mlp import mlp
    >>> net = mlp(inputs=2, hidden=(8,), outputs=2, batchnorm=True)
    >>> settings = {"dataset": "moons", "hidden": [8], "batchnorm": True, "bias": False}
    >>> mg.save({"settings": settings, "model": net.state_dict()}, "best.npz")  # "minigrad train moons" would, trained
    >>> model = training.load_model("best.npz")
    >>> model.classes, model.predict(np.array([[0.0, 1.0], [1.0, -0.5], [2.0, 0.0]])).shape
    ((0, 1), (3,))
    """
    path = Path(path)
    if path.is_dir():
        path = next((path / name for name in NAMES if (path / name).exists()), path / NAMES[-1])
    state = load(path)
    try:
        return predictor(state)
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise CheckpointError(f"{path} is no checkpoint of 'minigrad train': name a file that it wrote.") from error


def predictor(state: Mapping[str, Any]) -> Predictor:
    """The model of a checkpoint's state; those of older versions have no preparation, and a bias before BatchNorm."""
    settings = state["settings"]
    kept = state.get("preparation")
    source = DATASETS.get(settings["dataset"])
    if kept is None and source is None:
        raise KeyError("preparation")
    preparation = Preparation(**kept) if kept else Preparation.plain(source.inputs, source.classes)  # type: ignore
    net = mlp(
        len(preparation.mean), tuple(settings["hidden"]), preparation.outputs, settings["batchnorm"],
        ACTIVATIONS[settings.get("activation", "relu")], settings.get("bias", True),
    )  # fmt: skip
    net.load_state_dict(state["model"])
    model = Predictor(net, preparation)
    model.eval()
    return model
