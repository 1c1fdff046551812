"""``film``: the picture of each of some training steps, on one page with a slider."""

from __future__ import annotations

import html
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...engine.arguments import a_type, whole
from ...engine.errors import InvalidTypeError, InvalidValueError
from ...io.atomic import as_path, replacing
from ...nn.module import Module
from ...tensor.tensor import Tensor
from ..appearance import ALARM_SIGN, checked_theme
from ..description import Box, Cluster, Edge, Line, Picture
from ..dot import TEXT
from ..folding import folded, wanted
from ..reading import Asked, NotHereError, read
from ..rendering import RenderingError
from ..text import LONGEST_HEADER, one_line, points, shortened
from .details import details, named_clusters
from .page import framed, to_page, to_plain_page


def film(
    model: Module, loader: Iterable[Any], steps: int = 20, *, loss: Callable[[Any, Any], Tensor] | None = None,
    optimizer: Any = None, step: Callable[..., Tensor] | None = None, depth: int | None = None, collapse: Any = (),
    expand: Any = None, theme: str = "light",
) -> Film:  # fmt: skip
    """Train a model for some steps, and keep a picture of each: one page with a slider, whose layout stays.

    The model, the optimiser, the loader and the random state are afterwards as if the steps had been taken without
    the film, bit for bit. No mode is changed: call ``model.train()`` before.

    Args:
        model: the module.
        loader: batches of (inputs, targets), from the beginning again where they end before the steps do.
        steps: how many steps are taken.
        loss: ``loss(output, target)``, one number.
        optimizer: that of the model's parameters. Pictures are of the moment before its step.
        step: instead of both, a function of your own that is called with what is in a batch, does all of a step and
            returns its loss: ``step(inputs, targets)``. Pictures are then of the moment after it.
        depth, collapse, expand, theme: as of ``draw``. A picture of more than 1,500 boxes is folded by itself.

    Returns:
        A film: ``.save("film.html")``, and in notebooks the page itself.

    Raises:
        TypeError: for arguments of another kind.
        ValueError: for a loader that yields nothing, a loss without a graph, and a step whose graph has other
            operations than the first one's; steps before that one are taken.

    >>> model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
    >>> loader = [(mg.randn(16, 4), mg.randint(2, (16,)))]
    >>> optimizer = optim.SGD(model.parameters(), lr=0.1)
    >>> taken = mg.graph.film(model, loader, 5, loss=F.cross_entropy, optimizer=optimizer)
    >>> len(taken)  # and then taken.save("film.html")
    5
    """
    if not isinstance(model, Module):
        raise InvalidTypeError(f"film expects a module, got {a_type(model)}.")
    if not hasattr(loader, "__iter__") or isinstance(loader, Tensor):
        raise InvalidTypeError(f"film: loader must be batches, a DataLoader or a list, got {a_type(loader)}.")
    count = whole(steps, 1, "film: steps must be an integer of at least 1")
    usual = callable(loss) and hasattr(optimizer, "step") and step is None
    if not usual and (step is None or loss is not None or optimizer is not None):
        raise InvalidTypeError(
            "film takes loss= and optimizer=, or only a step= of your own that returns the loss: "
            "film(model, loader, 20, loss=F.cross_entropy, optimizer=optim.SGD(model.parameters(), lr=0.1))."
        )
    if step is not None and not callable(step):
        raise InvalidTypeError(f"film: step is a function step(inputs, targets) of the loss, got {a_type(step)}.")
    wanted(depth, collapse, [path for path, _ in model.named_modules()], "film")
    made, asked = Film(count, checked_theme(theme, "film")), Asked(expand=expand)
    for batch in first_batches(loader, count):
        parts = tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)
        if step is not None:
            picture = picture_of(checked(step(*parts)), model, asked)
        else:
            picture = usual_step(model, parts, loss, optimizer, asked)
        made.add(folded(picture, depth, collapse))
    return made


def first_batches(loader: Iterable[Any], count: int) -> Iterator[Any]:
    """So many batches, from the beginning again where the loader ends."""
    taken = 0
    while taken < count:
        before = taken
        for batch in loader:
            yield batch
            taken += 1
            if taken == count:
                return
        if taken == before:
            raise InvalidValueError(
                "film: loader yields no batch any more: pass one that can be gone through again, such as a list."
                if taken
                else "film: loader yields no batch: give it samples, or a smaller batch_size."
            )


def usual_step(model: Module, parts: Sequence[Any], loss: Any, optimizer: Any, asked: Asked) -> Picture:
    """One step of training; its picture is that of the moment before the optimiser's."""
    if len(parts) != 2:
        raise InvalidValueError(
            f"film: a batch must be (inputs, targets), got {len(parts)} parts: give a step= of your own."
        )
    optimizer.zero_grad()
    value = checked(loss(model(parts[0]), parts[1]))
    value.backward(retain_graph=True)  # so that pictures know what is saved
    picture = picture_of(value, model, asked)
    optimizer.step()
    return picture


def picture_of(loss: Tensor, model: Module, asked: Asked) -> Picture:
    """The picture of a step.

    Raises:
        InvalidValueError: for operations to open that the step has not.
    """
    try:
        return read([loss], model, asked=asked)
    except NotHereError as error:
        raise InvalidValueError(str(error).replace("draw", "film", 1)) from None


