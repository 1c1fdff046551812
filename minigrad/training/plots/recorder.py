"""Notes what goes on in the layers of a model while it is trained."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from ...engine.arguments import a_type
from ...engine.errors import InvalidTypeError
from ...nn.module import Module
from ...tensor.tensor import Tensor

PERCENTILES = 5, 25, 50, 75, 95


class Recorder:
    """Notes the percentiles of activations and gradients, and how far weights move, whenever ``note()`` is called.

    It looks only: the training is the same with it. Its dicts are what ``plots.activation_percentiles``,
    ``plots.gradient_percentiles`` and ``plots.update_ratios`` draw.

    Args:
        model: the module. The outputs of its layers (modules without others in them) are looked at while it is in
            training mode.

    Attributes:
        activations: for each layer that was called, such as ``1: BatchNorm1d``, a list of the percentiles of its
            output: 5, 25, 50, 75 and 95 %.
        gradients: for each parameter with a gradient those of its elements' sizes.
        updates: for each parameter the root mean square of what it changed by, over that of what it was before.

    >>> model = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
    >>> optimizer = optim.SGD(model.parameters(), lr=0.1)
    >>> with training.plots.Recorder(model) as recorder:
    ...     for _ in range(3):
    ...         optimizer.zero_grad()
    ...         F.cross_entropy(model(mg.randn(16, 2)), mg.randint(2, (16,))).backward()
    ...         optimizer.step()
    ...         recorder.note()
    >>> len(recorder.activations["1: BatchNorm1d"]), len(recorder.updates["0.weight"])
    (3, 3)
    """

    def __init__(self, model: Module) -> None:
        if not isinstance(model, Module):
            raise InvalidTypeError(f"Recorder expects a module, got {a_type(model)}.")
        self.model = model
        self.activations: dict[str, list[ndarray]] = {}
        self.gradients: dict[str, list[ndarray]] = {}
        self.updates: dict[str, list[float]] = {}
        self.seen: dict[str, ndarray] = {}
        """The last output of each layer."""
        self.handles: list[Any] = []

    def __enter__(self) -> Recorder:
        self.before = self.weights()
        for name, module in self.model.named_modules():
            if next(module.children(), None) is None:
                self.handles.append(
                    module.register_forward_hook(self.hook(f"{name}: {type(module).__name__}".lstrip(": ")))
                )
        return self

    def __exit__(self, *exception: object) -> None:
        for handle in self.handles:
            handle.remove()
        self.handles.clear()

    def hook(self, name: str) -> Any:
        """What notes the output of a layer."""

        def look(module: Module, inputs: Any, output: Any) -> None:
            if module.training and isinstance(output, Tensor):
                self.seen[name] = np.percentile(output.array.astype(np.float64), PERCENTILES)

        return look

    def weights(self) -> dict[str, ndarray]:
        """The parameters as they are now."""
        return {name: parameter.array.astype(np.float64) for name, parameter in self.model.named_parameters()}

    def note(self) -> None:
        """Note the last step: call it after ``optimizer.step()``, while gradients are there."""
        for name, found in self.seen.items():
            self.activations.setdefault(name, []).append(found)
        self.seen = {}
        after = self.weights()
        for name, parameter in self.model.named_parameters():
            if parameter.grad is None or not parameter.array.size:
                continue
            sizes = np.abs(parameter.grad.array.astype(np.float64))
            self.gradients.setdefault(name, []).append(np.percentile(sizes, PERCENTILES))
            moved, was = (rms(values) for values in (after[name] - self.before[name], self.before[name]))
            self.updates.setdefault(name, []).append(moved / was if was else np.nan)
        self.before = after


def rms(values: ndarray) -> float:
    """The root mean square."""
    return float(np.sqrt(np.mean(values**2)))
