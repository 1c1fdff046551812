"""Samples of setting elements by an index."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from minigrad.ops.assigning import setitem
from minigrad.ops.indexing import array_index
from tests.helpers.inputs import distinct
from tests.ops.samples.sample import Sample
from tests.ops.samples.shapes import INDICES


def set_one_by_one(x: Any, value: Any, index: Any) -> Any:
    """Every element by its number, in order: of several values for one element the last stays."""
    y = np.array(x)
    numbers = np.arange(y.size).reshape(y.shape)[index]
    values = np.reshape(value, np.shape(value)[-numbers.ndim :] if np.ndim(value) > numbers.ndim else np.shape(value))
    for number, element in zip(numbers.ravel(), np.broadcast_to(values, numbers.shape).ravel()):
        y.flat[number] = element
    return y


def assigning() -> Iterator[Sample]:
    shape = (3, 4, 2)
    for name, given in INDICES.items():
        index = array_index(given)
        places = np.zeros(shape)[index].shape
        function, formula = partial(setitem, index=index), partial(set_one_by_one, index=index)
        yield Sample(f"setitem {name}", function, formula, distinct(shape, places))
    for places in ((), (1,), (2,), (4, 1), (1, 1, 4, 2)):
        function, formula = partial(setitem, index=(1,)), partial(set_one_by_one, index=(1,))
        yield Sample(f"setitem broadcast {places}", function, formula, distinct(shape, places))
