"""What a model says of each point of the plane or of a line, with the data on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from ...engine.arguments import a_type
from ...engine.errors import InvalidTypeError, InvalidValueError
from ...engine.modes import no_grad
from ...nn.module import Module
from ...tensor.creation import tensor
from .axes import GREY, OKABE_ITO, TEST, TRAIN, axes_for, titled

GRID = 200
"""Points along each side of a decision boundary."""
PLANE = "$x_1$", "$x_2$"
COLOURS = list(OKABE_ITO.values())[:-1]
MARKERS = "os^Dv*P"
"""One for each class, as each has a colour; an eighth begins again."""
TINT = 0.45
"""How much of a class's colour its region has."""


def decision_boundary(
    model: Module, train: Any, test: Any = None, *, classes: Sequence[str] = (), labels: Sequence[str] = PLANE,
    title: str = "decision boundary", about: str = "", legend: bool = True, ax: Any = None,
) -> Any:  # fmt: skip
    """The class that a model gives to each point of the plane, paler where it is unsure, with the data on it.

    The model is in evaluation mode, and afterwards in the mode it was in. Colours are those of Okabe and Ito, each
    class has a marker of its own, and a unit is as long on both axes.

    Args:
        model: a module of two inputs, with a logit for each class, or a single one for two.
        train: inputs (n, 2) and class indices (n,), tensors or arrays.
        test: the same of test data, drawn larger and with an edge.
        classes: their names for the legend.
        labels: the names of the axes.
        title, about, legend, ax: as of ``learning_curves``.

    Returns:
        The axes.

    Raises:
        TypeError: for what is no module, or no pair of inputs and targets.
        ValueError: for inputs that are not points of the plane.
        ImportError: without matplotlib.

    >>> x, y = mg.randn(30, 2), mg.randint(2, (30,))
    >>> ax = training.plots.decision_boundary(nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2)), (x, y))
    >>> ax.get_aspect()
    1.0
    """
    sets = [pair(given, name, 2) for given, name in ((train, "train"), (test, "test")) if given is not None]
    points = np.concatenate([x for x, _ in sets])
    low, high = points.min(0), points.max(0)
    margin = 0.08 * (np.where(high > low, high - low, 1)).max()
    sides = [np.linspace(a, b, GRID) for a, b in zip(low - margin, high + margin)]
    logits = predictions(model, np.stack(np.meshgrid(*sides), -1).reshape(-1, 2))
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], 1)
    ax = axes_for(ax, 6.0, 5.4)
    palette = np.array([rgb(COLOURS[i % len(COLOURS)]) for i in range(logits.shape[1])])
    probability = np.exp(logits - logits.max(1, keepdims=True))
    probability /= probability.sum(1, keepdims=True)
    shade = np.clip(1 - (1 - probability @ palette) * TINT, 0, 1)
    extent = (sides[0][0], sides[0][-1], sides[1][0], sides[1][-1])
    ax.imshow(shade.reshape(GRID, GRID, 3), origin="lower", extent=extent, interpolation="bilinear", aspect="equal")
    for chosen in range(logits.shape[1]):
        lead = logits[:, chosen] - np.delete(logits, chosen, 1).max(1)
        if lead.min() < 0 < lead.max():
            ax.contour(*sides, lead.reshape(GRID, GRID), [0], colors="black", linewidths=0.8)
    scatter(ax, sets, palette, classes)
    if legend:
        below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.12), "ncols": 5}
        ax.legend(fontsize=8, framealpha=0.92, facecolor="white", edgecolor=GREY, **below)
    ax.set(xlabel=labels[0], ylabel=labels[1])
    titled(ax, title, about)
    return ax


def scatter(ax: Any, sets: Sequence[Any], palette: ndarray, classes: Sequence[str]) -> None:
    """The points: a colour and a marker for each class; those of the test data are larger, with a strong edge."""
    for (x, target), size, width in zip(sets, (13, 30), (0.35, 1.1)):
        for chosen in range(len(palette)):
            own = x[target == chosen]
            look = {"marker": MARKERS[chosen % len(MARKERS)], "s": size, "edgecolors": "black", "linewidths": width}
            name = str(classes[chosen]) if chosen < len(classes) else f"class {chosen}"
            ax.scatter(*own.T, color=[palette[chosen]], label=name if width < 1 else None, **look)
    if len(sets) > 1:
        for size, width, name in ((13, 0.6, "training data"), (30, 1.1, "test data")):
            ax.scatter([], [], s=size, linewidths=width, color="white", edgecolors="black", label=name)


def fitted_curve(
    model: Module, train: Any, test: Any = None, *, title: str = "fitted curve", about: str = "", ax: Any = None
) -> Any:
    """What a model of one input says along that, with the data.

    Args:
        model: a module of one input and one output.
        train: inputs (n, 1) and targets (n, 1), tensors or arrays.
        test: the same of test data.
        title, about, ax: as of ``learning_curves``.

    Returns:
        The axes.

    Raises:
        TypeError, ValueError, ImportError: as ``decision_boundary``.

    >>> x = mg.linspace(-1, 1, 20).reshape(20, 1)
    >>> ax = training.plots.fitted_curve(nn.Linear(1, 1), (x, 3 * x))
    >>> ax.get_xlabel()
    'x'
    """
    sets = [pair(given, name, 1) for given, name in ((train, "train"), (test, "test")) if given is not None]
    points = np.concatenate([x for x, _ in sets])
    along = np.linspace(points.min(), points.max(), 500)[:, None]
    values = predictions(model, along)
    ax = axes_for(ax)
    looks: Any = ({"marker": "o", "s": 10, "label": "training data"}, {"marker": "^", "s": 22, "label": "test data"})
    for (x, target), color, look in zip(sets, (GREY, TRAIN), looks):
        ax.scatter(x, target, color=color, **look)
    ax.plot(along, values, color=TEST, linewidth=2, label="prediction")
    ax.legend(fontsize=8)
    ax.set(xlabel="x", ylabel="y")
    titled(ax, title, about)
    return ax


def pair(given: Any, name: str, columns: int) -> tuple[ndarray, ndarray]:
    """Inputs and targets as arrays."""
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise InvalidTypeError(f"{name} must be a pair, (inputs, targets), got {a_type(given)}.")
    x, target = (np.asarray(getattr(part, "array", part)) for part in given)
    if x.ndim != 2 or x.shape[1] != columns or len(x) != len(target) or not len(x):
        raise InvalidValueError(
            f"{name}: expected inputs (n, {columns}) and n targets, got {x.shape} and {target.shape}."
        )
    return x, target


def predictions(model: Any, points: ndarray) -> ndarray:
    """The model's outputs in evaluation mode."""
    if not isinstance(model, Module):
        raise InvalidTypeError(f"expected a module, got {a_type(model)}.")
    with model.evaluating(), no_grad():
        output: ndarray = model(tensor(points.astype(np.float32))).numpy()
    if output.ndim != 2 or len(output) != len(points):
        raise InvalidValueError(f"the model must give a row for each input, got {output.shape} for {points.shape}.")
    return output


def rgb(colour: str) -> list[float]:
    """A colour as three numbers between 0 and 1."""
    return [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
