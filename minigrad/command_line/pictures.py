"""Pictures of a training run: learning curves, decision boundary, fitted curve, comparison.

They are drawn with matplotlib, which is optional: ``MISSING`` says if, and how to get it.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.modes import no_grad
from ..io.atomic import replacing
from ..nn.module import Module
from ..tensor.creation import tensor
from ..tensor.tensor import Tensor

BLUE, ORANGE, GREY = "#1f77b4", "#ff7f0e", "#888888"
GRID = 200
"""Points along each side of a decision boundary."""
PLANE = "$x_1$", "$x_2$"
"""The names of its axes, unless a file has others."""


MISSING = "" if importlib.util.find_spec("matplotlib") else "matplotlib is missing, get it with pip install matplotlib"
"""Why no picture can be drawn; empty if they can."""


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
    history: Sequence[Any], best: Any, score_name: str, batchnorm: bool, title: str, path: Path
) -> None:
    """Training and test loss, and the test score, by epoch.

    The legend says why a training loss can be above the test loss: the two are not measured alike.
    """
    drawing, (left, right) = figure(2)
    epochs = [row.epoch for row in history]
    marker = "o" if len(epochs) == 1 else None
    left.plot(
        epochs,
        [row.train_loss for row in history],
        color=BLUE,
        marker=marker,
        label=f"train: mean of the epoch's steps, weights still moving{', batch statistics' * batchnorm}",
    )
    left.plot(
        epochs,
        [row.test_loss for row in history],
        color=ORANGE,
        marker=marker,
        label=f"test: after the epoch{', running statistics' * batchnorm}",
    )
    left.set_yscale("log")
    left.set(xlabel="epoch", title="loss")
    for axis in (left, right):
        axis.xaxis.get_major_locator().set_params(integer=True)
    drawing.legend(*left.get_legend_handles_labels(), loc="outside lower left", frameon=False, ncols=2, fontsize=8)
    right.plot(epochs, [row.score for row in history], color=ORANGE, marker=marker)
    right.set(xlabel="epoch", title=f"{score_name}: {history[-1].score:.4f} at the end, best {best.score:.4f}")
    right.plot([best.epoch], [best.score], color=ORANGE, marker="o", linestyle="", label=f"best: epoch {best.epoch}")
    right.legend(frameon=False, loc="lower right")

    drawing.suptitle(title)
    write(drawing, path)


def predictions(model: Module, points: np.ndarray) -> np.ndarray:
    """The model's outputs in evaluation mode."""
    with model.evaluating(), no_grad():
        return model(tensor(points.astype(np.float32))).numpy()


def decision_boundary(
    model: Module, train: Sequence[Tensor], test: Sequence[Tensor], title: str, path: Path,
    axes: Sequence[str] = PLANE,
) -> None:  # fmt: skip
    """The class the model gives to every point of the plane, whose axes are named, with the data on it."""
    drawing, (axis,) = figure(1, 5.6, 5.0)
    from matplotlib import colormaps

    points = np.concatenate([train[0].numpy(), test[0].numpy()])
    low, high = points.min(0), points.max(0)
    margin = 0.08 * np.where(high > low, high - low, 1)
    sides = [np.linspace(a, b, GRID) for a, b in zip(low - margin, high + margin)]
    grid = np.stack(np.meshgrid(*sides), -1).reshape(-1, 2)
    logits = predictions(model, grid)
    probability = np.exp(logits - logits.max(1, keepdims=True))
    probability /= probability.sum(1, keepdims=True)
    classes = logits.shape[1]
    palette = colormaps["tab10"](np.arange(classes))[:, :3]
    shade = np.clip(1 - (1 - probability @ palette) * 0.55, 0, 1)
    extent = (sides[0][0], sides[0][-1], sides[1][0], sides[1][-1])
    axis.imshow(shade.reshape(GRID, GRID, 3), origin="lower", extent=extent, aspect="auto", interpolation="bilinear")
    for chosen in range(classes):
        lead = logits[:, chosen] - np.delete(logits, chosen, 1).max(1)
        if lead.min() < 0 < lead.max():
            axis.contour(*sides, lead.reshape(GRID, GRID), [0], colors="white", linewidths=0.8)
    for (x, target), size, edge in ((train, 10, "none"), (test, 18, "black")):
        axis.scatter(*x.numpy().T, s=size, c=palette[target.numpy()], edgecolors=edge, linewidths=0.6)
    axis.scatter([], [], s=10, color=GREY, label="training")
    axis.scatter([], [], s=18, color=GREY, edgecolors="black", linewidths=0.6, label="test")
    drawing.legend(loc="outside lower center", frameon=False, ncols=2)
    axis.set(title=title, xlabel=axes[0], ylabel=axes[1])
    write(drawing, path)


def fitted_curve(model: Module, train: Sequence[Tensor], test: Sequence[Tensor], title: str, path: Path) -> None:
    """The model's output along the input, with the data."""
    drawing, (axis,) = figure(1, 6.4, 4.4)
    points = np.concatenate([train[0].numpy(), test[0].numpy()])
    line = np.linspace(points.min(), points.max(), 500)[:, None]
    axis.scatter(train[0].numpy(), train[1].numpy(), s=10, color=GREY, label="training")
    axis.scatter(test[0].numpy(), test[1].numpy(), s=18, color=BLUE, edgecolors="black", linewidths=0.5, label="test")
    axis.plot(line, predictions(model, line), color=ORANGE, linewidth=2, label="prediction")
    axis.legend(frameon=False)
    axis.set(title=title, xlabel="x", ylabel="y")
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
    for color, (name, curve), axis in zip((ORANGE, GREY), curves.items(), axes[1:]):
        found = np.array([run[name].accuracies for run in runs])
        mean, style = found.mean(0), "-" if color == ORANGE else "--"
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
