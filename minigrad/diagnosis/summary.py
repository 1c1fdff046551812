"""``summary``: the layers of a model as a table, with what a call of it shows, and what is suspicious."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..engine.arguments import a_type, whole
from ..engine.errors import InvalidTypeError
from ..nn.module import Module
from ..nn.overview import Layer, as_html, as_text, folded, layers, size, totals
from ..reports.finding import Finding
from ..reports.table import html_block, html_table, wrapped
from .facts import Facts
from .pass_of_model import Pass
from .rules import OF_MODELS


class Summary:
    """What ``summary`` found. It prints, and shows as tables in notebooks.

    Attributes:
        rows: a ``Layer`` for each module in each of its places, the outermost first.
        totals: one line of what all of them hold.
        notes: modules and parameters in two places, and modules that were called several times, or not at all.
        findings: what is suspicious, each with ``where``, ``what``, ``why`` and ``cure``.
        parameters, trained, buffers: elements, shared ones counted once.
        saved: bytes kept for backward; None without a call.
    """

    def __init__(self, model: Module, measured: Pass | None, depth: int | None) -> None:
        rows, self.notes = layers(model)
        if measured is not None:
            rows = [with_call(row, measured) for row in rows]
            self.notes += reuse([row for row in rows if row.first], measured)
        self.rows = folded(rows, depth)
        self.parameters = sum(row.parameters for row in rows)
        self.trained = self.parameters - sum(row.fixed for row in rows)
        self.buffers = sum(row.buffers for row in rows)
        self.saved = None if measured is None else sum(measured.saved.values())
        self.totals = totals(model, rows)
        if self.saved is not None:
            self.totals += f" Saved for backward: {size(self.saved)}."
        facts = Facts(model, nodes=() if measured is None else measured.nodes)
        self.findings = [finding for rule in OF_MODELS for finding in rule(facts)]

    def __str__(self) -> str:
        lines = [self.totals, *self.notes, *self.legend]
        return "\n".join([as_text(self.rows), *(wrapped(line, "  ") for line in lines), *map(str, self.findings)])

    __repr__ = __str__

    @property
    def legend(self) -> list[str]:
        """What brackets and stars in the table mean."""
        fixed = [row for row in self.rows if row.fixed]
        partly = ["*: some of them are fixed."] if any(row.fixed < row.parameters for row in fixed) else []
        return ["In brackets: fixed, not trained."] * any(row.fixed == row.parameters for row in fixed) + partly

    def _repr_html_(self) -> str:
        """For notebooks."""
        found = html_table(Finding._fields, self.findings) if self.findings else ""
        return html_block([], as_html(self.rows), [self.totals, *self.notes, *self.legend]) + found


def with_call(row: Layer, measured: Pass) -> Layer:
    """A layer with what a call has shown."""
    key = id(row.module)
    saved = measured.saved.get(key, 0) if row.first else 0
    if row.level == 0:
        saved += measured.saved.get(None, 0)
    return row._replace(output=measured.outputs.get(key, ""), saved=saved)


def reuse(rows: Sequence[Layer], measured: Pass) -> Iterator[str]:
    """What is to be said of how often modules were called."""
    for row in rows:
        calls = measured.calls[id(row.module)]
        if calls > 1:
            yield f"{row.path or 'the model'} is called {calls} times; its output is that of the first call."
    unused = [row.path for row in rows if not measured.calls[id(row.module)] and is_layer(row.module)]
    if unused:
        yield f"Not called: {', '.join(unused)}."


def is_layer(module: Module) -> bool:
    """Whether it is there to be called: it can be, and is not only there for what is inside of it."""
    holds_others = next(module.children(), None) is not None and next(module.parameters(recurse=False), None) is None
    return type(module).forward is not Module.forward and not holds_others


def summary(model: Module, x: Any = None, *, depth: int | None = None) -> Summary:
    """The layers of a model as a tree: outputs, parameters, buffers, modes, and what is suspicious.

    With ``x`` the model is called once, in the mode that it is in. Afterwards its parameters, statistics, gradients
    and modes, and the random state, are as they were.

    Args:
        model: any module.
        x: what it is called with: a tensor or an array, a tuple of arguments, or a dict of them by name; or a shape,
            ``(32, 784)``, for random numbers of it. None: it is not called, and there are no shapes.
        depth: how deep in the tree layers are shown, 0 for the model alone; what is inside of the last is added up
            there. None shows all.

    Returns:
        A ``Summary``, which prints. ``batches`` are those a BatchNorm has seen in training, ``saves`` the memory that
        a layer's operations keep until backward, in which every array is counted once, at the first that keeps it; what
        parameters and buffers hold is not counted.

    Raises:
        TypeError: if the model is no module.
        Exception: that of ``forward``, with the path of the module in it.

    >>> model = nn.Sequential(nn.Linear(4, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
    >>> print(mg.summary(model, (32, 4)))
    layer             output   parameters  buffers  mode   batches   saves
    Sequential        (32, 2)                       train
      0: Linear       (32, 8)          32           train            512 B
      1: BatchNorm1d  (32, 8)          16       17  train        0  2.2 kB
      2: ReLU         (32, 8)                       train           1.0 kB
      3: Linear       (32, 2)          18           train
    66 parameters, 17 values in buffers: 336 B. Saved for backward: 3.7 kB.
    """
    if not isinstance(model, Module):
        raise InvalidTypeError(f"summary expects a module, got {a_type(model)}.")
    if depth is not None:
        depth = whole(depth, 0, "summary: depth must be an integer of at least 0, or None for all")
    return Summary(model, None if x is None else Pass(model, x), depth)
