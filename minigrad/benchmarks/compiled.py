"""The step of ``EagerStep``, compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import minigrad

from .eager import EagerStep
from .workloads import Workload


class CompiledStep(EagerStep):
    """``step()`` trains once on the workload's batch, as a compiled step, and returns the loss.

    Args:
        workload: what is trained.
        backend: ``"c"`` or ``"numpy"``; None for C where a compiler is found.
        settings: further ones of the optimiser.
    """

    def __init__(self, workload: Workload, backend: str | None = None, **settings: Any) -> None:
        super().__init__(workload, minigrad, **settings)
        self.backend = backend
        # compile does not look into objects of minigrad's own classes, such as this one
        state = [self.model, self.optimizer, self.criterion]
        self.train_step = minigrad.compile(self.loss, state=state, backend=backend)

    def loss(self, x: Any, target: Any) -> Any:
        """One step on a batch."""
        self.optimizer.zero_grad()
        loss = self.criterion(self.model(x), target)
        loss.backward()
        self.optimizer.step()
        return loss

    def step(self) -> float:
        return float(self.train_step(self.x, self.target).item())

    def predictor(self) -> Callable[[], Any]:
        """A function that predicts the first sample; the model is in eval mode from now on."""
        predict, sample = minigrad.compile(self.model.eval(), backend=self.backend), self.x[:1]
        for _ in range(3):  # two captures, and a replay: what a call takes is measured without the time of the compiler
            predict(sample)
        return lambda: predict(sample)
