"""``diagnose``: what people get wrong, found before training, each with its reason and cure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.arguments import a_type
from ..engine.errors import InvalidTypeError
from ..nn.module import Module
from ..reports.finding import Finding
from ..reports.table import html_block, html_table
from .facts import Facts, inputs
from .rules import RULES


class Diagnosis:
    """What ``diagnose`` found: true if nothing is suspicious. It prints, and shows as a table in notebooks.

    Attributes:
        findings: each with ``where``, ``what``, ``why`` and ``cure``.
    """

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings

    def __bool__(self) -> bool:
        return not self.findings

    def __str__(self) -> str:
        return "\n".join(map(str, self.findings)) or "Nothing suspicious."

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """For notebooks."""
        if not self.findings:
            return html_block([str(self)])
        return html_table(("where", "what", "why", "cure"), self.findings)


def diagnose(
    model: Module, loader: Any = None, optimizer: Any = None, *,
    forward: Callable[[Module, Any], Any] | None = None,
) -> Diagnosis:  # fmt: skip
    """Look for what people get wrong, before training: each finding says where, what, why and what to do.

    A batch is run through the model in training mode. Afterwards the model, its statistics, the random state and the
    loader's place are as they were. Found are a bias in front of BatchNorm, dropout before it, its axis mistaken in
    (N, L, C) data, its momentum in another convention, tiny batches and a last batch of one sample, batches sorted by
    class, weight decay of gamma and beta, parameters that no optimiser has or that take no part in the output, one
    BatchNorm in two places, modules in another mode than the model, and modules hidden in other objects.

    Args:
        model: the module that will be trained.
        loader: the batches of training, a ``DataLoader`` or a list; without it only the model and the optimiser are
            looked at. At most 64 batches are read.
        optimizer: the optimiser that will train the model.
        forward: ``forward(model, batch)``, how the model is called; with the first of a batch by default.

    Returns:
        A ``Diagnosis``: true if nothing is suspicious.

    Raises:
        TypeError: if the model is no module, the optimiser none, or the loader can be gone through only once.

    >>> model = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))
    >>> report = mg.diagnose(model, [(mg.ones(16, 2), mg.ones(16, 1))])
    >>> print(report)
    0.bias: a bias in front of BatchNorm.
      Why: BatchNorm subtracts the mean, and the bias with it, so its gradient is 0.
      Cure: bias=False in the layer before it.
    """
    if not isinstance(model, Module):
        raise InvalidTypeError(f"diagnose expects a module, got {a_type(model)}.")
    if optimizer is not None and not hasattr(optimizer, "param_groups"):
        raise InvalidTypeError(f"diagnose expects an optimizer with param_groups, got {a_type(optimizer)}.")
    facts = Facts.of_training(model, loader, optimizer, forward or first_input)
    return Diagnosis([finding for rule in RULES for finding in rule(facts)])


def first_input(model: Module, batch: Any) -> Any:
    """The model of a batch's inputs."""
    return model(inputs(batch))
