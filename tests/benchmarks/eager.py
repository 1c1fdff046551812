"""The same training step in minigrad, as its users write it."""

from __future__ import annotations

import minigrad as mg
from minigrad import nn, optim

from .workloads import LEARNING_RATE, Workload


class EagerStep:
    """``step()`` trains once on the workload's batch and returns the loss."""

    def __init__(self, workload: Workload) -> None:
        x, target = workload.data()
        self.x, self.target = mg.tensor(x), mg.tensor(target)
        activation = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid}[workload.activation]
        self.model = nn.Sequential()
        for a, b in zip(workload.sizes, workload.sizes[1:-1]):
            self.model.extend([nn.Linear(a, b), nn.BatchNorm1d(b), activation()])
        self.model.append(nn.Linear(*workload.sizes[-2:]))
        linears = [layer for layer in self.model if isinstance(layer, nn.Linear)]
        for layer, (weight, bias) in zip(linears, workload.weights()):
            layer.weight.data.copy_(weight)
            layer.bias.data.copy_(bias)
        kind = {"adam": optim.Adam, "sgd": optim.SGD}[workload.optimizer]
        self.optimizer = kind(self.model.parameters(), lr=LEARNING_RATE)
        self.criterion = nn.CrossEntropyLoss()

    def step(self) -> float:
        self.optimizer.zero_grad()
        loss = self.criterion(self.model(self.x), self.target)
        loss.backward()
        self.optimizer.step()
        return loss.item()