def checked(loss: Any) -> Tensor:
    """A loss that has a graph to draw."""
    if not isinstance(loss, Tensor) or loss.node is None or loss.array.size != 1:
        raise InvalidValueError(
            f"film: a step must give its loss, a tensor of one number with its graph, got {a_type(loss)}. A compiled "
            "step records nothing: film the function that it was compiled from."
        )
    return loss


class Film:
    """Pictures of training steps with one layout, made by ``film``; notebooks display it.

    Args:
        steps: how many there will be.
        theme: the page's colours, as of ``draw``.

    >>> model = nn.Linear(2, 1)
    >>> optimizer = optim.SGD(model.parameters(), lr=0.1)
    >>> batches = [(mg.ones(3, 2), mg.zeros(3, 1))]
    >>> taken = mg.graph.film(model, batches, 2, loss=F.mse_loss, optimizer=optimizer)
    >>> taken
    <Film of 2 steps, at the last ...>
    >>> [frame["title"] for frame in taken.frames]
    ['step 1 of 2', 'step 2 of 2']
    """

    def __init__(self, steps: int, theme: str) -> None:
        self.steps, self.theme = steps, theme
        self.frames: list[dict[str, Any]] = []
        self.first: list[Any] = []
        """The structure of the first picture."""

    def add(self, picture: Picture) -> None:
        """Keep what a picture says, and nothing that it was read from."""
        data, structure = details(picture), structure_of(picture)
        if not self.frames:
            self.first, self.picture, self.data = structure, replace(picture, records={}, theme=self.theme), data
        elif structure != self.first:
            raise InvalidValueError(
                f"film: the graph of step {len(self) + 1} has other operations than that of the first one, and a film "
                "has one layout: draw such steps one by one, mg.draw(loss)."
            )
        self.picture = widest(self.picture, picture)
        self.frames.append({
            "title": f"step {len(self) + 1} of {self.steps}",
            "header": picture.header,
            "lines": {number: box["lines"] for number, box in data["boxes"].items()},
            "edges": {f"{edge.source} {edge.target}": edge.label for edge in picture.edges if edge.label},
            "facts": {number: {"tensors": box["tensors"]} for number, box in data["boxes"].items() if box["tensors"]},
        })  # fmt: skip

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        header = shortened(one_line(self.frames[-1]["header"]), LONGEST_HEADER)
        return f"<Film of {len(self)} step{'s' * (len(self) != 1)}, at the last {header}>"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page, a file that needs nothing else; its name ends in .html.

        Where there is no renderer it is a list of what the boxes said at the last step, with a warning.

        Raises:
            TypeError: for what is no path.
            ValueError: for another suffix.
            OSError: if the file cannot be written.
        """
        path = as_path(path)
        if path.suffix.lower() not in (".html", ".htm"):
            raise InvalidValueError(f"cannot save a film as {path.name!r}: name it .html.")
        try:
            text = self.page()
        except RenderingError as error:
            text = self.plain_page(str(error))
            warnings.warn(f"wrote a list of the last step as {path} instead: {error}", stacklevel=2)
        with replacing(path) as file:
            file.write(text.encode())
        return path

    def page(self) -> str:
        """The whole page."""
        return to_page(self.picture, {**self.data, "frames": self.frames})

    def plain_page(self, problem: str) -> str:
        """What the boxes said at the last step."""
        last = self.frames[-1]
        boxes = {
            number: {**box, "lines": last["lines"][number], "tensors": []} for number, box in self.data["boxes"].items()
        }
        return to_plain_page(self.picture, problem, {**self.data, "boxes": boxes})

    def _repr_html_(self) -> str:
        """The page in a frame of its own."""
        try:
            page = self.page()
        except RenderingError as error:
            return f"<pre>{html.escape(f'{self!r}')}\n{html.escape(str(error))}</pre>"
        return framed(page, "film", "A film is a page")


def structure_of(picture: Picture) -> list[Any]:
    """What has to be the same at all steps: boxes, clusters and edges, but for their lines and labels."""
    clusters = [
        (name, cluster.title, cluster.mode, [(box.number, box.kind, box.title) for box in cluster.boxes])
        for name, cluster in named_clusters(picture.content)
    ]
    return [clusters, [(edge.source, edge.target, edge.kind) for edge in picture.edges]]


def widest(first: Picture, other: Picture) -> Picture:
    """A picture with room for the texts of two of one structure."""
    edges = [longer_edge(*pair) for pair in zip(first.edges, other.edges)]
    return replace(first, content=longer_cluster(first.content, other.content), edges=edges)


def longer_cluster(first: Cluster, other: Cluster) -> Cluster:
    """A cluster with room for the texts of two."""
    boxes = [longer_box(*pair) for pair in zip(first.boxes, other.boxes)]
    return replace(first, boxes=boxes, clusters=[longer_cluster(*pair) for pair in zip(first.clusters, other.clusters)])


def longer_box(first: Box, other: Box) -> Box:
    """A box with as many lines as that of two which has more, each the wider one."""
    count = max(len(first.lines), len(other.lines))
    both = [[*box.lines, *[Line("")] * (count - len(box.lines))] for box in (first, other)]
    return replace(first, lines=[max(pair, key=width) for pair in zip(*both)])


def width(line: Line) -> int:
    """The room that a line needs, with the sign of one that is alarming."""
    return points(ALARM_SIGN * line.alarming + line.text, TEXT)


def longer_edge(first: Edge, other: Edge) -> Edge:
    """The edge with the longer label."""
    return max(first, other, key=lambda edge: len(edge.label))
