"""The datasets by name."""

import difflib
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from . import toy
from .dataset import TensorDataset
from .digits import digits
from .tabular import auto_mpg, iris


class Source(NamedTuple):
    """A dataset, and what a model for it must know.

    Attributes:
        load: the function that returns it.
        inputs: numbers per sample.
        classes: how many labels there are; None for regression.
        description: what it is, in one line.

    >>> data.find_source('moons').inputs
    2
    """

    load: Callable[..., TensorDataset]
    inputs: int
    classes: int | None
    description: str

    @property
    def task(self) -> str:
        """``"classification"`` or ``"regression"``."""
        return "regression" if self.classes is None else "classification"

    @property
    def generated(self) -> bool:
        """Whether it is made up, with ``n`` samples and ``noise``."""
        return self.load.__module__ == toy.__name__

    @property
    def outputs(self) -> int:
        """Numbers a model predicts per sample: a score for each class, or one value."""
        return self.classes or 1


DATASETS: dict[str, Source] = {
    "moons": Source(toy.moons, 2, 2, "two interleaved half circles"),
    "circles": Source(toy.circles, 2, 2, "a circle in a circle"),
    "spirals": Source(toy.spirals, 2, 3, "three spiral arms"),
    "blobs": Source(toy.blobs, 2, 3, "three round clouds"),
    "xor": Source(toy.xor, 2, 2, "the quarters of a square, opposite ones alike"),
    "checkerboard": Source(toy.checkerboard, 2, 2, "the squares of a 4x4 board"),
    "sine": Source(toy.sine, 1, None, "a noisy sine"),
    "digits": Source(digits, 64, 10, "1,797 handwritten digits, 8x8 pixels"),
    "iris": Source(iris, 4, 3, "150 flowers of three species"),
    "auto_mpg": Source(auto_mpg, 9, None, "392 cars and their fuel consumption"),
}

OTHER_NAMES = {"mnist": "digits"}
"""What other libraries call a dataset, or one like it."""


def find_source(name: str, among: Iterable[str] | None = None) -> Source:
    """The entry of that name in ``DATASETS``.

    Args:
        name: a key of ``DATASETS``.
        among: the keys that will do; all by default.

    Raises:
        ValueError: if there is none, with the names there are.

    >>> data.find_source("moons").task
    'classification'
    """
    among = DATASETS if among is None else among
    if not isinstance(name, str) or name not in among:
        close = difflib.get_close_matches(str(name).lower(), [*among, *OTHER_NAMES], 1)
        hint = f" Did you mean {OTHER_NAMES.get(close[0], close[0])!r}?" if close else ""
        raise ValueError(f"there is no dataset {name!r}.{hint} There are {', '.join(among)}.")
    return DATASETS[name]


def load_dataset(name: str, **settings: Any) -> TensorDataset:
    """The dataset of that name in ``DATASETS``: inputs and targets.

    Args:
        name: a key of ``DATASETS``.
        **settings: for its function, such as ``n``, ``noise`` and ``seed`` of toy data.

    Raises:
        ValueError: if there is none of that name.

    >>> len(data.load_dataset("moons", n=100))
    100
    """
    return find_source(name).load(**settings)
