"""Layer by layer: percentiles of activations and gradients, how far weights move, statistics of normalisations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from ...engine.arguments import a_type
from ...engine.errors import InvalidTypeError, InvalidValueError
from ...engine.modes import enable_grad
from ...nn.module import Module
from ...nn.snapshot import Snapshot
from .axes import GREY, LINES, TEST, TRAIN, axes_for, titled

USUAL = 1e-3
"""The ratio of update to weight that trains well as a rule (Karpathy, CS231n)."""


def activation_percentiles(values: Any, *, title: str = "activations", about: str = "", ax: Any = None) -> Any:
    """The percentiles of each layer's output, at the first step that was noted and at the last.

    Args:
        values: a ``Recorder``, or for each layer a list with five percentiles of each step: 5, 25, 50, 75 and 95 %.
        title, about, ax: as of ``learning_curves``.

    Returns:
        The axes.

    Raises:
        TypeError: for values of another kind.
        ValueError: if there are none.
        ImportError: without matplotlib.

    >>> ax = training.plots.activation_percentiles({"fc": [[-2, -1, 0, 1, 2], [-4, -2, 0, 2, 4]]})
    >>> ax.get_ylabel()
    'output'
    """
    ax = percentiles(noted(values, "activations"), ax)
    ax.set_ylabel("output")
    titled(ax, title, about)
    return ax


def gradient_percentiles(values: Any, *, title: str = "gradients", about: str = "", ax: Any = None) -> Any:
    """The percentiles of the sizes of each parameter's gradient, at the first step that was noted and at the last.

    Arguments, result and errors are those of ``activation_percentiles``; the scale is logarithmic.

    >>> ax = training.plots.gradient_percentiles({"fc.weight": [[1e-5, 1e-4, 1e-3, 1e-2, 1e-1]]})
    >>> ax.get_yscale()
    'log'
    """
    ax = percentiles(noted(values, "gradients"), ax)
    ax.set_yscale("log", nonpositive="clip")
    ax.set_ylabel("size of the gradient")
    titled(ax, title, about)
    return ax


def percentiles(layers: Mapping[str, Any], ax: Any) -> Any:
    """For each layer two bars with their middle halves and medians: at the first step and at the last."""
    ax = axes_for(ax, max(6.0, 0.6 * len(layers) + 2))
    for at, offset, color, marker in ((0, -0.16, TRAIN, "o"), (-1, 0.16, TEST, "D")):
        rows = np.array([np.asarray(steps, np.float64)[at] for steps in layers.values()])
        x = np.arange(len(layers)) + offset
        ax.vlines(x, rows[:, 0], rows[:, 4], color=color, linewidth=1.2)
        ax.vlines(x, rows[:, 1], rows[:, 3], color=color, linewidth=5)
        name = "first step" if at == 0 else f"step {max(map(len, layers.values()))}"
        ax.plot(
            x, rows[:, 2], marker=marker, linestyle="", color=color, markeredgecolor="white", label=f"{name}: median"
        )
    ax.plot([], [], color=GREY, linewidth=5, label="25 to 75 %")
    ax.plot([], [], color=GREY, linewidth=1.2, label="5 to 95 %")
    ax.set_xticks(range(len(layers)), layers, rotation=45, ha="right", fontsize=8)
    ax.legend(fontsize=8, framealpha=0.92)
    return ax


def update_ratios(
    values: Any, *, names: Sequence[str] = (), title: str = "size of updates, over that of weights", about: str = "",
    ax: Any = None,
) -> Any:  # fmt: skip
    """By step, the root mean square of each parameter's change over that of its values.

    Ratios far above 1e-3, which is marked, mean that a learning rate is too high for a layer, far below that it learns
    nothing.

    Args:
        values: a ``Recorder``, or for each parameter a list with a ratio for each step.
        names: the parameters to draw; by default all that are called weight, but those of normalisations have no
            comparable scale: choose by name.
        title, about, ax: as of ``learning_curves``.

    Returns:
        The axes.

    Raises:
        TypeError, ValueError, ImportError: as ``activation_percentiles``.

    >>> ax = training.plots.update_ratios({"fc.weight": [0.002, 0.0015, 0.001]})
    >>> ax.get_xlabel()
    'step'
    """
    ratios = noted(values, "updates")
    chosen = list(names) or [name for name in ratios if name.endswith("weight")] or list(ratios)
    unknown = [name for name in chosen if name not in ratios]
    if unknown:
        raise InvalidValueError(f"update_ratios: there is no {', '.join(unknown)}, there are {', '.join(ratios)}.")
    ax = axes_for(ax)
    for i, name in enumerate(chosen):
        color, style = LINES[i % len(LINES)]
        label = {"color": color, "linestyle": style, "marker": "osD^v"[i // len(LINES) % 5], "markevery": 0.15}
        ax.plot(range(1, len(ratios[name]) + 1), ratios[name], label=name, markersize=4, **label)
    ax.axhline(USUAL, color=GREY, linewidth=1, label="1e-3")
    ax.set_yscale("log", nonpositive="mask")
    ax.set(xlabel="step", ylabel="ratio")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.legend(fontsize=8, framealpha=0.92)
    titled(ax, title, about)
    return ax


def running_against_batch(
    model: Module, x: Any, *, title: str = "running against batch statistics", about: str = "", ax: Any = None
) -> Any:
    """The running mean and deviation of each channel of all batch normalisations, against those of a batch.

    On the diagonal ``train()`` and ``eval()`` compute the same. The model, its modes and the random state are
    afterwards what they were.

    Args:
        model: a module with batch normalisations that keep running statistics.
        x: a batch, its inputs.
        title, about, ax: as of ``learning_curves``.

    Returns:
        The axes.

    Raises:
        TypeError: for what is no module.
        ValueError: for a model without running statistics.
        ImportError: without matplotlib.

    >>> model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8))
    >>> ax = training.plots.running_against_batch(model, mg.randn(32, 4))
    >>> ax.get_xlabel()
    'running'
    """
    if not isinstance(model, Module):
        raise InvalidTypeError(f"running_against_batch expects a module, got {a_type(model)}.")
    found = statistics_of_batch(model, x)
    if not found:
        raise InvalidValueError("running_against_batch: no batch normalisation of the model keeps running statistics.")
    ax = axes_for(ax, 5.2, 5.0)
    for i, (name, color, marker) in enumerate((("mean", TRAIN, "o"), ("standard deviation", TEST, "^"))):
        running, batch = (np.concatenate([pair[i][side] for pair in found]) for side in (0, 1))
        look = {"color": color, "marker": marker, "edgecolors": "black", "linewidths": 0.4}
        ax.scatter(running, batch, s=24, label=f"{name} of {len(running)} channels", **look)
    ax.axline((0, 0), slope=1, color=GREY, linewidth=1, zorder=0, label="the same in train() and eval()")
    ax.set(xlabel="running", ylabel=f"of a batch of {len(x)}", aspect="equal")
    ax.set_adjustable("datalim")
    ax.legend(fontsize=8, framealpha=0.92)
    titled(ax, title, about)
    return ax


def statistics_of_batch(model: Module, x: Any) -> list[list[tuple[ndarray, ndarray]]]:
    """Of each batch normalisation the running and the batch's means, and the same of deviations, in training mode."""
    found: list[list[tuple[ndarray, ndarray]]] = []

    def look(module: Any, inputs: Any) -> None:
        values = inputs[0].array.astype(np.float64)
        axes = tuple(axis for axis in range(values.ndim) if axis != 1)
        running = module.running_mean.array.copy(), np.sqrt(module.running_var.array)
        found.append(list(zip(running, (values.mean(axes), values.std(axes, ddof=1)))))

    norms = [module for module in model.modules() if getattr(module, "running_var", None) is not None]
    with Snapshot.of(model), enable_grad():
        handles = [module.register_forward_pre_hook(look) for module in norms]
        try:
            model.train()
            model(x)
        finally:
            for handle in handles:
                handle.remove()
    return found


def noted(values: Any, name: str) -> Mapping[str, Any]:
    """What a recorder has noted under a name, or the same as a dict."""
    found = getattr(values, name, values)
    if not isinstance(found, Mapping):
        raise InvalidTypeError(f"expected a Recorder, or a dict with a list for each layer, got {a_type(values)}.")
    if not found or not all(map(len, found.values())):
        raise InvalidValueError("nothing is noted: call recorder.note() after each step.")
    return found
