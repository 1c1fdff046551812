"""Learning curves: losses and metrics, epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...engine.errors import InvalidValueError
from .axes import LINES, TEST, TRAIN, axes_for, columns_of, titled

LOSSES = {"loss": "train", "train_loss": "train", "test_loss": "test", "val_loss": "validation"}
"""Columns that are losses, and of which data."""
FAR_APART = 3
"""How many times the smallest loss: within less a logarithmic scale bends little, and its numbers are hard to read."""


def learning_curves(
    history: Any, *, batchnorm: bool = True, title: str = "loss", about: str = "", legend: bool = True, ax: Any = None
) -> Any:
    """The losses of a history by epoch, on a logarithmic scale if they are positive and far apart.

    The legend says why a training loss can be above the test loss: it is the mean over the steps of an epoch, while
    weights still move, and with batch statistics; the test loss is measured after the epoch, with running statistics.

    Args:
        history: what ``training.fit`` returns, a dict of columns, or a list of dicts with ``loss`` or ``train_loss``,
            and ``test_loss`` or ``val_loss``.
        batchnorm: whether the net has batch normalisations: the legend speaks of their statistics.
        title: what stands above.
        about: of which training: ``plots.about(model, optimizer, batch_size, seed)``.
        legend: draw it.
        ax: matplotlib's axes to draw in; by default a new figure's.

    Returns:
        The axes; ``.figure.savefig("curves.png")`` writes the picture.

    Raises:
        TypeError: for what is no history.
        ValueError: for one without a loss or without an epoch.
        ImportError: without matplotlib.

    >>> ax = training.plots.learning_curves({"loss": [1.2, 0.7, 0.5], "test_loss": [0.9, 0.6, 0.4]})
    >>> ax.get_xlabel()
    'epoch'
    """
    columns = columns_of(history)
    names = [name for name in columns if name in LOSSES and columns[name]]
    if not names:
        raise InvalidValueError(f"learning_curves: no losses in the columns {', '.join(columns) or '(none)'}.")
    ax = axes_for(ax)
    for name in names:
        trained = LOSSES[name] == "train"
        words = "mean of the epoch's steps, weights still moving" if trained else "after the epoch"
        statistics = f", {'batch' if trained else 'running'} statistics" * batchnorm
        color, style = (TRAIN, "-") if trained else (TEST, "--")
        line(ax, columns[name], color, style, f"{LOSSES[name]}: {words}{statistics}")
    losses = np.concatenate([columns[name] for name in names])
    if losses.min() > 0 and losses.max() > FAR_APART * losses.min():
        ax.set_yscale("log")
    if legend:
        ax.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.14), frameon=False)
    finish(ax, title, about)
    return ax


def metric_curves(
    history: Any, names: Sequence[str] = (), *, best: int | None = None, title: str = "", about: str = "",
    ax: Any = None,
) -> Any:  # fmt: skip
    """The metrics of a history by epoch, the best epoch marked.

    Args:
        history: as that of ``learning_curves``.
        names: the columns; by default all but losses and the learning rate.
        best: the number of the best epoch, from 0; by default that of the history, if it knows one.
        title, about, ax: as of ``learning_curves``; the title is by default the names.

    Returns:
        The axes.

    Raises:
        TypeError, ValueError, ImportError: as ``learning_curves``.

    >>> ax = training.plots.metric_curves({"loss": [1.2, 0.7], "accuracy": [0.8, 0.9]}, best=1)
    >>> ax.get_title()
    'accuracy'
    """
    columns = columns_of(history)
    names = list(names) or [name for name in columns if name not in LOSSES and name not in ("lr", "epoch", "seconds")]
    unknown = [name for name in names if not columns.get(name)]
    if unknown or not names:
        raise InvalidValueError(
            f"metric_curves: no values of {', '.join(unknown) or 'a metric'}, the columns are {', '.join(columns)}."
        )
    best = getattr(history, "best_epoch", None) if best is None else best
    ax = axes_for(ax)
    for i, name in enumerate(names):
        color, style = LINES[(i + 1) % len(LINES)]
        line(ax, columns[name], color, style, name.replace("_", " "))
        if best is not None:
            value = columns[name][best]
            ax.plot(
                [best + 1], [value], color=color, marker="o", label=f"best: epoch {best + 1}, {value:.4g}", linestyle=""
            )
    ax.legend(fontsize=8)
    finish(ax, title or ", ".join(names).replace("_", " "), about)
    return ax


def line(ax: Any, values: Sequence[float], color: str, style: Any, label: str) -> None:
    """One curve; a single epoch is a point."""
    marker = "o" if len(values) == 1 else None
    ax.plot(range(1, len(values) + 1), values, color=color, linestyle=style, marker=marker, label=label)


def finish(ax: Any, title: str, about: str) -> None:
    """What stands around curves."""
    ax.set_xlabel("epoch")
    ax.xaxis.get_major_locator().set_params(integer=True)
    titled(ax, title, about)
