"""A model's forward pass as programs: captured with its example, and with examples of other sizes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from ..compile import Program, Refusal, capture
from ..compile.trees import mapped, tree_leaves
from ..engine.modes import enable_grad
from ..engine.node import Variable, array_of, wrap
from ..nn.module import Module
from ..nn.snapshot import Snapshot
from .errors import OnnxExporterError
from .lengths import Sizes

Axes = dict[int, dict[int, str]]
"""For the number of an input and of its axis the name of its size."""


def resized(array: ndarray, axes: dict[int, str], sizes: dict[str, int]) -> ndarray:
    """An example of other sizes, whose elements are those of the given one, again and again."""
    for axis, name in axes.items():
        array = np.take(array, np.arange(sizes[name]) % array.shape[axis], axis)
    return array


def examples(arguments: Any, axes: Axes, sizes: dict[str, int]) -> Any:
    """The arguments with other sizes, as tensors without a graph, which the model may change."""
    numbers = iter(range(len(tree_leaves(arguments))))

    def resize(leaf: Any) -> Any:
        number = next(numbers)
        if not isinstance(leaf, (Variable, ndarray)):
            return leaf
        array = np.array(array_of(leaf), order="C")
        return wrap(np.array(resized(array, axes.get(number, {}), sizes)))

    return mapped(resize, arguments)


def captured(model: Callable[..., Any], arguments: Any, keywords: bool, axes: Axes, sizes: Sizes) -> Sequence[Program]:
    """The programs of ``model(*arguments)``, or ``model(**arguments[0])``, one for each capture of the sizes.

    The model is as before afterwards: parameters, statistics, modes, and the random state.
    """

    def forward(*args: Any) -> Any:
        return model(**args[0]) if keywords else model(*args)

    programs: list[Program] = []
    state = [model] if isinstance(model, Module) else []
    for number, changed in enumerate(sizes.captures):
        try:
            with Snapshot.of(model) if isinstance(model, Module) else contextlib.nullcontext(), enable_grad():
                programs.append(capture(forward, *examples(arguments, axes, changed), state=state)[0])
        except Refusal as error:
            raise OnnxExporterError(f"onnx.export: the model cannot be written down: {error}") from error
        except Exception as error:
            if not number:
                raise
            said = ", ".join(f"{name} {size}" for name, size in changed.items())
            raise OnnxExporterError(
                f"onnx.export: the model runs with its example, but not with {said}: {error} Pass dynamic_axes={{}} "
                "for a file that takes the example's sizes only, or name the axes that may change."
            ) from error
    return programs
