"""The same net in minigrad, as its users write it.

The names are PyTorch's, so that the same code is the same step in PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import minigrad

from .workloads import LEARNING_RATE, Workload


class EagerStep:
    """``step()`` trains once on the workload's batch and returns the loss.

    Args:
        workload: what is trained.
        framework: minigrad, or PyTorch.
        settings: further ones of the optimiser.
    """

    def __init__(self, workload: Workload, framework: Any = minigrad, **settings: Any) -> None:
        nn, optim = framework.nn, framework.optim
        self.no_grad = framework.no_grad
        self.x, self.target = map(framework.tensor, workload.data())
        activation = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid}[workload.activation]
        self.model = nn.Sequential()
        for a, b in zip(workload.sizes, workload.sizes[1:-1]):
            self.model.extend([nn.Linear(a, b), nn.BatchNorm1d(b), activation()])
        self.model.append(nn.Linear(*workload.sizes[-2:]))
        linears = [layer for layer in self.model if isinstance(layer, nn.Linear)]
        for layer, (weight, bias) in zip(linears, workload.weights()):
            layer.weight.data.copy_(framework.tensor(weight))
            layer.bias.data.copy_(framework.tensor(bias))
        kind = {"adam": optim.Adam, "sgd": optim.SGD}[workload.optimizer]
        self.optimizer = kind(self.model.parameters(), lr=LEARNING_RATE, **settings)
        self.criterion = nn.CrossEntropyLoss()

    def step(self) -> float:
        self.optimizer.zero_grad()
        loss = self.criterion(self.model(self.x), self.target)
        loss.backward()
        self.optimizer.step()
        return float(loss.item())

    def predictor(self) -> Callable[[], Any]:
        """A function that predicts the first sample; the model is in eval mode from now on."""
        model, sample, no_grad = self.model.eval(), self.x[:1], self.no_grad

        def predict() -> Any:
            with no_grad():
                return model(sample)

        return predict
