"""Small tables that come with the package, for classification and for regression."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..tensor.creation import from_numpy
from .csv_file import read_csv
from .dataset import TensorDataset
from .table import Table

FILES = {name: Path(__file__).with_name(f"{name}.csv") for name in ("iris", "auto_mpg")}


def table(name: str) -> Table:
    """The table of that name, whose last column is the target."""
    return read_csv(FILES[name])


def iris() -> TensorDataset:
    """150 flowers of three species of iris.

    Returns:
        Inputs (150, 4), float32: length and width of sepals and petals in centimetres, and labels (150,), int64:
        setosa 0, versicolor 1, virginica 2.

    R. A. Fisher, The use of multiple measurements in taxonomic problems, 1936; ``iris.md`` beside this file has source
    and licence.

    >>> inputs, labels = data.iris()[:]
    >>> inputs.shape, labels.bincount()
    ((150, 4), tensor([50, 50, 50]))
    """
    *features, species = table("iris").columns
    inputs = np.stack([column.values for column in features], 1).astype(np.float32)
    return TensorDataset(from_numpy(inputs), from_numpy(species.values.astype(np.int64)))


def auto_mpg() -> TensorDataset:
    """392 cars, and how many miles they go with a gallon of fuel.

    Returns:
        Inputs (392, 9), float32: cylinders, displacement, horsepower, weight, acceleration, model year, and 1 in one of
        three columns for the origin: Europe, Japan, USA; and targets (392, 1), float32: miles per gallon.

    R. Quinlan, Auto MPG, 1993; ``auto_mpg.md`` beside this file has source and licence. The inputs are of very
    different sizes: scale them, or put a BatchNorm first.

    >>> inputs, targets = data.auto_mpg()[:]
    >>> inputs.shape, targets.shape
    ((392, 9), (392, 1))
    """
    *features, origin, mpg = table("auto_mpg").columns
    numbers = np.stack([column.values for column in features], 1)
    inputs = np.concatenate([numbers, np.eye(len(origin.words or ()))[origin.values]], 1)
    return TensorDataset(*(from_numpy(array.astype(np.float32)) for array in (inputs, mpg.values[:, None])))
