"""Pictures of a training run: learning curves, decision boundary, fitted curve, comparison.

They are drawn with matplotlib, which is optional: ``MISSING`` says if, and how to get it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..io.atomic import replacing
from ..nn.module import Module
from ..training import plots
from ..training.plots.axes import GREY, MISSING, TEST
from ..training.plots.fits import PLANE

__all__ = ["MISSING", "PLANE", "comparison", "decision_boundary", "fitted_curve", "learning_curves"]


def figure(columns: int, width: float = 5.0, height: float = 3.8) -> tuple[Any, Sequence[Any]]:
    """An empty matplotlib figure with axes side by side."""
    from matplotlib.figure import Figure

    result = Figure(figsize=(width * columns, height), layout="constrained")
    axes = result.subplots(1, columns, squeeze=False)[0]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    return result, axes


def write(drawing: Any, path: Path) -> None:
    """Write a figure as PNG: whole or not at all."""
    buffer = io.BytesIO()
    drawing.savefig(buffer, format="png", dpi=120)
    with replacing(path) as file:
        file.write(buffer.getvalue())


def learning_curves(
    history: Sequence[Any], best: Any, score_name: str, batchnorm: bool, title: str, about: str, path: Path
) -> None:
    """Training and test loss, and the test score, by epoch."""
    drawing, (left, right) = figure(2)
    columns = {"train_loss": [row.train_loss for row in history], "test_loss": [row.test_loss for row in history]}
    plots.learning_curves(columns, batchnorm=batchnorm, legend=False, ax=left)
    drawing.legend(*left.get_legend_handles_labels(), loc="outside lower left", frameon=False, ncols=2, fontsize=8)
    heading = f"{score_name}: {history[-1].score:.4f} at the end, best {best.score:.4f}"
    plots.metric_curves({score_name: [row.score for row in history]}, best=best.epoch - 1, title=heading, ax=right)
    drawing.suptitle(f"{title}\n{about}", fontsize=10)
    write(drawing, path)


def decision_boundary(
    model: Module, sets: Sequence[Any], classes: Sequence[str], axes: Sequence[str], title: str, about: str, path: Path
) -> None:
    """The class the model gives to every point of the plane, whose axes are named, with the data on it."""
    drawing, (axis,) = figure(1, 6.2, 5.8)
    plots.decision_boundary(model, *sets, classes=classes, labels=axes, title=title, about=about, ax=axis)
    write(drawing, path)


def fitted_curve(model: Module, sets: Sequence[Any], title: str, about: str, path: Path) -> None:
    """The model's output along the input, with the data."""
    drawing, (axis,) = figure(1, 6.4, 4.4)
    plots.fitted_curve(model, *sets, title=title, about=about, ax=axis)
    write(drawing, path)


def comparison(
    steps: Sequence[int],
    runs: Sequence[Mapping[str, Any]],
    percentiles: Sequence[int],
    unit: str,
    title: str,
    path: Path,
) -> None:
    """Test accuracy by step of all nets, and beside it each net's percentiles of the input of one unit.

    Of several runs the accuracy is a mean, in a band of one standard deviation; the units are those of the first run.
    """
    curves = runs[0]
    drawing, axes = figure(1 + len(curves), 4.2)
    values = np.concatenate([curve.spread.ravel() for curve in curves.values()])
    margin = 0.05 * np.ptp(values) or 1.0
    for color, (name, curve), axis in zip((TEST, GREY), curves.items(), axes[1:]):
        found = np.array([run[name].accuracies for run in runs])
        mean, style = found.mean(0), "-" if color == TEST else "--"
        axes[0].plot(steps, mean, color=color, label=name, linestyle=style)
        if len(runs) > 1:
            deviation = found.std(0, ddof=1)
            band = mean - deviation, mean + deviation
            axes[0].fill_between(steps, *band, color=color, alpha=0.25, linewidth=0)
        for line, percentile in zip(np.transpose(curve.spread), percentiles):
            axis.plot(steps, line, color=color, linewidth=1.6 if percentile == 50 else 0.9)
        axis.set_ylim(values.min() - margin, values.max() + margin)
        label_ends(axis, steps[-1], curve.spread[-1], [f"{percentile}%" for percentile in percentiles])
        axis.set(title=f"{name}: input of {unit} {curve.unit}", xlabel="step")
    several = f", mean of {len(runs)} seeds and band of one deviation" if len(runs) > 1 else ""
    axes[0].set(title="test accuracy", xlabel=f"step{several}", ylim=(0, 1.02))
    axes[0].legend(frameon=False, loc="center right")
    drawing.suptitle(title)
    write(drawing, path)


def label_ends(axis: Any, x: float, values: Sequence[float], labels: Sequence[str]) -> None:
    """Write labels behind the ends of curves; behind the middle one if they would overlap."""
    low, high = axis.get_ylim()
    if min(np.diff(values)) < 0.05 * (high - low):
        values, labels = [float(np.median(values))], [", ".join(labels)]
    for value, label in zip(values, labels):
        axis.annotate(
            label, (x, value), (4, 0), textcoords="offset points", fontsize=8, va="center", annotation_clip=False
        )
