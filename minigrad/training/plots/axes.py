"""What all pictures of a training share: axes, colours, and the line that says of which training they are."""

from __future__ import annotations

import importlib.util
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from ...engine.arguments import a_type
from ...engine.errors import InvalidTypeError
from ...nn.module import Module
from ..history import History

OKABE_ITO = {
    "blue": "#0072b2", "vermillion": "#d55e00", "green": "#009e73", "purple": "#cc79a7", "orange": "#e69f00",
    "sky blue": "#56b4e9", "yellow": "#f0e442", "black": "#000000",
}  # fmt: skip
"""Colours that the colour-blind can tell apart (Okabe and Ito, 2008)."""
LINES = [(OKABE_ITO[name], style) for name, style in (
    ("blue", "-"), ("vermillion", "--"), ("black", "-."), ("green", ":"), ("purple", (0, (5, 1, 1, 1, 1, 1))),
)]  # fmt: skip
"""Colours and styles of lines. Each has a contrast of 3 to white; any two are 11 or more apart in CAM02-UCS for those
who see no red, no green or no blue, the first two 49."""
TRAIN, TEST = LINES[0][0], LINES[1][0]
GREY = "#767676"
LETTERS = 14
"""Of the small size in an inch."""
MISSING = "" if importlib.util.find_spec("matplotlib") else "matplotlib is missing, get it with pip install matplotlib"
"""Why no picture can be drawn; empty if they can."""


def axes_for(ax: Any, width: float = 6.0, height: float = 4.2) -> Any:
    """The axes to draw in: those given, or the only ones of a new figure of pyplot's, which notebooks show.

    Raises:
        ImportError: without matplotlib.
    """
    if ax is None:
        if MISSING:
            raise ImportError(f'{MISSING}, or pip install "minigrad[show]".')
        from matplotlib import pyplot

        _, ax = pyplot.subplots(figsize=(width, height), layout="constrained")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def titled(ax: Any, title: str, about: str) -> None:
    """Write what a picture shows above it, and below that, smaller, of which training it is."""
    width = int(ax.get_figure().get_figwidth() / ax.get_subplotspec().get_gridspec().ncols * LETTERS)
    parts = [part if len(part) > LETTERS else part.replace(" ", "\u00a0") for part in about.split("   ")]
    lines = textwrap.wrap("   ".join(parts), width)
    ax.set_title(title, fontsize=11, pad=6 + 11 * len(lines))
    look = {"textcoords": "offset points", "ha": "center", "va": "bottom", "fontsize": 8}
    ax.annotate("\n".join(lines), (0.5, 1), (0, 4), "axes fraction", **look).set_in_layout(False)


def columns_of(history: Any) -> dict[str, list[float]]:
    """The columns of a history: a ``History``, a dict of columns, or rows that are dicts.

    Raises:
        TypeError: for anything else.
    """
    rows = history.rows if isinstance(history, History) else history
    if isinstance(rows, Mapping):
        columns = {str(name): [float(value) for value in values] for name, values in rows.items()}
    elif isinstance(rows, Sequence) and all(isinstance(row, Mapping) for row in rows):
        names = rows[0] if rows else ()
        columns = {str(name): [float(row[name]) for row in rows] for name in names}
    else:
        raise InvalidTypeError(
            f"a history is what training.fit returns, a dict of columns, or a list of dicts, got {a_type(history)}."
        )
    return columns


def about(model: Any = None, optimizer: Any = None, batch_size: int | None = None, seed: int | None = None) -> str:
    """One line that says of which training a picture is: net, optimiser, batch size and seed.

    Args:
        model: a module, or words.
        optimizer: an optimiser, or words.
        batch_size, seed: numbers; what is not given is left out.

    >>> model = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
    >>> plots = training.plots
    >>> plots.about(model, optim.Adam(model.parameters(), lr=0.01), batch_size=32, seed=0)
    'Linear(2, 8), BatchNorm1d, ReLU, Linear(8, 2)   Adam, lr 0.01   batches of 32   seed 0'
    """
    parts = [net(model) if isinstance(model, Module) else model or ""]
    if optimizer is not None:
        groups = getattr(optimizer, "param_groups", None)
        parts.append(f"{type(optimizer).__name__}, lr {groups[0]['lr']:g}" if groups else str(optimizer))
    parts.append(f"batches of {batch_size}" if batch_size is not None else "")
    parts.append(f"seed {seed}" if seed is not None else "")
    return "   ".join(filter(None, parts))


def net(model: Module, longest: int = 90) -> str:
    """The layers of a model in a line: classes, of linear ones the sizes."""
    leaves = [module for module in model.modules() if next(module.children(), None) is None]
    texts = []
    for module in leaves:
        sizes = [str(getattr(module, name)) for name in ("in_features", "out_features") if hasattr(module, name)]
        texts.append(type(module).__name__ + (f"({', '.join(sizes)})" if len(sizes) == 2 else ""))
    text = ", ".join(texts)
    return text if len(text) <= longest else f"{type(model).__name__} of {len(leaves)} layers"
