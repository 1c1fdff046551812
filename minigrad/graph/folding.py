"""Folds module calls of a picture into one box each."""

from __future__ import annotations

import difflib
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from ..engine.arguments import whole
from .appearance import MODES
from .description import HELD, Box, Cluster, Edge, Line, Picture
from .wording import counted

LARGEST = 1500
"""How many boxes a picture may have before it is folded without being asked."""
ALARMS = 3
"""Alarming lines of boxes inside that a folded module repeats."""


def folded(picture: Picture, depth: int | None = None, collapse: Any = ()) -> Picture:
    """The picture with modules folded: those at a depth of the tree, and those named by path or by class.

    Without a depth one of more than ``LARGEST`` boxes is folded at the depth at which it is no larger, and says so.

    Raises:
        TypeError, ValueError: for a depth that is none, what is neither path nor class, and a path of no module.
    """
    known = {cluster.module for cluster in picture.content.all_clusters()}
    known |= {box.module for box in picture.content.all_boxes()}
    depth, paths, classes = wanted(depth, collapse, known)
    found = Folding(depth, paths, classes).picture(picture)
    boxes = size(found.content)
    if depth is not None or boxes <= LARGEST or not found.content.clusters:
        return found
    for chosen in range(deepest(found.content), 0, -1):
        smaller = Folding(chosen, paths, classes).picture(picture)
        if size(smaller.content) <= LARGEST:
            break
    note = f"folded at depth {chosen}, as it has {boxes:,} boxes: depth={chosen + 1} opens more"
    return replace(smaller, header=f"{picture.header}\n{note}")


def wanted(
    depth: int | None, collapse: Any, known: Collection[str], caller: str = "draw"
) -> tuple[int | None, set[str], tuple[type, ...]]:
    """The depth, and the paths and classes of what is to be collapsed, if there are such."""
    if depth is not None:
        text = f"{caller}: depth must be an integer of at least 1, how deep the tree of modules is open"
        depth = whole(depth, 1, text)
    several = collapse if isinstance(collapse, (list, tuple, set, frozenset)) else (collapse,)
    for each in several:
        if not isinstance(each, (str, type)):
            raise TypeError(f"{caller}: collapse takes paths of modules and classes, got {each!r}.")
    paths = {each for each in several if isinstance(each, str)}
    names = sorted(filter(None, known))
    for path in sorted(paths.difference(known)):
        close = difflib.get_close_matches(path, names, 3, 0.5) or names[:3]
        advice = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
        raise ValueError(f"{caller}: collapse={path!r} is the path of no module that was called.{advice}")
    return depth, paths, tuple(each for each in several if isinstance(each, type))


def size(content: Cluster) -> int:
    """How many boxes there are."""
    return sum(1 for _ in content.all_boxes())


def deepest(cluster: Cluster) -> int:
    """How deep clusters are nested. It calls itself as deep as they are."""
    return max((level(inner) + deepest(inner) for inner in cluster.clusters), default=0)


def level(cluster: Cluster) -> int:
    """How much deeper than what is around it a cluster is: the model itself, if it has one, is at depth 0."""
    return 1 if cluster.module else 0


