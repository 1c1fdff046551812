"""The table of all samples: those of every function of this folder that returns an iterator of samples."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator

import pytest

import minigrad as mg
from tests.helpers.inputs import leaves
from tests.ops import samples
from tests.ops.samples.sample import Sample


def families() -> Iterator[Callable[[], Iterator[Sample]]]:
    """The functions, in the order of their files."""
    for module in pkgutil.iter_modules(samples.__path__, f"{samples.__name__}."):
        if module.name == __name__:
            continue
        for function in vars(importlib.import_module(module.name)).values():
            own = inspect.isfunction(function) and function.__module__ == module.name
            if own and function.__annotations__ == {"return": "Iterator[Sample]"}:
                yield function


SAMPLES = [sample for family in families() for sample in family()]
every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)


def result(sample: Sample) -> mg.Tensor:
    return sample.function(*leaves(sample.inputs))
