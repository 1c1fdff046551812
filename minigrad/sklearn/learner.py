"""What an estimator trains: a model with its optimiser and its random state, which is pickled as state dicts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from .. import nn, optim
from ..autograd.trees import mapped
from ..engine.node import array_of
from ..nn import init
from ..random import fork_rng
from ..tensor.creation import from_numpy
from ..tensor.tensor import Tensor
from ..training.fitting import train_once

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "identity": nn.Identity, "logistic": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU, "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU, "gelu": nn.GELU, "silu": nn.SiLU,
}  # fmt: skip
"""The first four are scikit-learn's."""

SOLVERS: dict[str, Callable[..., optim.Optimizer]] = {"adam": optim.Adam, "sgd": optim.SGD}


class Plan(NamedTuple):
    """What a model is built from."""

    sizes: tuple[int, ...]
    activation: str
    batch_norm: bool
    batch_norm_momentum: float | None
    dtype: str

    def model(self) -> nn.Sequential:
        """The layers: before each activation batch normalisation, and then no bias, which it would subtract again."""
        layers: list[nn.Module] = []
        with fork_rng():  # the layers draw their first values from the global random state
            for inputs, outputs in pairwise(self.sizes[:-1]):
                layers.append(nn.Linear(inputs, outputs, bias=not self.batch_norm, dtype=self.dtype))
                if self.batch_norm:
                    layers.append(nn.BatchNorm1d(outputs, momentum=self.batch_norm_momentum, dtype=self.dtype))
                layers.append(ACTIVATIONS[self.activation]())
            layers.append(nn.Linear(self.sizes[-2], self.sizes[-1], dtype=self.dtype))
        return nn.Sequential(*layers)


class Batches:
    """Inputs and targets in batches, an epoch in each ``for``: a rest below ``least`` joins the last batch."""

    def __init__(
        self, inputs: ndarray, targets: ndarray, size: int, least: int, generator: np.random.Generator | None
    ) -> None:
        self.inputs, self.targets, self.generator = inputs, targets, generator
        starts = range(0, max(len(inputs) - least, 0) + 1, size)
        self.slices = [slice(start, end) for start, end in pairwise([*starts, len(inputs)])]

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        count = len(self.inputs)
        order = np.arange(count) if self.generator is None else self.generator.permutation(count)
        for part in self.slices:
            yield from_numpy(self.inputs[order[part]]), from_numpy(self.targets[order[part]])


class Learner:
    """A model, its optimiser and its random state.

    Args:
        plan: of the model.
        seed: of the first weights and of the order of samples.
        solver: the optimiser's name.
        settings: the optimiser's; ``weight_decay`` is that of weights only.
    """

    def __init__(self, plan: Plan, seed: int, solver: str, settings: dict[str, Any]) -> None:
        self.plan = plan
        self.generator = np.random.default_rng(seed)
        self.model = plan.model()
        for layer in self.model:
            if isinstance(layer, nn.Linear):
                bound = 1 / math.sqrt(layer.in_features)
                for parameter in layer.parameters():
                    init.uniform_(parameter, -bound, bound, generator=self.generator)
        self.restart(solver, settings)

    def restart(self, solver: str, settings: dict[str, Any]) -> None:
        """Take a new optimiser."""
        self.solver = solver
        groups = optim.param_groups(self.model, settings["weight_decay"])
        self.optimizer = SOLVERS[solver](groups, **settings)

    def epoch(self, batches: Batches, loss: Callable[[Any, Any], Tensor]) -> float:
        """Train on every batch once; the mean loss of the samples, each as it was seen.

        Raises:
            FloatingPointError: for a loss that is not finite.
        """
        value = train_once(self.model, batches, loss, self.optimizer)
        self.model.eval()
        return value

    def __getstate__(self) -> dict[str, Any]:
        return {
            "plan": tuple(self.plan),
            "solver": self.solver,
            "model": mapped(array_of, dict(self.model.state_dict())),
            "optimizer": mapped(array_of, self.optimizer.state_dict()),
            "generator": self.generator.bit_generator.state,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.plan, self.generator = Plan(*state["plan"]), np.random.default_rng(0)
        self.model = self.plan.model().eval()
        self.restart(state["solver"], {"weight_decay": 0})
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.bit_generator.state = state["generator"]
