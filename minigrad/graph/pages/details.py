"""What is known of the boxes of a picture beside their lines: statistics, histograms, saved tensors, derivative rules.

All of it is read from the records when it is asked for; plain data, as JSON has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy import ndarray

from ...engine.node import Node, Variable
from ..appearance import MODES
from ..description import Box, Cluster, Line, Picture
from ..folding import contents, folded_box
from ..wording import counted
from .sources import explained

BINS = 24
"""Of a histogram."""
TOP = "cluster"
"""The name of the outermost cluster in DOT; those in it are numbered from 0 behind that."""


def details(picture: Picture) -> dict[str, Any]:
    """What is known of each box, by its number; of each cluster, by its name in DOT; and of their operations."""
    known = known_values(picture)
    clusters = dict(named_clusters(picture.content))
    homes = {box.number: name for name, cluster in clusters.items() for box in cluster.boxes}
    boxes, operations = {}, {}
    for box in picture.content.all_boxes():
        thing = None if box.kind == "module" or box.rows else picture.records.get(box.number)
        about: dict[str, Any] = {
            "title": box.title if box.kind == "module" else box.name or box.title,
            "kind": box.kind,
            "mode": MODES[box.mode].text if box.mode else "",
            "cluster": homes[box.number],
            "lines": [[line.text, int(line.alarming)] for line in (*box.lines, *lines_of_rows(box))],
            "tensors": [] if thing is None else about_tensors(picture, box, known),
        }
        for row in box.rows:
            held = about_values(picture.records.get(row.number), known)
            about["tensors"] += [{**facts, "name": f"{row.title}, {facts['name']}"} for facts in held]
        if isinstance(thing, Node) and thing.op is not None:
            about["operation"], about["saved"] = thing.op.name, saved(thing)
            operations[thing.op.name] = explained(thing.op)._asdict()
        boxes[box.number] = about
    about_clusters = {
        name: about_cluster(cluster) for name, cluster in clusters.items() if next(cluster.all_boxes(), None)
    }
    about_clusters.pop(TOP, None)
    return {"boxes": boxes, "clusters": about_clusters, "operations": operations}


def named_clusters(cluster: Cluster, name: str = TOP) -> Iterator[tuple[str, Cluster]]:
    """The clusters of a picture with their names in DOT, each before those in it."""
    yield name, cluster
    for i, inner in enumerate(cluster.clusters):
        yield from named_clusters(inner, f"{name}_{i}")


def about_cluster(cluster: Cluster) -> dict[str, Any]:
    """A call of a module: its title, its mode, and what is in it when it is folded."""
    box, inside = folded_box(cluster), list(cluster.all_boxes())
    summary = contents(box, inside) if box.operations else [counted(len(inside), "part")]
    return {
        "title": cluster.title,
        "mode": MODES[cluster.mode].text if cluster.mode else "",
        "summary": ", ".join(summary),
    }


# -- values ------------------------------------------------------------------------------------


def about_tensors(picture: Picture, box: Box, known: Mapping[Node, ndarray]) -> list[dict[str, Any]]:
    """What is known of the values and the gradient of a box: of both modes, where they differ in them."""
    found = list(about_values(picture.records.get(box.number), known, box))
    if box.other is None:
        return found
    other = list(about_values(picture.evaluated.get(box.number), known, box.other))
    if found == other:
        return found
    sides = ("train", found), ("eval", other)
    return [{**facts, "name": f"{facts['name']} in {mode}"} for mode, some in sides for facts in some]


def known_values(picture: Picture) -> dict[Node, ndarray]:
    """The outputs of operations that some operation has kept for its derivative."""
    found: dict[Node, ndarray] = {}
    for node in (*picture.records.values(), *picture.evaluated.values()):
        if isinstance(node, Node) and node.op is not None and node.saved is not None:
            made = [node, *node.inputs]
            found.update((x, kept) for x, kept in zip(made, node.saved) if isinstance(x, Node) and is_array(kept))
    return found


def lines_of_rows(box: Box) -> Iterator[Line]:
    """What the rows of a table say, as lines."""
    for row in box.rows:
        texts = [row.title, *(line.text for line in row.lines), row.effect]
        yield Line("  ".join(filter(None, texts)), any(line.alarming for line in row.lines))


def about_values(
    thing: Any, known: Mapping[Node, ndarray], box: Box | None = None
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """The values of a tensor, and its gradient, as far as they are still there or were computed for its ``box``."""
    tensor = thing.output() if isinstance(thing, Node) else thing
    values, gradient = (box.values, box.gradient) if box else (None, None)
    if isinstance(tensor, Variable):
        values = tensor.array
        if gradient is None and tensor._grad is not None:
            gradient = np.asarray(getattr(tensor._grad, "array", tensor._grad))
    elif is_array(thing):
        values = thing
    elif values is None and isinstance(thing, Node):
        values = known.get(thing)
    if values is not None:
        yield statistics("values", values)
    if gradient is not None:
        yield statistics("gradient", gradient)


def is_array(value: Any) -> bool:
    """Whether a value is an array of numbers."""
    return isinstance(value, ndarray) and value.dtype.kind in "fiub"


def statistics(name: str, array: ndarray) -> dict[str, Any]:
    """Shape, dtype, and of all finite elements a histogram, range, mean and standard deviation."""
    about: dict[str, Any] = {"name": name, "shape": str(array.shape), "dtype": str(array.dtype), "size": array.size}
    values = array.astype(np.float64).ravel()
    finite = values if np.isfinite(values).all() else values[np.isfinite(values)]
    numbers = [("finite", finite.size), ("NaN", np.isnan(values).sum()), ("infinite", np.isinf(values).sum())]
    about["numbers"] = [[what, f"{count:,}"] for what, count in numbers if finite.size < values.size]
    if finite.size == 1:
        about["numbers"].append(["value", f"{finite[0]:.6g}"])
    elif finite.size:
        low, high = float(finite.min()), float(finite.max())
        scale = max(-low, high) or 1.0  # squares of large numbers overflow
        scaled = finite / scale
        mean, deviation = float(scaled.mean()) * scale, float(scaled.std()) * scale
        zeros = finite.size - np.count_nonzero(finite)
        pairs = [("min", low), ("max", high), ("mean", mean), ("standard deviation", deviation)]
        about["numbers"] += [[what, f"{number:.4g}"] for what, number in pairs]
        about["numbers"] += [["zeros", f"{zeros:,} of {finite.size:,}"]] * bool(zeros)
        if low < high:
            about["histogram"] = histogram(scaled, low / scale, high / scale)
    return about


def histogram(values: ndarray, low: float, high: float) -> list[int]:
    """How many values are in each of ``BINS`` equal parts of a range."""
    places = np.minimum((values - low) * (BINS / (high - low)), BINS - 1).astype(np.intp)
    return [int(count) for count in np.bincount(places, minlength=BINS)]


# -- what is kept for the derivative -------------------------------------------------------------


def saved(node: Node) -> list[list[Any]] | None:
    """The arrays that an operation keeps: name, shape, dtype and bytes of each; None if backward has freed them."""
    if node.saved is None:
        return None
    shown = node.op.shows(node) if node.op.shows else None
    if shown is not None and shown.keeps is not None:
        kept = dict(shown.keeps)
    else:
        names = ["output", *node.op.__signature__.parameters]
        names += [f"operand {i}" for i in range(len(names) - 1, len(node.saved))]
        kept = dict(zip(names, node.saved[: 1 + len(node.inputs)]))
        left = node.cache if isinstance(node.cache, (tuple, list)) else [node.cache]
        kept |= {f"cache {i}": value for i, value in enumerate(left)}
    return [[name, str(array.shape), str(array.dtype), array.nbytes] for name, array in kept.items() if is_array(array)]