class Folding:
    """One pass through a picture."""

    def __init__(self, depth: int | None, paths: Collection[str], classes: tuple[type, ...]) -> None:
        self.depth, self.paths, self.classes = depth, paths, classes
        self.effects: Mapping[int, Sequence[str]] = {}
        """By the number of an operation, what it does to buffers."""
        self.into: dict[int, Box] = {}
        """By the number of a box that is gone, the one it is in now."""

    def picture(self, picture: Picture) -> Picture:
        """The picture, or a folded one; the first is left as it is."""
        self.effects = effects_of(picture.edges)
        content = self.cluster(picture.content, 0)
        if not self.into:
            return picture
        gone = {box.number: box for box in picture.content.all_boxes() if box.number in self.into}
        edges: dict[Any, Edge] = {}
        for i, edge in enumerate(picture.edges):
            moved, label = self.moved(edge), edge.label
            if moved is edge:
                edges[i] = edge
            elif moved.source != moved.target:
                if edge.source in gone and gone[edge.source].kind in HELD and not label:
                    moved = replace(moved, label=gone[edge.source].title)
                edges.setdefault((moved.source, moved.target, moved.kind), moved)
        return replace(picture, content=content, edges=list(edges.values()))

    def moved(self, edge: Edge) -> Edge:
        """An edge between the boxes that there are now."""
        ends = [self.into[end].number if end in self.into else end for end in (edge.source, edge.target)]
        return edge if ends == [edge.source, edge.target] else replace(edge, source=ends[0], target=ends[1])

    def cluster(self, cluster: Cluster, depth: int) -> Cluster:
        """A cluster in which others are folded. It calls itself as deep as they are nested."""
        boxes, kept = list(cluster.boxes), []
        for inner in cluster.clusters:
            below = depth + level(inner)
            if self.folds(inner, below):
                box = folded_box(inner, self.effects)
                self.into.update((each.number, box) for each in inner.all_boxes())
                boxes.append(box)
            else:
                kept.append(self.cluster(inner, below))
        boxes.sort(key=lambda box: box.number)
        return replace(cluster, boxes=boxes, clusters=kept)

    def folds(self, cluster: Cluster, depth: int) -> bool:
        """Whether a cluster becomes a box."""
        if next(cluster.all_boxes(), None) is None:
            return False
        by_class = cluster.kind is not None and issubclass(cluster.kind, self.classes)
        return depth == self.depth or cluster.module in self.paths or by_class


def effects_of(edges: Iterable[Edge]) -> dict[int, list[str]]:
    """By the number of an operation, what it does to buffers."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    for edge in edges:
        if edge.kind in ("reads", "writes"):
            found[edge.target if edge.kind == "reads" else edge.source].append(edge.label)
    return found


def folded_box(cluster: Cluster, effects: Mapping[int, Sequence[str]] = MappingProxyType({})) -> Box:
    """What stands for a cluster: it has the number of its last box, which is computed from all that is inside."""
    inside = list(cluster.all_boxes())
    last = max(inside, key=lambda box: (box.operations > 0, box.number))
    box = Box(last.number, "module", cluster.title, mode=cluster.mode, module=cluster.module, name=cluster.module)
    box.operations = sum(each.operations for each in inside)
    box.elements = sum(each.elements for each in inside)
    box.kept = sum(each.kept for each in inside)
    box.lines = [*last.lines[:1], *map(Line, [*contents(box, inside), *happens(inside, effects)])]
    summaries = [each.summary for each in inside if each.summary]
    box.lines += summaries[0] if len(summaries) == 1 else []
    modes = Counter(each.mode for each in cluster.all_clusters() if each.mode)
    box.lines += [Line(f"{count} {MODES[mode].text}") for mode, count in modes.items()]
    alarms = [Line(f"{each.name or each.title}: {line.text}", True) for each in inside for line in each.lines
              if line.alarming]  # fmt: skip
    box.lines += alarms[:ALARMS] + [Line(f"{len(alarms) - ALARMS} more alarms", True)] * (len(alarms) > ALARMS)
    if any(each.kind == "output" for each in inside):
        box.lines.append(Line("what was drawn is inside"))
    return box


def contents(box: Box, inside: Sequence[Box]) -> Iterator[str]:
    """What a folded module consists of."""
    yield counted(box.operations, "operation")
    trained, fixed, stored = (
        sum(each.elements for each in inside if each.kind == kind) for kind in ("parameter", "frozen", "buffer")
    )
    if trained or fixed:
        yield counted(trained + fixed, "parameter") + f" ({trained:,} trainable)" * bool(fixed)
    if stored:
        yield counted(stored, "buffer value")
    if box.kept:
        yield f"saves {box.kept:,} bytes"


def happens(inside: Sequence[Box], effects: Mapping[int, Sequence[str]]) -> Iterator[str]:
    """What the pass and backward have done to what a folded module holds."""
    graded = [each for each in inside if each.rms is not None]
    if graded and 0 < rms_of_all(graded) < math.inf:  # else it is among the alarms
        yield f"|grad| rms {rms_of_all(graded):.2g}"
    for label, count in Counter(label for each in inside for label in effects.get(each.number, ())).items():
        yield f"{label} ({counted(count, 'buffer')})"


def rms_of_all(graded: Sequence[Box]) -> float:
    """The root mean square of the gradients of several parameters; hypot of numbers whose squares overflow is right."""
    total = sum(each.elements for each in graded)
    return math.hypot(*((each.rms or 0.0) * math.sqrt(each.elements / total) for each in graded)) if total else 0.0
